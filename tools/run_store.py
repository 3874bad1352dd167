"""The store of runs, ``runs.db``: who owns a run, how many rows it has, and that every row is the one that was written.

One row a run in ``runs``; the calls of a run (``tools.journal``), its records (``tools.run_records``) and the graph's
checkpoints (``tools.checkpoint_rows``) are tables of the same file, so one transaction is durable for all of them and
an older copy of the file is older in all of them. Every row has a keyed digest (``tools.seal``); the run's own row has,
under its digest, how many calls and records there are, so that a missing one is noticed, too. What a run was asked
is there twice, in its row and among its records, so that a lost row can be made again (``tools.last_good``).

A writer presents the fencing number it got when it took the run over; once a later process has taken a higher one,
whatever the earlier one still wants to write is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from msgspec import ValidationError

from research.errors import NotTheOwner, StoreProblem, UnknownName
from research.records import Record, RunStatus, build, encode
from tools.database import Database
from tools.seal import Seal

T = TypeVar("T")
VERSION = 2
SCHEMA = """
CREATE TABLE runs (
  number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, created TEXT NOT NULL, question TEXT NOT NULL,
  options TEXT NOT NULL, made TEXT NOT NULL,
  origin TEXT NOT NULL, status TEXT NOT NULL, exit_code INTEGER NOT NULL, elapsed REAL NOT NULL,
  fence INTEGER NOT NULL, calls INTEGER NOT NULL, records INTEGER NOT NULL, digest BLOB NOT NULL);
CREATE TABLE intents (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL REFERENCES runs(id), branch TEXT NOT NULL,
  kind TEXT NOT NULL, key TEXT NOT NULL, occurrence INTEGER NOT NULL, attempt INTEGER NOT NULL,
  tokens INTEGER NOT NULL, nano_usd INTEGER NOT NULL, calls INTEGER NOT NULL, elapsed REAL NOT NULL,
  request TEXT NOT NULL, digest BLOB NOT NULL);
CREATE INDEX intents_of_run ON intents(run, seq);
CREATE TABLE outcomes (
  seq INTEGER PRIMARY KEY REFERENCES intents(seq), run TEXT NOT NULL, status TEXT NOT NULL, payload TEXT NOT NULL,
  tokens INTEGER NOT NULL, nano_usd INTEGER NOT NULL, calls INTEGER NOT NULL, elapsed REAL NOT NULL,
  priced INTEGER NOT NULL, digest BLOB NOT NULL);
CREATE TABLE records (
  run TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, json TEXT NOT NULL, digest BLOB NOT NULL,
  PRIMARY KEY (run, kind, id)) WITHOUT ROWID;
CREATE TABLE checkpoints (
  thread TEXT NOT NULL, ns TEXT NOT NULL, id TEXT NOT NULL, parent TEXT, value BLOB NOT NULL, metadata BLOB NOT NULL,
  digest BLOB NOT NULL, PRIMARY KEY (thread, ns, id)) WITHOUT ROWID;
CREATE TABLE writes (
  thread TEXT NOT NULL, ns TEXT NOT NULL, checkpoint TEXT NOT NULL, task TEXT NOT NULL, path TEXT NOT NULL,
  place INTEGER NOT NULL, channel TEXT NOT NULL, value BLOB NOT NULL, together INTEGER NOT NULL, digest BLOB NOT NULL,
  PRIMARY KEY (thread, ns, checkpoint, task, place)) WITHOUT ROWID;
CREATE TABLE orders (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, branch TEXT NOT NULL, what TEXT NOT NULL,
  digest BLOB NOT NULL);
CREATE TABLE damaged (
  number INTEGER PRIMARY KEY, run TEXT NOT NULL, source TEXT NOT NULL, row TEXT NOT NULL, digest BLOB NOT NULL)
"""
TABLES: Mapping[str, tuple[str, ...]] = {
    "runs": (
        *("number", "id", "created", "question", "options", "made", "origin", "status", "exit_code", "elapsed"),
        *("fence", "calls", "records"),
    ),
    "intents": (
        *("seq", "run", "branch", "kind", "key", "occurrence", "attempt"),
        *("tokens", "nano_usd", "calls", "elapsed", "request"),
    ),
    "outcomes": ("seq", "run", "status", "payload", "tokens", "nano_usd", "calls", "elapsed", "priced"),
    "records": ("run", "kind", "id", "json"),
    "checkpoints": ("thread", "ns", "id", "parent", "value", "metadata"),
    "writes": ("thread", "ns", "checkpoint", "task", "path", "place", "channel", "value", "together"),
    "orders": ("seq", "run", "branch", "what"),
    "damaged": ("number", "run", "source", "row"),
}
"""The columns of each table that its digest covers, in this order, after the table's name."""
COLUMNS = TABLES["runs"]
SELECT = f"SELECT {', '.join(COLUMNS)}, digest FROM runs"
WORDS = ("number", "created", "question", "options", "made", "origin")
"""What of a run's row never changes (``made`` only when it is worked again from its start).

A copy of it is the record ``words`` of the kind ``run``.
"""
WORDS_AT = ("run", "words")
REMEDY = "`research resume RUN --from-journal` saves every row that can be read, and goes back to the last good point"
"""What to do when SQLite itself cannot read the file."""


class RunRow(Record):
    """A run as it is stored. ``elapsed`` is in seconds, ``created`` ISO 8601 UTC.

    ``question``, ``options``, ``made`` and ``origin`` are JSON: ``made`` says which program and prompts began the run,
    ``origin`` which run it was forked from (empty: from none). ``calls`` counts the rows of the journal (one before and
    one after each call), ``records`` those of the records. ``number`` counts the runs of the file. ``whole`` is false
    when the row is not the one that was written; its values are then what can be read of them.
    """

    number: int
    id: str
    created: str
    question: str
    options: str
    made: str
    origin: str
    status: RunStatus
    exit_code: int
    elapsed: float
    fence: int
    calls: int
    records: int
    whole: bool = True


class Change(Record):
    """How many rows one transaction added to the calls and to the records of its run, at which second of the run."""

    calls: int = 0
    records: int = 0
    elapsed: float = 0.0


Mark = Callable[[int], object]
"""Is told after each transaction how many rows of calls the run has now; see ``tools.ownership``."""


def _unmarked(calls: int) -> None:
    """Keep no mark: for stores that are not a run's own."""


def _nothing(connection: sqlite3.Connection) -> Change:
    """Add no rows: for a run that begins with none."""
    return Change()


class RunStore:
    """One run in ``runs.db``, for the process that owns it."""

    def __init__(self, database: Database, seal: Seal, run: str, fence: int, mark: Mark = _unmarked) -> None:
        self.run = run
        self.seal = seal
        self.fence = fence
        self.path = database.path
        self._database = database
        self._mark = mark

    @staticmethod
    async def begin(
        database: Database,
        seal: Seal,
        run: str,
        *,
        created: str,
        question: str,
        options: str,
        made: str = "",
        origin: str = "",
        mark: Mark = _unmarked,
        first: Callable[[sqlite3.Connection], Change] = _nothing,
    ) -> RunStore:
        """Write a new run's row, with the records that ``first`` adds in the same transaction, and own it."""

        def insert(connection: sqlite3.Connection) -> None:
            records = 1 + first(connection).records
            number = int(connection.execute("SELECT coalesce(max(number), 0) + 1 FROM runs").fetchone()[0])
            words = dict(zip(WORDS, (number, created, question, options, made, origin), strict=True))
            insert_row(connection, seal, "records", (run, *WORDS_AT, encode(words)))
            values = (number, run, created, question, options, made, origin, "running", 0, 0.0, 1, 0, records)
            insert_row(connection, seal, "runs", values)

        await database.run(insert)
        return RunStore(database, seal, run, 1, mark)

    @staticmethod
    async def take_over(
        database: Database, seal: Seal, run: str, mark: Mark = _unmarked, *, made: str = ""
    ) -> RunStore:
        """Own an existing run with the next fencing number; earlier owners can write no more.

        ``made``: the program that works the run again from its start, in the place of the one that began it.
        """

        def raise_fence(connection: sqlite3.Connection) -> int:
            row = _row(connection, seal, run, database.path)
            _rewrite(connection, seal, row, fence=row.fence + 1, status="running", made=made or row.made)
            return row.fence + 1

        return RunStore(database, seal, run, await database.run(raise_fence), mark)

    async def write(self, work: Callable[[sqlite3.Connection], tuple[T, Change]]) -> T:
        """Do ``work`` in one durable transaction, if this is still the owner. Raises ``NotTheOwner``, ``StoreProblem``.

        ``work`` returns its result and how many rows it added; the run's own row is written with it.
        """

        def transact(connection: sqlite3.Connection) -> tuple[T, int]:
            row = self._owned(connection)
            result, change = work(connection)
            if change.calls or change.records:
                calls, records = row.calls + change.calls, row.records + change.records
                elapsed = max(row.elapsed, float(change.elapsed))
                _rewrite(connection, self.seal, row, calls=calls, records=records, elapsed=elapsed)
            return result, row.calls + change.calls

        result, calls = await self._database.run(transact)
        self._mark(calls)
        return result

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do ``work``, which only reads."""
        return await self._database.run(work)

    async def row(self) -> RunRow:
        """Return the run's own row, checked."""
        return await self._database.run(self.row_in)

    def row_in(self, connection: sqlite3.Connection) -> RunRow:
        """Return the run's own row, checked, as of the transaction that other rows are read in."""
        return _row(connection, self.seal, self.run, self.path)

    async def leave(self, status: RunStatus, exit_code: int, elapsed: float) -> None:
        """Write how the run ended, or where this process left it."""

        def update(connection: sqlite3.Connection) -> None:
            row = self._owned(connection)
            worked = max(row.elapsed, float(elapsed))
            _rewrite(connection, self.seal, row, status=status, exit_code=exit_code, elapsed=worked)

        await self._database.run(update)

    def _owned(self, connection: sqlite3.Connection) -> RunRow:
        row = _row(connection, self.seal, self.run, self.path)
        if row.fence != self.fence:
            raise NotTheOwner(f"the run {self.run} was taken over by a later process; this one writes nothing more")
        return row


def insert_row(connection: sqlite3.Connection, seal: Seal, table: str, values: tuple[object, ...]) -> None:
    """Insert one row of ``table`` under its digest."""
    places = ", ".join("?" * (len(values) + 1))
    connection.execute(f"INSERT INTO {table} VALUES ({places})", (*values, seal.sign(table, *values)))


def _row(connection: sqlite3.Connection, seal: Seal, run: str, path: Path) -> RunRow:
    values = connection.execute(f"{SELECT} WHERE id = ?", (run,)).fetchone()
    if values is None:
        raise UnknownName(f"there is no run {run}; `research runs` lists them")
    row = built(values, seal)
    if not row.whole:
        raise damaged(path, "its row in runs", run)
    return row


def built(values: tuple[object, ...], seal: Seal) -> RunRow:
    """Build a run's row; of one that is damaged only what has the right type is taken over."""
    named = dict(zip(COLUMNS, values[:-1], strict=True))
    if seal.holds(values[-1], "runs", *values[:-1]):
        try:
            return build(RunRow, named)
        except ValidationError:  # signed, and yet not by this program
            pass
    kinds = {"number": int, "exit_code": int, "elapsed": float, "fence": int, "calls": int, "records": int}
    read = {name: kinds.get(name, str) for name in COLUMNS}
    kept = {name: value if isinstance(value := named[name], kind) else kind() for name, kind in read.items()}
    return build(RunRow, {**kept, "status": "interrupted", "whole": False})


def _rewrite(connection: sqlite3.Connection, seal: Seal, row: RunRow, **changes: object) -> None:
    """Write a run's row anew, with ``changes``, under a new digest."""
    values = {name: changes.get(name, getattr(row, name)) for name in COLUMNS}
    sets = ", ".join(f"{name} = ?" for name in (*changes, "digest"))
    digest = seal.sign("runs", *values.values())
    connection.execute(f"UPDATE runs SET {sets} WHERE id = ?", (*changes.values(), digest, row.id))


def damaged(path: Path, what: str, run: str) -> StoreProblem:
    """Return the error for a row of ``run`` that is missing or is not the one that was written."""
    return StoreProblem(
        f"{path} is damaged: of the run {run}, {what} is missing or is not what was written; "
        f"`research resume {run} --from-journal` goes back to the last good point"
    )
