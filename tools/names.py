"""Names and titles of a corpus's passages: their tables, and looking them up. Part of ``tools.corpus_store``.

``named`` is an FTS5 table whose terms are whole names, kept in step with ``passages.names`` by triggers; ``titles``
says which passage opens the document of a title. What is a name or a title is decided in ``research.linking``. Every function raises ``sqlite3.Error``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection

SEPARATOR = "\n"
"""Parts the names of a passage in its row: of all kinds of characters only controls part two terms of ``named``."""

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


def holders(connection: sqlite3.Connection, name: str, limit: int) -> list[int]:
    """Return at most ``limit`` passages that hold ``name``."""
    rows = connection.execute("SELECT rowid FROM named WHERE named MATCH ? LIMIT ?", (_quoted(name), limit))
    return [row[0] for row in rows]


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
