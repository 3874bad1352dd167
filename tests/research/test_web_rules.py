"""Which pages count: sites in every spelling, denied ones first, and dates as far as a page gives them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.errors import EffectFailed, UsageFault
from research.settings import load
from research.web_rules import EVERY_PAGE, WebRules, covers, read_day, read_site

ONLY = WebRules(sites=("example.org", "xn--mnchen-3ya.de", "192.0.2.7"), deny_sites=("ads.example.org",))


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a",
        "http://EXAMPLE.org:8080/a",
        "https://docs.example.org./",
        "https://münchen.de/",
        "https://www.MÜNCHEN.de/",
        "http://192.0.2.7:8000/x",
    ],
)
def test_a_page_of_a_site_counts_in_every_spelling(url: str) -> None:
    """Case, port, final dot, subdomain and international spelling name the same site."""
    assert ONLY.refusal(url) == ""


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org.evil.test/",
        "https://notexample.org/",
        "https://ads.example.org/",
        "https://x.ADS.example.org.:443/",
        "https://ａｄｓ.example.org/",
        "https://example.com/?example.org",
        "https://evil.test/#example.org",
        "https://example.org@evil.test/",
        "http://0xC0000207/",
        "http://3221225991/",
        "https:///a",
        "mailto:ann@example.org",
    ],
)
def test_a_page_of_another_site_or_a_denied_one_is_refused(url: str) -> None:
    """What only looks like the site, a denied subdomain in any spelling and a host that cannot be read are refused."""
    with pytest.raises(EffectFailed, match="refused"):
        ONLY.check(url)


def test_without_rules_every_page_counts() -> None:
    """No site and no date named: nothing is refused, and nothing is said."""
    assert EVERY_PAGE.refusal("https://anything.test/") == ""
    assert not EVERY_PAGE.outside("1066")
    assert EVERY_PAGE.spoken == ""


@pytest.mark.parametrize(
    ("published", "outside"),
    [
        *[("2023-12-31", True), ("2024-01-01", False), ("2024", False), ("2023", True), ("", False)],
        *[("2024-06-30", False), ("2024-07-01", True), ("2024-07", True), ("2025", True)],
    ],
)
def test_dates_are_compared_as_far_as_they_are_known(published: str, outside: bool) -> None:
    """A year or month may still lie within; a page without a date is read."""
    assert WebRules(since="2024", until="2024-06").outside(published) is outside


@given(st.dates(), st.dates())
def test_a_day_is_outside_exactly_when_it_is_before_since(day: object, since: object) -> None:
    """Whole dates are compared as dates are, and the first day counts."""
    assert WebRules(since=str(since)).outside(str(day)) is (str(day) < str(since))


@given(st.text(max_size=40))
def test_a_site_that_is_read_is_read_the_same_again(text: str) -> None:
    """Whatever is given, it is refused or has one spelling, which covers itself and is ASCII."""
    try:
        site = read_site(text)
    except ValueError:
        return
    assert site.isascii()
    assert read_site(site) == site
    assert covers(site, site)


@pytest.mark.parametrize("bad", ["https://example.org", "example.org/a", "a.org:443", "*.org", "", "a b", "1.2.3"])
def test_what_is_no_site_is_refused_in_one_sentence(bad: str) -> None:
    """An address, a port, a star or nothing is no site, and the message says what one is."""
    with pytest.raises(UsageFault, match="site must be one or more times a site without path and port"):
        load({"home": "/nowhere", "sites": [bad]}, {})


@pytest.mark.parametrize("bad", ["2024-13", "yesterday", "2024-02-30", "24", "2024-1-1", "\u0662\u0660\u0662\u0664"])
def test_what_is_no_date_is_refused_in_one_sentence(bad: str) -> None:
    """A day that does not exist or is written otherwise is refused with the forms that are read."""
    with pytest.raises(ValueError, match=r".*"):
        read_day(bad)
    with pytest.raises(UsageFault, match="YYYY, YYYY-MM or YYYY-MM-DD"):
        load({"home": "/nowhere", "since": bad}, {})


def test_rules_come_from_flags_and_are_kept_with_the_run() -> None:
    """Sites and dates of the flags reach the options of the run in their one spelling."""
    flags = {"home": "/nowhere", "sites": ["Example.ORG."], "deny_sites": ["x.example.org"], "since": "2024"}
    assert load(flags, {}).options().rules == WebRules(
        sites=("example.org",), deny_sites=("x.example.org",), since="2024"
    )


@pytest.mark.parametrize(
    "rules", [WebRules(since="2025", until="2024-12-31"), WebRules(sites=("a.test",), deny_sites=("a.test",))]
)
def test_rules_under_which_no_page_could_count_have_a_problem(rules: WebRules) -> None:
    """Dates the wrong way round, or sites that are all denied, are said before anything is searched."""
    assert rules.problem()
