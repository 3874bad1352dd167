"""``research eval``: list the suites, run one, go on with a stopped one, compare two logs, open the viewer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from research.cli import arguments as take
from research.cli.eval_tables import left_out, show_hindsight
from research.cli.output import emit, emit_json, say, table
from research.cli.progress import Progress
from research.cli.session import session_of
from research.cli.suites import list_suites
from research.errors import UsageFault

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Sequence

    from evals.hindsight import Hindsight
    from evals.results import Result
    from research.app.evaluating import Feedback, Prepared
    from research.cli.session import Session
    from research.settings import Settings

STOPPED = "interrupted; every case that was finished is kept"
LEGEND = "(shares in per cent, other figures a case; in brackets 95 % intervals)\n"

evals = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Measure: suites, comparisons, logs.")

Suite = Annotated[str, typer.Argument(metavar="SUITE", help="A suite; `research eval list` names them.")]
Log = Annotated[str | None, typer.Argument(metavar="[LOG]", help="A log file, or the beginning of its name [newest].")]
Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="The full data; without it, the shipped sample.")
]
System = Annotated[
    list[str] | None, typer.Option("--system", metavar="NAME", help="The system under test; repeatable.")
]
Modes = Annotated[
    str | None, typer.Option("--modes", metavar="A,B,…", help="Several systems, such as workflow,hybrid,agent.")
]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="Only N cases, drawn by the seed.")]
Seed = Annotated[int, typer.Option("--seed", metavar="S", help="Seed of samples, worlds and intervals [0].")]
Size = Annotated[
    int | None, typer.Option("--size", metavar="N", min=1, help="Size of a generated world: pages, or questions.")
]
Epochs = Annotated[int, typer.Option("--epochs", metavar="N", min=1, max=100, help="Times each case is run [1].")]
Parallel = Annotated[int, typer.Option("--parallel", metavar="N", min=1, max=64, help="Cases at once [2].")]
Judge = Annotated[
    str, typer.Option("--judge", metavar="PROVIDER:MODEL", help="The model that judges reports; none by default.")
]
JudgeUrl = Annotated[
    str | None, typer.Option("--judge-base-url", metavar="URL", help="OpenAI-compatible server of the judge.")
]
FailBelow = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-below",
        metavar="METRIC=X|X",
        help="Exit code 1 when METRIC is worse than X, or when any metric got worse by more than X; repeatable.",
    ),
]


def run_suite(
    context: typer.Context,
    suite: Suite,
    data: Data = None,
    system: System = None,
    modes: Modes = None,
    limit: Limit = None,
    seed: Seed = 0,
    size: Size = None,
    epochs: Epochs = 1,
    parallel: Parallel = 2,
    judge: Judge = "",
    judge_base_url: JudgeUrl = None,
    model: take.Model = None,
    role: take.Role = None,
    base_url: take.BaseUrl = None,
    embedder: take.Embedder = None,
    rerank: take.Rerank = None,
    branches: take.Branches = None,
    rounds: take.Rounds = None,
    max_tokens_total: take.MaxTokens = None,
    max_usd: take.MaxUsd = None,
    max_calls: take.MaxCalls = None,
    max_seconds: take.MaxSeconds = None,
    json: take.Json = False,
    quiet: take.Quiet = False,
    home: take.Home = None,
) -> None:
    """Run a suite on one or several systems; the caps are those of each case. Exit code 1 when a case failed."""
    flags = {"model": model, "role": role, "base_url": base_url, "embedder": embedder, "rerank": rerank}
    flags |= {"branches": branches, "rounds": rounds}
    caps = {"max_tokens_total": max_tokens_total, "max_usd": max_usd, "max_calls": max_calls}
    session = session_of(context)
    settings = session.open({**flags, **caps, "max_seconds": max_seconds, "home": home})
    _need_inspect()
    from research.app.evaluating import Order, evaluate, hindsight, prepare

    names = _systems(suite, system, modes)
    about: dict[str, Any] = {"data": data, "seed": seed, "limit": limit, "size": size, "epochs": epochs}
    about |= {"parallel": parallel, "judge": judge, "judge_url": judge_base_url or ""}
    prepared = [prepare(Order(suite=suite, system=name, **about), settings) for name in names]
    progress = Progress(quiet=quiet)
    told = dict.fromkeys(note for one in prepared for note in one.loaded.notes)
    for note in told:
        progress.line(note)

    def work(one: Prepared) -> Result:
        return _worked(lambda: evaluate(one, settings, _feedback(progress, one.spec.system)), session, settings)

    results = [work(one) for one in prepared]
    _show(results, session, json, hindsight(results, prepared), told)


def _need_inspect() -> None:
    """Raise ``SettingMissing`` without Inspect; with it, see to it that it minds its own business."""
    from evals.inspect_present import require_inspect
    from research.settings import shield_from_inspect

    require_inspect()
    shield_from_inspect()


def _systems(suite: str, system: Sequence[str] | None, modes: str | None) -> list[str]:
    """Return the systems to run: those named, else the modes, else (``""``) the suite's own."""
    if system and modes is not None:
        raise UsageFault("give --system or --modes, not both")
    if modes is None and not system:
        from evals.suites import suite as find_suite

        return list(find_suite(suite).compared or [""])
    named = [name.strip() for name in (modes.split(",") if modes is not None else system or ())]
    if len(set(named)) < len(named) or "" in named:
        raise UsageFault(
            "name each system once: --modes takes names with commas between, such as workflow,hybrid,agent, and "
            "--system one name at a time"
        )
    return named


def _feedback(progress: Progress, name: str) -> Feedback:
    from time import monotonic

    from research.app.evaluating import Feedback

    shown = [monotonic()]

    def step(done: int, total: int) -> None:
        now = monotonic()
        if done == total or now - shown[0] >= 2:
            shown[0] = now
            progress.line(f"{name}: {done:,} of {total:,} cases")

    return Feedback(say=progress.line, progress=step)


def _worked(work: Callable[[], Coroutine[Any, Any, Result]], session: Session, settings: Settings) -> Result:
    """Run one eval under Ctrl-C: it stops, and says how to go on where a case had begun."""
    from research.app.eval_logs import known_logs
    from research.cli.running import INTERRUPTED, Advice, run

    before = known_logs(settings)
    try:
        return run(lambda signals: work(), Advice(unbegun=STOPPED))
    except typer.Exit as leaving:
        begun = [path for path in known_logs(settings) if path not in before]
        if leaving.exit_code == INTERRUPTED and begun:
            say(f"go on with: {_again(begun[0].name, session)}")
        raise


def _again(log: str, session: Session) -> str:
    """Return the command that goes on with a log."""
    from shlex import quote

    from research.cli.running import home_hint

    return f"research eval retry {quote(log)}{home_hint(session.home_flag)}"


def _show(
    results: Sequence[Result],
    session: Session,
    json: bool,
    hindsight: Hindsight | None = None,
    told: Collection[str] = (),
) -> None:
    """Print one result as one object, several as a table; leave with 1 when a case failed. ``told`` was said before."""
    from evals.results import rows

    if json:
        several = {"suite": results[0].suite, "runs": results, "hindsight": hindsight}
        emit_json(results[0] if len(results) == 1 else several)
    else:
        head, *body = rows(results)
        emit(table(head, body))
        emit(LEGEND)
        if hindsight is not None:
            show_hindsight(hindsight)
    for result in results:
        for note in result.notes:
            if note not in told:
                say(note)
        say(f"log: {result.log}")
        if result.failed:
            cases = f"{result.failed} of {result.cases} cases of {result.system}"
            say(f"{cases} failed; to try them again: {_again(Path(result.log).name, session)}")
    raise typer.Exit(1 if any(result.failed or result.missing for result in results) else 0)


def retry(
    context: typer.Context,
    log: Log = None,
    json: take.Json = False,
    quiet: take.Quiet = False,
    home: take.Home = None,
) -> None:
    """Go on with a stopped eval: only what its log lacks is run, and what failed is tried again."""
    session = session_of(context)
    settings = session.open({"home": home})
    _need_inspect()
    from research.app import evaluating
    from research.app.eval_logs import find_log

    path = find_log(log, settings)
    progress = Progress(quiet=quiet)
    tell = _feedback(progress, path.name)
    _show([_worked(lambda: evaluating.retry(path, settings, tell), session, settings)], session, json)


def compare(
    context: typer.Context,
    log: Annotated[
        str | None, typer.Argument(metavar="[LOG]", help="A log, or the one to compare with [newest].")
    ] = None,
    other: Annotated[str | None, typer.Argument(metavar="[LOG2]", help="The log that is compared.")] = None,
    fail_below: FailBelow = None,
    seed: Seed = 0,
    json: take.Json = False,
    home: take.Home = None,
) -> None:
    """Compare two logs on the same cases, or hold one (or the second) to floors: exit code 1 when it is below."""
    settings = session_of(context).open({"home": home})
    _need_inspect()
    from evals.regression import read_floors
    from research.app.eval_logs import find_log, hold

    floors = read_floors(fail_below or ())
    if other is None and (floors.fall is not None or not floors.least):
        raise UsageFault("name two logs to compare, or hold one to floors with --fail-below METRIC=NUMBER")
    first = find_log(log, settings)
    held = hold(find_log(other, settings), first, floors, seed) if other else hold(first, None, floors, seed)
    if json:
        emit_json(held)
    elif held.comparison is not None:
        head, *body = held.comparison.rows()
        emit(table(head, body))
    for line in [*(left_out(held.comparison) if held.comparison else ()), *held.breaches]:
        say(f"{held.result.suite}: {line}")
    raise typer.Exit(1 if held.breaches and (floors.least or floors.fall is not None) else 0)


def view(context: typer.Context, home: take.Home = None) -> None:
    """Open Inspect's viewer on the logs, on this machine only; Ctrl-C ends it."""
    settings = session_of(context).open({"home": home})
    _need_inspect()
    import subprocess

    from research.app.eval_logs import folders

    _, logs = folders(settings)
    if not logs.is_dir():
        raise UsageFault("there are no eval logs yet; `research eval run SUITE` makes one")
    from evals.inspect_runner import view_command

    raise typer.Exit(subprocess.run(view_command(logs), check=False).returncode)


for name, command in (
    ("list", list_suites),
    ("run", run_suite),
    ("retry", retry),
    ("compare", compare),
    ("view", view),
):
    evals.command(name)(command)
