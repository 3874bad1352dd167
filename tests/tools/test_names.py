"""Names and titles in the corpus database: found by whole names, bounded, and gone with their passages."""

from __future__ import annotations

import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from research import linking
from tools import lexical
from tools.names import COLUMN, MOST_NAMESAKES, SCHEMA, entitle, fill, held, holders, joined, mentions, openings

PAGES = (
    ("Ilvane Bridge", "The bridge was designed by Edda Varnholt."),
    ("Edda Varnholt (engineer)", "Edda Varnholt was born in Skerrow."),
    ("Edda", "Edda is a book, and Varnholt a town."),
)


def database(pages: tuple[tuple[str, str], ...] = PAGES, *, named: bool = True) -> sqlite3.Connection:
    """Passages of one document each; without ``named`` as they were before there were names."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    columns = "id INTEGER PRIMARY KEY, source, start, title, heading, text" + (f", {COLUMN}" if named else "")
    connection.execute(f"CREATE TABLE passages({columns})")
    connection.executescript(lexical.SCHEMA + (SCHEMA if named else ""))
    for number, (title, text) in enumerate(pages, 1):
        row = (number, f"s{number}", 0, title, "", text, *((joined(title, text),) if named else ()))
        connection.execute(f"INSERT INTO passages VALUES ({', '.join('?' * len(row))})", row)
        if named:
            entitle(connection, number, title)
    return connection


def test_a_name_is_found_as_a_whole() -> None:
    """Two words of a name that stand apart are not that name, and no more are returned than are wanted."""
    assert holders(database(), "edda varnholt", 9) == [1, 2]
    assert holders(database(), "edda varnholt", 1) == [1]
    assert holders(database(), "varnholt", 9) == [3]


def test_holders_are_counted_as_far_as_is_asked() -> None:
    """The number of passages that hold a name, or the most that is wanted to be known."""
    assert [held(database(), "edda varnholt", most) for most in (9, 1)] == [2, 1]
    assert held(database(), "skerrow bridge", 9) == 0


def test_a_title_opens_its_document() -> None:
    """By the title without its parenthesis; what is no title is left out."""
    assert openings(database(), {"edda varnholt", "ilvane bridge", "skerrow", "born in"}) == {
        "edda varnholt": [2],
        "ilvane bridge": [1],
    }


def test_of_many_namesakes_a_few_are_looked_at() -> None:
    """A folder may hold a thousand files of one title."""
    assert len(openings(database((("Readme", "To be read."),) * 50), {"readme"})["readme"]) == MOST_NAMESAKES


def test_a_text_mentions_a_title_word_by_word() -> None:
    """Words in their order, in the text and not in the title."""
    assert mentions(database(), "edda varnholt", 9) == [1, 2]
    assert mentions(database(), "ilvane bridge", 9) == []


def test_names_and_titles_go_with_their_passage() -> None:
    """A removed passage leaves nothing behind, and the table agrees with the passages."""
    connection = database()
    connection.execute("DELETE FROM passages WHERE id = 2")
    assert holders(connection, "edda varnholt", 9) == [1]
    assert openings(connection, {"edda varnholt"}) == {}
    connection.execute("INSERT INTO named(named) VALUES ('integrity-check')")


def test_an_older_database_is_filled_as_a_new_one_is() -> None:
    """Its passages get their names and their documents their titles, as if they had been indexed today."""
    old, new = database(named=False), database()
    fill(old)
    old.execute("COMMIT")
    for query in ("SELECT id, names FROM passages", "SELECT title, passage FROM titles ORDER BY 1, 2"):
        assert old.execute(query).fetchall() == new.execute(query).fetchall()
    assert holders(old, "edda varnholt", 9) == [1, 2]
    old.execute("DELETE FROM passages WHERE id = 2")
    assert holders(old, "edda varnholt", 9) == [1]


@given(st.text())
def test_every_name_of_a_text_finds_it(text: str) -> None:
    """Whatever script or sign it is written with, a name is one term: it is found, and is no syntax error."""
    connection = database((("Title", text),))
    for name in linking.all_names("Title", text):
        assert holders(connection, name, 1) == [1]
