"""Journals, an index and a writer that break a promise, to see that the sweeps notice.

``python -m bench.kill A=9 --broken answers`` must end with 1. Each is handed in where the true one would be; nothing is
replaced in the program.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from bench.reference import MakeHands
from bench.watched import Events
from research.app.hands import Hands
from research.app.indexing import index
from research.app.stores import Stores
from research.budget import Amount
from research.ports import Entry, Intent, Journal, Outcome
from research.records import RunStatus
from research.settings import Settings
from tools.indexing import IndexSummary


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
BROKEN = (*JOURNALS, "index", "exports")


def broken_hands(what: str, whole: MakeHands) -> MakeHands:
    """Return a maker of the hands that ``whole`` makes, but for a journal that breaks a promise."""

    def make(log: Path, events: Events) -> Hands:
        hands = whole(log, events)

        def broken(stores: Stores) -> Stores:
            watched = hands.stores(stores)
            return replace(watched, journal=JOURNALS[what](watched.journal))

        return replace(hands, stores=broken)

    return make


async def index_with_orphan(folder: Path, corpus: str, settings: Settings, **how: Any) -> IndexSummary:
    """Index a folder, and leave a vector of no passage."""
    summary = await index(folder, corpus, settings, **how)
    with closing(sqlite3.connect(settings.home / "corpora" / corpus / "corpus.db")) as database:
        database.execute("INSERT OR REPLACE INTO vectors SELECT 'orphan', vector FROM vectors LIMIT 1")
        database.commit()
    return summary


def write_torn(path: Path, text: str) -> None:
    """Write a file in its place and slowly, so that a kill leaves a part of it, whenever it comes."""
    with path.open("w", encoding="utf-8", buffering=1) as file:  # a line at a time
        file.writelines(text.splitlines(keepends=True))
