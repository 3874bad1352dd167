"""Looking through whole files of signed rows: what SQLite finds wrong, rows that are not as written, rows that miss.

Reading only; what to do about it is the work of ``tools.last_good`` and ``tools.salvage``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from research.records import Record
from tools.database import NothingYet, connect, spoken
from tools.run_list import list_runs
from tools.run_store import REMEDY, SCHEMA, SELECT, VERSION, built
from tools.seal import Seal

MOST = 200_000
"""Rows looked at in each table, the latest first: about a second and a half."""
NAMED = 3
"""Wrong rows of each table that are named; the others are counted."""


class Checked(Record):
    """How many rows were looked at, what was wrong, and whether there are more rows than were looked at."""

    rows: int = 0
    wrong: tuple[str, ...] = ()
    more: bool = False


def check_rows(
    path: Path,
    schema: str,
    version: int,
    tables: Mapping[str, Sequence[str]],
    seal: Seal,
    most: int = MOST,
    remedy: str = REMEDY,
) -> Checked:
    """Check the structure of a file and the digests of its rows. Raises ``StoreProblem`` and ``WrongVersion``."""
    try:
        connection = connect(path, schema, version, read_only=True, remedy=remedy)
    except NothingYet:
        return Checked()
    with closing(connection), spoken(path, remedy):
        found = [str(row[0]) for row in connection.execute(f"PRAGMA quick_check({NAMED})")]
        wrong = [] if found == ["ok"] else [" ".join(line.split()) for line in found]
        rows, more = 0, False
        for table, columns in tables.items():
            looked, bad = _table(connection, table, columns, seal, most)
            rows, more = rows + looked, more or looked == most
            wrong += [f"row {name} of {table} is not what was written" for name in bad[:NAMED]]
            wrong += [f"and {len(bad) - NAMED} more rows of {table}"] if len(bad) > NAMED else []
    return Checked(rows=rows, wrong=tuple(wrong), more=more)


def _table(
    connection: sqlite3.Connection, table: str, columns: Sequence[str], seal: Seal, most: int
) -> tuple[int, list[str]]:
    query = f"SELECT {', '.join(columns)}, digest FROM {table} ORDER BY {columns[0]} DESC LIMIT ?"
    looked, bad = 0, []
    for row in connection.execute(query, (most,)):
        looked += 1
        if not seal.holds(row[-1], table, *row[:-1]):
            bad.append(" ".join(str(value)[:40] for value in row[: 1 if isinstance(row[0], int) else 3]))
    return looked, bad


def short_runs(path: Path, seal: Seal) -> list[str]:
    """Return the runs that have not as many rows as their own row says. Raises ``StoreProblem``."""
    if not list_runs(path, seal):
        return []
    with closing(connect(path, SCHEMA, VERSION, read_only=True, remedy=REMEDY)) as connection, spoken(path, REMEDY):
        connection.execute("BEGIN")  # one state of the file: runs may be at work
        rows = [built(values, seal) for values in connection.execute(SELECT)]
        begun, ended, kept = (
            dict(connection.execute(f"SELECT run, count(*) FROM {table} GROUP BY run").fetchall())
            for table in ("intents", "outcomes", "records")
        )
    wrong = []
    for row in (row for row in rows if row.whole):
        calls = begun.get(row.id, 0) + ended.get(row.id, 0)
        if calls != row.calls or kept.get(row.id, 0) != row.records:
            what = f"{calls} of {row.calls} rows of calls and {kept.get(row.id, 0)} of {row.records} records"
            wrong.append(f"the run {row.id} has {what}; `research resume {row.id} --from-journal`")
    return wrong
