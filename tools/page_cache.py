"""Pages kept across runs in ``pages.db``, as HTTP allows a private cache (RFC 9111, judged by hishel).

A page that its host calls fresh is not asked for again; one that is not is asked for with its validator, and a "not
modified" costs no body. One row a URL, with a keyed digest: a row that is not what was written is asked for anew. Of
the headers only those are kept that caching needs, no cookie among them. The file has a bound, and nothing is kept
longer than a week. Who may be asked, and how, is decided by those who hand in ``send``.
"""

from __future__ import annotations

import sqlite3
import uuid
import zlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from research.errors import StoreProblem, WrongVersion
from research.ports import Clock
from tools.database import Database, NothingYet, connect, spoken
from tools.seal import Seal

if TYPE_CHECKING:
    from hishel import Entry, Request, Response

VERSION = 1
SCHEMA = """
CREATE TABLE pages (
  url TEXT PRIMARY KEY, stored TEXT NOT NULL, status INTEGER NOT NULL, sent TEXT NOT NULL, headers TEXT NOT NULL,
  body BLOB NOT NULL, digest BLOB NOT NULL
)
"""
TABLES = {"pages": ("url", "stored", "status", "sent", "headers", "body")}
COLUMNS = TABLES["pages"]
SELECT = f"SELECT {', '.join(COLUMNS)}, digest FROM pages WHERE url = ?"
REMEDY = "`research cache clear` empties it, and pages are asked for again"

LONGEST_PAGE = 5_000_000
"""Bytes of a body, unpacked; a larger one is not kept."""
MOST_BYTES = 200_000_000
"""Of all bodies as they are kept; the pages that were kept first make room."""
DAYS = 7
HEADERS = frozenset(
    ["age", "cache-control", "content-type", "date", "etag", "expires", "last-modified", "location", "pragma", "vary"]
)  # fmt: skip
VALIDATORS = ("if-none-match", "if-modified-since")
Pairs = Sequence[tuple[str, str]]


class Kept(NamedTuple):
    """An answer that was read whole: ``body`` is decoded, and empty where the answer points elsewhere."""

    status: int
    headers: dict[str, str]
    body: bytes


class PageCache:
    """The pages of one file, ``most`` bytes of them. ``clock`` says how long ago a page was kept."""

    def __init__(self, database: Database, seal: Seal, clock: Clock, *, most: int = MOST_BYTES) -> None:
        self._database = database
        self._seal = seal
        self._clock = clock
        self._most = most

    def prepare(self) -> None:
        """Import what judges freshness now; it takes a tenth of a second."""
        import hishel  # noqa: F401

    async def answer(self, url: str, headers: Pairs, send: Callable[[Pairs], Awaitable[Kept]]) -> Kept:
        """Return the kept answer where that may be used, else what ``send`` returns for the headers to add.

        ``headers`` are those that are sent anyway. What ``send`` raises is raised; nothing is kept then.
        """
        from hishel import CouldNotBeStored, FromCache, IdleClient, InvalidateEntries, NeedToBeUpdated, StoreAndUse

        stored, entries = await self._find(url)
        fresh = stored
        state: Any = IdleClient(options={"shared": False}).next(_request(url, dict(headers)), entries)
        while not isinstance(state, FromCache | StoreAndUse | CouldNotBeStored):
            if isinstance(state, NeedToBeUpdated):
                said = dict(state.updating_entries[0].response.headers)
                await self._keep(url, headers, Kept(stored.status, said, stored.body))
                state = state.next()
            elif isinstance(state, InvalidateEntries):
                await self._drop(url)
                state = state.next()
            else:
                fresh = self._dated(await send(_validators(state.request)))
                state = state.next(_response(fresh))
        if isinstance(state, StoreAndUse) and len(fresh.body) <= LONGEST_PAGE:
            await self._keep(url, headers, fresh)
        return stored if isinstance(state, FromCache) else fresh

    def _dated(self, answer: Kept) -> Kept:
        """Return the answer with the headers that are kept, dated by when its host says that it was made.

        Where that cannot be read it is now, and its age in caches on the way is added (RFC 9111, 4.2.3).
        """
        now = datetime.fromisoformat(self._clock.now())
        said = {name: value for name, value in answer.headers.items() if name in HEADERS and _sendable(name, value)}
        age = said.pop("age", "")
        made = min(
            _date(said.get("date", "")) or now,
            now - timedelta(seconds=int(age[:9]) if age.isdecimal() and age.isascii() else 0),
        )
        return Kept(answer.status, {**said, "date": format_datetime(made)}, answer.body)

    async def _find(self, url: str) -> tuple[Kept, list[Entry]]:
        """Return what is kept, and nothing where there is none that may be used."""
        nothing: tuple[Kept, list[Entry]] = Kept(0, {}, b""), []
        row = await self._database.run(lambda connection: connection.execute(SELECT, (url,)).fetchone())
        if row is None or row[0] != url or not self._seal.holds(row[-1], "pages", *row[:-1]):
            return nothing
        if datetime.fromisoformat(row[1]) < datetime.fromisoformat(self._clock.now()) - timedelta(days=DAYS):
            return nothing
        sent, headers = (msgspec.json.decode(text, type=dict[str, str]) for text in row[3:5])
        kept = Kept(row[2], headers, zlib.decompress(row[5]))
        return kept, [_entry(_request(url, sent), kept)]

    async def _keep(self, url: str, headers: Pairs, kept: Kept) -> None:
        """Keep the answer, unless it holds a secret, which would be in the file though packed."""
        scanner = self._seal.scanner
        if scanner.found(url) or scanner.found(str(kept.headers)) or scanner.found(kept.body):
            await self._drop(url)
            return
        row = (
            url,
            self._clock.now(),
            kept.status,
            msgspec.json.encode(dict(headers)).decode(),
            msgspec.json.encode({name: value for name, value in kept.headers.items() if name in HEADERS}).decode(),
            zlib.compress(kept.body, 1),
        )
        signed = (*row, self._seal.sign("pages", *row))

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute(f"INSERT OR REPLACE INTO pages VALUES ({', '.join('?' * len(signed))})", signed)
            size = connection.execute("SELECT sum(length(body)) FROM pages").fetchone()[0]
            for number, length in connection.execute("SELECT rowid, length(body) FROM pages ORDER BY rowid").fetchall():
                if size <= self._most:
                    return
                connection.execute("DELETE FROM pages WHERE rowid = ?", (number,))
                size -= length

        await self._database.run(insert)

    async def _drop(self, url: str) -> None:
        await self._database.run(lambda connection: connection.execute("DELETE FROM pages WHERE url = ?", (url,)))


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year of fourteen digits
        return None
    return date if date.tzinfo is not None else None


def _sendable(name: str, value: str) -> bool:
    """Return whether a header may be kept: a validator goes back to the host, so it must be plain and short."""
    return name not in ("etag", "last-modified") or (len(value) <= 200 and value.isascii() and value.isprintable())


def _entry(request: Request, kept: Kept) -> Entry:
    from hishel import Entry

    return Entry(id=uuid.uuid4(), request=request, response=_response(kept))


def _request(url: str, headers: dict[str, str]) -> Request:
    from hishel import Headers, Request

    return Request(method="GET", url=url, headers=Headers(dict(headers)))


def _response(kept: Kept) -> Response:
    from hishel import Headers, Response

    return Response(status_code=kept.status, headers=Headers(dict(kept.headers)))


def _validators(request: Request) -> list[tuple[str, str]]:
    return [(name, request.headers[name]) for name in VALIDATORS if name in request.headers]


def empty(path: Path) -> int:
    """Take every page out of the file and return how many there were; one that cannot be read is taken away."""
    try:
        with closing(connect(path, SCHEMA, VERSION, remedy=REMEDY)) as connection, spoken(path, REMEDY):
            count = int(connection.execute("SELECT count(*) FROM pages").fetchone()[0])
            connection.execute("DELETE FROM pages")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return count
    except NothingYet:
        return 0
    except (WrongVersion, StoreProblem):
        for end in ("", "-wal", "-shm"):
            with spoken(path):
                path.with_name(f"{path.name}{end}").unlink(missing_ok=True)
        return 0
