"""Saving the rows of a database that SQLite cannot read as a whole: row by row, into a new file.

The damaged file is kept beside the new one, as it was. Which of the rows are whole is not judged here (their digests
are copied with them), and that some are missing is told by the counts of those who wrote them.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from research.errors import StoreProblem, WrongVersion
from research.records import Record
from tools.database import NothingYet, connect, spoken, turn

PAGE = 4096
SAVED = ".saved"
"""At the end of the name of a file with all rows that could be read, until it takes the place of the damaged one."""
Row = tuple[Any, ...]
PROBED = 1_000_000
"""Row numbers between the last row that is reached from the front and from the back: at most so many are tried."""
GUESSED = 10_000
"""The same, where nothing is reached from the back."""


class Salvaged(Record):
    """Where the damaged file was kept, and how many rows of it are in the new one."""

    kept: Path
    rows: int


def unsound(path: Path, schema: str, version: int) -> str:
    """Return what SQLite finds wrong with the structure of a file, or nothing. Raises ``WrongVersion``."""
    try:
        with closing(connect(path, schema, version, read_only=True)) as connection:
            found = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except NothingYet:
        return ""
    except (sqlite3.DatabaseError, StoreProblem) as error:
        return str(error)
    return "" if found == "ok" else found


def salvage(path: Path, schema: str, version: int, tables: Mapping[str, Sequence[str]]) -> Salvaged:
    """Put a new file with every row that can be read in the place of ``path``, which is kept as ``NAME.damaged-N``.

    ``tables`` names the columns of each table, in the order of the schema; nobody may have the file open. Raises
    ``StoreProblem`` and ``WrongVersion``, and changes nothing then.
    """
    if not any(path.with_name(path.name + suffix).exists() for suffix in ("", "-wal", SAVED)):
        raise StoreProblem(f"{path} is missing; put it back from a copy, or use another --home")
    draft, copy = path.with_name(f"{path.name}.draft"), path.with_name(f"{path.name}.reading")
    with turn(path), spoken(path):
        if not path.with_name(path.name + SAVED).exists():
            try:
                _remove(draft, copy)
                _copy(path, copy)
                if not copy.exists() or not copy.stat().st_size:
                    copy.write_bytes(bytes(PAGE))  # SQLite deletes the -wal of an empty file, and may read all from it
                _refuse_foreign(path, copy, version, set(tables))
                _moved(copy, draft, schema, version, tables)
                _synced(draft)
                for step in placing(path, draft):
                    step()
            finally:
                _remove(draft, copy)
        else:  # it was ended in between, and nobody has opened the file since
            for step in placing(path, draft)[2:]:
                step()
        with closing(sqlite3.connect(path)) as saved:
            rows = sum(saved.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)
    return Salvaged(kept=_kept(path, _number(path) - 1), rows=rows)


def placing(path: Path, draft: Path) -> tuple[Callable[[], object], ...]:
    """Return the steps that put the saved rows, in ``draft``, in the place of a damaged file, which is kept.

    After each of them all that there was is there. From the second on the file is refused to everybody
    (``tools.database``) until the last, which :func:`salvage` also does for one that was ended before.
    """
    saved = path.with_name(path.name + SAVED)
    log, index = path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")
    return (
        lambda: _keep(path, _kept(path, _number(path))),
        lambda: draft.replace(saved),
        lambda: log.unlink(missing_ok=True),  # the log of the old file would be read into the new one
        lambda: index.unlink(missing_ok=True),
        lambda: saved.replace(path),
    )


def _refuse_foreign(path: Path, copy: Path, version: int, tables: set[str]) -> None:
    """Raise when the file has not the tables that are looked for."""
    way_out = "put it back from a copy, or use another --home"
    try:
        with closing(_leniently(copy)) as connection:
            layout = connection.execute("PRAGMA user_version").fetchone()[0]
            names = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.DatabaseError as error:
        raise StoreProblem(f"nothing in {path} can be read ({error}); {way_out}") from error
    if layout not in (0, version):
        raise WrongVersion(f"{path} has layout {layout}, this program reads layout {version}; {way_out}")
    if not tables <= names:
        raise StoreProblem(f"{path} has not the tables of this program; {way_out}")


def _leniently(path: Path) -> sqlite3.Connection:
    """Open a file that may be shorter than it says: with a writable schema SQLite reads what there is."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA writable_schema=ON")
    return connection


def _kept(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.damaged-{number}")


def _number(path: Path) -> int:
    """Return the first number that no damaged file was kept under."""
    number = 1
    while any(_kept(path, number).with_name(_kept(path, number).name + suffix).exists() for suffix in ("", "-wal")):
        number += 1
    return number


def _keep(path: Path, kept: Path) -> None:
    _copy(path, kept)
    for suffix in ("", "-wal"):
        if kept.with_name(kept.name + suffix).exists():
            _synced(kept.with_name(kept.name + suffix))


def _copy(path: Path, to: Path) -> None:
    for suffix in ("", "-wal"):
        if path.with_name(path.name + suffix).exists():
            shutil.copy2(path.with_name(path.name + suffix), to.with_name(to.name + suffix))


def _remove(*paths: Path) -> None:
    for path in paths:
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _synced(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _moved(copy: Path, draft: Path, schema: str, version: int, tables: Mapping[str, Sequence[str]]) -> None:
    """Copy each row that can be read, value by value as it is stored."""
    with closing(_leniently(draft)) as connection:
        connection.executescript(f"{schema}; PRAGMA user_version={version}")
        connection.execute("ATTACH ? AS old", (str(copy),))
        connection.execute("PRAGMA main.synchronous=OFF")  # synced as a whole, when it is whole
        for table, columns in tables.items():
            names = ", ".join((*columns, "digest"))
            keys = _keys(connection, table)
            where = " AND ".join(f"{key} IS ?" for key in keys)
            move = f"INSERT OR IGNORE INTO main.{table} ({names}) SELECT {names} FROM old.{table} WHERE {where}"
            for found in _reachable(connection, table, keys):
                with suppress(sqlite3.DatabaseError):
                    connection.execute(move, found)


def _keys(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    """Return the columns of a table's key, ``rowid`` where it has one."""
    facts = connection.execute(f"PRAGMA main.table_info({table})").fetchall()
    try:
        connection.execute(f"SELECT rowid FROM main.{table} LIMIT 1")
    except sqlite3.OperationalError:
        return tuple(name for _, name, *_, place in sorted(facts, key=lambda fact: fact[-1]) if place)
    return ("rowid",)


def _reachable(connection: sqlite3.Connection, table: str, keys: tuple[str, ...]) -> Iterator[Row]:
    """Yield the keys that can be read: from the front, from the back, and numbers in between by trying each."""
    front: Row = ()
    for front in _walk(connection, table, keys, front=True):
        yield front
    back: Row = ()
    for back in _walk(connection, table, keys, front=False):
        if front and back <= front:
            return
        yield back
    if keys == ("rowid",):
        low = int(front[0]) + 1 if front else 1
        high = int(back[0]) if back else low + GUESSED
        yield from ((number,) for number in range(low, min(high, low + PROBED)))


def _walk(connection: sqlite3.Connection, table: str, keys: tuple[str, ...], *, front: bool) -> Iterator[Row]:
    """Yield the keys from one end as far as they can be read."""
    names, places = ", ".join(keys), ", ".join("?" * len(keys))
    order = ", ".join(f"{key} {'ASC' if front else 'DESC'}" for key in keys)
    query = f"SELECT {names} FROM old.{table} NOT INDEXED"
    end = f"ORDER BY {order} LIMIT 1"
    found: Row | None = None
    with suppress(sqlite3.DatabaseError):
        found = connection.execute(f"{query} {end}").fetchone()
        while found is not None:
            yield found
            following: Row | None = connection.execute(
                f"{query} WHERE ({names}) {'>' if front else '<'} ({places}) {end}", found
            ).fetchone()
            if following is None or (following <= found if front else following >= found):
                return  # a damaged tree may lead in a circle
            found = following
