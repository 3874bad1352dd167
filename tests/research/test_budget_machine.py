"""Random budget trees, moves in any order: no node passes its cap, nothing held leaks, nothing settled raises a cap."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from research.budget import ADDITIVE, Amount, Budget, Caps
from research.errors import OutOfBudget

few = st.integers(0, 60)
bounds = st.builds(Amount, tokens=few, nano_usd=few, calls=st.integers(0, 3))
wild = st.one_of(st.integers(-(10**30), 10**30), st.integers(0, 60))
actuals = st.builds(Amount, tokens=wild, nano_usd=wild, calls=wild)
limits = st.none() | st.integers(0, 150)
caps = st.builds(Caps, tokens=limits, nano_usd=limits, calls=st.none() | st.integers(0, 9))


class BudgetMachine(RuleBasedStateMachine):
    """A tree of budgets, and beside it a plain account of every reservation and settlement."""

    nodes: Bundle[Budget] = Bundle("nodes")
    calls: Bundle[tuple[Budget, Amount]] = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.all: list[Budget] = []
        self.open: list[tuple[Budget, Amount]] = []
        self.names = 0

    @initialize(target=nodes, limit=caps)
    def begin(self, limit: Caps) -> Budget:
        self.root = Budget("run", limit)
        self.all.append(self.root)
        self.paid = Amount()
        return self.root

    @rule(target=nodes, parent=nodes, limit=caps, again=st.booleans())
    def carve(self, parent: Budget, limit: Caps, again: bool) -> Budget:
        """Open a child, sometimes under a name that is open already: then it is the same child."""
        if again and parent.children:
            name = next(iter(parent.children))
            assert parent.carve(name, limit) is parent.children[name]
            return parent.children[name]
        self.names += 1
        child = parent.carve(f"n{self.names}", limit)
        self.all.append(child)
        return child

    @rule(target=calls, node=nodes, bound=bounds)
    def reserve(self, node: Budget, bound: Amount) -> tuple[Budget, Amount]:
        """Reserve, or be refused and hold nothing."""
        held = node.held
        try:
            node.reserve(bound)
        except OutOfBudget:
            assert node.held == held
            return node, Amount(tokens=-1)
        self.open.append((node, bound))
        return node, bound

    @rule(call=consumes(calls), actual=actuals)
    def settle(self, call: tuple[Budget, Amount], actual: Amount) -> None:
        """Settle with whatever usage: between nothing and the bound is charged, in every node up to the root."""
        if call not in self.open:
            return
        self.open.remove(call)
        node, bound = call
        before = self.root.spent
        node.settle(bound, actual)
        charged = self.root.spent.minus(before)
        for currency in ADDITIVE:
            assert getattr(charged, currency) == max(0, min(getattr(bound, currency), getattr(actual, currency)))
        self.paid = self.paid.plus(charged)

    @rule(node=nodes)
    def close(self, node: Budget) -> None:
        """Close a node, in use or not, with or without children; it grants nothing from then on."""
        if node.parent is None:
            return
        node.parent.close(node.name)
        assert node.closed
        with pytest.raises(OutOfBudget):
            node.reserve(Amount(tokens=1, nano_usd=1, calls=1))

    @invariant()
    def no_node_passes_its_cap(self) -> None:
        """Spent and held together are within the cap, exactly, in every node there ever was."""
        for node in self.all:
            for currency in ADDITIVE:
                cap = getattr(node.caps, currency)
                assert getattr(node.spent, currency) >= 0
                assert cap is None or getattr(node.spent, currency) + getattr(node.held, currency) <= cap

    @invariant()
    def the_whole_tree_is_within_the_root(self) -> None:
        """Spent, and all that is held anywhere, is within the run's cap; and the root's account is the plain one."""
        if not self.all:
            return
        assert self.root.spent == self.paid
        for currency in ADDITIVE:
            held = sum(getattr(bound, currency) for _, bound in self.open)
            assert sum(getattr(node.held, currency) for node in self.all) == held
            cap = getattr(self.root.caps, currency)
            assert cap is None or getattr(self.root.spent, currency) + held <= cap

    def teardown(self) -> None:
        """Once every call is settled and every child closed, the root has all that was not spent."""
        for node, bound in self.open:
            node.settle(bound, Amount())
        if not self.all:
            return
        for name in list(self.root.children):
            self.root.close(name)
        left = self.root.left()
        for currency in ADDITIVE:
            cap = getattr(self.root.caps, currency)
            assert cap is None or getattr(left, currency) == cap - getattr(self.root.spent, currency)


TestBudgetMachine: Any = BudgetMachine.TestCase
TestBudgetMachine.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


def test_a_closed_child_with_a_call_in_flight_keeps_what_the_call_holds_until_it_is_settled() -> None:
    """All else goes back at once, and the rest when the call ends; nothing is stuck."""
    root = Budget("run", Caps(calls=10))
    child = root.carve("a", Caps(calls=6))
    child.reserve(Amount(calls=2))
    root.close("a")
    assert root.left().calls == 8
    child.settle(Amount(calls=2), Amount(calls=1))
    assert root.left().calls == 9


def test_closing_a_node_closes_those_below_it() -> None:
    """A grandchild cannot spend what its parent gave back."""
    root = Budget("run", Caps(calls=10))
    below = root.carve("a", Caps(calls=6)).carve("b", Caps(calls=6))
    root.close("a")
    assert root.left().calls == 10
    with pytest.raises(OutOfBudget):
        below.reserve(Amount(calls=1))


@pytest.mark.parametrize("currency", ADDITIVE)
def test_a_bound_below_zero_is_a_defect(currency: str) -> None:
    """It would make room; and what is not held cannot be settled."""
    root = Budget("run", Caps())
    with pytest.raises(ValueError, match="below zero"):
        root.reserve(Amount(**{currency: -1}))
    with pytest.raises(ValueError, match="settled"):
        root.settle(Amount(**{currency: 1}), Amount())
