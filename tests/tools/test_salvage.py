"""Salvage: of a file that SQLite cannot read as a whole every row that can be read is saved, and the file is kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from research.errors import StoreProblem, WrongVersion
from tools.database import connect
from tools.salvage import placing, salvage, unsound

SCHEMA = """
CREATE TABLE numbered (number INTEGER PRIMARY KEY, text TEXT NOT NULL, digest BLOB NOT NULL);
CREATE TABLE named (one TEXT NOT NULL, two TEXT NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (one, two)) WITHOUT ROWID
"""
TABLES = {"numbered": ("number", "text"), "named": ("one", "two")}
ROWS = 400
PAGE = 4096


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A file with two tables over some fifty pages."""
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(f"{SCHEMA}; PRAGMA user_version=3")
        for number in range(1, ROWS + 1):
            database.execute("INSERT INTO numbered VALUES (?, ?, x'00')", (number, f"{number} " * 60))
            database.execute("INSERT INTO named VALUES (?, ?, x'00')", (f"k{number:04}", "v" * 200))
        database.execute("UPDATE numbered SET text = CAST(x'ff00' AS TEXT) WHERE number = 7")
        database.commit()
    return path


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        database.text_factory = bytes
        return database.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()


def test_of_every_zeroed_page_the_other_rows_are_saved(store: Path, tmp_path: Path) -> None:
    """Whichever page is lost, what is saved was there before, value by value, and most of it is there."""
    whole = {table: rows(store, table) for table in TABLES}
    data = store.read_bytes()
    for page in range(1, len(data) // PAGE, 5):
        path = tmp_path / f"{page}" / "store.db"
        path.parent.mkdir()
        path.write_bytes(data[: page * PAGE] + bytes(PAGE) + data[(page + 1) * PAGE :])
        damaged = path.read_bytes()
        assert unsound(path, SCHEMA, 3)
        saved = salvage(path, SCHEMA, 3, TABLES)
        assert saved.kept.read_bytes() == damaged
        assert unsound(path, SCHEMA, 3) == ""
        found = {table: rows(path, table) for table in TABLES}
        assert all(set(found[table]) <= set(whole[table]) for table in TABLES)
        roots = {PAGE * page for page in (1, 2)}  # without its first page nothing leads to a table's other pages
        least = ROWS if page * PAGE in roots else 2 * ROWS - 30
        assert saved.rows == sum(map(len, found.values())) >= least
        assert sorted(file.name for file in path.parent.iterdir()) == [
            "store.db",
            "store.db.damaged-1",
            "store.opening",
        ]


def test_a_file_that_was_cut_off_gives_what_is_left(store: Path) -> None:
    """SQLite refuses to read a file shorter than it says; its first pages are read all the same."""
    with store.open("r+b") as file:
        file.truncate(len(store.read_bytes()) // PAGE // 2 * PAGE)
    assert "malformed" in unsound(store, SCHEMA, 3)
    assert salvage(store, SCHEMA, 3, TABLES).rows > ROWS // 4


@pytest.mark.parametrize("content", [b"not a database" * 1_000, b"\x00" * 3 * PAGE])
def test_what_is_not_a_database_is_left_as_it_is(store: Path, content: bytes) -> None:
    """A foreign file is refused by name, and not a byte of it or beside it changes."""
    store.write_bytes(content)
    with pytest.raises(StoreProblem, match=r"store\.db.*put it back from a copy"):
        salvage(store, SCHEMA, 3, TABLES)
    assert store.read_bytes() == content
    assert sorted(file.name for file in store.parent.iterdir()) == ["store.db", "store.opening"]


def test_a_file_of_another_version_is_left_as_it_is(store: Path) -> None:
    """Both numbers are named."""
    before = store.read_bytes()
    with pytest.raises(WrongVersion, match="layout 3, this program reads layout 4"):
        salvage(store, SCHEMA, 4, TABLES)
    with pytest.raises(StoreProblem, match="missing"):
        salvage(store.with_name("gone.db"), SCHEMA, 3, TABLES)
    assert store.read_bytes() == before


def test_a_sound_file_is_sound(store: Path) -> None:
    """Nothing is said of a whole file, nor of one that is not there; another layout is said as that."""
    assert unsound(store, SCHEMA, 3) == unsound(store.with_name("new.db"), SCHEMA, 3) == ""
    with pytest.raises(WrongVersion):
        unsound(store, SCHEMA, 2)


def test_the_log_of_a_damaged_file_is_kept_with_it(store: Path) -> None:
    """What is in the -wal alone is neither lost nor left beside the new file, which would read it as its own."""
    log = store.with_name(f"{store.name}-wal")
    log.write_bytes(b"log" * 100)
    data = store.read_bytes()
    store.write_bytes(data[: 3 * PAGE] + bytes(PAGE) + data[4 * PAGE :])
    kept = salvage(store, SCHEMA, 3, TABLES).kept
    assert kept.with_name(f"{kept.name}-wal").read_bytes() == b"log" * 100
    assert not log.exists()


def leaves(store: Path, table: str) -> list[int]:
    """The numbers, from 1, of the pages with rows of a table."""
    data = store.read_bytes()
    with closing(sqlite3.connect(store)) as database:
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        root = int(database.execute(query, (table,)).fetchone()[0])
    page = data[(root - 1) * PAGE : root * PAGE]
    assert page[0] == 5, "the root of a table with rows by number that has more than one page"
    cells = [int.from_bytes(page[12 + 2 * n : 14 + 2 * n]) for n in range(int.from_bytes(page[3:5]))]
    return [int.from_bytes(page[cell : cell + 4]) for cell in cells]


def test_rows_between_two_damaged_pages_are_saved(store: Path) -> None:
    """They are reached neither from the front nor from the back, but each by its number."""
    pages = leaves(store, "numbered")
    data = bytearray(store.read_bytes())
    for page in (pages[2], pages[-3]):
        data[(page - 1) * PAGE : page * PAGE] = bytes(PAGE)
    store.write_bytes(data)
    salvage(store, SCHEMA, 3, TABLES)
    numbers = {row[0] for row in rows(store, "numbered")}
    assert len(pages) > 10
    assert ROWS - 2 * 16 * 2 < len(numbers) < ROWS
    assert ROWS // 2 in numbers


@pytest.mark.parametrize("done", range(6))
def test_a_salvage_that_was_killed_after_any_step_loses_nothing(store: Path, done: int) -> None:
    """Rows that are in the -wal alone are in the new file in the end, and nobody reads or writes in between."""
    with closing(sqlite3.connect(store)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA wal_autocheckpoint=0")
        database.execute("INSERT INTO numbered VALUES (1000, 'in the log', x'00')")
        database.commit()
        files = {path: path.read_bytes() for path in (store, store.with_name(f"{store.name}-wal"))}
    for path, data in files.items():
        path.write_bytes(data[: 30 * PAGE] + bytes(PAGE) + data[31 * PAGE :] if path == store else data)
    draft = store.with_name(f"{store.name}.draft")
    steps = placing(store, draft)
    assert len(steps) == 5
    draft.write_bytes(b"made before the kill")
    if done:
        whole = store.with_name("other.db")
        for suffix in ("", "-wal"):
            whole.with_name(whole.name + suffix).write_bytes(store.with_name(store.name + suffix).read_bytes())
        salvage(whole, SCHEMA, 3, TABLES)
        whole.replace(draft)
    for step in steps[:done]:
        step()
    if 2 <= done < len(steps):
        with pytest.raises(StoreProblem, match="not yet in its place"):
            connect(store, SCHEMA, 3)
    if done < len(steps):
        assert unsound(store, SCHEMA, 3)
        salvage(store, SCHEMA, 3, TABLES)
    assert unsound(store, SCHEMA, 3) == ""
    found = rows(store, "numbered")
    assert (1000, b"in the log", b"\0") in found
    assert len(found) > ROWS - 40
    assert store.with_name(f"{store.name}.damaged-1-wal").read_bytes() == files[store.with_name(f"{store.name}-wal")]
    assert not store.with_name(f"{store.name}.saved").exists()
