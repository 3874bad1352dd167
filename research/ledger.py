"""What the journal says of a run so far: answers by request, refusals, failures, and what each branch spent.

Arithmetic over rows only; the rows are written and read by the journal, and the gate asks the questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from research.budget import Amount
from research.ports import Entry, Intent, Outcome
from research.records import Record, Usage
from research.requests import ROLES
from research.routing import RoleUsage


class _Asked(Record):
    """The part of a stored request that says who asked which model."""

    role: str = ""
    model: str = ""


def _by_role(row: tuple[tuple[str, str], Amount]) -> tuple[bool, int, str, str]:
    """Order the roles as they work, other calls after them."""
    role, model = row[0]
    place = [*ROLES].index(role) if role in ROLES else 0
    return role not in ROLES, place, role, model


class _Parts(Record):
    """Of the tokens of a stored answer, those that are counted beside the others."""

    cached: int = 0
    reasoning: int = 0


class _Answer(Record):
    """The part of a stored answer that says what it took."""

    usage: _Parts | None = None


NO_PARTS = _Parts()


def _sum(parts: Iterable[_Parts]) -> _Parts:
    every = list(parts)
    return _Parts(cached=sum(one.cached for one in every), reasoning=sum(one.reasoning for one in every))


class Ledger:
    """Built from a journal's rows, kept up to date row by row.

    ``answered`` counts the answers of models, ``cached`` those of them that were taken from the cache of earlier runs.
    """

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self.answers: dict[str, str] = {}
        self.failed: dict[str, Outcome] = {}
        self.refused: dict[tuple[str, str], Outcome] = {}
        self.elapsed = 0.0
        self._occurrences: dict[tuple[str, str], int] = {}
        self._spent: dict[str, Amount] = {}
        self._span: dict[str, tuple[float, float]] = {}
        self._unpriced: set[str] = set()
        self._roles: dict[tuple[str, str], Amount] = {}
        self._roles_unpriced: set[tuple[str, str]] = set()
        self._parts: dict[str, _Parts] = {}
        self.answered = 0
        self.cached = 0
        for entry in entries:
            self.add(entry.intent, entry.outcome)
        # A wrong key can be put right before a resume; a page that was gone is part of what the run saw.
        for entry in entries:
            if entry.intent.kind == "model":
                self.failed.pop(entry.intent.key, None)

    def add(self, intent: Intent, outcome: Outcome | None) -> None:
        """Take in one row pair. A call in flight when the process died (no outcome) stays charged at its bound."""
        branch, key = intent.branch, intent.key
        end = outcome.elapsed if outcome else intent.elapsed
        begin, last = self._span.get(branch, (intent.elapsed, end))
        self._span[branch] = (min(begin, intent.elapsed), max(last, end))
        charged = outcome.charged if outcome else intent.bound
        self._spent[branch] = self.spent(branch).plus(charged)
        self._charge_role(intent, charged, priced=outcome is None or outcome.priced)
        self._occurrences[branch, key] = max(self.occurrence(branch, key), intent.occurrence + 1)
        self.elapsed = max(self.elapsed, end)
        if outcome is not None:
            self._settle(branch, key, outcome)
            if intent.kind == "model" and outcome.status == "answered":
                self._count(branch, outcome)

    def _charge_role(self, intent: Intent, charged: Amount, *, priced: bool) -> None:
        asked = msgspec.json.decode(intent.request, type=_Asked) if intent.kind == "model" else _Asked()
        key = (asked.role or intent.kind, asked.model)
        self._roles[key] = self._roles.get(key, Amount()).plus(charged)
        if not priced:
            self._roles_unpriced.add(key)

    def roles(self) -> tuple[RoleUsage, ...]:
        """Return what each role used of each model, and each other kind of call: together all that was charged.

        They overlap in time, so they have no seconds.
        """
        return tuple(
            RoleUsage(
                role=role,
                model=model,
                usage=Usage(
                    tokens=amount.tokens,
                    nano_usd=None if (role, model) in self._roles_unpriced else amount.nano_usd,
                    calls=amount.calls,
                ),
            )
            for (role, model), amount in sorted(self._roles.items(), key=_by_role)
        )

    def _count(self, branch: str, outcome: Outcome) -> None:
        """Count a model's answer; one that an earlier run had paid for was no call of this one, and took nothing."""
        self.answered += 1
        if not outcome.charged.calls:
            self.cached += 1
            return
        took = msgspec.json.decode(outcome.payload, type=_Answer).usage or NO_PARTS
        self._parts[branch] = _sum([self._parts.get(branch, NO_PARTS), took])

    def _settle(self, branch: str, key: str, outcome: Outcome) -> None:
        if not outcome.priced:
            self._unpriced.add(branch)
        if outcome.status == "answered":
            self.answers[key] = outcome.payload
            return
        detail = msgspec.json.decode(outcome.payload)
        if outcome.status == "refused" and detail["currency"] != "seconds":
            self.refused[branch, key] = outcome
        elif outcome.status == "failed" and not detail["retryable"]:
            self.failed[key] = outcome

    def occurrence(self, branch: str, key: str) -> int:
        """Return how many times this branch has tried this request."""
        return self._occurrences.get((branch, key), 0)

    def spent(self, branch: str) -> Amount:
        """Return what one branch was charged."""
        return self._spent.get(branch, Amount())

    def seconds(self, branch: str) -> float:
        """Return the seconds between the branch's first row and its last."""
        begin, end = self._span.get(branch, (0.0, 0.0))
        return end - begin

    def total(self) -> Amount:
        """Return what all branches were charged."""
        total = Amount()
        for amount in self._spent.values():
            total = total.plus(amount)
        return total

    def branches(self) -> tuple[str, ...]:
        """Return the names of all branches and steps that have rows, in the order of their first."""
        return tuple(self._spent)

    def usage(self, branch: str | None = None, seconds: float | None = None) -> Usage:
        """Return what one branch (or, with ``None``, the run) used; money is ``None`` when a price is unknown."""
        amount = self.total() if branch is None else self.spent(branch)
        unpriced = bool(self._unpriced) if branch is None else branch in self._unpriced
        parts = _sum(self._parts.values()) if branch is None else self._parts.get(branch, NO_PARTS)
        took = seconds if seconds is not None else self.seconds(branch) if branch else self.elapsed
        return Usage(
            tokens=amount.tokens,
            nano_usd=None if unpriced else amount.nano_usd,
            calls=amount.calls,
            seconds=round(took, 3),
            cached=parts.cached,
            reasoning=parts.reasoning,
        )
