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


@given(TEXTS, TEXTS)
def test_every_part_keeps_the_order_of_its_list(first: tuple[str, ...], second: tuple[str, ...]) -> None:
    """As it stands in the plan or the report, for people to read: what both have as it stands in the first."""
    parts = parted(first, second)
    for part, whole in ((parts.first, first), (parts.second, second), (parts.both, first)):
        assert list(part) == sorted(part, key=whole.index)


def test_small_amounts_of_money_are_not_shown_as_nothing() -> None:
    """Nor is a difference that only floating point makes shown as an amount."""
    first = Side(run="a", question="q", status="done", cost=Cost(calls=1, tokens=1, usd=0.3, seconds=1.0))
    tiny = Side(run="b", question="q", status="done", cost=Cost(calls=1, tokens=1, usd=4e-9, seconds=1.0))
    shown = [line.split()[3] for line in lines(compare(first, tiny))[-3:]]
    assert shown == ["$0.3000", "$0.000000004", "-$0.3000"]
    sum = Side(run="c", question="q", status="done", cost=Cost(calls=1, tokens=1, usd=0.1 + 0.2, seconds=1.0))
    assert lines(compare(first, sum))[-1].split()[3] == "+$0.00"


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
