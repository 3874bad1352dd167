"""A tree of budgets: arithmetic only, no clock, no I/O.

Three currencies add up (tokens, nano-dollars, calls) and are reserved before a call and settled after it; seconds do
not add up across parallel branches, so they are a deadline. A child's caps are carved out of what its parent has left,
so the leaves together can never spend more than the root was given::

    run  cap 100 = spent 12 + held 5 + carved(report 20, branch a 30, branch b 30) + left 3

Invariant, for every node and currency with a cap: ``spent + held + sum(child.cap - child.spent for open children) <=
cap``, where ``spent`` includes the children's spending. A node that was closed grants nothing more; of what it was
promised only what its calls in flight still hold stays promised, until they are settled.
"""

from __future__ import annotations

from research.errors import OutOfBudget
from research.money import dollars
from research.records import Record, counted

NANO = 1_000_000_000


class Caps(Record):
    """The most that may be spent; ``None`` is no cap. ``seconds`` is wall time since the run or branch began."""

    tokens: int | None = None
    nano_usd: int | None = None
    calls: int | None = None
    seconds: float | None = None


class Amount(Record):
    """What a call may cost or did cost, in the three currencies that add up."""

    tokens: int = 0
    nano_usd: int = 0
    calls: int = 0

    def plus(self, other: Amount) -> Amount:
        """Return the sum, currency by currency."""
        return Amount(
            tokens=self.tokens + other.tokens,
            nano_usd=self.nano_usd + other.nano_usd,
            calls=self.calls + other.calls,
        )

    def minus(self, other: Amount) -> Amount:
        """Return the difference, currency by currency; it may be negative."""
        return Amount(
            tokens=self.tokens - other.tokens,
            nano_usd=self.nano_usd - other.nano_usd,
            calls=self.calls - other.calls,
        )


ADDITIVE = ("tokens", "nano_usd", "calls")
SPOKEN = {"tokens": "tokens", "nano_usd": "usd", "calls": "calls"}


def _least(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


class Budget:
    """One node of the tree. ``opened`` is the run's elapsed seconds when this node began."""

    def __init__(
        self, name: str, caps: Caps, *, parent: Budget | None = None, spent: Amount | None = None, opened: float = 0.0
    ) -> None:
        self.name = name
        self.caps = caps
        self.parent = parent
        self.opened = opened
        self.spent = spent or Amount()
        self.held = Amount()
        self.closed = False
        self.children: dict[str, Budget] = {}
        self._ending: list[Budget] = []

    @property
    def spoken(self) -> str:
        """The node in words, for messages."""
        if self.parent is None:
            return "the run's budget"
        return "the branch's budget"

    def left(self) -> Caps:
        """Return what may still be reserved here; ``seconds`` is the deadline (run seconds), not what is left of it."""
        taken = self.spent.plus(self.held)
        for child in (*self.children.values(), *self._ending):
            taken = taken.plus(child._promised())
        free: dict[str, int | None] = {}
        for currency in ADDITIVE:
            cap = 0 if self.closed else getattr(self.caps, currency)
            free[currency] = None if cap is None else max(0, cap - getattr(taken, currency))
        return Caps(tokens=free["tokens"], nano_usd=free["nano_usd"], calls=free["calls"], seconds=self.deadline())

    def _promised(self) -> Amount:
        """What this child may still take from its parent: cap minus spent, or what is held where it has no cap."""
        own = self.held
        for child in (*self.children.values(), *self._ending):
            own = own.plus(child._promised())
        parts: dict[str, int] = {}
        for currency in ADDITIVE:
            cap, spent = getattr(self.caps, currency), getattr(self.spent, currency)
            open_ended = cap is None or self.closed
            parts[currency] = getattr(own, currency) if open_ended else max(0, cap - spent)
        return Amount(**parts)

    def deadline(self) -> float | None:
        """Return the run's elapsed seconds at which this node must stop, or ``None``."""
        own = None if self.caps.seconds is None else self.opened + self.caps.seconds
        above = self.parent.deadline() if self.parent else None
        return own if above is None else above if own is None else min(own, above)

    def reserve(self, bound: Amount) -> None:
        """Hold ``bound`` until :meth:`settle`; raises ``OutOfBudget`` (and holds nothing) when it does not fit.

        Raises ``ValueError`` for a bound below zero, which would make room instead of taking it.
        """
        if any(getattr(bound, currency) < 0 for currency in ADDITIVE):
            raise ValueError(f"a bound is never below zero: {bound}")
        left = self.left()
        for currency in ADDITIVE:
            free, need = getattr(left, currency), getattr(bound, currency)
            if free is not None and need > free:
                raise OutOfBudget(
                    f"{self.spoken}: {_say(currency, need)} needed, {_say(currency, free)} left",
                    currency=SPOKEN[currency],
                )
        self.held = self.held.plus(bound)

    def settle(self, bound: Amount, actual: Amount) -> None:
        """Release ``bound`` and charge ``actual``, from nothing to ``bound``, here and in every node above.

        Raises ``ValueError`` when that much is not held: each reservation is settled once.
        """
        held = self.held.minus(bound)
        if any(getattr(held, currency) < 0 for currency in ADDITIVE):
            raise ValueError(f"{self.name} holds {self.held}, so {bound} cannot be settled")
        self.held = held
        self._charge(Amount(**{c: max(0, min(getattr(actual, c), getattr(bound, c))) for c in ADDITIVE}))
        self._forget()

    def _charge(self, amount: Amount) -> None:
        """Add to what was spent here and above."""
        node: Budget | None = self
        while node is not None:
            node.spent = node.spent.plus(amount)
            node = node.parent

    def carve(self, name: str, caps: Caps, *, spent: Amount | None = None, opened: float = 0.0) -> Budget:
        """Open a child with at most ``caps``, cut down to what is left here; one that is open is returned as it is.

        ``spent`` is what the child had spent in an earlier life of the run; it is already in this node's ``spent``.
        """
        known = self.children.get(name)
        if known is not None:
            return known
        before = spent or Amount()
        left = self.left()
        cut: dict[str, int | None] = {}
        for currency in ADDITIVE:
            free = getattr(left, currency)
            ceiling = None if free is None else free + getattr(before, currency)
            cut[currency] = _least(getattr(caps, currency), ceiling)
        child = Budget(
            name,
            Caps(tokens=cut["tokens"], nano_usd=cut["nano_usd"], calls=cut["calls"], seconds=caps.seconds),
            parent=self,
            spent=before,
            opened=opened,
        )
        self.children[name] = child
        return child

    def close(self, name: str) -> None:
        """Give what the child did not spend back to this node; what a call in flight holds, when that is settled."""
        child = self.children.pop(name, None)
        if child is None:
            return
        child.closed = True
        for below in list(child.children):
            child.close(below)
        if child._promised() != Amount():
            self._ending.append(child)

    def _forget(self) -> None:
        """Let go of a closed node whose last call was settled, and of each closed node above that waited for it."""
        node = self
        while node.closed and node.parent is not None and node._promised() == Amount():
            if node in node.parent._ending:
                node.parent._ending.remove(node)
            node = node.parent

    def share(self, parts: int, ceiling: Caps, *, weight: int = 1) -> Caps:
        """Return the caps of a child that gets ``weight`` of ``parts`` of what is left here, none above ``ceiling``."""
        left = self.left()
        cut: dict[str, int | None] = {}
        for currency in ADDITIVE:
            free = getattr(left, currency)
            cut[currency] = _least(None if free is None else free * weight // parts, getattr(ceiling, currency))
        return Caps(tokens=cut["tokens"], nano_usd=cut["nano_usd"], calls=cut["calls"], seconds=ceiling.seconds)


def _say(currency: str, value: int) -> str:
    return dollars(value / NANO) if currency == "nano_usd" else counted(value, SPOKEN[currency].removesuffix("s"))
