"""Running evals: load a suite, open a system under test over its documents, run it, and read the log into a result.

Everything that can be wrong with the data, the system or the settings is said before a case is run. Logs and the
systems' own state are below ``HOME/evals``: ``logs`` holds one file for each run of a suite, ``home`` is a data
directory like any other, so ``research --home HOME/evals/home show RUN`` shows what a case's system did.
"""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from evals.records import Spec, System
from evals.results import Comparison, Result, compare, summarise
from evals.suite import Loaded, Request, Suite
from evals.suites import suite as find_suite
from research import __version__
from research.app.judge import judged
from research.app.systems import open_system, system_kind
from research.errors import UnknownName, UsageFault
from research.options import RunOptions
from research.records import Record, build, encode
from research.settings import Settings, prepare_home

if TYPE_CHECKING:
    from evals.hindsight import Hindsight

LIBRARIES = ("inspect-ai", "langgraph", "langchain-core", "chromadb", "numpy")


class Order(Record):
    """What the user asked to have measured. ``parallel`` cases are worked on at once; ``judge`` is a model's name."""

    suite: str
    system: str = ""
    data: Path | None = None
    seed: int = 0
    limit: int | None = None
    size: int | None = None
    epochs: int = 1
    parallel: int = 2
    judge: str = ""
    judge_url: str = ""


SHARED = sorted(set(RunOptions.__struct_fields__) & set(Settings.__struct_fields__) - {"corpora", "web"})
"""The settings that a run's options repeat, so that a retry can be given them as they were."""


SHOWN = 3
"""Failed cases that a result tells of; the log has them all."""


@dataclass(frozen=True)
class Feedback:
    """Where words for people go, and how many of how many cases are done."""

    say: Callable[[str], None]
    progress: Callable[[int, int], None]


@dataclass(frozen=True)
class Prepared:
    """A loaded and checked order: nothing was spent yet, and nothing is wrong with the data."""

    suite: Suite
    loaded: Loaded
    spec: Spec


def folders(settings: Settings) -> tuple[Path, Path]:
    """Return the eval home and the folder of logs."""
    return settings.home / "evals" / "home", settings.home / "evals" / "logs"


def prepare(order: Order, settings: Settings) -> Prepared:
    """Load the suite's cases and check that the system can be measured by it. Raises ``UsageFault``."""
    suite = find_suite(order.suite)
    name = order.system or suite.default_system
    kind = system_kind(name)
    if not set(kind.gives) & set(suite.gives):
        raise UsageFault(
            f"the suite {suite.name} measures what gives {' or '.join(suite.gives)}, and the system {name} gives "
            f"{' and '.join(kind.gives)}; `research eval list` shows which fit"
        )
    whole = suite.load(Request(data=order.data, seed=order.seed, size=order.size))
    if not whole.cases:
        raise UsageFault(f"the suite {suite.name} found no case in {order.data or 'its sample'}")
    loaded = whole.sampled(order.limit, order.seed)
    options = settings.options()
    spec = Spec(
        suite=suite.name,
        system=name,
        data=str(order.data.absolute()) if order.data else None,
        seed=order.seed,
        limit=order.limit,
        size=order.size,
        epochs=order.epochs,
        options={
            "run": encode(msgspec.structs.replace(options, corpora=(), web=False)),
            "embedder": settings.embedder,
            "parallel": str(order.parallel),
            "judge": order.judge,
            "judge_url": order.judge_url,
        },
        digest=loaded.digest(),
        notes=loaded.notes,
        versions={"research": __version__, "python": platform.python_version(), **{n: version(n) for n in LIBRARIES}},
    )
    return Prepared(suite, loaded, spec)


async def evaluate(prepared: Prepared, settings: Settings, tell: Feedback, previous: Path | None = None) -> Result:
    """Run a prepared order and return its result; with ``previous``, only what is missing or failed in that log."""
    from evals.inspect_runner import run

    home, logs = folders(settings)
    prepare_home(settings.home)
    prepare_home(home)
    logs.mkdir(parents=True, exist_ok=True)
    spec = prepared.spec
    async with _system(prepared, settings, home, tell) as system:
        path = await run(
            prepared.suite,
            prepared.loaded,
            spec,
            system,
            logs=logs,
            parallel=int(spec.options["parallel"]),
            progress=tell.progress,
            previous=previous,
        )
    return result_of(path)


@asynccontextmanager
async def _system(prepared: Prepared, settings: Settings, home: Path, tell: Feedback) -> AsyncIterator[System]:
    """Open the system under test, with a judge behind it where one was asked for."""
    spec = prepared.spec
    options = build(RunOptions, msgspec.json.decode(spec.options["run"]))
    async with open_system(spec.system, prepared.loaded.corpora, settings, options, home=home, say=tell.say) as system:
        if not spec.options["judge"]:
            yield system
            return
        loaded, own = prepared.loaded, msgspec.structs.replace(settings, home=home)
        async with judged(system, loaded.cases, loaded.corpora, spec, own, tell.say) as watched:
            yield watched


async def retry(path: Path, settings: Settings, tell: Feedback) -> Result:
    """Go on with a stopped eval: run what its log lacks, on the same data, with the same options."""
    from evals.inspect_runner import read_log

    log = read_log(path)
    spec = log.spec
    options = build(RunOptions, msgspec.json.decode(spec.options["run"]))
    settings = msgspec.structs.replace(
        settings,
        **{name: getattr(options, name) for name in SHARED},
        embedder=spec.options["embedder"],
    )
    order = Order(
        suite=spec.suite,
        system=spec.system,
        data=Path(spec.data) if spec.data else None,
        seed=spec.seed,
        limit=spec.limit,
        size=spec.size,
        epochs=spec.epochs,
        parallel=int(spec.options["parallel"]),
        judge=spec.options["judge"],
        judge_url=spec.options["judge_url"],
    )
    return await evaluate(prepare(order, settings), settings, tell, previous=path)


def result_of(path: Path) -> Result:
    """Read a log and summarise it."""
    from evals.inspect_runner import read_log

    log = read_log(path)
    failures = [f"{row.case} failed: {row.error}" for row in log.scored if row.error]
    more = [f"and {len(failures) - SHOWN} more failed"] if len(failures) > SHOWN else []
    notes = (*log.spec.notes, *failures[:SHOWN], *more)
    return summarise(find_suite(log.spec.suite), log.spec, log.scored, str(path), notes)


def hindsight(results: Sequence[Result], prepared: Sequence[Prepared]) -> Hindsight | None:
    """Return what the triage chose beside the best mode of each case; ``None`` unless ``auto`` and two modes ran."""
    from evals.hindsight import ORDER, look_back
    from evals.inspect_runner import read_log

    runs = {result.system: read_log(Path(result.log)).scored for result in results}
    modes = {name: scored for name, scored in runs.items() if name in ORDER}
    if "auto" not in runs or len(modes) < 2:
        return None
    chosen = {
        row.case: row.outcome.mode for row in runs["auto"] if row.outcome is not None and row.outcome.mode in modes
    }
    questions = {case.id: case.question.text for one in prepared for case in one.loaded.cases}
    return look_back(modes, chosen, questions)


def find_log(name: str | None, settings: Settings) -> Path:
    """Return a log by its path, its file name or the beginning of one; ``None`` is the newest."""
    from evals.inspect_runner import log_paths

    _, folder = folders(settings)
    if name and Path(name).is_file():
        return Path(name)
    known = log_paths(folder) if folder.is_dir() else []
    if name is None and known:
        return known[0]
    if name is None:
        raise UsageFault("there are no eval logs yet; `research eval run SUITE` makes one")
    found = [path for path in known if path.name == name] or [path for path in known if path.name.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageFault(f"{name[:80]} is the beginning of {len(found)} logs; give more of the name")
    raise UnknownName(f"there is no eval log {name[:80]}; give a path, or the name of a file in {folder}")


def compare_logs(before: Path, after: Path, seed: int) -> Comparison:
    """Return the paired differences of two logs of one suite."""
    from evals.inspect_runner import read_log

    first, second = read_log(before), read_log(after)
    if first.spec.suite != second.spec.suite:
        raise UsageFault(
            f"{before.name} is of the suite {first.spec.suite} and {after.name} of {second.spec.suite}; "
            "compare two logs of one suite"
        )
    return compare(find_suite(first.spec.suite), first.scored, second.scored, seed)
