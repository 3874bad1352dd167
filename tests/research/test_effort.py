"""Effort: what a word comes to in rounds, texts and shares, and that no word makes more of a budget than there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.analysts import Bounds
from research.budget import Amount, Budget, Caps
from research.effort import EXTENTS, rounds_for, texts_for, weights
from research.records import Effort, Task, build

EFFORTS = st.lists(st.sampled_from(sorted(EXTENTS)), min_size=1, max_size=32)


@pytest.mark.parametrize(("effort", "rounds", "texts"), [("quick", 1, 6), ("normal", 2, 12), ("deep", 3, 12)])
def test_each_effort_has_its_rounds_and_texts(effort: Effort, rounds: int, texts: int) -> None:
    """Quick takes one round and half of the texts, deep one round more; nothing is ever none."""
    assert (rounds_for(effort, 2), texts_for(effort, 12)) == (rounds, texts)
    assert rounds_for(effort, 1) >= 1 <= texts_for(effort, 1)


def test_a_task_of_several_hops_keeps_its_rounds() -> None:
    """What a chain of questions needs is not cut by its effort, and stays within the bound for chains."""
    task = Task.make("Who?", ("q",), "web", effort="quick", rounds=50)
    assert Bounds().search_rounds(task) == 1
    assert Bounds().rounds_of(task) == Bounds().chain_rounds


@given(EFFORTS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_shares_by_effort_never_add_up_to_more_than_is_left(efforts: list[Effort], cap: int, spent: int) -> None:
    """Whatever a planner calls its tasks: together they get what the run has left at most, and normal ones alike."""
    spent = min(spent, cap)
    budget = Budget("run", Caps(tokens=cap, calls=cap), spent=Amount(tokens=spent, calls=spent))
    parts = weights(efforts, cap - spent, 2)
    shares = [budget.share(sum(parts), Caps(tokens=500), weight=weight) for weight in parts]
    assert sum(share.calls or 0 for share in shares) <= cap - spent
    assert all((share.tokens or 0) <= 500 for share in shares)
    assert len({share.calls for share, effort in zip(shares, efforts, strict=True) if effort == "normal"}) <= 1


@given(EFFORTS, st.integers(0, 200))
def test_few_calls_are_shared_alike(efforts: list[Effort], calls: int) -> None:
    """Where a quick task's part would not start its branch, effort does not count; else it does."""
    parts = weights(efforts, calls, 2)
    own = tuple(EXTENTS[effort].weight for effort in efforts)
    assert parts == (own if all(calls * weight // sum(own) >= 2 for weight in own) else (1,) * len(own))
    assert weights(efforts, None, 2) == own


def test_a_task_stored_without_an_effort_is_a_normal_one() -> None:
    """Runs of before the word was there are read as they were worked."""
    stored = {"id": "t-1", "objective": "o", "queries": ["q"], "type": "web"}
    assert build(Task, stored).effort == "normal"
