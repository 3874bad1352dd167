"""The canonical form of web addresses, and the hits made of search results."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.records import ident
from research.urls import LONGEST_SNIPPET, Result, canonical_url, web_hits

HOSTS = st.sampled_from(["example.org", "EXAMPLE.org", "[2001:DB8::1]", "127.0.0.1", "bücher.example"])
WORDS = st.text(alphabet="abcXYZ019-_.~%2F", max_size=8)
PARTS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "utm_source", "UTM_x", "gclid", "fbclid", "id"]), WORDS), max_size=5
)


@st.composite
def addresses(draw: st.DrawFn) -> str:
    scheme = draw(st.sampled_from(["http", "https", "HTTP"]))
    port = draw(st.sampled_from(["", ":80", ":443", ":8080", ":"]))
    path = "".join("/" + draw(WORDS) for _ in range(draw(st.integers(0, 3))))
    query = "&".join(f"{name}={value}" for name, value in draw(PARTS))
    fragment = draw(st.sampled_from(["", "#top", "#"]))
    return f"{scheme}://{draw(HOSTS)}{port}{path}{'?' + query if query else ''}{fragment}"


@pytest.mark.parametrize(
    ("given_url", "canonical"),
    [
        ("HTTPS://Example.ORG:443/A?b=2&a=1#part", "https://example.org/A?b=2&a=1"),
        ("http://example.org", "http://example.org/"),
        ("http://example.org:8080/x", "http://example.org:8080/x"),
        ("https://example.org/?utm_source=x&q=1&gclid=3&UTM_Medium=y&fbclid=4", "https://example.org/?q=1"),
        ("https://example.org/?utm_source=x", "https://example.org/"),
        ("http://[2001:DB8::1]:80/", "http://[2001:db8::1]/"),
        ("https://example.org/a%20b?q=%E2%82%AC", "https://example.org/a%20b?q=%E2%82%AC"),
    ],
)
def test_the_canonical_form_drops_only_what_does_not_name_the_page(given_url: str, canonical: str) -> None:
    """Host case, fragment, default port and tracking parameters go; path, order and escapes stay."""
    assert canonical_url(given_url) == canonical


@given(addresses())
def test_a_canonical_address_is_its_own_canonical_form(url: str) -> None:
    """Canonicalising twice changes nothing, and no tracking parameter, fragment or capital host letter survives."""
    once = canonical_url(url)
    assert canonical_url(once) == once
    assert "#" not in once
    assert "utm_" not in once.partition("?")[2].lower()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "/relative",
        "http://",
        "http://user:pass@example.org/",
        "http:\\\\example.org\\",
        "http://example.org/a b",
        "http://example.org/\x00",
        "http://example.org:99999/",
        "http://[::1/",
        "http://example.org/" + "a" * 2_000,
    ],
)
def test_what_is_not_a_plain_web_address_has_no_canonical_form(url: str) -> None:
    """Other schemes, users, white space, backslashes, bad ports and endless addresses are refused."""
    with pytest.raises(ValueError):
        canonical_url(url)


def test_one_page_found_under_two_addresses_is_one_hit() -> None:
    """Results that differ only in tracking are one hit, the first; its handle hashes the canonical address."""
    results = [
        Result(url="https://a.test/x?utm_source=1", title="First"),
        Result(url="https://a.test/x#y", title="Second"),
    ]
    hits = web_hits(results, provider="searxng", limit=5)
    assert [(hit.handle, hit.title, hit.url) for hit in hits] == [
        (ident("h", "https://a.test/x"), "First", "https://a.test/x")
    ]


def test_results_that_are_not_pages_are_left_out_and_the_limit_holds() -> None:
    """Non-http results do not take a place, and no more than the limit come back, in the provider's order."""
    urls = ["javascript:x", "http://a.test/1", "magnet:?x", "http://a.test/2", "http://a.test/3"]
    hits = web_hits([Result(url=url) for url in urls], provider="p", limit=2)
    assert [hit.url for hit in hits] == ["http://a.test/1", "http://a.test/2"]
    assert hits[0].why == ("p result 2",)
    assert hits[0].score > hits[1].score


def test_titles_and_snippets_are_one_clean_line() -> None:
    """Control characters, bidi marks and line ends never leave the adapter, and a snippet has an end."""
    result = Result(url="http://a.test/", title="a\x1b[31m\u202eb\nc", snippet="x " * 5_000)
    (hit,) = web_hits([result], provider="p", limit=1)
    assert hit.title == "ab c"
    assert len(hit.snippet) <= LONGEST_SNIPPET
