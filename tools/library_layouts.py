"""Bringing a ``library.db`` of an earlier layout up to the present one, once, before it is written to.

Layout 3 has the author of a source and the pages of a PDF; what was stored before says nothing of either.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tools.database import reader, spoken, turn
from tools.seal import Seal

BEFORE = 2
COLUMNS = "id, url, title, label, media, published, retrieved"
NEW = """
CREATE TABLE brought_up (
  id TEXT NOT NULL, url TEXT NOT NULL, title TEXT NOT NULL, label TEXT NOT NULL, media TEXT NOT NULL,
  published TEXT NOT NULL, retrieved TEXT NOT NULL, author TEXT NOT NULL, pages TEXT NOT NULL, digest BLOB NOT NULL,
  PRIMARY KEY (id, url, label))
"""


def bring_up(path: Path, seal: Seal) -> None:
    """Give a file of layout 2 the columns of layout 3, all or nothing; any other file is left as it is.

    A row whose digest did not hold before does not hold afterwards. Raises ``StoreProblem``.
    """
    if not _is_old(path):
        return
    with spoken(path), turn(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")  # for the digest to refuse
        connection.execute("BEGIN EXCLUSIVE")
        if connection.execute("PRAGMA user_version").fetchone()[0] != BEFORE:  # another process was first
            connection.execute("ROLLBACK")
            return
        connection.execute(NEW)
        connection.execute(f"INSERT INTO brought_up SELECT {COLUMNS}, '', '', digest FROM sources ORDER BY rowid")
        for number, *row, digest in connection.execute(f"SELECT rowid, {COLUMNS}, digest FROM brought_up").fetchall():
            if seal.holds(digest, "sources", *row):
                signed = seal.sign("sources", *row, "", "")
                connection.execute("UPDATE brought_up SET digest = ? WHERE rowid = ?", (signed, number))
        connection.execute("DROP TABLE sources")
        connection.execute("ALTER TABLE brought_up RENAME TO sources")
        connection.execute(f"PRAGMA user_version={BEFORE + 1}")
        connection.execute("COMMIT")


def _is_old(path: Path) -> bool:
    """Return whether the file has the earlier layout; what cannot be read is for others to say."""
    if not path.exists() or not path.stat().st_size:
        return False
    try:
        with closing(reader(path)) as connection:
            return bool(connection.execute("PRAGMA user_version").fetchone()[0] == BEFORE)
    except sqlite3.Error:
        return False
