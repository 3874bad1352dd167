"""Lexical search: no user input breaks the query, and the index follows its table."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.lexical import MOST_TERMS, SCHEMA, expression, having, search, terms

DOCUMENTS = (
    ("PEP 8: Style Guide", "PEP 8: Style Guide", "Conventions for code."),
    (
        "PEP 404: Python 2.8 Un-release",
        "",
        "There will be no Python 2.8. PEP 404 replaces nothing created 8 years ago.",
    ),
    ("Résumé", "", "Budgets are enforced before each call; a naïve café owner said so."),
    ("Operators", "Walrus", "AND OR NOT NEAR title assignment"),
)


def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE passages(id INTEGER PRIMARY KEY, title, heading, text)")
    connection.executescript(SCHEMA)
    connection.executemany("INSERT INTO passages(title, heading, text) VALUES (?, ?, ?)", DOCUMENTS)
    return connection


NASTY = st.sampled_from(['"', "'", "*", "(", ")", ":", "^", "-", "AND", "NEAR(", "title", "{", "}", "\x00", "8", " "])


@given(st.one_of(st.text(), st.lists(NASTY).map("".join), st.lists(NASTY).map(" ".join)))
def test_no_query_is_a_syntax_error(query: str) -> None:
    """Whatever a user types, the search answers with ids of passages."""
    assert set(search(connection(), query, 10)) <= {1, 2, 3, 4}


_SHARED: list[sqlite3.Connection] = []


def connection() -> sqlite3.Connection:
    if not _SHARED:
        _SHARED.append(database())
    return _SHARED[0]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("enforcing a budget", 3),
        ("resume", 3),
        ("CAFE", 3),
        ("assignment AND OR (", 4),
        ("When was PEP 8 created?", 1),
        ("walrus", 4),
    ],
)
def test_stems_accents_and_names_are_found(query: str, first: int) -> None:
    """Word forms and accents do not matter, operators are plain words, and a numbered name is more than its number."""
    assert next(iter(search(database(), query, 10))) == first


def test_stopwords_count_only_when_there_is_nothing_else() -> None:
    """“What is it” is searched for as it stands; in a longer question such words are dropped."""
    assert terms("What is it?") == ["what", "is", "it"]
    assert terms("What is the budget, and the budget of it?") == ["budget"]
    assert terms("?!") == []
    assert search(database(), "?!", 5) == {}


def test_a_pasted_page_is_cut() -> None:
    """A query of a thousand words becomes one of bounded length."""
    assert expression(" ".join(f"w{number}" for number in range(1000))).count(" OR ") < 4 * MOST_TERMS


def test_a_removed_passage_is_not_found_again() -> None:
    """Deleting a row takes it out of the index as well."""
    connection = database()
    connection.execute("DELETE FROM passages WHERE id = 3")
    assert search(connection, "budgets", 5) == {}
    connection.execute("INSERT INTO words(words) VALUES ('integrity-check')")


def test_scores_fall_and_forms_are_counted() -> None:
    """The best passage has the highest score, and a count of a word's forms stops where it is told to."""
    scores = list(search(database(), "PEP 8 conventions for Python", 10).values())
    assert scores == sorted(scores, reverse=True) and scores[-1] > 0
    assert having(database(), "budgets", 10) == having(database(), "BUDGET", 10) == 1
    assert having(database(), "pep", 10) == 2
    assert having(database(), "pep", 1) == 1
    assert having(database(), '"', 10) == 0
