"""Whole answers of models, kept across runs in ``cache.db``: for who asks exactly the same again.

A row is keyed by the hash of the request (model, messages, schema, tools, most tokens) and of where and how it is sent:
provider, server, and what else decides how a request becomes a prompt. Every row has a keyed digest; one that is not
what was written is no answer. What is worth keeping, and that a hit costs nothing, is decided in ``research.gate``.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from research.errors import StoreProblem, WrongVersion
from research.records import encode
from research.requests import ModelReply, ModelRequest, request_key
from tools.database import Database, NothingYet, connect, spoken
from tools.seal import Seal

VERSION = 1
SCHEMA = """
CREATE TABLE answers (
  key TEXT PRIMARY KEY, model TEXT NOT NULL, run TEXT NOT NULL, reply TEXT NOT NULL, digest BLOB NOT NULL
) WITHOUT ROWID
"""
TABLES = {"answers": ("key", "model", "run", "reply")}
COLUMNS = TABLES["answers"]
SELECT = f"SELECT {', '.join(COLUMNS)}, digest FROM answers WHERE key = ?"
REMEDY = "`research cache clear` empties it, and answers are asked again"
BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class AnswerCache:
    """Implements ``research.ports.Answers`` for one run.

    ``ways`` says by the name of each model how it is reached; one that is not in it is not kept for others. ``tell`` is
    given a sentence for each row that was changed.
    """

    def __init__(
        self, database: Database, seal: Seal, *, run: str, ways: Mapping[str, str], tell: Callable[[str], object]
    ) -> None:
        self._database = database
        self._seal = seal
        self._run = run
        self._ways = ways
        self._tell = tell

    async def find(self, request: ModelRequest) -> ModelReply | None:
        """Return the answer to an equal request, or ``None``. Raises ``StoreProblem``."""
        if request.model not in self._ways:
            return None
        key = self._key(request)
        row = await self._database.run(lambda connection: connection.execute(SELECT, (key,)).fetchone())
        if row is None:
            return None
        if row[0] != key or not self._seal.holds(row[-1], "answers", *row[:-1]):
            self._tell(
                f"an answer of {request.model} in {self._database.path} is not what was written, so it is asked again; "
                f"{REMEDY}"
            )
            return None
        return msgspec.json.decode(row[3], type=ModelReply)

    async def keep(self, request: ModelRequest, reply: ModelReply) -> None:
        """Keep an answer in the place of an earlier one. Raises ``StoreProblem``."""
        if request.model not in self._ways:
            return
        row = (self._key(request), request.model, self._run, encode(reply))
        signed = (*row, self._seal.sign("answers", *row))

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute(f"INSERT OR REPLACE INTO answers VALUES ({', '.join('?' * len(signed))})", signed)

        await self._database.run(insert)

    def _key(self, request: ModelRequest) -> str:
        return hashlib.sha256(encode([self._ways[request.model], request_key(request)]).encode()).hexdigest()


def empty(path: Path) -> int:
    """Take every answer out of the file, so that nothing of them is left in it, and return how many there were.

    One that SQLite cannot read, or of another layout, is taken away. Raises ``StoreProblem``.
    """
    try:
        with closing(connect(path, SCHEMA, VERSION, remedy=REMEDY)) as connection, spoken(path, REMEDY):
            count = int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])
            connection.execute("DELETE FROM answers")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return count
    except (WrongVersion, StoreProblem) as problem:
        cause = getattr(problem.__cause__, "sqlite_errorcode", None)
        if cause is not None and cause & 0xFF not in BROKEN:
            raise
    for end in ("", "-wal", "-shm"):
        with spoken(path):
            path.with_name(f"{path.name}{end}").unlink(missing_ok=True)
    return 0


def count(path: Path) -> int:
    """Return how many answers the file has. Raises ``StoreProblem`` and ``WrongVersion``."""
    try:
        connection = connect(path, SCHEMA, VERSION, read_only=True, remedy=REMEDY)
    except NothingYet:
        return 0
    with closing(connection), spoken(path, REMEDY):
        return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])
