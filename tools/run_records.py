"""The records of runs: plans, hits, findings, drafts and reports, each under its run, kind and id.

Whose records may be written, and that none is missing, is the work of ``tools.run_store``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from research.errors import StoreProblem
from research.records import encode
from tools.database import connect, spoken
from tools.run_store import SCHEMA, VERSION, Change, RunStore, damaged
from tools.seal import Seal

ONE = "SELECT run, kind, id, json, digest FROM records WHERE run = ? AND kind = ? AND id = ?"
EVERY = "SELECT run, kind, id, json, digest FROM records WHERE run = ? AND kind = ? ORDER BY id"
INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"


class RunRecords:
    """The records of one run, for the process that owns it. Implements ``research.ports.Records``."""

    def __init__(self, store: RunStore) -> None:
        self.run = store.run
        self._store = store

    async def put(self, records: Sequence[tuple[str, str, object]]) -> None:
        rows = [(self.run, kind, id, encode(record)) for kind, id, record in records]
        signed = [(*row, self._store.seal.sign("records", *row)) for row in rows]

        def insert(connection: sqlite3.Connection) -> tuple[None, Change]:
            added = sum(connection.execute(INSERT, row).rowcount for row in signed)
            return None, Change(records=added)

        if signed:
            await self._store.write(insert)

    async def get(self, kind: str, id: str) -> object:
        row = await self._store.read(lambda connection: connection.execute(ONE, (self.run, kind, id)).fetchone())
        if row is None:
            raise StoreProblem(f"{self._store.path} has no {kind} {id} of the run {self.run}")
        return _value(row, self._store.seal, self._store.path)

    async def every(self, kind: str) -> Sequence[object]:
        rows = await self._store.read(lambda connection: connection.execute(EVERY, (self.run, kind)).fetchall())
        return [_value(row, self._store.seal, self._store.path) for row in rows]

    async def check(self) -> None:
        """Raise ``StoreProblem`` when a record of the run is missing or is not what was written."""
        expected = (await self._store.row()).records
        query = "SELECT run, kind, id, json, digest FROM records WHERE run = ?"
        rows = await self._store.read(lambda connection: connection.execute(query, (self.run,)).fetchall())
        for row in rows:
            _value(row, self._store.seal, self._store.path)
        if len(rows) != expected:
            raise StoreProblem(
                f"{self._store.path} is damaged: it has {len(rows)} of the {expected} records of the run {self.run}"
            )


def _value(row: tuple[str, str, str, str, bytes], seal: Seal, path: Path) -> object:
    run, kind, id, json, digest = row
    if not seal.holds(digest, "records", run, kind, id, json):
        raise damaged(path, f"the {kind} {id} of the run {run}")
    return msgspec.json.decode(json)


def read_record(path: Path, seal: Seal, run: str, kind: str, id: str) -> object | None:
    """Return plain JSON of one record, or ``None``; SQLite alone, for commands that only read."""
    if not path.exists():
        return None
    with closing(connect(path, SCHEMA, VERSION, read_only=True)) as connection, spoken(path):
        row = connection.execute(ONE, (run, kind, id)).fetchone()
    return _value(row, seal, path) if row else None
