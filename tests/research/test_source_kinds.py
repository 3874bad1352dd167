"""Kinds of source by host and path, and the user's own rules before them."""

from __future__ import annotations

from pathlib import Path

import pytest

from research.errors import UsageFault
from research.settings import load
from research.source_kinds import source_kind


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://www.nasa.gov/mission", "primary"),
        ("https://www.legislation.gov.uk/ukpga/2018/12", "primary"),
        ("https://dri.gov.au/x", "primary"),
        ("https://arxiv.org/abs/1706.03762", "primary"),
        ("https://DOI.org./10.1000/182", "primary"),
        ("https://www.cs.ox.ac.uk/people", "primary"),
        ("https://www.bbc.co.uk/news/1", "news"),
        ("https://www.britannica.com/topic/dog", "reference"),
        ("https://plato.stanford.edu/entries/kant/", "reference"),
        ("https://en.wikipedia.org/wiki/Dog", "user-generated"),
        ("https://ann.github.io/notes", "user-generated"),
        ("https://forum.example.org/t/1", "user-generated"),
        ("https://example.org/forum/t/1", "user-generated"),
        ("https://blogs.example.edu/ann", "user-generated"),
        ("https://example.org/about", "unknown"),
        ("https://arxiv.org.evil.test/abs/1", "unknown"),
        ("https://notreuters.com/", "unknown"),
        ("http://192.0.2.1/", "unknown"),
        ("/home/ann/notes.txt", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_page_has_the_kind_of_its_place(url: str, kind: str) -> None:
    """Hosts and their subdomains by table, official suffixes by rule, places to post by name; all else is unknown."""
    assert source_kind(url) == kind


def test_the_users_own_rules_win_and_the_longest_decides() -> None:
    """A rule of the config goes before the tables, and one for a subdomain before one for its site."""
    own = {"wikipedia.org": "reference", "talk.wikipedia.org": "user-generated", "example.org": "primary"}
    assert source_kind("https://en.wikipedia.org/wiki/Dog", own) == "reference"
    assert source_kind("https://talk.wikipedia.org/x", own) == "user-generated"
    assert source_kind("https://forum.example.org/x", own) == "primary"


def test_rules_are_read_from_the_config_and_kept_with_the_run(tmp_path: Path) -> None:
    """[source_kinds] reaches the options of a run, hosts in one spelling; a wrong kind or site is one sentence."""
    config = tmp_path / "config.toml"
    config.write_text('[source_kinds]\n"Example.ORG" = "primary"\n')
    assert load({"home": str(tmp_path)}, {}).options().source_kinds == {"example.org": "primary"}
    config.write_text('[source_kinds]\n"example.org" = "good"\n')
    with pytest.raises(UsageFault, match="must be one of primary, news, reference, user-generated, unknown"):
        load({"home": str(tmp_path)}, {})
    config.write_text('[source_kinds]\n"https://example.org" = "news"\n')
    with pytest.raises(UsageFault, match="must name a site without path and port"):
        load({"home": str(tmp_path)}, {})
