"""The graph's checkpoints as rows: bytes under a thread, a name space and an id. What the bytes say is the graph's.

Only the latest checkpoint of each name space is kept, unless ``history`` is asked for: a resume needs no other, and
so the file grows with what is in the state and not with its square. Fencing and digests as in ``tools.run_store``. A
missing checkpoint costs work and nothing else; a task's writes are read only when all that were written together are
there.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence

from research.errors import NotTheOwner
from research.ports import Checkpoint, PendingWrite
from tools.database import Database
from tools.run_store import damaged
from tools.seal import Seal

SELECT = "SELECT thread, ns, id, parent, value, metadata, digest FROM checkpoints WHERE thread = ?"
WRITES = (
    "SELECT thread, ns, checkpoint, task, path, place, channel, value, together, digest FROM writes "
    "WHERE thread = ? AND ns = ? AND checkpoint = ? ORDER BY task, place"
)


class CheckpointRows:
    """Implements ``research.ports.Checkpoints``. A thread is a run; one that a later process took over is closed."""

    def __init__(self, database: Database, seal: Seal, fence: int, *, history: bool = False) -> None:
        self._database = database
        self._seal = seal
        self._fence = fence
        self._history = history

    async def put(self, row: Checkpoint) -> None:
        values = (row.thread, row.ns, row.id, row.parent, row.value, row.metadata)

        def replace(connection: sqlite3.Connection) -> None:
            self._own(connection, row.thread)
            digest = self._seal.sign("checkpoints", *values)
            connection.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?)", (*values, digest))
            if not self._history:
                # Every other one, not those of a lesser id: ids hold the time of day, which may have been set back.
                latest = (row.thread, row.ns, row.id)
                connection.execute("DELETE FROM checkpoints WHERE thread = ? AND ns = ? AND id <> ?", latest)
                connection.execute("DELETE FROM writes WHERE thread = ? AND ns = ? AND checkpoint <> ?", latest)

        await self._database.run(replace)

    async def put_writes(self, rows: Sequence[PendingWrite], *, replace: bool) -> None:
        how = "REPLACE" if replace else "IGNORE"
        words = [(w.thread, w.ns, w.checkpoint, w.task, w.path, w.place, w.channel, w.value) for w in rows]
        values = [(*word, sum(1 for row in rows if row.task == word[3])) for word in words]

        def insert(connection: sqlite3.Connection) -> None:
            self._own(connection, rows[0].thread)
            connection.executemany(
                f"INSERT OR {how} INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(*row, self._seal.sign("writes", *row)) for row in values],
            )

        if rows:
            await self._database.run(insert)

    async def latest(self, thread: str, ns: str, id: str | None = None) -> Checkpoint | None:
        which = "AND ns = ? AND id = ?" if id else "AND ns = ? ORDER BY id DESC LIMIT 1"
        values = (thread, ns, id) if id else (thread, ns)
        rows = await self._database.run(lambda c: c.execute(f"{SELECT} {which}", values).fetchall())
        return self._checkpoint(rows[0]) if rows else None

    async def every(self, thread: str) -> Sequence[Checkpoint]:
        rows = await self._database.run(lambda c: c.execute(f"{SELECT} ORDER BY id DESC", (thread,)).fetchall())
        return [self._checkpoint(row) for row in rows]

    async def threads(self) -> Sequence[str]:
        rows = await self._database.run(lambda c: c.execute("SELECT DISTINCT thread FROM checkpoints").fetchall())
        return [str(row[0]) for row in rows]

    async def writes(self, thread: str, ns: str, checkpoint: str) -> Sequence[PendingWrite]:
        rows = await self._database.run(lambda c: c.execute(WRITES, (thread, ns, checkpoint)).fetchall())
        there = Counter((row[3], row[-2]) for row in rows)
        for row in rows:
            if there[row[3], row[-2]] < row[-2]:
                raise damaged(self._database.path, f"a write of the task {row[3]}", thread)
        return [self._write(row) for row in rows]

    async def delete(self, thread: str) -> None:
        def delete(connection: sqlite3.Connection) -> None:
            self._own(connection, thread)
            for table in ("checkpoints", "writes"):
                connection.execute(f"DELETE FROM {table} WHERE thread = ?", (thread,))

        await self._database.run(delete)

    def _own(self, connection: sqlite3.Connection, thread: str) -> None:
        row = connection.execute("SELECT fence FROM runs WHERE id = ?", (thread,)).fetchone()
        if row is not None and row[0] != self._fence:
            raise NotTheOwner(f"the run {thread} was taken over by a later process; this one writes nothing more")

    def _checkpoint(self, row: tuple[str, str, str, str | None, bytes, bytes, bytes]) -> Checkpoint:
        thread, ns, id, parent, value, metadata, digest = row
        if not self._seal.holds(digest, "checkpoints", *row[:-1]):
            raise damaged(self._database.path, f"the checkpoint {id}", thread)
        return Checkpoint(thread=thread, ns=ns, id=id, parent=parent, value=value, metadata=metadata)

    def _write(self, row: tuple[str, str, str, str, str, int, str, bytes, int, bytes]) -> PendingWrite:
        thread, ns, checkpoint, task, path, place, channel, value, _, digest = row
        if not self._seal.holds(digest, "writes", *row[:-1]):
            raise damaged(self._database.path, f"the write {place} of the task {task}", thread)
        return PendingWrite(
            thread=thread,
            ns=ns,
            checkpoint=checkpoint,
            task=task,
            path=path,
            place=place,
            channel=channel,
            value=value,
        )
