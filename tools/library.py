"""The library: every text that was read, in a file named by its hash, and the records each run made.

``texts/ab/abcd….txt`` holds the text in UTF-8; ``library.db`` holds where it came from and the records. A file is
written whole, synced and renamed before anything refers to it, and its hash is checked on every read. Parsing and
chunking happen before and after.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from research.clean import clean_text
from research.errors import SourceDamaged, StoreProblem
from research.ports import Clock, Page
from research.records import Label, Source, build, encode
from tools.database import Database, connect, spoken

VERSION = 1
SCHEMA = """
CREATE TABLE sources (
  id TEXT NOT NULL, url TEXT NOT NULL, title TEXT NOT NULL, label TEXT NOT NULL, media TEXT NOT NULL,
  published TEXT NOT NULL, retrieved TEXT NOT NULL, PRIMARY KEY (id, url, label));
CREATE TABLE records (
  run TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (run, kind, id))
  WITHOUT ROWID
"""
FIELDS = ("id", "url", "title", "label", "media", "published", "retrieved")
REPAIR = "`research index FOLDER --corpus NAME --rebuild` stores the texts of a corpus again"
HASH = re.compile(r"[0-9a-f]{64}")


class FileLibrary:
    """Implements ``research.ports.Library`` in one folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._database = Database(folder / "library.db", SCHEMA, VERSION)

    def path(self, source: str) -> Path:
        return text_path(self._folder, source)

    async def keep(self, page: Page, label: Label) -> Source:
        text = clean_text(page.text)
        data = text.encode()
        source = Source(
            id=hashlib.sha256(data).hexdigest(),
            url=clean_text(page.url),
            title=" ".join(clean_text(page.title).split()),
            label=label,
            media=page.media,
            published=clean_text(page.published),
            retrieved=self._clock.now(),
        )
        path = self.path(source.id)
        await asyncio.to_thread(_write_once, path, data)
        values = tuple(getattr(source, name) for name in FIELDS)

        def insert(connection: sqlite3.Connection) -> tuple[object, ...]:
            connection.execute(
                f"INSERT INTO sources VALUES ({', '.join('?' * len(FIELDS))}) ON CONFLICT DO NOTHING", values
            )
            row: tuple[object, ...] = connection.execute(
                f"SELECT {', '.join(FIELDS)} FROM sources WHERE id = ? AND url = ? AND label = ?",
                (source.id, source.url, source.label),
            ).fetchone()
            return row

        return build(Source, dict(zip(FIELDS, await self._database.run(insert), strict=True)))

    async def text(self, source: str) -> str:
        return await asyncio.to_thread(read_text, self.path(source))

    async def source(self, source: str) -> Source:
        def select(connection: sqlite3.Connection) -> tuple[object, ...] | None:
            row: tuple[object, ...] | None = connection.execute(
                f"SELECT {', '.join(FIELDS)} FROM sources WHERE id = ? ORDER BY rowid DESC LIMIT 1", (source,)
            ).fetchone()
            return row

        row = await self._database.run(select)
        if row is None:
            raise StoreProblem(f"the library does not know where the text {source[:12]} came from")
        return build(Source, dict(zip(FIELDS, row, strict=True)))

    async def put(self, run: str, records: Sequence[tuple[str, str, object]]) -> None:
        rows = [(run, kind, id, encode(record)) for kind, id, record in records]

        def insert(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT INTO records VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", rows)

        if rows:
            await self._database.run(insert)

    async def get(self, run: str, kind: str, id: str) -> object:
        def select(connection: sqlite3.Connection) -> tuple[str] | None:
            row: tuple[str] | None = connection.execute(
                "SELECT json FROM records WHERE run = ? AND kind = ? AND id = ?", (run, kind, id)
            ).fetchone()
            return row

        row = await self._database.run(select)
        if row is None:
            raise StoreProblem(f"the library has no {kind} {id} of the run {run}")
        return msgspec.json.decode(row[0])

    async def every(self, run: str, kind: str) -> Sequence[object]:
        def select(connection: sqlite3.Connection) -> list[tuple[str]]:
            query = "SELECT json FROM records WHERE run = ? AND kind = ? ORDER BY id"
            return connection.execute(query, (run, kind)).fetchall()

        return [msgspec.json.decode(row[0]) for row in await self._database.run(select)]

    def close(self) -> None:
        """Close the database."""
        self._database.close()


def read_record(folder: Path, run: str, kind: str, id: str) -> object | None:
    """Return plain JSON of one record, or ``None``; SQLite alone, for commands that only read."""
    path = folder / "library.db"
    if not path.exists():
        return None
    connection = connect(path, SCHEMA, VERSION, read_only=True)
    with spoken(path):
        row = connection.execute(
            "SELECT json FROM records WHERE run = ? AND kind = ? AND id = ?", (run, kind, id)
        ).fetchone()
    connection.close()
    return msgspec.json.decode(row[0]) if row else None


def text_path(folder: Path, source: str) -> Path:
    """Return the file of a stored text. Raises ``StoreProblem`` when ``source`` is not a SHA-256 in hex."""
    if not HASH.fullmatch(source):
        raise StoreProblem(f"{source[:80]!r} is not the id of a stored text")
    return folder / "texts" / source[:2] / f"{source}.txt"


def read_text(path: Path) -> str:
    """Return a stored text. Raises ``SourceDamaged`` when the file is missing or its hash is not its name."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceDamaged(f"the stored text {path} cannot be read: {error.strerror}; {REPAIR}") from None
    if hashlib.sha256(data).hexdigest() != path.stem:
        raise SourceDamaged(f"the stored text {path} was changed: its hash is not its name; {REPAIR}")
    return data.decode()


def _write_once(path: Path, data: bytes) -> None:
    """Write ``data`` whole and durably, or leave what is there: an equal name is an equal content."""
    with spoken(path):
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == path.stem:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
