"""Search through a Tavily-compatible service, against its wire format on loopback."""

from __future__ import annotations

import json
import logging

import pytest

from research.errors import EffectFailed, UsageFault
from research.records import ident
from tools.fakes.web_server import WebPage, WebServer, html_page, redirect
from tools.tavily import TavilySearch

KEY = "tvly-0123456789"
PAGES = {
    "/cats": html_page("Cats", ["Cats sleep for thirteen hours a day."]),
    "/dogs": html_page("Dogs", ["Dogs sleep at night."]),
}


async def test_results_become_hits_and_the_request_is_what_the_service_expects() -> None:
    """The query and the number of results go in the body, the key in the header."""
    with WebServer(PAGES, key=KEY) as server:
        provider = TavilySearch(server.url, key=KEY)
        (hit,) = await provider.search("how long do cats sleep", 1, timeout=5.0)
        await provider.aclose()
        assert json.loads(server.log[0].body) == {"query": "how long do cats sleep", "max_results": 1}
    assert hit.url == f"{server.url}/cats"
    assert hit.handle == ident("h", hit.url)
    assert hit.why == ("tavily result 1",)


async def test_without_a_key_none_is_sent() -> None:
    """A compatible service of one's own needs no key."""
    with WebServer(PAGES) as server:
        provider = TavilySearch(server.url)
        assert len(await provider.search("sleep", 5, timeout=5.0)) == 2
        await provider.aclose()
        assert not server.log[0].authorized


async def test_a_wrong_key_is_named_but_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    """Neither the error nor a repr nor any log line holds the key."""
    caplog.set_level(logging.DEBUG)
    with WebServer(PAGES, key="another") as server:
        provider = TavilySearch(server.url, key=KEY)
        with pytest.raises(EffectFailed, match="401 Unauthorized: the key is missing or wrong") as caught:
            await provider.search("sleep", 5, timeout=5.0)
        await provider.aclose()
    assert not caught.value.retryable
    shown = f"{caught.value!r} {provider!r} {vars(provider)!r} {vars(provider._endpoint)!r} {caplog.text}"
    assert KEY not in shown


async def test_the_key_never_follows_a_redirect_to_another_host() -> None:
    """The other host is not asked at all."""
    with WebServer(PAGES) as other:
        moved = redirect(f"{other.url}/search", 307)
        with WebServer({"POST /search": moved}) as server:
            provider = TavilySearch(server.url, key=KEY)
            with pytest.raises(EffectFailed, match="redirects away"):
                await provider.search("sleep", 5, timeout=5.0)
            await provider.aclose()
        assert other.log == []


@pytest.mark.parametrize(
    ("page", "words", "retryable"),
    [
        (WebPage(body=b"", status=429, headers=(("Retry-After", "2"),)), "429", True),
        (WebPage(body=b"", status=500), "500", True),
        (WebPage(body=b"", status=432), "432: the plan's limit", False),
        (WebPage(body=b"oops", media="text/plain"), "not a JSON object", False),
        (WebPage(body=b'{"results": [{"url": "htt', media="application/json"), "breaks off in the middle", True),
        (WebPage(body=b"{}", media="application/json"), "without a list", False),
        (redirect("/elsewhere", 302), "302 Found", False),
    ],
)
async def test_every_failure_is_a_sentence(page: WebPage, words: str, retryable: bool) -> None:
    """Status and whether asking again may help are there; a POST is never turned into a GET."""
    with WebServer({"POST /search": page}) as server:
        provider = TavilySearch(server.url, key=KEY)
        with pytest.raises(EffectFailed, match=words) as caught:
            await provider.search("sleep", 5, timeout=5.0)
        await provider.aclose()
        assert len(server.log) == 1
    assert caught.value.retryable == retryable


@pytest.mark.parametrize("key", ["with space", "line\nend", "schlüssel"])
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(key: str) -> None:
    """A pasted line end would otherwise surface, with the key, in an error of the HTTP library."""
    with pytest.raises(UsageFault) as caught:
        TavilySearch("http://a.test", key=key)
    assert key not in str(caught.value)
