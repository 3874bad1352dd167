"""Search through SearXNG, against its wire format on loopback."""

from __future__ import annotations

import json

import pytest

from research.errors import EffectFailed, UsageFault
from research.records import ident
from tools.fakes.web_server import WebPage, WebServer, html_page, redirect
from tools.searxng import SearxngSearch

PAGES = {
    "/cats": html_page("Cats", ["Cats sleep for thirteen hours a day."]),
    "/dogs": html_page("Dogs", ["Dogs sleep at night."]),
}


async def search(base: str, query: str = "cats sleep", limit: int = 10, timeout: float | None = 5.0) -> list[str]:
    provider = SearxngSearch(base)
    try:
        return [hit.url for hit in await provider.search(query, limit, timeout=timeout)]
    finally:
        await provider.aclose()


def answer(value: object) -> WebPage:
    return WebPage(body=json.dumps(value).encode(), media="application/json")


async def test_results_become_hits_with_handles_of_code() -> None:
    """Title, snippet, score and the handle of the canonical address are there; the query arrives as typed."""
    with WebServer(PAGES) as server:
        provider = SearxngSearch(server.url + "/")
        first, second = await provider.search("how long do cats sleep & why?", 10, timeout=5.0)
        await provider.aclose()
        assert server.paths() == ["/search?q=how+long+do+cats+sleep+%26+why%3F&format=json"]
    assert first.url == f"{server.url}/cats"
    assert first.handle == ident("h", first.url)
    assert first.title == "Cats"
    assert "thirteen hours" in first.snippet
    assert first.score >= second.score
    assert first.why == ("searxng result 1",)


async def test_half_a_character_in_one_result_costs_no_other() -> None:
    """Its escape is JSON that a strict reader refuses; the results beside it are found, and its own without it."""
    results = [
        {"url": "https://a.example/", "title": "Whole", "content": "all of it"},
        {"url": "https://b.example/", "title": "Half \ud800 of it", "content": "\udfff"},
    ]
    with WebServer({"/search": answer({"results": results})}) as server:
        provider = SearxngSearch(server.url)
        hits = await provider.search("q", 10, timeout=5.0)
        await provider.aclose()
    assert [hit.title for hit in hits] == ["Whole", "Half of it"]


async def test_an_answer_nested_too_deep_to_be_read_is_a_failure() -> None:
    """What would exhaust the stack of its reader is told as an answer of no use."""
    page = WebPage(body=b'{"results": ' + b"[" * 100_000, media="application/json")
    with WebServer({"/search": page}) as server:
        provider = SearxngSearch(server.url)
        with pytest.raises(EffectFailed, match="not a JSON object"):
            await provider.search("q", 10, timeout=5.0)
        await provider.aclose()


@pytest.mark.parametrize("suffix", ["", "/", "/search", "/search/"])
async def test_the_address_may_be_given_with_or_without_search(suffix: str) -> None:
    """What a browser shows and what the manual says both work."""
    with WebServer(PAGES) as server:
        assert len(await search(server.url + suffix)) == 2


async def test_limit_duplicates_and_other_schemes_are_handled() -> None:
    """No more than the limit, each page once, nothing that is not a web page, and odd rows do no harm."""
    rows: list[object] = [
        {"url": "https://a.test/1?utm_source=x", "title": None, "content": 7, "score": "high"},
        {"url": "https://a.test/1", "title": "again"},
        {"url": "javascript:alert(1)", "title": "no"},
        "not a row",
        {"title": "no address"},
        {"url": "https://a.test/2", "score": float("1e400")},
        {"url": "https://a.test/3"},
    ]
    text = json.dumps({"results": rows}).replace("Infinity", "1e308")
    with WebServer({"/search": WebPage(body=text.encode(), media="application/json")}) as server:
        assert await search(server.url, limit=2) == ["https://a.test/1", "https://a.test/2"]


async def test_no_results_is_an_answer_unless_the_engines_were_silent() -> None:
    """An empty list stands for nothing found; engines that did not answer are an error worth retrying."""
    with WebServer({"/search": answer({"results": []})}) as server:
        assert await search(server.url) == []
    silent = {"results": [], "unresponsive_engines": [["google", "CAPTCHA"], ["bing", "timeout"]]}
    page = answer(silent)
    with WebServer({"/search": page}) as server, pytest.raises(EffectFailed, match="google: CAPTCHA, bing") as caught:
        await search(server.url)
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("page", "words", "retryable"),
    [
        (WebPage(body=b"Forbidden", status=403), "403 Forbidden: .*json under search.formats", False),
        (WebPage(body=b"", status=404), "404 Not Found: is this", False),
        (WebPage(body=b"", status=429, headers=(("Retry-After", "3"),)), "429 Too Many", True),
        (WebPage(body=b"", status=502), "502 Bad Gateway", True),
        (WebPage(body=b"<html>", media="text/html"), "not a JSON object", False),
        (WebPage(body=b"[1]", media="application/json"), "not a JSON object", False),
        (WebPage(body=b'{"results": [{"url": "htt', media="application/json"), "breaks off in the middle", True),
        (WebPage(body=b'{"results": 3}', media="application/json"), "without a list", False),
        (WebPage(body=b" " * 5_000_001, media="application/json"), "more than", False),
        (WebPage(body=b"{}", headers=(("Content-Encoding", "gzip"),)), "not asked for", False),
        (WebPage(body=b"{", length=50, media="application/json"), "broke off", True),
        (redirect("http://127.0.0.1:1/search"), "redirects away", False),
        (redirect("https://elsewhere.example/search"), "redirects away", False),
        (redirect("/search"), "without end", False),
    ],
)
async def test_every_failure_is_a_sentence_and_never_an_empty_list(page: WebPage, words: str, retryable: bool) -> None:
    """Status, hint and whether asking again may help are there; nothing is asked twice by itself."""
    with WebServer({"/search": page}) as server:
        with pytest.raises(EffectFailed, match=words) as caught:
            await search(server.url)
        assert len(server.log) == (4 if "without end" in words else 1)
    assert caught.value.retryable == retryable
    assert caught.value.retry_after == (3.0 if "429" in words else None)


async def test_a_redirect_on_the_same_host_is_followed() -> None:
    """An instance may move its search to another path."""
    with WebServer({"/search": redirect("/real?format=json"), "/real": answer({"results": []})}) as server:
        assert await search(server.url) == []


async def test_a_late_or_missing_instance_is_retryable() -> None:
    """The caller's time limit holds, and a closed port says where it was looked for."""
    with WebServer({"/search": WebPage(body=b"{}", delay=30.0)}) as server:
        with pytest.raises(EffectFailed, match=r"within 0.2 s") as caught:
            await search(server.url, timeout=0.2)
        assert caught.value.retryable
    with pytest.raises(EffectFailed, match=f"cannot be reached at {server.url}") as caught:
        await search(server.url)
    assert caught.value.retryable


@pytest.mark.parametrize("base", ["localhost:8888", "ftp://a.test", "http://", "http://u:p@a.test", "http://a b/", ""])
def test_an_address_that_cannot_be_one_is_a_usage_error(base: str) -> None:
    """The mistake is reported when the provider is made."""
    with pytest.raises(UsageFault, match="address"):
        SearxngSearch(base)
