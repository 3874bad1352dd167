"""The list of runs, for who owns none of them: sound ones beside damaged ones, and whether the key fits the file.

The rows themselves and their writers are in ``tools.run_store``.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from research.errors import StoreProblem
from tools.database import NothingYet, connect, spoken
from tools.run_store import REMEDY, SCHEMA, SELECT, TABLES, VERSION, RunRow, built
from tools.seal import Seal

LOOKED_AT = 50
"""Rows of each table that are tried with the key."""


def fits(connection: sqlite3.Connection, seal: Seal) -> bool:
    """Return whether any of the first rows of the file is signed with this key; a file without rows fits every key."""
    some = False
    for table, columns in TABLES.items():
        for row in connection.execute(f"SELECT {', '.join(columns)}, digest FROM {table} LIMIT {LOOKED_AT}"):
            some = True
            if seal.holds(row[-1], table, *row[:-1]):
                return True
    return not some


def list_runs(path: Path, seal: Seal) -> list[RunRow]:
    """Return every run, the newest first; an absent file is no runs. Uses SQLite alone."""
    try:
        connection = connect(path, SCHEMA, VERSION, read_only=True, remedy=REMEDY)
    except NothingYet:
        return []
    with closing(connection), spoken(path, REMEDY):
        rows = [built(values, seal) for values in connection.execute(f"{SELECT} ORDER BY number DESC")]
        if not any(row.whole for row in rows) and not fits(connection, seal):
            raise StoreProblem(
                f"no row of {path} is signed with the key beside it, so that nothing in it can be trusted; "
                "put the key back from a copy, or begin with another --home"
            )
        return rows
