"""Passages: exact spans that cover the text and keep to its structure; titles as people name a document."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.chunks import LEAST, LETTERS_PER_WORD, MOST, chunk, size, title_of

MEDIA = ("text/plain", "text/markdown", "text/x-rst")
PARTS = st.sampled_from(
    [
        "word ",
        "One sentence. ",
        "Is it? Yes. ",
        "\n",
        "\n\n",
        "# Title\n",
        "===\n",
        "----\n",
        "```\n",
        "。",
        "x" * 3000,
        "---\n",
        "Key: value\n",
        "“Quoted.” ",
        "\t",
        "\u00a0",
        "\u3000",
        "é",
        "a " * 300,
    ]
)
TEXTS = st.one_of(st.text(max_size=400), st.lists(PARTS, max_size=40).map("".join))


@given(TEXTS, st.sampled_from(MEDIA))
def test_passages_cover_every_character_that_is_not_white_space(text: str, media: str) -> None:
    """Passages are in order, do not overlap, hold no white space at their ends, and leave only white space between."""
    chunks = chunk(text, media)
    for part in chunks:
        piece = text[part.start : part.end]
        assert 0 <= part.start < part.end <= len(text)
        assert piece == piece.strip()
    for one, other in pairwise(chunks):
        assert one.end <= other.start
    rest, at = "", 0
    for part in chunks:
        rest += text[at : part.start]
        at = part.end
    assert not (rest + text[at:]).strip()


@given(TEXTS, st.sampled_from(MEDIA))
def test_no_passage_grows_beyond_the_limit(text: str, media: str) -> None:
    """A passage holds at most 260 words, or that many times eight characters where there are no spaces."""
    for part in chunk(text, media):
        assert size(text, part.start, part.end) <= MOST + 2 * LEAST
        assert part.end - part.start <= (MOST + 2 * LEAST) * LETTERS_PER_WORD


def test_a_heading_begins_a_passage_and_names_it() -> None:
    """Sections are not mixed, and a passage knows the last two headings above it, in Markdown and in rst."""
    body = "Some words of a body that stands under its heading. " * 12
    markdown = f"# Guide\n\n{body}\n\n## Budgets\n\n{body}\n\n### Caps\n\n{body}\n\n## Last\n\n{body}"
    assert [part.heading for part in chunk(markdown, "text/markdown")] == [
        "Guide",
        "Guide > Budgets",
        "Budgets > Caps",
        "Guide > Last",
    ]
    rst = f"=====\nGuide\n=====\n\n{body}\n\nBudgets\n=======\n\n{body}\n\nCaps\n----\n\n{body}"
    chunks = chunk(rst, "text/x-rst")
    assert [part.heading for part in chunks] == ["Guide", "Guide > Budgets", "Budgets > Caps"]
    assert rst[chunks[1].start :].startswith("Budgets\n=======")


def test_a_hash_in_a_code_block_is_no_heading() -> None:
    """A shell comment inside a fence does not cut the text."""
    body = "Words before and after the code, enough of them to stand alone. " * 10
    text = f"# Real\n\n{body}\n\n```sh\n# not a heading\nmake\n```\n\n{body}"
    assert {part.heading for part in chunk(text, "text/markdown")} == {"Real"}


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    """Where a paragraph must be cut, each passage begins with the first word of a sentence."""
    text = " ".join(f"Sentence {number} says that something is so and not otherwise." for number in range(200))
    chunks = chunk(text, "text/plain")
    assert len(chunks) > 5
    assert all(text[part.start : part.end].startswith("Sentence ") for part in chunks)
    assert all(text[part.start : part.end].endswith("otherwise.") for part in chunks)


def test_a_short_section_joins_the_next_one() -> None:
    """A heading without a body does not become a passage of its own."""
    text = "# One\n\n## Two\n\n" + "Body words that follow the two headings. " * 20
    assert chunk(text, "text/markdown")[0].start == 0
    assert len(chunk(text, "text/markdown")) == 1


def test_titles_come_from_headers_front_matter_and_headings() -> None:
    """A numbered header gives the name people use; without any title the file's name stands in."""
    pep = "PEP: 8\nTitle: Style Guide for\n   Python Code\nAuthor: A\n\nIntroduction\n============\n\nText."
    assert title_of(pep, "text/x-rst", "pep-0008") == "PEP 8: Style Guide for Python Code"
    assert title_of('---\neip: 20\ntitle: "Token Standard"\n---\n\n## Abstract\n', "text/markdown", "f") == (
        "EIP 20: Token Standard"
    )
    assert title_of("Title: Notes\nDate: today\n\nText", "text/plain", "f") == "Notes"
    assert title_of("\nBudgets\n-------\n\nText", "text/x-rst", "f") == "Budgets"
    assert title_of("intro\n\n# The `real` title #\n", "text/markdown", "f") == "The `real` title"


@pytest.mark.parametrize("filler", [" ", "#", " #", "\t"])
@pytest.mark.parametrize("media", MEDIA)
def test_a_hostile_heading_takes_no_longer_than_its_length(media: str, filler: str) -> None:
    """Tens of thousands of spaces or marks within a heading are read at once; by backtracking they would take hours."""
    text = f"# Title{filler * 30_000}end\n\nThe text of it."
    assert chunk(text, media)[-1].end == len(text)
    assert title_of(text, "text/markdown", "f").startswith("Title")
    assert title_of("# not in plain text", "text/plain", "notes") == "notes"
