"""Budgets: whatever is reserved, settled, carved and closed, no node ever spends more than its cap."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.budget import ADDITIVE, Amount, Budget, Caps
from research.errors import OutOfBudget

amounts = st.builds(Amount, tokens=st.integers(0, 60), nano_usd=st.integers(0, 60), calls=st.integers(0, 4))
caps = st.builds(
    Caps,
    tokens=st.none() | st.integers(0, 200),
    nano_usd=st.none() | st.integers(0, 200),
    calls=st.none() | st.integers(0, 12),
)
moves = st.lists(
    st.one_of(
        st.tuples(st.just("carve"), st.integers(0, 5), caps),
        st.tuples(st.just("call"), st.integers(0, 5), st.tuples(amounts, amounts)),
        st.tuples(st.just("reserve"), st.integers(0, 5), amounts),
        st.tuples(st.just("close"), st.integers(0, 5), st.none()),
    ),
    max_size=30,
)


def play(root: Budget, steps: list[tuple[str, int, Any]]) -> list[Budget]:
    """Apply random moves to a tree and return all nodes there ever were."""
    nodes = [root]
    for number, (move, which, value) in enumerate(steps):
        node = nodes[which % len(nodes)]
        if move == "carve":
            nodes.append(node.carve(f"n{number}", value))
        elif move == "close" and node.parent is not None and not node.held.calls and not node.children:
            node.parent.close(node.name)
            nodes.remove(node)
        elif move in ("call", "reserve"):
            bound, actual = value if move == "call" else (value, None)
            try:
                node.reserve(bound)
            except OutOfBudget:
                continue
            if actual is not None:
                node.settle(bound, actual)
    return nodes


@given(caps, moves)
def test_no_node_spends_more_than_its_cap(limit: Caps, steps: list[tuple[str, int, Any]]) -> None:
    """Spent plus held stays within the cap of every node, in every currency, after any sequence of moves."""
    for node in play(Budget("run", limit), steps):
        for currency in ADDITIVE:
            cap = getattr(node.caps, currency)
            if cap is not None:
                assert getattr(node.spent, currency) + getattr(node.held, currency) <= cap


@given(caps, moves)
def test_the_leaves_together_never_exceed_the_root(limit: Caps, steps: list[tuple[str, int, Any]]) -> None:
    """If every open node spent all it may, the root would still be within its cap."""
    root = Budget("run", limit)
    nodes = play(root, steps)
    for node in reversed(nodes):
        left = node.left()
        rest = Amount(**{c: getattr(left, c) or 0 for c in ADDITIVE})
        node.reserve(rest)
        node.settle(rest, rest)
    for currency in ADDITIVE:
        cap = getattr(limit, currency)
        if cap is not None:
            assert getattr(root.spent, currency) <= cap


@given(caps, amounts, amounts)
def test_a_settlement_never_charges_more_than_was_reserved(limit: Caps, bound: Amount, actual: Amount) -> None:
    """Absurd usage is charged at the bound."""
    root = Budget("run", limit)
    try:
        root.reserve(bound)
    except OutOfBudget:
        return
    root.settle(bound, actual)
    for currency in ADDITIVE:
        assert getattr(root.spent, currency) == min(getattr(bound, currency), getattr(actual, currency))


def test_a_refusal_holds_nothing_and_names_the_currency() -> None:
    """What does not fit is refused whole, and the sentence says what was short."""
    root = Budget("run", Caps(tokens=10, calls=3))
    with pytest.raises(OutOfBudget, match="11 tokens needed, 10 tokens left") as caught:
        root.reserve(Amount(tokens=11, calls=1))
    assert caught.value.currency == "tokens"
    assert root.held == Amount()


def test_closing_a_child_returns_what_it_did_not_spend() -> None:
    """A branch that needed less leaves more for the others."""
    root = Budget("run", Caps(calls=10))
    child = root.carve("a", Caps(calls=6))
    assert root.left().calls == 4
    child.reserve(Amount(calls=2))
    child.settle(Amount(calls=2), Amount(calls=2))
    root.close("a")
    assert root.left().calls == 8


def test_a_child_cannot_be_given_more_than_its_parent_has() -> None:
    """Caps are carved out, not added."""
    root = Budget("run", Caps(tokens=100, calls=2))
    child = root.carve("a", Caps(tokens=1_000))
    assert (child.caps.tokens, child.caps.calls) == (100, 2)


def test_a_reopened_child_keeps_what_it_spent_before() -> None:
    """After a resume a branch goes on with its cap less what it had spent."""
    root = Budget("run", Caps(calls=10), spent=Amount(calls=5))
    child = root.carve("a", Caps(calls=4), spent=Amount(calls=3))
    assert child.left().calls == 1
    assert root.left().calls == 4


def test_the_earlier_deadline_holds() -> None:
    """A child's time ends with its own cap or its parent's, whichever comes first."""
    root = Budget("run", Caps(seconds=10.0))
    assert root.carve("a", Caps(seconds=4.0), opened=8.0).deadline() == 10.0
    assert root.carve("b", Caps(seconds=4.0), opened=1.0).deadline() == 5.0


def test_a_refusal_names_one_of_a_thing_and_small_money_as_it_is() -> None:
    """One token is no tokens, and less than a millionth of a dollar is not nothing."""
    with pytest.raises(OutOfBudget, match=r"2 tokens needed, 1 token left"):
        Budget("run", Caps(tokens=1)).reserve(Amount(tokens=2))
    with pytest.raises(OutOfBudget, match=r"\$0\.00000003 needed, \$0\.000000004 left"):
        Budget("run", Caps(nano_usd=4)).reserve(Amount(nano_usd=30))
