"""The library: every text that was read, in a file named by its hash.

``texts/ab/abcd….txt`` holds the text in UTF-8; ``library.db`` holds where it came from, each row with a keyed digest.
A file is written whole, synced and renamed before anything refers to it, and its hash is checked on every read. A
text that holds the value of a secret is kept without it. Parsing and chunking happen before and after.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import msgspec

from research.clean import clean_text
from research.errors import SourceDamaged, StoreProblem, WrongVersion
from research.ports import Clock, Page
from research.records import Label, Source, build
from tools.database import Database, NothingYet, connect, spoken
from tools.inside import read_inside, write_inside
from tools.library_layouts import bring_up
from tools.seal import Seal

VERSION = 3
SCHEMA = """
CREATE TABLE sources (
  id TEXT NOT NULL, url TEXT NOT NULL, title TEXT NOT NULL, label TEXT NOT NULL, media TEXT NOT NULL,
  published TEXT NOT NULL, retrieved TEXT NOT NULL, author TEXT NOT NULL, pages TEXT NOT NULL, digest BLOB NOT NULL,
  PRIMARY KEY (id, url, label))
"""
TABLES = {"sources": ("id", "url", "title", "label", "media", "published", "retrieved", "author", "pages")}
"""``pages`` is a JSON list of offsets, empty where there are none."""
FIELDS = TABLES["sources"]
SELECT = f"SELECT {', '.join(FIELDS)}, digest FROM sources"
REMEDY = "`research resume RUN --from-journal`, for any run, saves every row that can be read"
REPAIR = "`research index FOLDER --corpus NAME --rebuild` stores the texts of a corpus again"
HASH = re.compile(r"[0-9a-f]{64}")


class FileLibrary:
    """Implements ``research.ports.Library`` in one folder."""

    def __init__(self, folder: Path, clock: Clock, seal: Seal, *, read_only: bool = False) -> None:
        self._folder = folder
        self._clock = clock
        self._seal = seal
        if not read_only:
            bring_up(folder / "library.db", seal)
        self._database = Database(folder / "library.db", SCHEMA, VERSION, remedy=REMEDY, read_only=read_only)

    def path(self, source: str) -> Path:
        return text_path(self._folder, source)

    async def keep(self, page: Page, label: Label) -> Source:
        scanner = self._seal.scanner
        text = scanner.clean(clean_text(page.text))
        data = text.encode()
        source = Source(
            id=hashlib.sha256(data).hexdigest(),
            url=scanner.clean(clean_text(page.url)),
            title=scanner.clean(" ".join(clean_text(page.title).split())),
            label=label,
            media=page.media,
            published=scanner.clean(clean_text(page.published)),
            retrieved=self._clock.now(),
            author=" ".join(clean_text(page.author).split()),
            pages=page.pages if text == page.text else (),
        )
        path = self.path(source.id)
        await asyncio.to_thread(_write_once, path, data)
        values = _row(source)
        signed = (*values, self._seal.sign("sources", *values))

        def insert(connection: sqlite3.Connection) -> tuple[object, ...]:
            stored = f"{SELECT} WHERE id = ? AND url = ? AND label = ?", (source.id, source.url, source.label)
            row: tuple[object, ...] | None = connection.execute(*stored).fetchone()
            if row is not None and self._seal.holds(row[-1], "sources", *row[:-1]):
                return row  # the date of the first time stays; a damaged row is written anew
            connection.execute(f"INSERT OR REPLACE INTO sources VALUES ({', '.join('?' * len(signed))})", signed)
            return signed

        return self._source(await self._database.run(insert))

    def _source(self, row: tuple[object, ...]) -> Source:
        if not self._seal.holds(row[-1], "sources", *row[:-1]):
            raise StoreProblem(
                f"{self._database.path} is damaged: where the text {str(row[0])[:12]} came from is not what was "
                f"written; {REPAIR}, and those of the web are noted anew when they are fetched again"
            )
        values = dict(zip(FIELDS, row[:-1], strict=True))
        return build(Source, {**values, "pages": msgspec.json.decode(str(values["pages"]) or "[]")})

    async def text(self, source: str) -> str:
        return await asyncio.to_thread(read_text, self.path(source))

    async def source(self, source: str, url: str = "") -> Source:
        def select(connection: sqlite3.Connection) -> tuple[object, ...] | None:
            row: tuple[object, ...] | None = connection.execute(
                f"{SELECT} WHERE id = ? ORDER BY url = ? DESC, rowid DESC LIMIT 1", (source, url)
            ).fetchone()
            return row

        row = await self._database.run(select)
        if row is None:
            raise StoreProblem(f"the library does not know where the text {source[:12]} came from; {REPAIR}")
        return self._source(row)

    async def ids(self) -> frozenset[str]:
        return await self._database.run(_ids)

    def close(self) -> None:
        """Close the database."""
        self._database.close()


def _row(source: Source) -> tuple[str, ...]:
    """Return a source as the columns of its row."""
    pages = msgspec.json.encode(source.pages).decode() if source.pages else ""
    return (*(str(getattr(source, name)) for name in FIELDS[:-1]), pages)


def is_blank(path: Path) -> bool:
    """Return whether ``library.db`` is not there, is empty or has no table; damaged it is not blank."""
    try:
        connect(path, SCHEMA, VERSION, read_only=True).close()
    except NothingYet:
        return True
    except (StoreProblem, WrongVersion):
        return False
    return False


def described(path: Path) -> set[str]:
    """Return the ids of the texts that ``library.db`` has rows of, whether whole or not."""
    try:
        connection = connect(path, SCHEMA, VERSION, read_only=True, remedy=REMEDY)
    except NothingYet:
        return set()
    with closing(connection), spoken(path, REMEDY):
        return set(_ids(connection))


def _ids(connection: sqlite3.Connection) -> frozenset[str]:
    return frozenset(str(row[0]) for row in connection.execute("SELECT DISTINCT id FROM sources"))


def describe(path: Path, seal: Seal, sources: Sequence[Source]) -> None:
    """Write rows of sources that ``library.db`` has lost, all or none of them."""
    bring_up(path, seal)
    rows = [_row(source) for source in sources]
    with closing(connect(path, SCHEMA, VERSION, remedy=REMEDY)) as connection, spoken(path, REMEDY):
        connection.execute("BEGIN IMMEDIATE")
        for row in rows:
            values = (*row, seal.sign("sources", *row))
            connection.execute(f"INSERT OR REPLACE INTO sources VALUES ({', '.join('?' * len(values))})", values)
        connection.execute("COMMIT")


def text_path(folder: Path, source: str) -> Path:
    """Return the file of a stored text. Raises ``StoreProblem`` when ``source`` is not a SHA-256 in hex."""
    if not HASH.fullmatch(source):
        raise StoreProblem(f"{source[:80]!r} is not the id of a stored text")
    return folder / "texts" / source[:2] / f"{source}.txt"


def read_text(path: Path) -> str:
    """Return a stored text. Raises ``SourceDamaged`` when the file is missing or its hash is not its name."""
    try:
        data = read_inside(path.parents[2], _within(path))
    except OSError as error:
        raise SourceDamaged(f"the stored text {path} cannot be read: {error.strerror}; {REPAIR}") from None
    except StoreProblem as error:
        raise SourceDamaged(f"{error}; {REPAIR}") from None
    if hashlib.sha256(data).hexdigest() != path.stem:
        raise SourceDamaged(f"the stored text {path} was changed: its hash is not its name; {REPAIR}")
    return data.decode()


def _write_once(path: Path, data: bytes) -> None:
    """Write ``data`` whole and durably, or leave what is there: an equal name is an equal content."""
    with spoken(path):
        folder, name = path.parents[2], _within(path)
        with suppress(FileNotFoundError, StoreProblem):  # a link in its place is replaced, and not followed
            if hashlib.sha256(read_inside(folder, name)).hexdigest() == path.stem:
                return
        write_inside(folder, name, data)


def _within(path: Path) -> str:
    """Return the name of a stored text below the library's folder."""
    return "/".join(path.parts[-3:])
