"""Running evals: load a suite, check the order, open a system under test over its documents, run it.

Everything that can be wrong with the data, the system or the settings is said before a case is run. What becomes of
the logs is in ``research.app.eval_logs``.
"""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

import msgspec

from evals.records import Outcome, Spec, System
from evals.results import Result
from evals.suite import Loaded, Request, Suite
from evals.suites import suite as find_suite
from research import __version__
from research.app.embedders import embedder_for
from research.app.eval_logs import folders, result_of
from research.app.judge import judge_options, judged
from research.app.systems import SystemKind, open_system, system_kind
from research.app.world import check_price, open_judgement
from research.errors import EffectFailed, SettingMissing, UsageFault
from research.options import RunOptions
from research.records import Question, Record, build, encode
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
    nonce: str = ""


SHARED = sorted(set(RunOptions.__struct_fields__) & set(Settings.__struct_fields__) - {"corpora", "web"})
"""The settings that a run's options repeat, so that a retry can be given them as they were."""


JUDGED = ("race", "fact_accuracy")
"""A suite with one of these metrics has a use for a judge."""


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
    _check_models(order, suite, kind, settings)
    whole = suite.load(Request(data=order.data, seed=order.seed, size=order.size))
    if not whole.cases:
        raise UsageFault(f"the suite {suite.name} found no case in {order.data or 'its sample'}")
    loaded = whole.sampled(order.limit, order.seed)
    # An answer that was kept would measure nothing.
    options = msgspec.structs.replace(settings.options(), cache=False, fresh=True)
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
            "embedder": embedder_for("", settings).name if settings.embedder == "auto" else settings.embedder,
            "parallel": str(order.parallel),
            "judge": order.judge,
            "judge_url": order.judge_url,
            "nonce": order.nonce or token_hex(8),
        },
        digest=loaded.digest(),
        notes=loaded.notes,
        versions={"research": __version__, "python": platform.python_version(), **{n: version(n) for n in LIBRARIES}},
    )
    return Prepared(suite, loaded, spec)


def _check_models(order: Order, suite: Suite, kind: SystemKind, settings: Settings) -> None:
    """Raise what is wrong with the models of the system and the judge, so that nothing is indexed in vain."""
    options = settings.options()
    if kind.needs and not options.uses_model:
        raise SettingMissing(f"the system {kind.name} needs a language model: add --model provider:model")
    if options.rerank == "model" and not kind.needs and settings.origins["rerank"].startswith("flag"):
        raise UsageFault(f"--rerank model asks a language model, and the system {kind.name} uses none")
    if order.judge and not any(metric.name in JUDGED for metric in suite.metrics):
        raise UsageFault(f"no metric of the suite {suite.name} comes from a judge; --judge is for the suite reports")
    if order.judge_url and not order.judge:
        raise UsageFault("--judge-base-url names a judge's server, so it needs a judge: add --judge provider:model")
    used = [options] if kind.needs else []
    used += [judge_options(order.judge, order.judge_url, options, 1)] if order.judge else []
    for one in used:
        check_price(one, settings)
        open_judgement(one, settings)


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
    async with open_system(spec.system, prepared.loaded.corpora, settings, options, home=home, say=tell.say) as opened:
        system = _discreet(opened, settings)
        if not spec.options["judge"]:
            yield system
            return
        loaded, own = prepared.loaded, msgspec.structs.replace(settings, home=home)
        async with judged(system, loaded.cases, loaded.corpora, spec, own, tell.say) as watched:
            yield watched


def _discreet(system: System, settings: Settings) -> System:
    """Return ``system`` with no key in its outcomes and failures: another tool's last words stand in the log."""
    scanner = settings.scanner()

    async def discreet(question: Question) -> Outcome:
        try:
            outcome = await system(question)
        except EffectFailed as error:
            raise EffectFailed(scanner.clean(str(error))) from None
        text = encode(outcome) if scanner else ""
        if not (name := scanner.found(text)):
            return outcome
        try:
            return msgspec.json.decode(scanner.clean(text), type=Outcome)
        except msgspec.MsgspecError:
            raise EffectFailed(f"the outcome was dropped: it holds the value of {name}") from None

    return discreet


async def retry(path: Path, settings: Settings, tell: Feedback) -> Result:
    """Go on with a stopped eval: run what its log lacks, on the same data, with the same options."""
    from evals.inspect_logs import read_log

    spec = read_log(path).spec
    options = _options_of(spec, path)
    _check_trust(spec, options, path, settings)
    settings = msgspec.structs.replace(
        settings,
        **{name: getattr(options, name) for name in SHARED},
        embedder=spec.options.get("embedder", "auto"),
    )
    order = Order(
        suite=spec.suite,
        system=spec.system,
        data=Path(spec.data) if spec.data else None,
        seed=spec.seed,
        limit=spec.limit,
        size=spec.size,
        epochs=spec.epochs,
        parallel=int(spec.options.get("parallel", "2")),
        judge=spec.options.get("judge", ""),
        judge_url=spec.options.get("judge_url", ""),
        nonce=spec.options.get("nonce", ""),
    )
    prepared = prepare(order, settings)
    if prepared.spec.digest != spec.digest:
        raise UsageFault(
            f"{path.name} is of other cases or documents than {spec.data or 'the suite'} now gives; run the suite anew"
        )
    return await evaluate(prepared, settings, tell, previous=path)


def _options_of(spec: Spec, path: Path) -> RunOptions:
    """Return the options that a log was made with. Raises ``UsageFault`` when it has none that are understood."""
    try:
        return build(RunOptions, msgspec.json.decode(spec.options["run"]))
    except (KeyError, msgspec.MsgspecError):
        raise UsageFault(f"{path.name} was written by another version; run the suite anew") from None


def _check_trust(spec: Spec, options: RunOptions, path: Path, settings: Settings) -> None:
    """Raise ``UsageFault`` when a log from elsewhere would have a command run, or a key sent to a server it names."""
    _, logs = folders(settings)
    named = [spec.system] if spec.system.startswith("command:") else []
    named += [url for url in (options.base_url, spec.options.get("judge_url")) if url]
    if named and path.absolute().parent.resolve() != logs.resolve():
        raise UsageFault(
            f"{path.name} is not in {logs}, and to go on with it would use {named[0][:80]}; "
            "if you trust it, put it and its journal there"
        )


def hindsight(results: Sequence[Result], prepared: Sequence[Prepared]) -> Hindsight | None:
    """Return what the triage chose beside the best mode of each case; ``None`` unless ``auto`` and two modes ran."""
    from evals.hindsight import ORDER, look_back
    from evals.inspect_logs import read_log

    runs = {result.system: read_log(Path(result.log)).scored for result in results}
    modes = {name: scored for name, scored in runs.items() if name in ORDER}
    if "auto" not in runs or len(modes) < 2:
        return None
    chosen = {
        row.case: row.outcome.mode for row in runs["auto"] if row.outcome is not None and row.outcome.mode in modes
    }
    questions = {case.id: case.question.text for one in prepared for case in one.loaded.cases}
    return look_back(modes, chosen, questions)
