"""Which other model of a run takes a call over: a stronger one where a role's own fails, a cheaper one to save money.

Whether a call is given to another model is decided where it is made (``research.analysts.structured`` after answers
that cannot be used, ``research.analysts.checking`` after a failed check, ``research.access`` when the budget refuses);
that it was is told by the roles of the report. What each role's model is comes from the options.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from research.ports import ChatModel, Price
from research.records import Record, Usage, counted
from research.requests import Role

STRONGEST: tuple[Role, ...] = ("writer", "planner")
"""The roles that are given the strongest models, the stronger first."""
DOING: Mapping[str, str] = {
    "planner": "planning",
    "researcher": "choosing the next step",
    "reader": "reading",
    "writer": "writing",
    "checker": "checking",
}


class RoleUsage(Record):
    """What one role used of one model; calls that need no model have their kind as ``role`` and no ``model``."""

    role: str
    model: str
    usage: Usage


def stronger(models: Mapping[Role, ChatModel], role: Role) -> Role | None:
    """Return a role whose model is stronger than that of ``role``, never one known to be cheaper; else ``None``.

    The writer's model counts as the strongest, then the planner's; for the writer's own only a dearer one does.
    """
    own, best = models.get(role), models.get(STRONGEST[0])
    for other in STRONGEST:
        model = models.get(other)
        if own is None or model is None or model.name == own.name or below(model.price, own.price):
            continue
        if best is None or own.name != best.name or below(own.price, model.price):
            return other
    return None


def cheaper(models: Mapping[Role, ChatModel], role: Role) -> Role | None:
    """Return a role that has the cheapest model of the run, where that is known to be cheaper than that of ``role``."""
    own = models.get(role)
    if own is None:
        return None
    found = [(model.price.completion, model.price.prompt, other) for other, model in models.items() if model.price]
    least = min(found, default=None)
    return least[2] if least and below(models[least[2]].price, own.price) else None


def below(one: Price | None, other: Price | None) -> bool:
    """Return whether a price is known to be lower, for the prompt and the answer alike."""
    if one is None or other is None or (one.prompt, one.completion) == (other.prompt, other.completion):
        return False
    return one.prompt <= other.prompt and one.completion <= other.completion


def rerouted(used: Sequence[RoleUsage], models: Mapping[Role, ChatModel]) -> tuple[str, ...]:
    """Say in sentences which calls were made with another model than that of their role."""
    told = []
    by_name = {model.name: model for model in models.values()}
    for row in used:
        own = next((model for role, model in models.items() if role == row.role), None)
        if own is None or row.model in ("", own.name) or not row.usage.calls:
            continue
        other, times = by_name.get(row.model), counted(row.usage.calls, "time")
        if other is not None and below(other.price, own.price):
            why = f"the money left would not have paid for {own.name}"
            told.append(f"{DOING[row.role]} was given to the cheaper {row.model} {times}: {why}")
        else:
            check = " or failed the check" if row.role == "writer" else ""
            why = f"the answers of {own.name} could not be used{check}"
            told.append(f"{DOING[row.role]} was escalated to {row.model} {times}: {why}")
    return tuple(told)
