"""Names and titles in running text: what is taken for one, and how it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.linking import LONGEST_KEY, SHORTEST, all_names, as_written, grams, keys, names, words


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Edda Varnholt (engineer)", ("edda varnholt",)),
        ("PEP 572: Assignment Expressions", ("pep 572 assignment expressions", "pep 572")),
        ("EIP-20: Token Standard", ("eip 20 token standard", "eip 20")),
        ("Up", ()),
        ("These", ()),
        ("", ()),
    ],
)
def test_a_document_is_called_by_its_title(title: str, expected: tuple[str, ...]) -> None:
    """What stands in parentheses is left out, a number is a name of its own, and a word like any other is none."""
    assert keys(title) == expected


def test_names_are_capitalised_runs_and_years() -> None:
    """Small words join them, the end of a line or sentence parts them, function words at their head are left out."""
    text = (
        "The University of Skerrow was founded in 1923 by Edda Varnholt. She is in\nNorth Skerrow. Later O'Neil's aide "
        "J. R. Doe of St. Ives saw Étienne. In 1990 Python 3.12 was far."
    )
    assert names(text) == [
        "university of skerrow",
        "1923",
        "edda varnholt",
        "north skerrow",
        "later o neil",
        "j r doe of st ives",
        "étienne",
        "1990 python 3 12",
    ]


def test_a_passage_has_its_title_as_a_name() -> None:
    """The whole title counts, even where it is not capitalised throughout."""
    assert all_names("Bridge over the Ilva", "It was built by Edda Varnholt.") == [
        "bridge",
        "ilva",
        "edda varnholt",
        "bridge over the ilva",
    ]


@given(st.text())
def test_names_and_keys_are_words_between_single_spaces(text: str) -> None:
    """So they can be compared with runs of words, and parted by line ends where they are stored."""
    for run in [*names(text), *keys(text)]:
        assert run == " ".join(words(run)) and len(run) >= SHORTEST


@given(st.lists(st.sampled_from("abc"), max_size=20))
def test_grams_are_all_short_runs(text: list[str]) -> None:
    """Each run of one to eight words, and nothing else."""
    expected = {
        " ".join(text[a:b]) for a in range(len(text)) for b in range(a + 1, min(a + LONGEST_KEY, len(text)) + 1)
    }
    assert grams(text) == expected


def test_a_name_is_shown_as_the_text_writes_it() -> None:
    """With its capitals and hyphens; one that is not in the text is shown as it is."""
    assert as_written("jean luc o neil", "Ask Jean-Luc\nO’Neil.") == "Jean-Luc O’Neil"
    assert as_written("edda", "nobody (or c++)") == "edda"
