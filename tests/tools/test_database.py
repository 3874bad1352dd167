"""SQLite as the project opens it: durable, shared by readers, and safe to open and write from many sides at once."""

from __future__ import annotations

import asyncio
import resource
import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from research.errors import StoreProblem, WrongVersion
from research.ports import Page
from tools.clock import SystemClock
from tools.database import Database, connect
from tools.library import FileLibrary
from tools.seal import Seal

SCHEMA = "CREATE TABLE things (name TEXT PRIMARY KEY)"


async def test_what_is_written_is_on_the_disk(tmp_path: Path) -> None:
    """Every connection that writes is in WAL mode and syncs each commit."""
    database = Database(tmp_path / "d.db", SCHEMA, 1)
    pragmas = ("journal_mode", "synchronous")
    found = [await database.run(lambda c, p=name: c.execute(f"PRAGMA {p}").fetchone()[0]) for name in pragmas]
    database.close()
    assert found == ["wal", 2]


async def test_a_reader_cannot_write(tmp_path: Path) -> None:
    """A read-only connection reads what is there while the writer has it open, and changes nothing."""
    database = Database(tmp_path / "d.db", SCHEMA, 1)
    await database.run(lambda c: c.execute("INSERT INTO things VALUES ('a')"))
    reader = connect(tmp_path / "d.db", SCHEMA, 1, read_only=True)
    assert reader.execute("SELECT name FROM things").fetchall() == [("a",)]
    for statement in ("INSERT INTO things VALUES ('b')", "DROP TABLE things", "PRAGMA user_version=9"):
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute(statement)
    reader.close()
    database.close()


def test_a_reader_creates_nothing(tmp_path: Path) -> None:
    """Opening what is not there for reading is an error, and leaves no file behind."""
    with pytest.raises((StoreProblem, WrongVersion)):
        connect(tmp_path / "d.db", SCHEMA, 1, read_only=True)
    assert list(tmp_path.iterdir()) == []


async def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """What was done before the failure is rolled back, and the connection can be used again."""
    database = Database(tmp_path / "d.db", SCHEMA, 1)

    def twice(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO things VALUES ('a')")
        connection.execute("INSERT INTO things VALUES ('a')")

    with pytest.raises(StoreProblem, match=r"d\.db"):
        await database.run(twice)
    assert await database.run(lambda c: c.execute("SELECT count(*) FROM things").fetchone()[0]) == 0
    database.close()


def test_a_new_file_may_be_opened_from_many_sides_at_once(tmp_path: Path) -> None:
    """The first commands of a new user may run at the same moment: one creates the tables, all can use them."""
    sides = 4

    def opened(path: Path, together: threading.Barrier) -> None:
        together.wait(timeout=10)
        connection = connect(path, SCHEMA, 1)
        connection.execute("SELECT count(*) FROM things").fetchone()
        connection.close()

    with ThreadPoolExecutor(sides) as threads:
        for number in range(12):
            together = threading.Barrier(sides)
            asked = [threads.submit(opened, tmp_path / f"{number}.db", together) for _ in range(sides)]
            failures = [str(failure) for ended in asked if (failure := ended.exception())]
            assert failures == []


async def test_one_text_under_many_addresses_is_kept_at_once(tmp_path: Path) -> None:
    """Eight mirrors of one page come in together: one file, eight records of where it came from."""
    library = FileLibrary(tmp_path, SystemClock(), Seal(bytes(32)))
    urls = [f"https://{number}.example/" for number in range(8)]
    kept = await asyncio.gather(
        *(library.keep(Page(url=url, title="T", text="A budget is a wall."), "public") for url in urls)
    )
    assert len({source.id for source in kept}) == 1
    assert [source.url for source in kept] == urls
    assert await library.text(kept[0].id) == "A budget is a wall."
    assert [path.name for path in (tmp_path / "texts").rglob("*") if path.is_file()] == [f"{kept[0].id}.txt"]
    library.close()


async def test_a_locked_file_is_not_read_as_it_lies_there(tmp_path: Path) -> None:
    """Without its -wal it would be an older one; a reader that cannot get at that says so."""
    path = tmp_path / "d.db"
    Database(path, SCHEMA, 1).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("INSERT INTO things VALUES ('a')")
    with pytest.raises(StoreProblem, match="locked"):
        connect(path, SCHEMA, 1, read_only=True)
    other.close()
    with closing(connect(path, SCHEMA, 1, read_only=True)) as reader:
        assert reader.execute("SELECT name FROM things").fetchall() == [("a",)]


@pytest.mark.parametrize("tail", ["", "-wal"])
def test_the_latest_rows_are_never_left_out(tmp_path: Path, tail: str) -> None:
    """Where no index can be made for a -wal with rows, a reader says so; without such a -wal it reads what is there."""
    path, copy = tmp_path / "d.db", tmp_path / "copy.db"
    with closing(connect(path, SCHEMA, 1)) as writer:
        if tail:
            writer.execute("PRAGMA wal_autocheckpoint=0")
            writer.execute("INSERT INTO things VALUES ('a')")
            shutil.copy(f"{path}-wal", f"{copy}-wal")
        else:
            writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(path, copy)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        if tail:
            with pytest.raises(StoreProblem, match=r"full or read-only.*copy\.db-wal.*nothing is lost"):
                connect(copy, SCHEMA, 1, read_only=True)
        else:
            with closing(connect(copy, SCHEMA, 1, read_only=True)) as reader:
                assert reader.execute("SELECT name FROM things").fetchall() == []
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with closing(connect(copy, SCHEMA, 1, read_only=True)) as reader:
        assert reader.execute("SELECT name FROM things").fetchall() == ([("a",)] if tail else [])
