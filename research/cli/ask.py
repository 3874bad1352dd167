"""``research ask`` and ``research resume``: start a run or go on with one, and print its report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from research.cli import arguments as take
from research.cli.estimate import print_estimate
from research.cli.output import WRITTEN, emit, emit_json, refuse_unwritable, say, write_whole
from research.cli.progress import Progress
from research.cli.session import Session, session_of
from research.errors import ResearchError, UsageFault

if TYPE_CHECKING:
    from research.cli.running import Interruption
    from research.options import Clarify, RunOptions
    from research.records import Plan
    from research.report import Report
    from research.settings import Settings

WAITING = 5
"""The exit code of a run that waits for a person."""

LONGEST_QUESTION = 20_000
"""Characters. Longer texts are documents: index them and ask about them."""


def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(metavar="QUESTION|-", help="The question; - reads it from stdin.")],
    corpus: take.Corpus = None,
    web: take.Web = False,
    searx: take.Searx = None,
    tavily: take.Tavily = None,
    search: take.Search = None,
    allow_host: take.AllowHost = None,
    site: take.Site = None,
    deny_site: take.DenySite = None,
    since: take.Since = None,
    until: take.Until = None,
    ignore_robots: take.IgnoreRobots = False,
    fresh: take.Fresh = False,
    javascript: take.Javascript = False,
    model: take.Model = None,
    role: take.Role = None,
    base_url: take.BaseUrl = None,
    mode: take.Mode = None,
    rerank: take.Rerank = None,
    branches: take.Branches = None,
    rounds: take.Rounds = None,
    length: take.Length = None,
    language: take.Language = None,
    max_tokens_total: take.MaxTokens = None,
    max_usd: take.MaxUsd = None,
    max_calls: take.MaxCalls = None,
    max_seconds: take.MaxSeconds = None,
    branch_max_tokens_total: take.BranchMaxTokens = None,
    branch_max_usd: take.BranchMaxUsd = None,
    branch_max_calls: take.BranchMaxCalls = None,
    branch_max_seconds: take.BranchMaxSeconds = None,
    value: take.Value = None,
    reliability: take.Reliability = None,
    maturity: take.Maturity = None,
    clarify: take.Clarify = False,
    plan: take.PlanFile = None,
    plan_only: take.PlanOnly = None,
    approve: take.Approve = False,
    allow_partial: take.AllowPartial = False,
    cache: take.Cache = False,
    dry_run: take.DryRun = False,
    json: take.Json = False,
    output: take.Output = None,
    quiet: take.Quiet = False,
    home: take.Home = None,
) -> None:
    """Answer a question with a report in which every statement can be checked."""
    session = session_of(context)
    settings = session.load(context.params)
    text = checked_question(sys.stdin.buffer.read(4 * LONGEST_QUESTION + 1) if question == "-" else question)
    _refuse_nowhere(settings)
    refuse_unwritable(output)
    _refuse_idle(plan_only, plan=plan, clarify=clarify, approve=approve, dry_run=dry_run, output=output)
    settings = session.open(context.params)
    options = settings.options(
        approve=approve, plan_only=plan_only is not None, clarify=_clarify(clarify), allow_partial=allow_partial
    )
    if dry_run:
        print_estimate(text, options, settings, json=json)
        raise typer.Exit
    progress = Progress(quiet=quiet)
    work = _work(text, options, settings, progress, plan)
    if plan_only is not None:
        from research.cli.plans import plan_into

        plan_into(plan_only, work, settings, session, progress)
    finish(work, session, json, output, progress)


def _work(
    text: str, options: RunOptions, settings: Settings, progress: Progress, plan: Path | None
) -> Callable[[Interruption], Coroutine[Any, Any, Report]]:
    """Return what works the run, for whoever interrupts it."""
    from research import app

    return lambda signals: app.ask(text, options, settings, listen=progress, on_start=signals.begun, plan=plan)


def resume(
    context: typer.Context,
    id: take.Run = None,
    last: take.Last = False,
    yes: Annotated[bool, typer.Option("--yes", help="Approve the plan that waits.")] = False,
    no: Annotated[bool, typer.Option("--no", help="Refuse the plan that waits.")] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Take the run from a process that hangs; it can write nothing more.")
    ] = False,
    from_journal: Annotated[
        bool,
        typer.Option(
            "--from-journal", help="Save what can be read of a damaged run; work it again from its recorded answers."
        ),
    ] = False,
    json: take.Json = False,
    output: take.Output = None,
    quiet: take.Quiet = False,
    home: take.Home = None,
) -> None:
    """Go on with a run from where it stopped; nothing that was paid for is paid again."""
    session = session_of(context)
    chosen = chosen_run(id, last)
    if yes and no:
        raise UsageFault("give --yes or --no, not both")
    refuse_unwritable(output)
    settings = session.open({"home": home})
    from research import app

    progress = Progress(quiet=quiet)
    answer = True if yes else False if no else None
    finish(
        lambda signals: app.resume(
            chosen,
            settings,
            approve=answer,
            listen=progress,
            on_start=signals.begun,
            take_over=take_over,
            from_journal=from_journal,
        ),
        session,
        json,
        output,
        progress,
    )


def checked_question(given: str | bytes) -> str:
    """Return the question's text. Raises ``UsageFault`` when it is empty, too long or not text."""
    if isinstance(given, bytes):
        if len(given) > 4 * LONGEST_QUESTION:
            raise UsageFault(_too_long("the question on stdin"))
        try:
            given = given.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UsageFault(f"the question on stdin is not UTF-8 text (byte {error.start})") from None
    text = given.strip()
    if len(text) > LONGEST_QUESTION:
        raise UsageFault(_too_long(f"a question of {len(text):,} characters"))
    if any("\ud800" <= char <= "\udfff" or (char < " " and char not in "\n\r\t") for char in text):
        raise UsageFault("the question is not text: it holds control characters or bytes that are not UTF-8")
    if not text:
        raise UsageFault('the question is empty; write it in quotes, as in: research ask "How are budgets enforced?"')
    if not any(char.isalnum() for char in text):
        raise UsageFault("the question holds no word")
    return text


def _too_long(what: str) -> str:
    return (
        f"{what} is too long: at most {LONGEST_QUESTION:,} characters; "
        "put long material in a folder, run `research index`, and ask about it"
    )


def chosen_run(id: str | None, last: bool) -> str | None:
    """Return the run named on the command line, ``None`` for the last one."""
    if id and last:
        raise UsageFault("give a run's ID or --last, not both")
    if id is None and not last:
        raise UsageFault("say which run: its ID (`research runs` lists them), or --last")
    if id is not None and not id.strip():
        raise UsageFault("the run's ID is empty; `research runs` lists them, --last takes the last one")
    return id


def _refuse_idle(plan_only: Path | None, **others: object) -> None:
    """Raise ``UsageFault`` for flags that cannot go together."""
    if plan_only is not None:
        from research.cli.plans import refuse_plan_only

        refuse_plan_only(plan_only, others)
    elif others["plan"] and others["dry_run"]:
        raise UsageFault("--dry-run reckons with a plan that is still to be made, so --plan cannot go with it")
    elif others["plan"] and others["clarify"]:
        raise UsageFault("--clarify asks before a plan is made, and --plan brings one")


def _clarify(wished: bool) -> Clarify:
    """Return what becomes of the wish to be asked."""
    if not wished:
        return "no"
    from research.cli.clarifying import at_a_terminal

    return "ask" if at_a_terminal() else "no terminal"


def _refuse_nowhere(settings: Settings) -> None:
    """Raise when there is nothing to answer from."""
    if not settings.corpora and not settings.web:
        raise UsageFault(
            "say what to answer from: --corpus NAME (made by `research index FOLDER --corpus NAME`), or --web, or both"
        )
    if not settings.web and settings.origins.get("searches", "").startswith("flag"):
        raise UsageFault("--search names a service of the web, so it needs --web")


def finish(
    work: Callable[[Interruption], Coroutine[Any, Any, Report]],
    session: Session,
    json: bool,
    output: Path | None,
    progress: Progress,
) -> None:
    """Run, print the report and what it cost, write it where it was asked for, and leave with its exit code."""
    from research.cli.clarifying import worked

    try:
        report = worked(work, session, progress)
    except ResearchError as error:
        if error.exit_code != WAITING:
            raise
        _show_waiting(error, json, session)
        raise typer.Exit(WAITING) from None
    text = rendered(report, json=json)
    emit(text)
    progress.spending(report)
    if output is not None:
        like = WRITTEN[output.suffix.lower()]
        write_whole(output, text if like in (json, None) else rendered(report, json=not json))
    raise typer.Exit(report.exit_code)


def rendered(report: Report, *, json: bool) -> str:
    """Return the report as JSON or Markdown."""
    from research.render import to_json, to_markdown

    return to_json(report) if json else to_markdown(report)


def _show_waiting(error: ResearchError, json: bool, session: Session) -> None:
    """Show a plan that waits for a person. The error is that of the graph, which carries ``run`` and ``plan``."""
    from research.approval import SHORT
    from research.cli.running import home_hint

    id: str = getattr(error, "run", "")
    plan: Plan | None = getattr(error, "plan", None)
    for number, task in enumerate(plan.tasks if plan else (), 1):
        say(f"[{number}] {task.type} {task.corpus or ''}: {task.objective}")
    action, refused = getattr(error, "action", ""), getattr(error, "refused", "")
    if refused:
        say(f"{refused}; it is shown above")
    home = home_hint(session.home_flag)
    say(f"the plan {action[:SHORT]} waits for approval: research resume {id} --yes{home} (or --no)")
    if json:
        emit_json({"run": id, "status": "waiting", "exit_code": WAITING, "plan": plan, "action": action})
