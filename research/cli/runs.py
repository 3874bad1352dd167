"""``research runs``, ``show`` and ``verify``: read what earlier runs left. No model; no network but for ``--live``."""

from __future__ import annotations

from json import loads as decode
from typing import TYPE_CHECKING, Annotated

import typer

from research.cli import arguments as take
from research.cli.ask import chosen_run, rendered
from research.cli.output import emit, emit_json, say, table
from research.cli.session import session_of
from research.errors import UsageFault

if TYPE_CHECKING:
    from research.app import VerifyResult
    from research.records import Plan
    from research.report import Report
    from tools.run_store import RunRow


def runs(context: typer.Context, json: take.Json = False, home: take.Home = None) -> None:
    """List the runs, the newest first."""
    settings = session_of(context).open({"home": home})
    from research import app

    rows, lost = app.runs(settings), app.lost_runs(settings)
    for run in lost:
        say(f"the run {run} had recorded calls and is lost; `research resume {run} --from-journal` looks for it")
    if json:
        from research.records import plain

        emit_json([_shown(row, plain(row)) for row in rows])
    elif not rows and not lost:
        say(f"no runs yet in {settings.home}")
    else:
        emit(_listed(rows))


def _listed(rows: list[RunRow]) -> str:
    """Return the runs as a table; where one is a fork, with a column that says of what."""
    forked = any(_from(row) for row in rows)
    head = ("RUN", "STATUS", "CREATED", "TOOK", *(("FORKED FROM",) if forked else ()), "QUESTION")
    cells = []
    for row in rows:
        origin = (_from(row),) if forked else ()
        cells.append((row.id, _status(row), row.created[:19], f"{row.elapsed:.1f} s", *origin, _asked(row)))
    return table(head, cells, widest=60)


def _status(row: RunRow) -> str:
    return row.status if row.whole else "damaged"


def _shown(row: RunRow, values: dict[str, object]) -> dict[str, object]:
    """Return a run for ``--json``; of a damaged one the options are the text that is there."""
    options = decode(row.options) if row.whole else row.options
    origin = decode(row.origin) if row.whole and row.origin else None
    return {**values, "status": _status(row), "question": _asked(row), "options": options, "origin": origin}


def _from(row: RunRow) -> str:
    """Return which run a run was forked from and where, empty when it was not forked."""
    origin = decode(row.origin) if row.whole and row.origin else None
    return f"{origin['run']} {origin['at']}" if origin else ""


def _asked(row: RunRow) -> str:
    """Return the question; of a damaged run as it can be read, which is whole where only its mark is lost."""
    try:
        return str(decode(row.question)["text"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return row.question


def show(
    context: typer.Context,
    id: take.Run = None,
    last: take.Last = False,
    json: take.Json = False,
    sources: Annotated[bool, typer.Option("--sources", help="Only the sources, and where each is stored.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="The plan instead of the report.")] = False,
    home: take.Home = None,
) -> None:
    """Show a run's report, its sources or its plan."""
    if sources and plan:
        raise UsageFault("give --sources or --plan, not both")
    chosen = chosen_run(id, last)
    settings = session_of(context).open({"home": home})
    from research import app

    if plan:
        tasks = app.show_plan(chosen, settings)
        return emit_json(tasks) if json else _print_plan(tasks)
    report = app.show(chosen, settings)
    if sources:
        return emit_json(report.sources) if json else _print_sources(report)
    return emit(rendered(report, json=json))


def _print_plan(plan: Plan) -> None:
    from research.sanitize import one_line

    for number, task in enumerate(plan.tasks, 1):
        where = f"corpus {task.corpus}" if task.corpus else task.type
        effort = "" if task.effort == "normal" else f", {task.effort}"
        emit(f"{number}. [{where}, {task.kind}{effort}] {one_line(task.objective)}\n")
        if task.wanted:
            emit(f"   wanted: {one_line(task.wanted)}\n")
        for query in task.queries:
            emit(f"   search: {one_line(query)}\n")


def _print_sources(report: Report) -> None:
    from research.sanitize import one_line

    for source in report.sources:
        quotes = [finding for finding in report.findings if finding.source == source.id]
        emit(f"{one_line(source.title or source.url or source.path)}\n")
        for label, fact in (
            ("url", source.url),
            ("published", source.published),
            ("retrieved", source.retrieved),
            ("in the corpus", source.added),
            ("sha256", source.id),
            ("stored at", source.path),
        ):
            if fact:
                emit(f"  {label}: {one_line(fact)}\n")
        for finding in quotes:
            emit(f"  {finding.start}–{finding.end}: “{one_line(finding.quote)}”\n")


def verify(
    context: typer.Context,
    id: take.Run = None,
    last: take.Last = False,
    live: Annotated[
        bool, typer.Option("--live", help="Also ask for each cited page again: is it there, do its quotes stand?")
    ] = False,
    json: take.Json = False,
    home: take.Home = None,
) -> None:
    """Check every quote of a report against the stored copies; exit code 1 when one fails.

    With --live, 3 when a page is gone, could not be read, or lacks a quote.
    """
    chosen = chosen_run(id, last)
    settings = session_of(context).open({"home": home})
    if live:
        from research.cli.live import checked_live, print_live

        found = checked_live(chosen, settings)
        if json:
            emit_json(found)
        else:
            _print_check(found.stored)
            print_live(found)
        raise typer.Exit(found.exit_code)
    from research import app

    result = app.verify(chosen, settings)
    if json:
        emit_json(result)
    else:
        _print_check(result)
    raise typer.Exit(1 if result.broken else 0)


def _print_check(result: VerifyResult) -> None:
    from research.sanitize import one_line

    for quote in result.broken:
        emit(f"BROKEN {one_line(quote.finding)} in {one_line(quote.source[:12])}: {one_line(quote.why)}\n")
    held = result.checked - len(result.broken)
    emit(f"{one_line(result.run)}: {held} of {result.checked} quotes are in their stored sources\n")
