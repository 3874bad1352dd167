"""``research ask --plan-only``: the plan as a file to be edited, in the form that ``ask --plan`` reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from research.cli.clarifying import Work, worked
from research.cli.output import emit, refuse_place, say, write_whole
from research.cli.running import home_hint
from research.errors import ResearchError, UsageFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from research.cli.progress import Progress
    from research.cli.session import Session
    from research.records import Plan, Task
    from research.settings import Settings

STDOUT = Path("-")
FIRST = ("objective", "wanted", "type", "corpus", "queries", "effort")
"""What a person edits, in this order; other fields are written where they are not as usual."""
UNREAD = ("id", "round", "kind")
"""Fields that say nothing in a file: an id is made anew, a plan is a first round, the mode decides on the kind."""


def refuse_plan_only(path: Path, others: Mapping[str, object]) -> None:
    """Raise ``UsageFault`` where ``--plan-only`` is given with a flag that asks for more, or for no file."""
    given = [f"--{name.replace('_', '-')}" for name, value in others.items() if value and name != "clarify"]
    if given:
        raise UsageFault(f"--plan-only ends with the plan, so {' and '.join(given)} cannot go with it")
    if path != STDOUT:
        refuse_place(path, "--plan-only")


def plan_into(path: Path, work: Work, settings: Settings, session: Session, progress: Progress) -> NoReturn:
    """Plan, write the plan to ``path`` (``-``: stdout) and leave with 0; without a plan, with the run's code."""
    home = home_hint(session.home_flag)
    try:
        report = worked(work, session, progress)
    except ResearchError as waiting:
        id: str = getattr(waiting, "run", "")
        if not id:
            raise
        _write(id, path, settings)
        say(
            f"work it as a new run: research ask QUESTION --plan {'FILE' if path == STDOUT else path} (with your flags)"
        )
        say(f"or go on with this one as it is planned: research resume {id} --yes{home}")
        raise typer.Exit from None
    for loss in report.skipped:
        say(f"no plan was made: {loss.what}: {loss.why}")
    raise typer.Exit(report.exit_code)


def _write(id: str, path: Path, settings: Settings) -> None:
    from research import app

    text = plan_text(app.show_plan(id, settings))
    if path == STDOUT:
        emit(text)
    else:
        write_whole(path, text)


def plan_text(plan: Plan) -> str:
    """Return a plan as the JSON that a person edits and ``--plan`` reads."""
    import msgspec

    from research.sanitize import json_text

    shown = {"rationale": plan.rationale, "tasks": [_shown(task) for task in plan.tasks], "dropped": plan.dropped}
    return json_text(msgspec.json.format(msgspec.json.encode(shown), indent=2).decode()) + "\n"


def _shown(task: Task) -> dict[str, object]:
    from msgspec.structs import fields

    usual = {field.name: field.default for field in fields(task)}
    others = [name for name in usual if name not in (*FIRST, *UNREAD) and getattr(task, name) != usual[name]]
    return {name: getattr(task, name) for name in (*FIRST, *others)}
