"""What a task may take by the effort its planner gave it: search rounds, texts read in each, its part of the budget.

A planner gives one of three words and no number. What they come to is here, in code, and a cap stays what the user
said: effort divides what is left among the branches of a round and adds nothing to it. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from research.records import Effort


class Extent(NamedTuple):
    """``rounds`` more or fewer than the run's, one text in ``halving`` of those a round reads, ``weight`` in shares."""

    rounds: int
    halving: int
    weight: int


EXTENTS: dict[Effort, Extent] = {
    "quick": Extent(rounds=-1, halving=2, weight=1),
    "normal": Extent(rounds=0, halving=1, weight=2),
    "deep": Extent(rounds=1, halving=1, weight=3),
}
"""The weights are the rounds of a branch where two are the default: what a branch takes grows with its rounds."""


def rounds_for(effort: Effort, rounds: int) -> int:
    """Return the search rounds of a branch whose run allows ``rounds`` by default: one at least."""
    return max(1, rounds + EXTENTS[effort].rounds)


def texts_for(effort: Effort, texts: int) -> int:
    """Return how many of ``texts`` that a search round reads are read at this effort: one at least."""
    return max(1, texts // EXTENTS[effort].halving)


def weights(efforts: Sequence[Effort], calls: int | None, fewest: int) -> tuple[int, ...]:
    """Return each branch's part of what is left: by effort, or equal where a part would not have ``fewest`` calls."""
    own = tuple(EXTENTS[effort].weight for effort in efforts)
    if calls is not None and any(calls * weight // sum(own) < fewest for weight in own):
        return (1,) * len(own)
    return own
