"""Pages that say next to nothing until their scripts ran: told as such, and rendered where the user allows it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from research.app.browsers import found_browser
from research.errors import EffectFailed
from research.ports import Page
from research.requests import FetchRequest
from tools.clock import SystemClock
from tools.fakes.web_server import WebPage, WebServer
from tools.parse import ChildParser
from tools.rendering import Chromium
from tools.safe_fetch import Manners, SafeFetch

PROGRAM = found_browser()
needs_browser = pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed")
SHELL = b"<html><head><title>Rivers</title></head><body><div id=app></div><script src=/app.js></script></body></html>"
SCRIPT = b"""fetch('/rivers.json').then(answer => answer.json()).then(found => {
  const line = document.createElement('p');
  line.textContent = found.text;
  document.getElementById('app').append(line);
});"""
DATA = b'{"text": "The Danube flows through ten countries, more than any other river of the world does."}'


@pytest_asyncio.fixture
async def parser() -> AsyncIterator[ChildParser]:
    child = ChildParser(children=1)
    yield child
    await child.aclose()


def site(**more: WebPage) -> WebServer:
    pages = {
        "/": WebPage(body=SHELL),
        "/app.js": WebPage(body=SCRIPT, media="text/javascript"),
        "/rivers.json": WebPage(body=DATA, media="application/json"),
    }
    return WebServer({**pages, **{f"/{name.replace('_', '.')}": page for name, page in more.items()}})


async def read(server: WebServer, parser: ChildParser, browser: Chromium | None, path: str = "/") -> Page:
    manners = Manners(SystemClock())
    fetch = SafeFetch(parser, allow_hosts=[server.host], manners=manners, browser=browser)
    try:
        return await fetch.fetch(FetchRequest(handle="h-1", url=f"{server.url}{path}"), timeout=60.0)
    finally:
        await fetch.aclose()


def asked(server: WebServer) -> list[str]:
    return [line.path for line in server.log]


async def test_without_a_browser_the_page_is_named_as_what_it_is(parser: ChildParser) -> None:
    """The sentence says that there is no text and what would bring one; no script is asked for."""
    with site() as server, pytest.raises(EffectFailed, match=r"no readable text; --javascript lets"):
        await read(server, parser, None)
    assert "/app.js" not in asked(server)


@needs_browser
async def test_with_a_browser_its_text_is_read(parser: ChildParser) -> None:
    """The page, its script and its data come through the one fetch, robots.txt first, and the text is the script's."""
    assert PROGRAM is not None
    with site() as server:
        page = await read(server, parser, Chromium(PROGRAM))
    assert "The Danube flows through ten countries" in page.text
    assert asked(server) == ["/robots.txt", "/", "/app.js", "/rivers.json"]


@needs_browser
async def test_scripts_load_nothing_that_a_fetch_may_not(parser: ChildParser) -> None:
    """What robots.txt closes and what is on an inner host stays closed to scripts."""
    assert PROGRAM is not None
    with WebServer({"/rivers.json": WebPage(body=DATA, media="application/json")}) as inner:
        page = SHELL.replace(b"</body>", f"<script src=http://{inner.host}/rivers.json></script></body>".encode())
        robots = WebPage(body=b"User-agent: *\nDisallow: /rivers.json\n", media="text/plain")
        with site(robots_txt=robots, index_html=WebPage(body=page)) as server, pytest.raises(EffectFailed):
            await read(server, parser, Chromium(PROGRAM), "/index.html")
        assert asked(inner) == []
    assert asked(server) == ["/robots.txt", "/index.html", "/app.js"]


@needs_browser
async def test_a_page_with_text_is_not_rendered(parser: ChildParser) -> None:
    """A browser is started for pages alone that need one."""
    assert PROGRAM is not None
    text = "The Danube flows through ten countries, more than any other river does. " * 5
    page = f"<html><body><article><p>{text}</p></article><script src=/app.js></script></body></html>"
    with site(long_html=WebPage(body=page.encode())) as server:
        found = await read(server, parser, Chromium(PROGRAM), "/long.html")
    assert "ten countries" in found.text
    assert "/app.js" not in asked(server)
