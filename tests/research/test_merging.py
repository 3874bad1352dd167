"""Hits of several services become one list, with each page once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.merging import merged, work_of
from research.ranking import reciprocal_rank
from research.records import Hit, ident

WORDS = [f"word{number}" for number in range(400)]


def hit(url: str, why: str, *, title: str = "", snippet: str = "") -> Hit:
    return Hit(handle=ident("h", url), title=title, score=1.0, url=url, snippet=snippet, why=(why,))


SAME = [
    ("http://a.test/page", "https://www.a.test/page/"),
    ("https://a.test", "https://a.test/"),
    ("http://a.test:80/x?b=1", "https://a.test:443/x?b=1"),
    ("https://doi.org/10.1000/ABC.1", "http://dx.doi.org/10.1000/abc.1"),
    ("https://doi.org/10.1000/a%28b%29", "https://www.doi.org/10.1000/a(b)"),
    ("https://arxiv.org/abs/2101.00001v3", "http://arxiv.org/pdf/2101.00001.pdf"),
    ("https://doi.org/10.48550/arXiv.2101.00001", "https://export.arxiv.org/abs/2101.00001"),
    ("https://arxiv.org/abs/hep-th/9901001v1", "https://arxiv.org/pdf/hep-th/9901001"),
]
OTHER = [
    ("https://a.test/page", "https://a.test/Page"),
    ("https://a.test/page", "https://a.test/page?b=1"),
    ("https://a.test/page", "https://b.a.test/page"),
    ("https://a.test:8080/", "https://a.test/"),
    ("https://doi.org/10.1000/abc", "https://doi.org/10.1000/abd"),
    ("https://arxiv.org/abs/2101.00001", "https://arxiv.org/abs/2101.00002"),
    ("https://doi.org/10.1000/abc", "https://a.test/10.1000/abc"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_addresses_of_one_work_are_merged(one: str, other: str) -> None:
    """Scheme, www., the final slash, versions and the host of a DOI make no other page."""
    assert work_of(one) == work_of(other)
    (found,) = merged([[hit(one, "a result 1")], [hit(other, "b result 1")]])
    assert found.handle == ident("h", one)
    assert found.why == ("a result 1", "b result 1")


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_addresses_of_two_works_stay_two(one: str, other: str) -> None:
    """Another path, question, host, port or number is another page."""
    assert work_of(one) != work_of(other)
    assert len(merged([[hit(one, "a")], [hit(other, "b")]])) == 2


def test_the_same_words_at_two_addresses_are_one_page() -> None:
    """The hit that a service ranked best is kept with its own handle, and both services are named."""
    text = " ".join(WORDS[:40])
    filler = hit("https://z.test/", "a result 1", title="Something else")
    late = hit("https://mirror.test/p", "a result 2", title="A paper", snippet=text)
    early = hit("https://a.test/p", "b result 1", title="A paper", snippet=text + " …")
    first, second = merged([[filler, late], [early]])
    assert (first.url, first.why) == ("https://a.test/p", ("b result 1", "a result 2"))
    assert second.url == "https://z.test/"


def test_what_one_service_lists_twice_of_one_site_is_two_pages() -> None:
    """A site whose snippets are all its banner would else be one page."""
    banner = " ".join(WORDS[:40])
    pages = [hit(f"https://a.test/{number}", "a", title="A site", snippet=banner) for number in "pqr"]
    assert len(merged([pages])) == 3


def test_parts_of_a_series_are_several_pages() -> None:
    """Two texts that differ in a number only are about two things, wherever they are found."""
    text = " ".join(WORDS[:40]).replace("word", "term")
    one, two = (f"Season {number} of the series. {''.join(c for c in text if not c.isdigit())}" for number in (1, 2))
    found = merged([[hit("https://a.test/1", "a", snippet=one)], [hit("https://b.test/2", "b", snippet=two)]])
    assert len(found) == 2


def test_short_texts_are_never_taken_for_one_page() -> None:
    """Home and Log in may stand anywhere."""
    pages = [hit(f"https://{name}.test/", name, title="Log in", snippet="Please log in.") for name in "abc"]
    assert len(merged([pages])) == 3


def test_a_page_that_two_services_find_comes_before_one_that_one_finds() -> None:
    """Two second places outweigh a first place."""
    both = [hit("http://www.b.test/", "a result 2"), hit("https://b.test", "b result 2")]
    found = merged([[hit("https://a.test/", "a result 1"), both[0]], [hit("https://c.test/", "b result 1"), both[1]]])
    assert [one.url for one in found] == ["http://www.b.test/", "https://a.test/", "https://c.test/"]


HOSTS = st.sampled_from(["a.test", "www.a.test", "b.test", "doi.org", "arxiv.org"])
PATHS = st.sampled_from(["", "/", "/p", "/p/", "/10.1000/x", "/abs/2101.00001", "/pdf/2101.00001v2"])
TEXTS = st.integers(0, 30).map(lambda at: " ".join(WORDS[at * 3 : at * 3 + 12]))
HITS = st.builds(
    lambda scheme, host, path, title, name: hit(f"{scheme}://{host}{path}", f"{name} result", title=title),
    st.sampled_from(["http", "https"]), HOSTS, PATHS, TEXTS, st.sampled_from("xyz"),
)  # fmt: skip
LISTS = st.lists(st.lists(HITS, max_size=8, unique_by=lambda one: one.handle), max_size=5)


@given(LISTS)
def test_nothing_is_invented_and_no_page_is_lost(lists: list[list[Hit]]) -> None:
    """Every hit kept is one that came in; every work and every reason that came in is still there."""
    found = merged(lists)
    given_ = [one for hits in lists for one in hits]
    assert {one.handle for one in found} <= {one.handle for one in given_}
    assert len({work_of(one.url) for one in found}) == len(found)
    assert {why for one in found for why in one.why} == {why for one in given_ for why in one.why}
    assert bool(found) == bool(given_)


@given(LISTS)
def test_merging_again_changes_nothing(lists: list[list[Hit]]) -> None:
    """What was merged holds no two hits of one page, and one list keeps its order and scores."""
    found = merged(lists)
    assert merged([found]) == found


@given(st.lists(st.lists(st.integers(0, 30), max_size=8, unique=True), min_size=2, max_size=4))
def test_without_duplicates_of_another_spelling_it_is_reciprocal_rank(lists: list[list[int]]) -> None:
    """Pages that every service addresses alike have the scores and reasons that reciprocal rank fusion gives."""
    hits = [[hit(f"https://a.test/{at}", f"{name} {at}") for at in row] for name, row in enumerate(lists)]
    plain = {one.handle: one for one in reciprocal_rank(hits, key=lambda one: one.handle)}
    found = merged(hits)
    assert [one.score for one in found] == sorted((one.score for one in plain.values()), reverse=True)
    assert {one.handle: (one.score, set(one.why)) for one in found} == {
        handle: (one.score, set(one.why)) for handle, one in plain.items()
    }
