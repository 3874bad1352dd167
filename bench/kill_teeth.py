"""Journals and a writer that break a promise, to see that the sweeps notice.

``python -m bench.kill A=9 --broken answers`` must end with 1. Each is handed in where the true one would be; nothing is
replaced in the program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from bench.reference import Events, MakeHands, reference_hands
from research.app.hands import Hands
from research.app.stores import Stores
from research.budget import Amount
from research.ports import Entry, Intent, Journal, Outcome
from research.records import RunStatus


class WrappedJournal:
    """A journal that does what another does."""

    def __init__(self, journal: Journal) -> None:
        self.run = journal.run
        self._journal = journal

    async def entries(self) -> Sequence[Entry]:
        return await self._journal.entries()

    async def intend(self, intent: Intent) -> int:
        return await self._journal.intend(intent)

    async def conclude(self, seq: int, outcome: Outcome) -> None:
        await self._journal.conclude(seq, outcome)

    async def finish(self, status: RunStatus, exit_code: int, elapsed: float) -> None:
        await self._journal.finish(status, exit_code, elapsed)


class ForgettingAnswers(WrappedJournal):
    """Remembers what was charged and no answer."""

    async def entries(self) -> Sequence[Entry]:
        entries = await super().entries()
        return [
            msgspec.structs.replace(
                entry,
                intent=msgspec.structs.replace(
                    entry.intent, bound=entry.outcome.charged if entry.outcome else entry.intent.bound
                ),
                outcome=None,
            )
            for entry in entries
        ]


class DroppingOutcomes(WrappedJournal):
    """Writes no row after a call."""

    async def conclude(self, seq: int, outcome: Outcome) -> None:
        """Do nothing."""


class ForgettingCharges(WrappedJournal):
    """Charges nothing for a call that was in flight."""

    async def entries(self) -> Sequence[Entry]:
        entries = await super().entries()
        free = Amount()
        return [
            entry
            if entry.outcome
            else msgspec.structs.replace(entry, intent=msgspec.structs.replace(entry.intent, bound=free))
            for entry in entries
        ]


class WritingNothing(WrappedJournal):
    """Writes no row before a call, and so none after it."""

    async def intend(self, intent: Intent) -> int:
        return 1

    async def conclude(self, seq: int, outcome: Outcome) -> None:
        """Do nothing."""


JOURNALS: dict[str, Callable[[Journal], Journal]] = {
    "answers": ForgettingAnswers,
    "outcomes": DroppingOutcomes,
    "charges": ForgettingCharges,
    "intents": WritingNothing,
}
BROKEN = (*JOURNALS, "exports")


def broken_hands(what: str) -> MakeHands:
    """Return a maker of hands whose journal breaks a promise."""

    def make(log: Path, events: Events) -> Hands:
        hands = reference_hands(log, events)

        def broken(stores: Stores) -> Stores:
            watched = hands.stores(stores)
            return replace(watched, journal=JOURNALS[what](watched.journal))

        return replace(hands, stores=broken)

    return make


def write_torn(path: Path, text: str) -> None:
    """Write a file in its place, so that a kill leaves a part of it."""
    path.write_text(text, encoding="utf-8")
