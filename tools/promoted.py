"""The rows of a corpus that was made of pages from runs: where each page came from, who added it, what was forgotten.

Such a corpus has a ``files`` row for each page, under its address, and here one more. Adding and forgetting are in
``tools.promotion``; everything here blocks, and what writes is part of the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from research.errors import UsageFault
from research.records import Record
from tools.corpus_rows import Facts
from tools.corpus_schema import guarded
from tools.corpus_store import CorpusStore

FOLDER = "pages added from runs"
"""What such a corpus says instead of its folder, whose path is always whole."""

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS promoted(url TEXT PRIMARY KEY, source TEXT NOT NULL, run TEXT NOT NULL, "
    "approver TEXT NOT NULL, approved TEXT NOT NULL, retrieved TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS forgotten(url TEXT NOT NULL, source TEXT NOT NULL, run TEXT NOT NULL, "
    "approver TEXT NOT NULL, forgotten TEXT NOT NULL, PRIMARY KEY (url, source)) WITHOUT ROWID",
)


class Promoted(Record):
    """A page in a corpus: its address, the hash of its text, the run it was added from, who approved it and when.

    ``retrieved`` is when the run fetched it; ``approved`` and ``retrieved`` are ISO 8601 in UTC.
    """

    url: str
    source: str
    run: str
    approver: str
    approved: str
    retrieved: str

    @property
    def spoken(self) -> str:
        """Where it came from in words, for people."""
        return f"added from the run {self.run} by {self.approver} on {self.approved[:10]}"


class Forgotten(Record):
    """A page that was taken out of a corpus, by whom and when."""

    url: str
    source: str
    run: str
    approver: str
    forgotten: str


def is_made_of_pages(facts: Facts | None) -> bool:
    """Return whether a corpus holds pages from runs, and not a folder."""
    return facts is not None and facts.folder == FOLDER


def refuse_folder(name: str, facts: Facts | None, folder: Path) -> None:
    """Raise ``UsageFault`` when a folder is to be indexed into a corpus of pages: an index would drop them all."""
    if is_made_of_pages(facts):
        raise UsageFault(
            f"the corpus “{name}” holds {FOLDER}, which no index makes again; choose another name for {folder}, or "
            f"take the pages out first (`research corpus show {name}`, `research corpus forget {name} …`)"
        )


def refuse_pages(name: str, facts: Facts | None) -> None:
    """Raise ``UsageFault`` when pages are to be added to, or forgotten in, the index of a folder."""
    if facts is not None and not is_made_of_pages(facts):
        raise UsageFault(
            f"the corpus “{name}” is the index of {facts.folder}, and pages of the web are not mixed into it: it "
            "holds what that folder holds; choose another corpus"
        )


def pages(store: CorpusStore) -> tuple[Promoted, ...]:
    """Return every page of a corpus, by address."""
    return tuple(
        Promoted(**dict(zip(Promoted.__struct_fields__, row, strict=True)))
        for row in _rows(store, "promoted", Promoted.__struct_fields__)
    )


def forgotten(store: CorpusStore) -> tuple[Forgotten, ...]:
    """Return every page that was forgotten, by address."""
    return tuple(
        Forgotten(**dict(zip(Forgotten.__struct_fields__, row, strict=True)))
        for row in _rows(store, "forgotten", Forgotten.__struct_fields__)
    )


def _rows(store: CorpusStore, table: str, fields: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the rows of a table, none where the corpus has no such table."""
    with guarded(store.path):
        if not store.connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            return []
        return store.connection.execute(f"SELECT {', '.join(fields)} FROM {table} ORDER BY url").fetchall()


def write(store: CorpusStore, added: Sequence[Promoted]) -> None:
    """Note where pages came from."""
    with store.transaction() as connection:
        for table in SCHEMA:
            connection.execute(table)
        connection.executemany(
            f"INSERT OR REPLACE INTO promoted({', '.join(Promoted.__struct_fields__)}) VALUES (?, ?, ?, ?, ?, ?)",
            [tuple(getattr(page, field) for field in Promoted.__struct_fields__) for page in added],
        )


def erase(store: CorpusStore, gone: Sequence[Promoted], by: str, now: str) -> None:
    """Take pages out, and note that they were: what was forgotten once is shown when it is to be added again."""
    with store.transaction() as connection:
        for page in gone:
            connection.execute("DELETE FROM promoted WHERE url = ?", (page.url,))
            connection.execute(
                "INSERT OR REPLACE INTO forgotten(url, source, run, approver, forgotten) VALUES (?, ?, ?, ?, ?)",
                (page.url, page.source, page.run, by, now),
            )
