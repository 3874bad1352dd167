"""Which branch may choose its own steps: autonomy is granted per branch, where it pays. Pure."""

from __future__ import annotations

from research.records import BranchKind, Mode, Task


def granted(mode: Mode, task: Task) -> BranchKind:
    """Return the kind of a task's branch.

    ``workflow`` grants nothing and ``agent`` everything. ``hybrid`` starts with fixed steps, which are cheap and
    predictable, and grants autonomy to the branches of later rounds: those that follow up what fixed steps left open.
    """
    if mode.name == "agent" or (mode.name == "hybrid" and task.round > 1):
        return "agent"
    return "workflow"
