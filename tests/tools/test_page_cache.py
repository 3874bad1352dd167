"""Pages kept across runs, as HTTP allows it, against a real server and a real file."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from research.errors import EffectFailed, StoreProblem
from research.ports import Page, Parsed
from research.requests import FetchRequest
from research.scanner import NO_SECRETS, Scanner
from research.secret import Secret
from tools import page_cache
from tools.clock import SystemClock
from tools.database import Database
from tools.fakes.web_server import WebPage, WebServer, redirect
from tools.page_cache import PageCache
from tools.safe_fetch import Manners, SafeFetch
from tools.seal import Seal

FRESH = (("Cache-Control", "max-age=600"),)
TAGGED = (("Cache-Control", "no-cache"), ("ETag", '"one"'))


class PlainParser:
    """A parser that decodes and nothing else."""

    async def parse(self, data: bytes, media: str, *, name: str) -> Parsed:
        return Parsed(text=data.decode("utf-8", "replace"))


class LaterClock(SystemClock):
    """The system's clock, some days later."""

    def __init__(self, days: float) -> None:
        self._days = days

    def now(self) -> str:
        return (datetime.now(UTC) + timedelta(days=self._days)).isoformat(timespec="seconds")


def site(text: str = "words", headers: Sequence[tuple[str, str]] = FRESH, **how: object) -> WebPage:
    return WebPage(body=text.encode(), media="text/plain", headers=tuple(headers), **how)  # type: ignore[arg-type]


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer() as web:
        yield web


@asynccontextmanager
async def opened(
    folder: Path, days: float = 0, most: int = page_cache.MOST_BYTES, scanner: Scanner = NO_SECRETS
) -> AsyncIterator[PageCache]:
    database = Database(folder / "pages.db", page_cache.SCHEMA, page_cache.VERSION, remedy=page_cache.REMEDY)
    with closing(database):
        yield PageCache(database, Seal(bytes(32), scanner), LaterClock(days), most=most)


async def run(folder: Path, server: WebServer, *paths: str, allow: bool = True, **how: Any) -> list[Page]:
    """Fetch as one run would: with a fetch of its own over the file of all runs."""
    async with opened(folder, **how) as cache:
        manners = Manners(SystemClock(), robots=False)
        hosts = [server.host] if allow else []
        fetch = SafeFetch(PlainParser(), allow_hosts=hosts, manners=manners, cache=cache)
        try:
            return [await fetch.fetch(FetchRequest(handle="h", url=server.url + path), timeout=9.0) for path in paths]
        finally:
            await fetch.aclose()


async def test_a_fresh_page_is_not_asked_for_again(tmp_path: Path, server: WebServer) -> None:
    """What its host calls fresh comes from the file, with the same text, media type and address, through redirects."""
    server.pages = {"/old": redirect("/a"), "/a": site("words"), "/b": site("other", ())}
    first = await run(tmp_path, server, "/old", "/a", "/b")
    assert await run(tmp_path, server, "/old", "/a", "/b") == first
    assert server.paths() == ["/old", "/a", "/b", "/old", "/b"]
    assert first[0].url.endswith("/a")


@pytest.mark.parametrize(
    "headers",
    [
        (("Cache-Control", "no-store"),),
        (("Cache-Control", "max-age=0"),),
        (("Cache-Control", "max-age=600"), ("Vary", "*")),
        (("Expires", "0"),),
        (("Cache-Control", "max-age=60"), ("Age", "61")),
        (),
    ],
)
async def test_what_may_not_be_kept_is_asked_for_again(
    tmp_path: Path, server: WebServer, headers: Sequence[tuple[str, str]]
) -> None:
    """No-store, an age that is over, a page that varies by everything, and a page that says nothing."""
    server.pages = {"/a": site("one", headers)}
    await run(tmp_path, server, "/a")
    server.pages = {"/a": site("two", headers)}
    assert [page.text for page in await run(tmp_path, server, "/a")] == ["two"]


async def test_a_page_that_did_not_change_is_not_sent_again(tmp_path: Path, server: WebServer) -> None:
    """A validator goes with the question; "not modified" gives the kept text, a change the new one."""
    server.pages = {"/a": site("one", TAGGED)}
    assert [page.text for page in await run(tmp_path, server, "/a")] == ["one"]
    assert [page.text for page in await run(tmp_path, server, "/a")] == ["one"]
    assert [entry.headers.get("if-none-match") for entry in server.log] == [None, '"one"']
    server.pages = {"/a": site("two", (TAGGED[0], ("ETag", '"two"')))}
    assert [page.text for page in await run(tmp_path, server, "/a", "/a")] == ["two", "two"]
    assert [entry.headers.get("if-none-match") for entry in server.log[2:]] == ['"one"', '"two"']


@pytest.mark.parametrize(("name", "value"), [("Age", "\u00b2"), ("Date", "Mon, 01 Jan 99999999999999 00:00:00 GMT")])
async def test_a_header_that_is_no_number_and_no_date_costs_no_page(
    tmp_path: Path, server: WebServer, name: str, value: str
) -> None:
    """A digit that is none and a year of fourteen digits are as if they were not there."""
    server.pages["/"] = site(headers=(*FRESH, (name, value)))
    (page,) = await run(tmp_path, server, "/")
    assert page.text == "words"


async def test_not_modified_without_being_asked_is_no_page(tmp_path: Path, server: WebServer) -> None:
    """A 304 to a plain question is an error, and so is one to a validator that names another page."""
    server.pages = {"/a": site("", (), status=304)}
    with pytest.raises(EffectFailed, match="304"):
        await run(tmp_path, server, "/a")


async def test_the_rules_hold_for_a_kept_page_too(tmp_path: Path, server: WebServer) -> None:
    """A page kept while its host was allowed is refused when it is not."""
    server.pages = {"/a": site()}
    await run(tmp_path, server, "/a")
    with pytest.raises(EffectFailed, match="is refused"):
        await run(tmp_path, server, "/a", allow=False)


async def test_errors_and_large_pages_are_not_kept(tmp_path: Path, server: WebServer) -> None:
    """A missing page may be there next time; a body over the bound is asked for again."""
    server.pages = {"/big": site("x" * (page_cache.LONGEST_PAGE + 1))}
    with pytest.raises(EffectFailed, match="404"):
        await run(tmp_path, server, "/a")
    server.pages["/a"] = site()
    await run(tmp_path, server, "/a", "/big", "/big")
    assert server.paths() == ["/a", "/a", "/big", "/big"]


async def test_nothing_is_kept_for_more_than_a_week(tmp_path: Path, server: WebServer) -> None:
    """A host that calls a page fresh for years is asked again after seven days."""
    server.pages = {"/a": site("one", (("Cache-Control", "max-age=999999999, immutable"),))}
    await run(tmp_path, server, "/a")
    await run(tmp_path, server, "/a", days=6)
    await run(tmp_path, server, "/a", days=8)
    assert len(server.log) == 2


async def test_a_changed_row_is_no_page(tmp_path: Path, server: WebServer) -> None:
    """A row that was written by another hand is asked for anew, and put right by that."""
    server.pages = {"/a": site("one")}
    await run(tmp_path, server, "/a")
    with closing(sqlite3.connect(tmp_path / "pages.db")) as file:
        file.execute("UPDATE pages SET headers = replace(headers, '600', '999')")
        file.commit()
    await run(tmp_path, server, "/a")
    await run(tmp_path, server, "/a")
    assert len(server.log) == 2


async def test_no_cookie_and_no_strange_validator_is_kept(tmp_path: Path, server: WebServer) -> None:
    """Of the headers only those of caching are in the file; a validator that is no plain short text is dropped."""
    strange = (("Set-Cookie", "secret=1"), ("X-Other", "x"), ("ETag", '"' + "e" * 300 + '"'), *FRESH)
    server.pages = {"/a": site("one", strange)}
    await run(tmp_path, server, "/a")
    with closing(sqlite3.connect(tmp_path / "pages.db")) as file:
        (headers,) = file.execute("SELECT headers FROM pages").fetchone()
    assert not any(word in headers.lower() for word in ("cookie", "secret", "other", "eee"))


async def test_a_page_that_holds_a_key_is_read_and_not_kept(tmp_path: Path, server: WebServer) -> None:
    """Bodies are packed in the file, so a key in one would be found by nobody but who unpacks it."""
    key = "tvly-Ab12Cd34Ef56Gh78"
    server.pages = {"/a": site(f"echo {key}"), "/b": site("words", (*FRESH, ("ETag", f'"{key}"')))}
    scanner = Scanner({"TAVILY_API_KEY": Secret(key)})
    assert [page.text for page in await run(tmp_path, server, "/a", "/b", scanner=scanner)] == [f"echo {key}", "words"]
    with closing(sqlite3.connect(tmp_path / "pages.db")) as file:
        assert file.execute("SELECT url FROM pages").fetchall() == []


async def test_the_file_has_a_bound_and_can_be_emptied(tmp_path: Path, server: WebServer) -> None:
    """The pages that were kept first make room; emptying says how many there were, and takes a broken file away."""
    server.pages = {f"/{number}": site(Random(number).randbytes(5_000).hex()) for number in range(5)}
    await run(tmp_path, server, *server.pages, most=20_000)
    await run(tmp_path, server, "/4", "/3", "/2", most=20_000)
    assert server.paths() == [*server.pages]
    await run(tmp_path, server, "/0", most=20_000)
    assert server.paths() == [*server.pages, "/0"]
    assert page_cache.empty(tmp_path / "pages.db") == 3
    assert page_cache.empty(tmp_path / "pages.db") == 0
    (tmp_path / "pages.db").write_bytes(b"rubbish" * 1000)
    with pytest.raises(StoreProblem, match="research cache clear"):
        async with opened(tmp_path):
            pass
    assert page_cache.empty(tmp_path / "pages.db") == 0
