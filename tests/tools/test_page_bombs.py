"""Bytes made to harm whoever reads them, through the real fetch and the real child: each ends at most itself."""

from __future__ import annotations

import base64
import gzip
import resource
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from research.errors import EffectFailed
from research.ports import Page
from research.requests import FetchRequest
from tools.fakes.web_server import WebPage, WebServer, html_page
from tools.page_body import FetchLimits
from tools.parse import ChildParser
from tools.safe_fetch import SafeFetch

SECONDS = 8.0
GOOD = html_page("Rivers", ["The Danube flows through ten countries, more than any other river in the world."])
BROTLI = base64.b64decode("W////38hgWDdtm3bBg==")
"""The start of a brotli stream that announces a large window; what it holds is never looked at."""
ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha" * 10}">' for n in range(10))
LAUGHS = f'<?xml version="1.0"?><!DOCTYPE html [{ENTITIES}]><html><body><p>&e9;</p><p>Words to read.</p></body></html>'
OUTER = (
    '<?xml version="1.0"?><!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]><html><body><p>&x;</p>'
    "<p>Words to read.</p></body></html>"
)


def gzipped(data: bytes, media: str = "text/html") -> WebPage:
    return WebPage(body=gzip.compress(data, 9), media=media, headers=(("Content-Encoding", "gzip"),))


def many_pages(kids: int, count: int) -> bytes:
    """Return a PDF whose page tree names one page ``kids`` times and claims ``count`` pages."""
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{'3 0 R ' * kids}] /Count {count} >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
    ]
    out, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    return f"{out}xref\n0 4\n0000000000 65535 f \n{table}{end}".encode("latin-1")


BOMBS = {
    "gzip of 500 MB": (gzipped(bytes(500_000_000)), "unpacked"),
    "gzip in gzip": (
        WebPage(body=gzip.compress(gzip.compress(bytes(50_000_000))), headers=(("Content-Encoding", "gzip, gzip"),)),
        "not asked for",
    ),
    "brotli": (WebPage(body=BROTLI * 22, headers=(("Content-Encoding", "br"),)), "not asked for"),
    "zstd": (WebPage(body=b"\x28\xb5\x2f\xfd" * 9, headers=(("Content-Encoding", "zstd"),)), "not asked for"),
    "20 MB": (WebPage(body=b"<p>words and more words</p>" * 740_741), "too large"),
    "19 MB unpacked, one paragraph": (gzipped(b"<p>" + b"<span>a</span> " * 1_260_000), ""),
    "deeply nested": (gzipped(b"<div>" * 1_000_000 + b"x"), ""),
    "nested lists": (gzipped(b"<ul><li>" * 300_000 + b"x"), ""),
    "many attributes": (gzipped(b"<p " + b"".join(b"a%d=1 " % n for n in range(200_000)) + b">x</p>"), ""),
    "many tables": (gzipped(b"<table><tr><td>" * 20_000 + b"x"), ""),
    "laughs as XHTML": (WebPage(body=LAUGHS.encode(), media="application/xhtml+xml"), ""),
    "laughs as HTML": (WebPage(body=LAUGHS.encode()), ""),
    "an outer entity": (WebPage(body=OUTER.encode(), media="application/xhtml+xml"), ""),
    "a PDF of a billion pages": (WebPage(body=many_pages(1, 10**9), media="application/pdf"), ""),
    "a PDF of a page a hundred thousand times": (
        WebPage(body=many_pages(100_000, 100_000), media="application/pdf"),
        "100,000 pages",
    ),
    "JSON of brackets": (gzipped(b"[" * 5_000_000, "application/json"), ""),
    "one line": (gzipped(b"a " * 9_000_000, "text/plain"), ""),
    "empty lines": (gzipped(b"\n" * 19_000_000 + b"x", "text/plain"), ""),
    "spaces": (gzipped(b" " * 19_000_000 + b"x", "text/plain"), ""),
}


@pytest_asyncio.fixture
async def parser() -> AsyncIterator[ChildParser]:
    child = ChildParser(seconds=SECONDS, children=1)
    yield child
    await child.aclose()


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_ends_at_most_itself(parser: ChildParser, name: str) -> None:
    """In bounded time it gives a sentence or a page, this process grows little, and the next page is read."""
    bomb, words = BOMBS[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with WebServer({"/bomb": bomb, "/good": GOOD}) as server:
        fetch = SafeFetch(parser, allow_hosts=[server.host], limits=FetchLimits(seconds=20.0))
        began = time.monotonic()
        try:
            found = await fetch.fetch(FetchRequest(handle="h", url=f"{server.url}/bomb"), timeout=40.0)
            said = ""
            assert isinstance(found, Page)
            assert "root:" not in found.text
        except EffectFailed as failure:
            said = str(failure)
            assert not failure.retryable
        assert words in said
        assert said or not words
        assert time.monotonic() - began < 2 * SECONDS + 10
        good = await fetch.fetch(FetchRequest(handle="h", url=f"{server.url}/good"), timeout=40.0)
        assert "ten countries" in good.text
        await fetch.aclose()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300_000, f"{name}: {grown:,} KB"
