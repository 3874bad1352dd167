"""Sentences: cut where a reader would cut, with exact offsets, nothing lost."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.sentences import Span, sentences


def cut(text: str, kind: str | None = None) -> list[str]:
    return [text[span.start : span.end] for span in sentences(text) if kind in (None, span.kind)]


def assert_whole(text: str, spans: list[Span]) -> None:
    last = 0
    for span in spans:
        assert last <= span.start < span.end <= len(text)
        assert not text[last : span.start].strip()
        assert not text[span.start].isspace()
        assert not text[span.end - 1].isspace()
        last = span.end
    assert not text[last:].strip()


_PIECES = (
    "# |- |* |1. |\n|\n\n|\n===\n|```|::|.. note::|>>> |Key: value\n|e.g. |A. |(|)|``|`|。|? |… |    |.. _x: y\n|---\n"
    "|**b** |\t|\r\n|\u2028|+--+\n"
)
SNIPPETS = st.sampled_from(_PIECES.split("|"))


@given(st.lists(st.one_of(SNIPPETS, st.text(max_size=12)), max_size=40).map("".join))
def test_spans_are_exact_ordered_apart_and_hold_every_visible_character(text: str) -> None:
    """Whatever the text, the spans are in order, do not overlap and leave out nothing but white space."""
    assert_whole(text, sentences(text))


def test_real_documents_are_covered_whole(shared_data: Path) -> None:
    """A sample of proposals in reStructuredText keeps every visible character, each in one span."""
    with tarfile.open(shared_data / "worlds" / "peps_rst.tar.gz") as archive:
        members = [member for member in archive.getmembers() if member.name.endswith(".rst")][::40]
        for member in members:
            handle = archive.extractfile(member)
            assert handle is not None
            text = handle.read().decode()
            assert_whole(text, sentences(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith met Eric V. Smith, e.g. at 3 p.m. today. Then he left.", 2),
        ("It came with Python 3.12. It is at https://a.b/c.d?e=f. Good.", 3),
        ("He lives in the U.S. The end is near.", 2),
        ("See fig. 3 and sec. 4 vs. Smith et al. 2019 for more.", 1),
        ("Is it? Yes! Well... No. 5 is alive.", 4),
        ("It holds (see below. Or above.) and so on. Next.", 2),
        ("Call ``a. B`` first. Then stop.", 2),
        ("これは文です。次の文です。", 2),
        ("He said “Stop.” Then he left.", 2),
    ],
)
def test_sentence_ends_are_told_from_other_full_stops(text: str, expected: int) -> None:
    """Abbreviations, initials, versions, addresses, brackets and code do not end a sentence; real ends do."""
    assert len(cut(text)) == expected


def test_hard_wrapped_lines_flow_and_title_lines_do_not() -> None:
    """A line break within a wrapped paragraph is no boundary; a short line above a paragraph stands alone."""
    text = "A title line\nThis is a paragraph that flows on until it wraps at the margin of\nthe page. Fine."
    assert cut(text) == [
        "A title line",
        "This is a paragraph that flows on until it wraps at the margin of\nthe page.",
        "Fine.",
    ]


def test_header_lines_are_sentences_of_their_own() -> None:
    """Each line of a header block is one span, with its continuation lines."""
    text = "PEP: 572\nAuthor: A. B. <a@b.c>,\n        C. D.\nStatus: Final\n\nAbstract\n========\n\nText here."
    assert cut(text, "header") == ["PEP: 572", "Author: A. B. <a@b.c>,\n        C. D.", "Status: Final"]
    assert cut(text, "heading") == ["Abstract"]
    assert cut(text, "rule") == ["========"]


def test_markup_is_set_apart_from_prose() -> None:
    """Headings, bullets, code, tables and link targets never run into a sentence."""
    text = (
        "# Title\nIntro sentence.\n\n- first item\n- second item. More of it.\n\n```\ncode. More code.\n```\n\n"
        "Look::\n\n    x = 1. Y\n\n| a | b |\n\n.. _link: https://x.y\n"
    )
    assert cut(text, "heading") == ["Title"]
    assert cut(text, "marker") == ["#", "-", "-"]
    assert cut(text, "prose") == ["Intro sentence.", "first item", "second item.", "More of it.", "Look::"]
    assert cut(text, "code") == ["```\ncode. More code.\n```", "x = 1. Y"]
    assert cut(text, "table") == ["| a | b |"]
    assert cut(text, "link") == [".. _link: https://x.y"]


def test_long_and_hostile_texts_take_linear_time() -> None:
    """A hundred thousand sentences, brackets or code marks are cut within the test's time limit."""
    for piece in ("A sentence is here. ", "(a. B ", "`", "::\n\n x\n\n"):
        text = piece * 30_000
        assert_whole(text, sentences(text))
