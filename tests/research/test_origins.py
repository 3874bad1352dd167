"""Origins and dates of sources: copies and pages of one site count once, and texts say when they were written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.dating import later, written
from research.origins import origins, site_of
from research.records import Source

TEXT = "The mill by the river was founded in 1871 by two sisters who came from Ashby."


def sources(*urls: str) -> list[Source]:
    return [Source(id=str(place), url=url, title="", label="public") for place, url in enumerate(urls)]


def test_copies_and_pages_of_one_site_are_one_origin() -> None:
    """A near-duplicate of a text, and another page of its site, share its number; another text has its own."""
    read = {"0": [TEXT], "1": [f"News: {TEXT}"], "2": ["Something else that nobody copied from any other page at all."]}
    groups = origins(sources("file:///a", "file:///b", "https://www.x.example/1", "https://x.example/2"), read)
    assert groups["0"] == groups["1"] != groups["2"] == groups["3"]


def test_short_lines_in_common_make_no_copy() -> None:
    """A line such as ``Status: Final`` may stand in any document."""
    groups = origins(sources("file:///a", "file:///b"), {"0": ["Status: Final"], "1": ["Status: Final"]})
    assert groups["0"] != groups["1"]


@given(st.permutations(range(4)))
def test_the_order_of_sources_does_not_change_the_groups(order: list[int]) -> None:
    """Which sources belong together depends on nothing but what they say."""
    listed = sources("file:///a", "file:///b", "file:///c", "https://x.example/")
    read = {"0": [TEXT], "1": [TEXT], "3": [TEXT]}
    groups = origins([listed[place] for place in order], read)
    assert groups["0"] == groups["1"] == groups["3"] != groups["2"]


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://news.x.example/a", "x.example"),
        ("https://www.x.co.uk/", "x.co.uk"),
        ("http://10.0.0.1/", "10.0.0.1"),
        ("file:///a/b", ""),
        ("https://x.example:8443/", "x.example"),
        ("https://www.shop.x.com.au/", "x.com.au"),
        ("https://a.b.x.kyoto.jp/", "x.kyoto.jp"),
        ("https://ann.github.io/notes", "ann.github.io"),
        ("https://www.bob.blogspot.com/", "bob.blogspot.com"),
        ("https://ann.medium.com/a", "ann.medium.com"),
        ("https://medium.com/@ann/a", "medium.com/@ann"),
        ("https://www.medium.com/about", "medium.com"),
        ("https://deep.ann.substack.com./a", "ann.substack.com"),
        ("https://en.wikipedia.org/wiki/A", "wikipedia.org"),
        ("http://localhost/", "localhost"),
    ],
)
def test_a_site_is_the_registered_part_of_the_host(url: str, site: str) -> None:
    """Subdomains and ports belong to the site, but for hosts of many people, each of whom is one; a file has none."""
    assert site_of(url) == site


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("PEP: 1\nTitle: A\nCreated: 28-Feb-2018\n\nText.", "2018-02-28"),
        ("Created: 2018-01-01\nLast-Modified: 2020-05-06\n", "2020-05-06"),
        ("Text.\n\nLast revised on 23 June 2015.", "2015-06-23"),
        ("Quarterly call\nTuesday, January 26, 2021\n\nWelcome.", "2021-01-26"),
        ("It was published on 3 May 2001 in a journal.", ""),
        ("Created: 1.2\n", ""),
    ],
)
def test_a_text_says_when_it_was_written(text: str, date: str) -> None:
    """Headers, stamps and date lines are read; a date within a sentence is none of them."""
    assert written(text) == date


def test_only_a_clearly_later_date_is_later() -> None:
    """Dates are compared as far as both are exact."""
    assert later("2021-05", "2020") and not later("2020-05", "2020") and not later("2020", "")
