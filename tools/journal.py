"""The journal: one row before each call, one after, both durable before the program goes on. Rows are only ever added.

Whose rows may be written, and that none was changed or is missing, is the work of ``tools.run_store``; what the rows
mean is in ``research.ledger``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from research.budget import Amount
from research.errors import StoreProblem
from research.ports import Entry, Intent, Outcome
from research.records import RunStatus, build
from tools.run_store import Change, RunStore, damaged

INTENT = (
    *("seq", "run", "branch", "kind", "key", "occurrence", "attempt"),
    *("tokens", "nano_usd", "calls", "elapsed", "request"),
)
OUTCOME = ("seq", "status", "payload", "tokens", "nano_usd", "calls", "elapsed", "priced")
INTENTS = f"SELECT {', '.join(INTENT)}, digest FROM intents WHERE run = ? ORDER BY seq"
OUTCOMES = f"SELECT {', '.join(f'o.{name}' for name in OUTCOME)}, o.digest FROM outcomes o " + (
    "JOIN intents i ON i.seq = o.seq WHERE i.run = ? ORDER BY o.seq"
)


class SqliteJournal:
    """The journal of one run, for the process that owns it. Implements ``research.ports.Journal``."""

    def __init__(self, store: RunStore) -> None:
        self.run = store.run
        self._store = store

    async def entries(self) -> Sequence[Entry]:
        def read(connection: sqlite3.Connection) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
            return (
                connection.execute(INTENTS, (self.run,)).fetchall(),
                connection.execute(OUTCOMES, (self.run,)).fetchall(),
            )

        expected = (await self._store.row()).calls
        intents, outcomes = await self._store.read(read)
        for table, rows in (("intents", intents), ("outcomes", outcomes)):
            for row in rows:
                if not self._store.seal.holds(row[-1], table, *row[:-1]):
                    raise damaged(self._store.path, f"row {row[0]} of {table} (run {self.run})")
        if len(intents) + len(outcomes) != expected:
            raise StoreProblem(
                f"{self._store.path} is damaged: it has {len(intents) + len(outcomes)} of the {expected} rows of calls "
                f"of the run {self.run}"
            )
        ends = {row[0]: row for row in outcomes}
        return [_entry(row, ends.get(row[0])) for row in intents]

    async def intend(self, intent: Intent) -> int:
        bound = intent.bound
        values = (
            *(intent.run, intent.branch, intent.kind, intent.key, intent.occurrence, intent.attempt),
            *(bound.tokens, bound.nano_usd, bound.calls, intent.elapsed, intent.request),
        )

        def insert(connection: sqlite3.Connection) -> tuple[int, Change]:
            next_seq = "SELECT coalesce(max(seq), 0) + 1 FROM (SELECT seq FROM sqlite_sequence WHERE name = 'intents')"
            seq = int(connection.execute(next_seq).fetchone()[0])
            row = (seq, *values)
            places = ", ".join("?" * (len(row) + 1))
            connection.execute(f"INSERT INTO intents VALUES ({places})", (*row, self._store.seal.sign("intents", *row)))
            return seq, Change(calls=1)

        return await self._store.write(insert)

    async def conclude(self, seq: int, outcome: Outcome) -> None:
        charged = outcome.charged
        row = (
            *(seq, outcome.status, outcome.payload, charged.tokens, charged.nano_usd, charged.calls),
            *(outcome.elapsed, int(outcome.priced)),
        )

        def insert(connection: sqlite3.Connection) -> tuple[None, Change]:
            places = ", ".join("?" * (len(row) + 1))
            digest = self._store.seal.sign("outcomes", *row)
            connection.execute(f"INSERT INTO outcomes VALUES ({places})", (*row, digest))
            return None, Change(calls=1)

        await self._store.write(insert)

    async def finish(self, status: RunStatus, exit_code: int, elapsed: float) -> None:
        await self._store.leave(status, exit_code, elapsed)


def _entry(intent: tuple[object, ...], outcome: tuple[object, ...] | None) -> Entry:
    begun = dict(zip(INTENT, intent[:-1], strict=True))
    ended = None
    if outcome is not None:
        ended = dict(zip(OUTCOME, outcome[:-1], strict=True))
        ended |= {"charged": _amount(ended), "priced": bool(ended["priced"])}
    return build(Entry, {"seq": begun["seq"], "intent": {**begun, "bound": _amount(begun)}, "outcome": ended})


def _amount(row: dict[str, object]) -> dict[str, object]:
    return {name: row[name] for name in Amount.__struct_fields__}
