"""The journal in SQLite: one row before each call, one after, both durable; and the list of runs.

Rows are only ever added. A writer presents the fencing number it got when it took the run over; once a later process
has taken a higher one, the earlier writer's rows are refused. What the rows mean is in ``research.ledger``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from research.budget import Amount
from research.errors import NotTheOwner, UnknownName
from research.ports import Entry, Intent, Outcome
from research.records import Record, RunStatus, build
from tools.database import Database, connect, spoken

VERSION = 1
SCHEMA = """
CREATE TABLE runs (
  id TEXT PRIMARY KEY, created TEXT NOT NULL, question TEXT NOT NULL, options TEXT NOT NULL,
  status TEXT NOT NULL, exit_code INTEGER NOT NULL, elapsed REAL NOT NULL, fence INTEGER NOT NULL);
CREATE TABLE intents (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL REFERENCES runs(id), branch TEXT NOT NULL,
  kind TEXT NOT NULL, key TEXT NOT NULL, occurrence INTEGER NOT NULL, attempt INTEGER NOT NULL,
  tokens INTEGER NOT NULL, nano_usd INTEGER NOT NULL, calls INTEGER NOT NULL, elapsed REAL NOT NULL,
  request TEXT NOT NULL, fence INTEGER NOT NULL);
CREATE INDEX intents_of_run ON intents(run, seq);
CREATE TABLE outcomes (
  seq INTEGER PRIMARY KEY REFERENCES intents(seq), status TEXT NOT NULL, payload TEXT NOT NULL,
  tokens INTEGER NOT NULL, nano_usd INTEGER NOT NULL, calls INTEGER NOT NULL, elapsed REAL NOT NULL,
  priced INTEGER NOT NULL, fence INTEGER NOT NULL)
"""
ROWS = """
SELECT i.seq, i.run, i.branch, i.kind, i.key, i.occurrence, i.attempt, i.tokens, i.nano_usd, i.calls, i.elapsed,
       i.request, o.status, o.payload, o.tokens, o.nano_usd, o.calls, o.elapsed, o.priced
FROM intents i LEFT JOIN outcomes o ON o.seq = i.seq WHERE i.run = ? ORDER BY i.seq
"""

LIST = """
SELECT id, created, question, options, status, exit_code, max(runs.elapsed, coalesce((
  SELECT max(coalesce(o.elapsed, i.elapsed)) FROM intents i LEFT JOIN outcomes o ON o.seq = i.seq WHERE i.run = id), 0))
FROM runs ORDER BY created DESC, rowid DESC
"""
"""A run whose process died has no row that says how long it took; its last call does."""


class RunRow(Record):
    """A run as the list shows it. ``elapsed`` is in seconds, ``created`` ISO 8601 UTC, ``options`` JSON."""

    id: str
    created: str
    question: str
    options: str
    status: RunStatus
    exit_code: int
    elapsed: float


class SqliteJournal:
    """The journal of one run, for the process that owns it. Implements ``research.ports.Journal``."""

    def __init__(self, database: Database, run: str, fence: int) -> None:
        self.run = run
        self._database = database
        self._fence = fence

    @staticmethod
    async def begin(database: Database, run: str, *, created: str, question: str, options: str) -> SqliteJournal:
        """Write a new run's row and own it."""

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, 'running', 0, 0, 1)", (run, created, question, options)
            )

        await database.run(insert)
        return SqliteJournal(database, run, 1)

    @staticmethod
    async def take_over(database: Database, run: str) -> SqliteJournal:
        """Own an existing run with the next fencing number; earlier owners can write no more."""

        def raise_fence(connection: sqlite3.Connection) -> int:
            row = connection.execute(
                "UPDATE runs SET fence = fence + 1, status = 'running' WHERE id = ? RETURNING fence", (run,)
            ).fetchone()
            if row is None:
                raise UnknownName(f"there is no run {run}; `research runs` lists them")
            return int(row[0])

        return SqliteJournal(database, run, await database.run(raise_fence))

    async def entries(self) -> Sequence[Entry]:
        def read(connection: sqlite3.Connection) -> list[Entry]:
            return [_entry(row) for row in connection.execute(ROWS, (self.run,))]

        return await self._database.run(read)

    async def intend(self, intent: Intent) -> int:
        bound = intent.bound
        values = (
            *(intent.run, intent.branch, intent.kind, intent.key, intent.occurrence, intent.attempt),
            *(bound.tokens, bound.nano_usd, bound.calls, intent.elapsed, intent.request, self._fence),
        )

        def insert(connection: sqlite3.Connection) -> int:
            cursor = connection.execute(
                "INSERT INTO intents (run, branch, kind, key, occurrence, attempt, tokens, nano_usd, calls, elapsed,"
                f" request, fence) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? {self._fenced()}",
                (*values, self.run, self._fence),
            )
            self._must_have_written(cursor)
            return int(cursor.lastrowid or 0)

        return await self._database.run(insert)

    async def conclude(self, seq: int, outcome: Outcome) -> None:
        charged = outcome.charged
        values = (
            *(seq, outcome.status, outcome.payload, charged.tokens, charged.nano_usd, charged.calls),
            *(outcome.elapsed, int(outcome.priced), self._fence),
        )

        def insert(connection: sqlite3.Connection) -> None:
            cursor = connection.execute(
                f"INSERT INTO outcomes SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? {self._fenced()}",
                (*values, self.run, self._fence),
            )
            self._must_have_written(cursor)

        await self._database.run(insert)

    async def finish(self, status: RunStatus, exit_code: int, elapsed: float) -> None:
        def update(connection: sqlite3.Connection) -> None:
            cursor = connection.execute(
                "UPDATE runs SET status = ?, exit_code = ?, elapsed = ? WHERE id = ? AND fence = ?",
                (status, exit_code, elapsed, self.run, self._fence),
            )
            self._must_have_written(cursor)

        await self._database.run(update)

    @staticmethod
    def _fenced() -> str:
        return "WHERE EXISTS (SELECT 1 FROM runs WHERE id = ? AND fence = ?)"

    def _must_have_written(self, cursor: sqlite3.Cursor) -> None:
        if cursor.rowcount != 1:
            raise NotTheOwner(f"the run {self.run} was taken over by a later process; this one writes nothing more")


def list_runs(path: Path) -> list[RunRow]:
    """Return every run, newest first; an absent file is no runs. Uses SQLite alone."""
    if not path.exists():
        return []
    connection = connect(path, SCHEMA, VERSION, read_only=True)
    with spoken(path):
        rows = connection.execute(LIST).fetchall()
    connection.close()
    return [build(RunRow, dict(zip(RunRow.__struct_fields__, row, strict=True))) for row in rows]


def _entry(row: tuple[object, ...]) -> Entry:
    names = ("run", "branch", "kind", "key", "occurrence", "attempt")
    seq, head, bound, tail = row[0], row[1:7], row[7:10], row[10:12]
    intent = {
        **dict(zip(names, head, strict=True)),
        "bound": _amount(bound),
        "elapsed": tail[0],
        "request": tail[1],
    }
    status, payload, charged, elapsed, priced = row[12], row[13], row[14:17], row[17], row[18]
    outcome = None
    if status is not None:
        outcome = {
            "status": status,
            "payload": payload,
            "charged": _amount(charged),
            "elapsed": elapsed,
            "priced": bool(priced),
        }
    return build(Entry, {"seq": seq, "intent": intent, "outcome": outcome})


def _amount(values: Sequence[object]) -> dict[str, object]:
    return dict(zip(Amount.__struct_fields__, values, strict=True))
