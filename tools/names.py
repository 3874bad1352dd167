"""Names and titles of a corpus's passages: their tables, and looking them up. Part of ``tools.corpus_store``.

``named`` is an FTS5 table whose terms are whole names, kept in step with ``passages.names`` by triggers; ``titles``
says which passage opens the document of a title. What is a name or a title is decided in ``research.linking``. Every
function raises ``sqlite3.Error``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection

from research import linking

SEPARATOR = "\n"
"""Parts the names of a passage in its row: of all kinds of characters only controls part two terms of ``named``."""

COLUMN = "names TEXT NOT NULL DEFAULT ''"
"""The column of ``passages`` that holds the names of each."""

SCHEMA = """
CREATE VIRTUAL TABLE named USING fts5(
  names, content='passages', content_rowid='id', detail=none, columnsize=0,
  tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* P* S* Z* Cf Cn Co Cs'");
CREATE TABLE titles(title TEXT NOT NULL, passage INTEGER NOT NULL, PRIMARY KEY (title, passage)) WITHOUT ROWID;
CREATE INDEX titles_by_passage ON titles(passage);
CREATE TRIGGER names_added AFTER INSERT ON passages BEGIN
  INSERT INTO named(rowid, names) VALUES (new.id, new.names);
END;
CREATE TRIGGER names_removed AFTER DELETE ON passages BEGIN
  INSERT INTO named(named, rowid, names) VALUES ('delete', old.id, old.names);
  DELETE FROM titles WHERE passage = old.id;
END;
"""

MOST_NAMESAKES = 10
"""Documents of one title that are looked at: a folder may hold a thousand files called “README”."""


def joined(title: str, text: str) -> str:
    """Return what stands in the column of a passage."""
    return SEPARATOR.join(linking.all_names(title, text))


def entitle(connection: sqlite3.Connection, opening: int, title: str) -> None:
    """Let a document be found by its ``title``: ``opening`` is its first passage."""
    rows = [(key, opening) for key in linking.keys(title)]
    connection.executemany("INSERT OR IGNORE INTO titles VALUES (?, ?)", rows)


def fill(connection: sqlite3.Connection) -> None:
    """Give a database that was made before there were names its column, its tables and what belongs in them.

    The caller has begun no transaction, and commits the one that this begins.
    """
    connection.executescript(f"BEGIN IMMEDIATE; ALTER TABLE passages ADD COLUMN {COLUMN}; {SCHEMA}")
    last = ""
    rows = connection.execute("SELECT id, source, title, text FROM passages ORDER BY source, start")
    for id, source, title, text in rows.fetchall():
        connection.execute("UPDATE passages SET names = ? WHERE id = ?", (joined(title, text), id))
        if source != last:
            entitle(connection, id, title)
        last = source
    connection.execute("INSERT INTO named(named) VALUES ('rebuild')")


def holders(connection: sqlite3.Connection, name: str, limit: int) -> list[int]:
    """Return at most ``limit`` passages that hold ``name``."""
    rows = connection.execute("SELECT rowid FROM named WHERE named MATCH ? LIMIT ?", (_quoted(name), limit))
    return [row[0] for row in rows]


def held(connection: sqlite3.Connection, name: str, most: int) -> int:
    """Return how many passages hold ``name``, at most ``most``."""
    row = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM named WHERE named MATCH ? LIMIT ?)", (_quoted(name), most)
    ).fetchone()
    return int(row[0])


def openings(connection: sqlite3.Connection, runs: Collection[str]) -> dict[str, list[int]]:
    """Return the opening passages of the documents that have one of ``runs`` as a title, by the title."""
    known = connection.execute(
        "SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM titles WHERE title = value)",
        (json.dumps(sorted(runs)),),
    ).fetchall()
    one = "SELECT passage FROM titles WHERE title = ? LIMIT ?"
    return {title: [row[0] for row in connection.execute(one, (title, MOST_NAMESAKES))] for (title,) in known}


def mentions(connection: sqlite3.Connection, title: str, limit: int) -> list[int]:
    """Return at most ``limit`` passages in whose text the words of ``title`` stand in their order."""
    rows = connection.execute(
        "SELECT rowid FROM words WHERE words MATCH ? LIMIT ?", (f"text : {_quoted(title)}", limit)
    )
    return [row[0] for row in rows]


def _quoted(words: str) -> str:
    return '"' + words.replace('"', " ") + '"'
