"""The records of runs: plans, hits, findings, drafts and reports, each under its run, kind and id.

Whose records may be written, and that none is missing, is the work of ``tools.run_store``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from research.records import encode
from tools.database import NothingYet, connect, spoken
from tools.run_store import REMEDY, SCHEMA, VERSION, Change, RunStore, damaged
from tools.seal import Seal

ONE = "SELECT run, kind, id, json, digest FROM records WHERE run = ? AND kind = ? AND id = ?"
EVERY = "SELECT run, kind, id, json, digest FROM records WHERE run = ? AND kind = ? ORDER BY id"
INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"


def inserting(
    run: str, records: Sequence[tuple[str, str, object]], seal: Seal
) -> Callable[[sqlite3.Connection], Change]:
    """Return the work that adds ``(kind, id, record)`` triples to a run; one that is there already stays as it is."""
    rows = [(run, kind, id, seal.scanner.clean(encode(record))) for kind, id, record in records]
    signed = [(*row, seal.sign("records", *row)) for row in rows]

    def insert(connection: sqlite3.Connection) -> Change:
        return Change(records=sum(connection.execute(INSERT, row).rowcount for row in signed))

    return insert


class RunRecords:
    """The records of one run, for the process that owns it. Implements ``research.ports.Records``."""

    def __init__(self, store: RunStore) -> None:
        self.run = store.run
        self._store = store

    async def put(self, records: Sequence[tuple[str, str, object]]) -> None:
        insert = inserting(self.run, records, self._store.seal)
        if records:
            await self._store.write(lambda connection: (None, insert(connection)))

    async def get(self, kind: str, id: str) -> object:
        row = await self._store.read(lambda connection: connection.execute(ONE, (self.run, kind, id)).fetchone())
        if row is None:
            raise damaged(self._store.path, f"the {kind} {id}", self.run)
        return _value(row, self._store.seal, self._store.path)

    async def every(self, kind: str) -> Sequence[object]:
        rows = await self._store.read(lambda connection: connection.execute(EVERY, (self.run, kind)).fetchall())
        return [_value(row, self._store.seal, self._store.path) for row in rows]

    async def check(self) -> None:
        """Raise ``StoreProblem`` when a record of the run is missing or is not what was written."""
        query = "SELECT run, kind, id, json, digest FROM records WHERE run = ?"
        expected, rows = await self._store.read(
            lambda connection: (
                self._store.row_in(connection).records,
                connection.execute(query, (self.run,)).fetchall(),
            )
        )
        for row in rows:
            _value(row, self._store.seal, self._store.path)
        found = len({row[1:3] for row in rows})
        if found != expected:
            raise damaged(self._store.path, f"a record ({found} of {expected} were found)", self.run)


def _value(row: tuple[str, str, str, str, bytes], seal: Seal, path: Path) -> object:
    run, kind, id, json, digest = row
    if not seal.holds(digest, "records", run, kind, id, json):
        raise damaged(path, f"the {kind} {id}", run)
    try:
        return msgspec.json.decode(json)
    except (msgspec.DecodeError, RecursionError):
        raise damaged(path, f"the {kind} {id}", run) from None


def read_record(path: Path, seal: Seal, run: str, kind: str, id: str) -> object | None:
    """Return plain JSON of one record, or ``None``; SQLite alone, for commands that only read."""
    try:
        connection = connect(path, SCHEMA, VERSION, read_only=True, remedy=REMEDY)
    except NothingYet:
        return None
    with closing(connection), spoken(path, REMEDY):
        row = connection.execute(ONE, (run, kind, id)).fetchone()
    return _value(row, seal, path) if row else None


def read_records(path: Path, seal: Seal, run: str, kind: str) -> list[object]:
    """Return plain JSON of all records of a kind, ordered by id; SQLite alone, as :func:`read_record`."""
    try:
        connection = connect(path, SCHEMA, VERSION, read_only=True, remedy=REMEDY)
    except NothingYet:
        return []
    with closing(connection), spoken(path, REMEDY):
        rows = connection.execute(EVERY, (run, kind)).fetchall()
    return [_value(row, seal, path) for row in rows]
