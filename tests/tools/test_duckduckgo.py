"""Search through DuckDuckGo's page, as the real package reads it, on loopback."""

from __future__ import annotations

import resource
import subprocess
import sys
import zlib
from collections.abc import Sequence

import pytest

from research.errors import EffectFailed
from research.records import Hit, ident
from tools.duckduckgo import DuckDuckGoSearch
from tools.fakes.web_server import WebPage, WebServer

PLACE = "POST /html/"


def results_page(*rows: tuple[str, str, str]) -> WebPage:
    """A page of results as html.duckduckgo.com sends it."""
    bodies = "".join(
        f'<div class="result results_links web-result"><div class="links_main result__body">'
        f'<h2 class="result__title"><a href="{url}">{title}</a></h2><a class="result__snippet" href="{url}">{text}</a>'
        "</div></div>"
        for url, title, text in rows
    )
    return WebPage(body=f"<html><body><div id='links'>{bodies}</div></body></html>".encode())


async def ask(page: WebPage, limit: int = 10, seconds: float = 20.0) -> Sequence[Hit]:
    with WebServer({PLACE: page}) as server:
        provider = DuckDuckGoSearch(f"{server.url}/html/")
        provider.prepare()
        try:
            return await provider.search("how do cats sleep?", limit, timeout=seconds)
        finally:
            await provider.aclose()
            assert all("q=how+do+cats+sleep" in one.body for one in server.log)


async def test_the_page_becomes_hits() -> None:
    """Advertisements are left out, the best comes first, and no more are given than asked for."""
    ad = ("https://duckduckgo.com/y.js?ad=1", "Buy", "Buy cats")
    cats, dogs = ("https://a.test/cats", "Cats", "Cats sleep."), ("https://a.test/dogs", "Dogs", "Dogs sleep.")
    (hit,) = await ask(results_page(ad, cats, dogs), limit=1)
    assert (hit.handle, hit.url, hit.title) == (ident("h", cats[0]), cats[0], "Cats")
    assert hit.snippet == "Cats sleep."
    assert hit.why == ("duckduckgo result 1",)


async def test_a_page_that_says_there_is_nothing_is_an_empty_answer() -> None:
    """Only a page that says so is believed."""
    page = WebPage(body=b"<html><body><div class='no-results'>No results.</div></body></html>")
    assert await ask(page) == ()


@pytest.mark.parametrize(
    ("page", "words", "retryable"),
    [
        (WebPage(body=b"<html><div class='anomaly-modal'>Bots</div></html>", status=202), "asked too often", True),
        (WebPage(body=b"", status=403), "asked too often", True),
        (WebPage(body=b"", status=429), "429 Too Many Requests", True),
        (WebPage(body=b"", status=500), "500", True),
        (WebPage(body=b"<html><p>Are you a robot?</p></html>"), "does not say that there are none", False),
        (WebPage(body=b""), "does not say that there are none", False),
        (WebPage(body=b"\xff\xfe\0not html"), "does not say that there are none", False),
    ],
)
async def test_every_failure_is_a_sentence(page: WebPage, words: str, retryable: bool) -> None:
    """A captcha is no empty answer."""
    with pytest.raises(EffectFailed, match=words) as caught:
        await ask(page)
    assert str(caught.value).startswith("DuckDuckGo ")
    assert caught.value.retryable == retryable


async def test_no_redirect_is_followed() -> None:
    """The query goes to the one host; what answers from there cannot send it, or us, to an inner address."""
    with WebServer({PLACE: WebPage(body=b"inner")}) as inner:
        away = WebPage(body=b"", status=307, headers=(("Location", f"{inner.url}/html/"),))
        with pytest.raises(EffectFailed, match="answered 307"):
            await ask(away)
        assert not inner.log


async def test_a_body_that_unpacks_without_end_ends_its_own_process() -> None:
    """Two gigabytes in two megabytes cost the query and no more memory than the process is given."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(packer.compress(bytes(1_000_000)) for _ in range(2_000)) + packer.flush()
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    with pytest.raises(EffectFailed, match=r"broke the process|cannot be reached"):
        await ask(WebPage(body=body, headers=(("Content-Encoding", "gzip"),)))
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(before, 1_100_000)  # kilobytes


async def test_time_is_limited_and_the_process_ends_with_it() -> None:
    """A service that does not answer costs the time that it was given."""
    with pytest.raises(EffectFailed, match=r"DuckDuckGo gave no answer") as caught:
        await ask(WebPage(body=b"", delay=60.0), seconds=1.5)
    assert caught.value.retryable


async def test_a_service_that_is_not_there_is_told() -> None:
    """A closed port is a failure that may pass."""
    provider = DuckDuckGoSearch("http://127.0.0.1:1/html/")
    with pytest.raises(EffectFailed, match="cannot be reached") as caught:
        await provider.search("cats", 5, timeout=20.0)
    assert caught.value.retryable


def test_without_the_package_the_command_that_brings_it_is_named() -> None:
    """It is an extra, and nothing of it is imported before it is used."""
    code = "import sys; sys.modules['ddgs'] = None; from tools.duckduckgo import DuckDuckGoSearch; DuckDuckGoSearch()"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "SettingMissing" in ended.stderr
    assert "pip install 'research[duckduckgo]'" in ended.stderr
