"""Words: stems that meet, names that are found, numbers and dates that are told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.words import documents, entities, keywords, negations, numbers, stem, terms, years


@pytest.mark.parametrize(
    "family",
    [
        "enforce enforces enforced enforcing enforcement",
        "create creates created creating creation",
        "propose proposed proposal proposals",
        "define defined definition definitions",
        "annotate annotated annotation annotations",
        "budget budgets",
        "stop stops stopped stopping",
        "accept accepted acceptance",
        "introduce introduced introduction",
    ],
)
def test_forms_of_a_word_share_a_stem(family: str) -> None:
    """Singular and plural, verb forms and the usual nouns of a verb meet in one stem."""
    assert len({stem(word) for word in family.split()}) == 1


@pytest.mark.parametrize(("one", "other"), [("option", "optional"), ("bus", "bush"), ("action", "act"), ("gas", "gap")])
def test_different_words_keep_different_stems(one: str, other: str) -> None:
    """Stripping stops before unlike words fall together."""
    assert stem(one) != stem(other)


@given(st.text(max_size=60))
def test_terms_are_stems_of_content_words(text: str) -> None:
    """No stop word and no empty string is ever a term, whatever the text."""
    found = terms(text)
    assert all(found)
    assert not {"the", "and", "of", "is", "what"} & set(found)


def test_compounds_are_split_where_the_parts_stand_alone() -> None:
    """Hyphenated words and identifiers meet their parts; versions and one-letter compounds stay whole."""
    assert terms("key-value PEP-0572 max_fee f-strings 3.12") == [
        *("key", "valu", "pep", "572", "max_fee", "max", "fee", "f-string", "3.12")
    ]


def test_keywords_are_the_content_words_as_written() -> None:
    """A search query keeps the words' form and order and drops what only asks."""
    assert keywords("Who is the author of PEP 572's text?") == ["author", "PEP", "572", "text"]


def test_entities_are_names_quotes_and_identifiers() -> None:
    """Names of several words, initials, quoted strings, identifiers and numbered documents are found whole."""
    text = 'Guido van Rossum and Eric V. Smith call it the "walrus operator" in `typing.TypeVar` of PEP 572.'
    assert entities(text) == ["Guido van Rossum", "Eric V. Smith", "walrus operator", "typing.TypeVar", "PEP 572"]


def test_a_capital_at_a_sentence_start_is_no_name() -> None:
    """A plain word that merely opens a sentence names nothing."""
    assert entities("Budgets are walls. Sentences begin.") == []


def test_a_name_does_not_begin_within_a_word() -> None:
    """An identifier is one name, and the title that it opens goes on after it."""
    assert entities("It is titled wallet_addChain RPC Method.") == ["wallet_addChain", "RPC Method"]


def test_documents_are_kind_and_number() -> None:
    """A numbered document is the same with space, hyphen and leading zeros."""
    assert documents("PEP 572, EIP-1559 and RFC 0822") == [("pep", "572"), ("eip", "1559"), ("rfc", "822")]
    assert documents("About 16,000 people came") == []


def test_numbers_and_years_are_normalised() -> None:
    """Grouping, money, per cent and leading zeros do not hide that two numbers are the same."""
    assert {"1234", "45.6", "2018", "28", "7"} <= numbers("1,234 people, $45.6, 28-Feb-2018, 007%")
    assert years("from May 2012 to 28-Feb-2018, but not 12345") == {"2012", "2018"}


def test_negations_are_counted() -> None:
    """Negating words and contracted ones count."""
    assert negations("It isn't so, never was, and nothing will.") == 3
