"""Bringing a corpus that an earlier version of the program made up to date, without reading or embedding it again.

Part of ``tools.indexing``: only who holds the corpus's lock may do it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tools import names
from tools.corpus_schema import guarded
from tools.corpus_store import BEFORE_NAMES, DATABASE, VERSION, WAIT


def brought_up_to_date(folder: Path) -> bool:
    """Give the database in ``folder`` what the version before lacked; return whether it lacked it.

    All or nothing, in one transaction. The caller holds the corpus's lock. Raises ``StoreProblem``.
    """
    path = folder / DATABASE
    if not path.is_file():
        return False
    with guarded(path), closing(sqlite3.connect(path, timeout=WAIT, isolation_level=None)) as connection:
        if connection.execute("PRAGMA user_version").fetchone()[0] != BEFORE_NAMES:
            return False
        connection.execute("PRAGMA synchronous = FULL")
        names.fill(connection)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    return True
