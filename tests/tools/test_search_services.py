"""Each search service against a loopback server that speaks its real answers and errors."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from research.errors import EffectFailed, UsageFault
from research.records import Hit, ident
from research.secret import Secret
from tools.arxiv import ArxivSearch, read_atom
from tools.brave import BraveSearch
from tools.crossref import CrossrefSearch
from tools.exa import ExaSearch
from tools.fakes.search_server import PATHS, SearchServer, atom, refusal
from tools.fakes.web_server import WebPage, html_page, redirect
from tools.openalex import OpenAlexSearch
from tools.semantic_scholar import SemanticScholarSearch
from tools.wikipedia import WikipediaSearch

KEY = "brv-0123456789"
PAGES = {
    "/wiki/Cat_sleep": html_page("Cat sleep", ["Cats sleep for thirteen hours & dream."]),
    "/wiki/Dogs": html_page("Dogs", ["Dogs sleep at night."]),
    "/abs/2101.00001": html_page("On the sleep of cats", ["Cats sleep, as we show, thirteen hours."]),
}
SERVICES: dict[str, Callable[[str], Any]] = {
    "brave": lambda url: BraveSearch(url, key=Secret(KEY)),
    "exa": lambda url: ExaSearch(url, key=Secret(KEY)),
    "wikipedia": WikipediaSearch,
    "openalex": OpenAlexSearch,
    "crossref": CrossrefSearch,
    "semantic_scholar": SemanticScholarSearch,
    "arxiv": ArxivSearch,
}
SPOKEN = {"brave": "Brave", "exa": "Exa", "wikipedia": "Wikipedia", "openalex": "OpenAlex", "crossref": "Crossref"}
SPOKEN |= {"semantic_scholar": "Semantic Scholar", "arxiv": "arXiv"}
KEYED = ("brave", "exa")
every_service = pytest.mark.parametrize("name", SERVICES)


async def ask(name: str, url: str, query: str = "how do cats sleep?", limit: int = 10) -> Sequence[Hit]:
    provider = SERVICES[name](url)
    try:
        provider.prepare()
        found: Sequence[Hit] = await provider.search(query, limit, timeout=5.0)
        return found
    finally:
        await provider.aclose()


def answer(value: object) -> WebPage:
    return WebPage(body=json.dumps(value).encode(), media="application/json")


@every_service
async def test_results_become_hits_with_handles_of_code(name: str) -> None:
    """Address, title and a plain snippet are there, best first, at most as many as asked, named after the service."""
    with SearchServer(PAGES, key=KEY) as server:
        hits = await ask(name, server.url + "/", limit=2)
        (first,) = await ask(name, server.url, limit=1)
    assert len(hits) == (1 if name == "arxiv" else 2)
    assert first == hits[0]
    assert first.handle == ident("h", first.url)
    assert first.why == (f"{name} result 1",)
    assert "thirteen hours" in first.snippet
    assert "<" not in first.snippet + first.title
    assert "&amp;" not in first.snippet
    assert first.url.removeprefix(server.url) in (
        "/wiki/Cat_sleep",
        "/abs/2101.00001",
        "https://arxiv.org/abs/2101.00001v1",
    )


@every_service
async def test_nothing_found_is_an_empty_answer(name: str) -> None:
    """Each service's own way of saying so is understood."""
    with SearchServer(PAGES, key=KEY) as server:
        assert await ask(name, server.url, "zyzzyva") == ()


@every_service
@pytest.mark.parametrize(("status", "retryable"), [(401, False), (403, False), (429, True), (503, True)])
async def test_a_refusal_is_a_sentence_that_names_the_service(name: str, status: int, retryable: bool) -> None:
    """The status is told, and how long to wait where the service says so; nothing is asked twice by itself."""
    page = refusal(name, status, after=7)
    with SearchServer({PATHS[name]: page}) as server:
        with pytest.raises(EffectFailed, match=f"{SPOKEN[name]} answered {status}") as caught:
            await ask(name, server.url)
        assert len(server.log) == 1
    assert caught.value.retryable == retryable
    assert caught.value.retry_after == (7.0 if retryable else None)
    assert caught.value.limited == (status == 429)


@every_service
@pytest.mark.parametrize(
    ("page", "words"),
    [
        (WebPage(body=b"<!doctype html><html><p>Are you a robot?</p></html>"), "something that is not"),
        (WebPage(body=b"[1, 2]", media="application/json"), "something that is not"),
        (
            answer({"results": 3, "web": {"results": 3}, "query": 3, "message": [], "data": {}}),
            "a list|something that is",
        ),
        (answer({}), "without a list|something that is not"),
        (WebPage(body=b" " * 5_000_001), "more than 5,000,000 bytes"),
        (WebPage(body=b"{", length=50), "broke off"),
        (redirect("http://127.0.0.1:1/search", 307), "redirects away"),
    ],
)
async def test_an_answer_that_is_none_is_never_an_empty_list(name: str, page: WebPage, words: str) -> None:
    """A page of HTML, another shape, too many bytes or too few are failures."""
    with SearchServer({PATHS[name]: page}) as server, pytest.raises(EffectFailed, match=words) as caught:
        await ask(name, server.url)
    assert SPOKEN[name] in str(caught.value)


@every_service
async def test_rows_that_are_odd_do_no_harm(name: str) -> None:
    """What is no result is left out, and fields of another type are empty."""
    rows = ["x", 3, None, {}, {"title": 5, "url": 7, "DOI": 3, "doi": [], "id": {}, "externalIds": 3, "ns": 0}]
    value = {"type": "search", "web": {"results": rows}, "results": rows, "query": {"search": rows}, "data": rows}
    page = answer(value | {"message": {"items": rows}})
    if name == "arxiv":
        page = WebPage(
            body=atom([("x", "", ""), ("http://evil.test/abs/1", "No", ""), ("http://arxiv.org/abs/", "", "")])
        )
    with SearchServer({PATHS[name]: page}) as server:
        assert await ask(name, server.url) == ()


@pytest.mark.parametrize("name", KEYED)
async def test_a_wrong_key_is_named_but_never_shown(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the error nor a repr nor any log line nor a request's address holds the key."""
    caplog.set_level(logging.DEBUG)
    with SearchServer(PAGES, key="another") as server:
        provider = SERVICES[name](server.url)
        with pytest.raises(EffectFailed, match=f"key .*{name.upper()}_API_KEY") as caught:
            await provider.search("cats", 5, timeout=5.0)
        await provider.aclose()
        seen = repr(server.log)
    shown = f"{caught.value!r} {provider!r} {vars(provider)!r} {vars(provider._endpoint)!r} {caplog.text} {seen}"
    assert KEY not in shown


@pytest.mark.parametrize("name", [*KEYED, "semantic_scholar"])
async def test_the_key_never_follows_a_redirect_to_another_host(name: str) -> None:
    """The other host is not asked at all."""
    keyed = {"semantic_scholar": lambda url: SemanticScholarSearch(url, key=Secret(KEY))}
    with SearchServer(PAGES) as other, SearchServer({PATHS[name]: redirect(f"{other.url}/x", 307)}) as server:
        provider = {**SERVICES, **keyed}[name](server.url)
        with pytest.raises(EffectFailed, match="redirects away"):
            await provider.search("cats", 5, timeout=5.0)
        await provider.aclose()
        assert other.log == []


@pytest.mark.parametrize("key", ["with space", "line\nend", "schlüssel"])
@pytest.mark.parametrize("kind", [BraveSearch, ExaSearch])
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(kind: Callable[..., object], key: str) -> None:
    """A pasted line end would otherwise surface, with the key, in an error of the HTTP library."""
    with pytest.raises(UsageFault) as caught:
        kind("http://a.test", key=Secret(key))
    assert key not in str(caught.value)


async def test_semantic_scholar_takes_a_key_and_works_without_one() -> None:
    """A key that is set is sent; the wrong one is named."""
    with SearchServer(PAGES, key=KEY) as server:
        right, wrong = (SemanticScholarSearch(server.url, key=Secret(key)) for key in (KEY, "other"))
        assert await right.search("cats", 5, timeout=5.0)
        with pytest.raises(EffectFailed, match="SEMANTIC_SCHOLAR_API_KEY"):
            await wrong.search("cats", 5, timeout=5.0)
        for provider in (right, wrong):
            await provider.aclose()


async def test_what_each_service_is_asked() -> None:
    """The queries are in the form that each one takes, cut to what it takes; a contact goes where it is of use."""
    with SearchServer(PAGES) as server:
        for name in ("wikipedia", "brave", "semantic_scholar", "arxiv", "exa"):
            await ask(name, server.url, "self-made " + "words " * 200, limit=1000)
        for kind in (OpenAlexSearch, CrossrefSearch):
            provider = kind(server.url, contact="ann@example.org")
            await provider.search("cats & dogs", 3, timeout=5.0)
            await provider.aclose()
        wikipedia, brave, scholar, arxiv, exa, openalex, crossref = server.log
    assert "srlimit=50&srsearch=self-made+words" in wikipedia.path
    assert len(wikipedia.path) < 500
    assert brave.path.count("words") == 49
    assert "count=20" in brave.path
    assert "query=self+made+words" in scholar.path
    assert "search_query=all%3Aself+OR+all%3Amade" in arxiv.path
    assert json.loads(exa.body)["numResults"] == 25
    assert openalex.path.startswith("/works?search=cats+%26+dogs&per-page=3")
    assert all("mailto=ann%40example.org" in one.path for one in (openalex, crossref))
    assert all(one.headers["user-agent"].startswith("research/") for one in server.log)


async def test_a_work_has_the_address_that_can_be_read() -> None:
    """Free copies come before the publisher's page, and a DOI before the service's own."""
    free = {"landing_page_url": "https://arxiv.org/abs/2101.00001", "pdf_url": "https://arxiv.org/pdf/2101.00001"}
    paid = {"landing_page_url": "https://doi.org/10.1000/x", "pdf_url": None}
    rows = [
        {
            "id": "https://openalex.org/W1",
            "doi": "https://doi.org/10.1000/x",
            "display_name": "A",
            "primary_location": paid,
        },
        {"id": "https://openalex.org/W2", "display_name": "B", "primary_location": paid, "best_oa_location": free},
        {"id": "https://openalex.org/W3", "display_name": "C", "primary_location": None, "best_oa_location": None},
    ]
    with SearchServer({"/works": answer({"results": rows})}) as server:
        urls = [hit.url for hit in await ask("openalex", server.url)]
    assert urls == ["https://doi.org/10.1000/x", "https://arxiv.org/abs/2101.00001", "https://openalex.org/W3"]
    papers = [
        {
            "url": "https://www.semanticscholar.org/paper/1",
            "externalIds": {"DOI": "10.1000/a(b)", "ArXiv": "2101.00001"},
        },
        {"url": "https://www.semanticscholar.org/paper/2", "externalIds": {"DOI": "10.1000/x"}, "openAccessPdf": None},
        {"url": "https://www.semanticscholar.org/paper/3", "openAccessPdf": {"url": "https://a.test/p.pdf"}},
        {"url": "https://www.semanticscholar.org/paper/4", "externalIds": None},
    ]
    with SearchServer({PATHS["semantic_scholar"]: answer({"total": 4, "data": papers})}) as server:
        urls = [hit.url for hit in await ask("semantic_scholar", server.url)]
    assert urls[:2] == ["https://arxiv.org/abs/2101.00001", "https://doi.org/10.1000/x"]
    assert urls[2:] == ["https://a.test/p.pdf", "https://www.semanticscholar.org/paper/4"]


async def test_an_abstract_is_put_back_into_its_order() -> None:
    """OpenAlex sends words with their places; what is no place is left out."""
    index: dict[str, Any] = {"cats": [1, 4], "Do": [0], "dream": [2], "of": [3], "odd": ["x", -1, True, 10**9], "no": 3}
    row = {"id": "https://openalex.org/W1", "display_name": "A", "abstract_inverted_index": index}
    with SearchServer({"/works": answer({"results": [row]})}) as server:
        (hit,) = await ask("openalex", server.url)
    assert hit.snippet == "Do cats dream of cats"


@pytest.mark.parametrize(("code", "retryable"), [("ratelimited", True), ("maxlag", True), ("missingparam", False)])
async def test_an_error_of_mediawiki_comes_with_status_200(code: str, retryable: bool) -> None:
    """Its code and sentence are told, and whether asking again may help."""
    page = answer({"error": {"code": code, "info": "You\u202e have …"}, "servedby": "mw1"})
    with SearchServer({PATHS["wikipedia"]: page}) as server, pytest.raises(EffectFailed, match=code) as caught:
        await ask("wikipedia", server.url)
    assert caught.value.retryable == retryable
    assert "\u202e" not in str(caught.value)


async def test_an_error_of_arxiv_comes_as_an_entry() -> None:
    """Its sentence is told, and the entry is no hit."""
    page = WebPage(body=atom([("http://arxiv.org/api/errors#x", "Error", "max_results must be non-negative")]))
    with SearchServer({PATHS["arxiv"]: page}) as server, pytest.raises(EffectFailed, match="must be non-negative"):
        await ask("arxiv", server.url)


BOMB = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha" * 50}">' for n in range(9))


@pytest.mark.parametrize(
    "data",
    [
        f"<!DOCTYPE x [{BOMB}]><feed xmlns='http://www.w3.org/2005/Atom'><entry><title>&a8;</title></entry></feed>",
        "<!DOCTYPE x SYSTEM 'http://127.0.0.1:1/x.dtd'><feed xmlns='http://www.w3.org/2005/Atom'/>",
        "<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><feed xmlns='http://www.w3.org/2005/Atom'>&f;</feed>",
        "<feed xmlns='http://www.w3.org/2005/Atom'>" + "<a>" * 100_000,
        "<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>&nbsp;</title></entry></feed>",
        "<feed xmlns='http://www.w3.org/2005/Atom'><entry>",
        "<feed/>",
        "\0",
        "",
    ],
)
def test_xml_that_is_no_plain_feed_is_refused(data: str) -> None:
    """Declared entities, documents from elsewhere and deep nesting cost nothing and read nothing."""
    with pytest.raises(EffectFailed):
        read_atom(data.encode())
