"""Lexical search over passages: the FTS5 table, its ranking, and a query that no user input can break.

The table is external content over ``passages`` (``tools.corpus_store``), kept in step by triggers. Fusing its list
with the dense one is in ``tools.corpus``.
"""

from __future__ import annotations

import re
import sqlite3

SCHEMA = """
CREATE VIRTUAL TABLE words USING fts5(
  title, heading, text, content='passages', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2');
CREATE TRIGGER passages_added AFTER INSERT ON passages BEGIN
  INSERT INTO words(rowid, title, heading, text) VALUES (new.id, new.title, new.heading, new.text);
END;
CREATE TRIGGER passages_removed AFTER DELETE ON passages BEGIN
  INSERT INTO words(words, rowid, title, heading, text) VALUES ('delete', old.id, old.title, old.heading, old.text);
END;
"""

WEIGHTS = (3.0, 1.5, 1.0)
"""How much a term counts in the title, the headings and the text (``bm25`` of FTS5)."""

MOST_TERMS = 64
"""Distinct terms of a query that are searched for; a pasted page is cut here."""

LONGEST = 20_000
"""Characters of a query that are looked at."""

_FUNCTION_WORDS = (
    "a about after all also am an and any are as at be because been before being between both but by can could did do "
    "does doing during each for from further had has have having he her here hers him his how i if in into is it its "
    "itself just me more most my no nor not of off on once only or other our out over own same she should so some such "
    "than that the their them then there these they this those through to too under until up us very was we were what "
    "when where which while who whom whose why will with would you your"
)
STOPWORDS = frozenset(_FUNCTION_WORDS.split())
"""English function words; they are dropped unless a query has nothing else."""

_TERM = re.compile(r"\w+")
_NAMED = re.compile(r"\b([^\W\d_]\w*)[ \t]+(\d+)\b")


def terms(query: str) -> list[str]:
    """Return the distinct words to search for, in order, without stopwords unless there are only stopwords."""
    words = list(dict.fromkeys(match[0].lower() for match in _TERM.finditer(query[:LONGEST])))
    content = [word for word in words if word not in STOPWORDS]
    return (content or words)[:MOST_TERMS]


def expression(query: str) -> str:
    """Return an FTS5 expression that matches any of the query's terms; empty when it has none.

    Every term is quoted, so operators, column names and quotation marks of the user are plain words. A word and the
    number after it also count as a phrase, and again in the title and in the headings (an opening passage stands under
    its title): “PEP 8” is a name, and 8 alone is everywhere. Phrases of any two words made the ranking worse.
    """
    found = _NAMED.findall(query[:LONGEST].lower())
    named = dict.fromkeys(f'"{word} {number}"' for word, number in found[:MOST_TERMS] if word not in STOPWORDS)
    titled = [f"{column} : {name}" for name in named for column in ("title", "heading")]
    parts = [*(f'"{term}"' for term in terms(query)), *named, *titled]
    return " OR ".join(parts)


def search(connection: sqlite3.Connection, query: str, limit: int) -> dict[int, float]:
    """Return the BM25 score of at most ``limit`` passages by their ids, best first. Raises ``sqlite3.Error``."""
    wanted = expression(query)
    if not wanted:
        return {}
    ranking = f"bm25({', '.join(map(str, WEIGHTS))})"
    rows = connection.execute(
        "SELECT rowid, -rank FROM words WHERE words MATCH ? AND rank MATCH ? ORDER BY rank, rowid LIMIT ?",
        (wanted, ranking, limit),
    )
    return dict(rows.fetchall())


def having(connection: sqlite3.Connection, word: str, most: int) -> int:
    """Return how many passages hold a form of ``word``, at most ``most``. Raises ``sqlite3.Error``."""
    quoted = '"' + word.replace('"', " ") + '"'
    row = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)", (quoted, most)
    ).fetchone()
    return int(row[0])
