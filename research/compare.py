"""What differs between two runs: plans, findings, claims, what was skipped and what it cost. Pure.

Where the runs come from is the work of ``research.app.comparing``; how a difference is printed, of the command line.
"""

from __future__ import annotations

from collections.abc import Iterable

from research.records import Record


class Cost(Record):
    """What a run paid for itself. ``usd`` is in dollars, ``None`` when a price is unknown."""

    calls: int
    tokens: int
    usd: float | None
    seconds: float


class Side(Record):
    """One of the two runs, in words: everything is text for people, equal when it says the same.

    A finding is its quote and where that is from; ``claims`` are the sentences of the report, none while there is none.
    """

    run: str
    question: str
    status: str
    cost: Cost
    tasks: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    disagreements: tuple[str, ...] = ()


class Parted(Record):
    """What only the first run has, what only the second has, and what both have, each in the order it stands there."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    both: tuple[str, ...]


class Difference(Record):
    """Two runs compared; ``cost`` is that of the second less that of the first (``usd``: ``None`` when not known)."""

    first: Side
    second: Side
    plan: Parted
    findings: Parted
    claims: Parted
    skipped: Parted
    disagreements: Parted
    cost: Cost


def compare(first: Side, second: Side) -> Difference:
    """Return what differs between two runs."""
    return Difference(
        first=first,
        second=second,
        plan=parted(first.tasks, second.tasks),
        findings=parted(first.findings, second.findings),
        claims=parted(first.claims, second.claims),
        skipped=parted(first.skipped, second.skipped),
        disagreements=parted(first.disagreements, second.disagreements),
        cost=_less(second.cost, first.cost),
    )


def parted(first: Iterable[str], second: Iterable[str]) -> Parted:
    """Part two lists; what stands in one of them twice counts once."""
    ones, others = dict.fromkeys(first), dict.fromkeys(second)
    return Parted(
        first=tuple(one for one in ones if one not in others),
        second=tuple(other for other in others if other not in ones),
        both=tuple(one for one in ones if one in others),
    )


def _less(one: Cost, other: Cost) -> Cost:
    return Cost(
        calls=one.calls - other.calls,
        tokens=one.tokens - other.tokens,
        usd=None if one.usd is None or other.usd is None else round(one.usd - other.usd, 9),
        seconds=round(one.seconds - other.seconds, 3),
    )
