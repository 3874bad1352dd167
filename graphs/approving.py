"""Showing a plan to a person and taking in the answer, which is bound to the very plan that was shown.

What binds it is in ``research.approval``. Both rows are records of the run, signed like all others, and written once:
what was shown first and answered first is what counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from graphs.context import RunContext
from graphs.state import Json
from research.approval import SHORT, Answer, Approval, Shown, action_of
from research.errors import ResearchError
from research.records import Plan, Task, build, counted

NOT_SHOWN = "the approval does not count: the plan that waits is not the one that was shown"


class NeedsApproval(ResearchError):
    """The run waits for a person to approve its plan; ``action`` is the hash of what would be approved.

    ``refused`` says why an approval that was given did not count, empty where none was given.
    """

    exit_code = 5

    def __init__(self, run: str, plan: Plan, action: str, refused: str = "") -> None:
        waits = f"the plan {action[:SHORT]} waits for approval: `research resume {run} --yes` or `--no`"
        super().__init__(f"{refused}; {waits}" if refused else waits)
        self.run = run
        self.plan = plan
        self.action = action
        self.refused = refused


async def waiting(context: RunContext, tasks: Sequence[Task], refused: str = "") -> NeedsApproval:
    """Record that a plan is shown now, and return what says so."""
    action = action_of(context.gate.run, tasks)
    await context.world.records.put([("shown", action, Shown(action=action, at=context.gate.now()))])
    return NeedsApproval(context.gate.run, Plan(tasks=tuple(tasks)), action, refused)


async def answered(context: RunContext, tasks: Sequence[Task], approve: bool | None) -> Json:
    """Return the answer to the plan of ``tasks`` as the graph takes it in. Raises ``NeedsApproval`` without one."""
    action, now = action_of(context.gate.run, tasks), context.gate.now()
    shown = await _one(context, "shown", Shown, action)
    before = await _one(context, "approval", Approval, action)
    hours = context.options.approval_hours
    late = shown is not None and before is None and lapsed(shown.at, now, hours)
    if late:
        said = f"nobody approved the plan {action[:SHORT]} within {counted(hours, 'hour')}, so it is refused"
        context.gate.tell("notice", detail=said)
    elif approve is None or (approve and shown is None):
        raise await waiting(context, tasks, NOT_SHOWN if approve else "")
    answer: Answer = "yes" if approve and not late else "no"
    await context.world.records.put([("approval", action, Approval(action=action, answer=answer, at=now))])
    first = await _one(context, "approval", Approval, action)
    answer = first.answer if first else "no"
    if answer == "yes":
        context.gate.tell("notice", detail=f"approved: the plan {action[:SHORT]}, {counted(len(tasks), 'branch')}")
    return {"action": action, "answer": answer}


def pending_tasks(state: Any) -> tuple[Task, ...]:
    """Return the branches of a state that wait to be begun."""
    return tuple(build(Task, state["tasks"][id]) for id in state["pending"])


def lapsed(shown: str, now: str, hours: int) -> bool:
    """Return whether an approval comes more than ``hours`` after the plan was ``shown``; a clock set back does not."""
    return datetime.fromisoformat(now) - datetime.fromisoformat(shown) > timedelta(hours=hours)


def accepted(answer: Any, action: str) -> bool:
    """Return whether what the graph was handed approves this very action; anything else is a no."""
    return isinstance(answer, dict) and answer == {"action": action, "answer": "yes"}


async def _one(context: RunContext, kind: str, type: Any, action: str) -> Any:
    """Return the record of a kind for an action, or ``None``."""
    found = [build(type, one) for one in await context.world.records.every(kind)]
    return next((one for one in found if one.action == action), None)
