"""Comparing two runs: what only one of them has, and what each cost."""

from __future__ import annotations

from unicodedata import category

from hypothesis import given
from hypothesis import strategies as st

from research.cli.compare import WIDTH, lines
from research.compare import Cost, Side, compare, parted

TEXTS = st.lists(st.text(max_size=6), max_size=8).map(tuple)
FREE = Cost(calls=0, tokens=0, usd=0.0, seconds=0.0)


@given(TEXTS, TEXTS)
def test_every_entry_is_in_exactly_one_part(first: tuple[str, ...], second: tuple[str, ...]) -> None:
    """Nothing is lost, nothing stands in two parts, and changing sides changes the parts' sides."""
    parts = parted(first, second)
    assert sorted((*parts.first, *parts.both)) == sorted(set(first))
    assert sorted((*parts.second, *parts.both)) == sorted(set(second))
    turned = parted(second, first)
    assert (turned.first, turned.second, set(turned.both)) == (parts.second, parts.first, set(parts.both))


def test_the_difference_of_cost_is_the_second_less_the_first() -> None:
    """An unknown price makes the difference in money unknown and leaves the others."""
    first = Side(run="a", question="q", status="done", cost=Cost(calls=3, tokens=10, usd=None, seconds=1.0))
    second = Side(run="b", question="q", status="done", cost=Cost(calls=5, tokens=4, usd=0.5, seconds=2.5))
    assert compare(first, second).cost == Cost(calls=2, tokens=-6, usd=None, seconds=1.5)


@given(st.text(max_size=300), TEXTS)
def test_what_is_printed_fits_and_drives_no_terminal(text: str, others: tuple[str, ...]) -> None:
    """Lines are at most 100 characters wide and hold no control characters, whatever a page or a model wrote."""
    first = Side(run="a", question=text, status="done", cost=FREE, claims=(text, *others), skipped=(f"\x1b[2J{text}",))
    second = Side(run="b", question="q", status="partial", cost=FREE, findings=(text,))
    printed = lines(compare(first, second))
    assert all(len(line) <= WIDTH and all(category(char) != "Cc" for char in line) for line in printed), printed
