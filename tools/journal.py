"""The journal: one row before each call, one after, both durable before the program goes on. Rows are only ever added.

Whose rows may be written, and that none was changed or is missing, is the work of ``tools.run_store``; what the rows
mean is in ``research.ledger``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from research.budget import Amount
from research.ports import Entry, Intent, Outcome
from research.records import Record, RunStatus, build
from research.requests import FetchReply, HitsReply, ModelReply
from tools.run_store import TABLES, Change, RunStore, damaged, insert_row

INTENT, OUTCOME = TABLES["intents"], TABLES["outcomes"]
INTENTS = f"SELECT {', '.join(INTENT)}, digest FROM intents WHERE run = ? ORDER BY seq"
OUTCOMES = f"SELECT {', '.join(f'o.{name}' for name in OUTCOME)}, o.digest FROM outcomes o " + (
    "JOIN intents i ON i.seq = o.seq WHERE i.run = ? ORDER BY o.seq"
)
NEXT = """
SELECT max((SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'intents'),
  (SELECT coalesce(max(seq), 0) FROM intents), (SELECT coalesce(max(seq), 0) FROM outcomes)) + 1
"""
REPLIES: dict[str, type[ModelReply | HitsReply | FetchReply]] = {
    "model": ModelReply,
    "search": HitsReply,
    "retrieve": HitsReply,
    "fetch": FetchReply,
}


class Detail(Record):
    """The payload of a call that failed or was refused."""

    message: str
    retryable: bool
    currency: str


class Asked(Record):
    """The part of a stored request to a model by which it is charged: who asked which."""

    role: str = ""
    model: str = ""


class SqliteJournal:
    """The journal of one run, for the process that owns it. Implements ``research.ports.Journal``."""

    def __init__(self, store: RunStore) -> None:
        self.run = store.run
        self._store = store

    async def entries(self) -> Sequence[Entry]:
        def read(connection: sqlite3.Connection) -> tuple[int, list[tuple[object, ...]], list[tuple[object, ...]]]:
            return (
                self._store.row_in(connection).calls,  # of this very moment: its owner may be at work
                connection.execute(INTENTS, (self.run,)).fetchall(),
                connection.execute(OUTCOMES, (self.run,)).fetchall(),
            )

        expected, intents, outcomes = await self._store.read(read)
        for table, rows in (("intents", intents), ("outcomes", outcomes)):
            for row in rows:
                if row[1] != self.run or not self._store.seal.holds(row[-1], table, *row[:-1]):
                    raise damaged(self._store.path, f"row {row[0]} of {table}", self.run)
        ends = {row[0]: row for row in outcomes}
        found = len({row[0] for row in intents}) + len(ends)  # a damaged index can name a row twice
        if not found == expected == len(intents) + len(outcomes):
            raise damaged(self._store.path, f"a row of calls ({found} of {expected} were found)", self.run)
        return [self._entry(row, ends.get(row[0])) for row in intents]

    def _entry(self, intent: tuple[object, ...], outcome: tuple[object, ...] | None) -> Entry:
        """Build an entry; one that is signed, and yet no call of this program, is damaged like any other."""
        try:
            return _built(intent, outcome)
        except (msgspec.DecodeError, RecursionError):
            raise damaged(self._store.path, f"row {intent[0]} of the calls", self.run) from None

    async def intend(self, intent: Intent) -> int:
        bound = intent.bound
        values = (
            *(intent.run, intent.branch, intent.kind, intent.key, intent.occurrence, intent.attempt),
            *(bound.tokens, bound.nano_usd, bound.calls, float(intent.elapsed), intent.request),
        )

        def insert(connection: sqlite3.Connection) -> tuple[int, Change]:
            seq = int(connection.execute(NEXT).fetchone()[0])
            insert_row(connection, self._store.seal, "intents", (seq, *values))
            return seq, Change(calls=1, elapsed=intent.elapsed)

        return await self._store.write(insert)

    async def conclude(self, seq: int, outcome: Outcome) -> None:
        charged = outcome.charged
        row = (
            *(seq, self.run, outcome.status, outcome.payload, charged.tokens, charged.nano_usd, charged.calls),
            *(float(outcome.elapsed), int(outcome.priced)),
        )

        def insert(connection: sqlite3.Connection) -> tuple[None, Change]:
            insert_row(connection, self._store.seal, "outcomes", row)
            return None, Change(calls=1, elapsed=outcome.elapsed)

        await self._store.write(insert)

    async def finish(self, status: RunStatus, exit_code: int, elapsed: float) -> None:
        await self._store.leave(status, exit_code, elapsed)


def read_payload(kind: str, status: str, payload: str) -> Record:
    """Return a stored outcome's payload. Raises ``msgspec.DecodeError`` or ``RecursionError`` when it is none."""
    return msgspec.json.decode(payload, type=REPLIES.get(kind, Detail) if status == "answered" else Detail)


def _built(intent: tuple[object, ...], outcome: tuple[object, ...] | None) -> Entry:
    begun = dict(zip(INTENT, intent[:-1], strict=True))
    if begun["kind"] == "model":
        msgspec.json.decode(str(begun["request"]), type=Asked)
    ended = None
    if outcome is not None:
        ended = dict(zip(OUTCOME, outcome[:-1], strict=True))
        read_payload(str(begun["kind"]), str(ended["status"]), str(ended["payload"]))
        ended |= {"charged": _amount(ended), "priced": bool(ended["priced"])}
    return build(Entry, {"seq": begun["seq"], "intent": {**begun, "bound": _amount(begun)}, "outcome": ended})


def _amount(row: dict[str, object]) -> dict[str, object]:
    return {name: row[name] for name in Amount.__struct_fields__}
