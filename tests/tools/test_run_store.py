"""The store of runs: an earlier owner writes to none of its tables, and no changed or missing row is believed."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from research.budget import Amount
from research.errors import NotTheOwner, StoreProblem
from research.ports import Checkpoint, Intent, Outcome, PendingWrite
from tools.checkpoint_rows import CheckpointRows
from tools.database import Database
from tools.journal import SqliteJournal
from tools.row_checks import check_rows, short_runs
from tools.run_list import list_runs
from tools.run_records import RunRecords
from tools.run_store import SCHEMA, TABLES, VERSION, RunStore
from tools.seal import Seal

SEAL = Seal(bytes(32))
REPLY = '{"text": "an answer", "stop": "end"}'


def intent(run: str = "r") -> Intent:
    return Intent(
        run=run,
        branch="b",
        kind="model",
        key="k",
        occurrence=0,
        attempt=1,
        bound=Amount(calls=1),
        elapsed=1,
        request="{}",
    )


def outcome() -> Outcome:
    return Outcome(status="answered", payload=REPLY, charged=Amount(tokens=7, calls=1), elapsed=2)


async def begun(database: Database, run: str, marked: list[int] | None = None) -> RunStore:
    """A run with two calls, the second in flight, two records, and a checkpoint with two writes."""
    words = {"created": "2026-01-01", "question": '{"text": "q"}', "options": "{}"}
    store = await RunStore.begin(database, SEAL, run, **words, mark=(marked if marked is not None else []).append)
    journal = SqliteJournal(store)
    await journal.conclude(await journal.intend(intent(run)), outcome())
    await journal.intend(intent(run))
    await RunRecords(store).put([("hit", "h1", {"a": 1}), ("hit", "h2", {"a": 2})])
    rows = CheckpointRows(database, SEAL, store.fence)
    await rows.put(checkpoint(run))
    await rows.put_writes(writes(run), replace=False)
    return store


def checkpoint(run: str = "r") -> Checkpoint:
    return Checkpoint(thread=run, ns="", id="1", parent=None, value=b"{}", metadata=b"{}")


def writes(run: str = "r") -> list[PendingWrite]:
    return [
        PendingWrite(thread=run, ns="", checkpoint="1", task="t", path="", place=n, channel=c, value=b"1")
        for n, c in enumerate("ab")
    ]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A new file with the runs r and s."""
    opened = Database(tmp_path / "runs.db", SCHEMA, VERSION, remedy="put it back")
    await begun(opened, "r")
    await begun(opened, "s")
    yield opened
    opened.close()


async def read_all(database: Database, run: str) -> None:
    """Read whatever there is of a run."""
    store = RunStore(database, SEAL, run, 0)
    await store.row()
    await SqliteJournal(store).entries()
    await RunRecords(store).check()
    rows = CheckpointRows(database, SEAL, 0)
    latest = await rows.latest(run, "")
    assert latest is not None
    await rows.writes(run, "", latest.id)


async def test_a_replaced_owner_writes_to_no_table(database: Database) -> None:
    """Calls, records, checkpoints, writes, deletions and the end of the run are refused, and nothing has changed."""
    old = RunStore(database, SEAL, "r", 1)
    new = await RunStore.take_over(database, SEAL, "r")
    with closing(sqlite3.connect(database.path)) as looking:
        before = {table: looking.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
        rows = CheckpointRows(database, SEAL, old.fence)
        for late in (
            SqliteJournal(old).intend(intent()),
            SqliteJournal(old).conclude(2, outcome()),
            SqliteJournal(old).finish("done", 0, 1.0),
            RunRecords(old).put([("hit", "late", 1)]),
            rows.put(checkpoint()),
            rows.put_writes(writes(), replace=True),
            rows.delete("r"),
        ):
            with pytest.raises(NotTheOwner, match="taken over"):
                await late
        assert {table: looking.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES} == before
    await SqliteJournal(new).conclude(2, outcome())


@pytest.mark.parametrize(
    ("table", "column"), [(t, c) for t in TABLES for c in TABLES[t] if t not in ("orders", "damaged")]
)
async def test_no_column_of_any_row_can_be_changed(database: Database, table: str, column: str) -> None:
    """Whatever is changed in a row of the run, reading the run raises an error that names it and the way out."""
    await read_all(database, "r")
    owner = {"runs": "id", "checkpoints": "thread", "writes": "thread"}.get(table, "run")
    key = {"records": "id", "checkpoints": "id", "writes": "place"}.get(table, TABLES[table][0])
    with closing(sqlite3.connect(database.path)) as other:
        first = other.execute(f"SELECT {key} FROM {table} WHERE {owner} = 'r' LIMIT 1")
        changed = f"CASE typeof({column}) WHEN 'integer' THEN {column} + 1000 WHEN 'real' THEN {column} + 1 "
        changed += f"WHEN 'blob' THEN x'7b7d20' ELSE coalesce({column}, '') || '0' END"
        other.execute(f"UPDATE {table} SET {column} = {changed} WHERE {owner} = 'r' AND {key} = ?", first.fetchone())
        assert other.total_changes == 1
        other.commit()
    if (table, column) in {("checkpoints", "thread"), ("checkpoints", "ns"), ("writes", "thread"), ("writes", "ns")} | {
        ("writes", "checkpoint"),
        ("runs", "id"),
    }:
        assert check_rows(database.path, SCHEMA, VERSION, TABLES, SEAL).wrong
        return  # the row is no longer one of the run: what that means for it is seen by counts, or costs work alone
    with pytest.raises(StoreProblem, match=r"runs\.db is damaged: of the run r, .*--from-journal"):
        await read_all(database, "r")
    await read_all(database, "s")


@pytest.mark.parametrize("table", ["intents", "outcomes", "records"])
async def test_a_missing_row_is_noticed(database: Database, table: str) -> None:
    """The run's own row has how many there are; the other run is as whole as before."""
    with closing(sqlite3.connect(database.path)) as other:
        which = "id = 'h1'" if table == "records" else "seq = 1"
        other.execute(f"DELETE FROM {table} WHERE run = 'r' AND {which}")
        assert other.total_changes == 1
        other.commit()
    with pytest.raises(StoreProblem, match="were found"):
        await read_all(database, "r")
    assert [line for line in short_runs(database.path, SEAL) if "run r has" in line]
    await read_all(database, "s")


@pytest.mark.parametrize("change", ["'{'", "x'ff'", "7", "CAST(x'ff' AS TEXT)"])
async def test_the_sound_runs_are_listed_beside_a_damaged_one(database: Database, change: str) -> None:
    """Whatever is in a damaged row, of whatever type, the list has it as one that is not whole."""
    with closing(sqlite3.connect(database.path)) as other:
        other.execute(f"UPDATE runs SET question = {change}, status = {change}, elapsed = {change} WHERE id = 'r'")
        other.commit()
    assert [(row.id, row.whole) for row in list_runs(database.path, SEAL)] == [("s", True), ("r", False)]


async def test_with_another_key_nothing_is_trusted_and_nothing_is_called_damaged(database: Database) -> None:
    """A file of which no row fits the key is told as that, and not as so many damaged runs."""
    with pytest.raises(StoreProblem, match=r"no row of .*runs\.db is signed with the key"):
        list_runs(database.path, Seal(b"x" * 32))


async def test_the_mark_follows_each_transaction(tmp_path: Path) -> None:
    """Whoever keeps the mark is told the number of rows of calls, and the row has the last second of the run."""
    opened, marked = Database(tmp_path / "runs.db", SCHEMA, VERSION), []
    store = await begun(opened, "r", marked)
    row = await store.row()
    opened.close()
    assert marked == [1, 2, 3, 3]
    assert (row.calls, row.records, row.elapsed) == (3, 3, 2.0)


async def test_a_run_that_is_worked_on_is_not_called_damaged(tmp_path: Path) -> None:
    """How many rows there are and the rows themselves are read at one moment, whatever its owner writes meanwhile."""
    path = tmp_path / "runs.db"
    with closing(Database(path, SCHEMA, VERSION)) as owned, closing(Database(path, SCHEMA, VERSION)) as looked:
        store = await begun(owned, "r")
        journal = SqliteJournal(store)
        look = RunStore(looked, SEAL, "r", 0)
        done = asyncio.Event()

        async def work() -> None:
            while not done.is_set():
                await journal.intend(intent())
                await RunRecords(store).put([("hit", secrets.token_hex(8), 1)])

        working = asyncio.create_task(work())
        try:
            for _ in range(30):
                await SqliteJournal(look).entries()
                await RunRecords(look).check()
                assert await asyncio.to_thread(short_runs, path, SEAL) == []
        finally:
            done.set()
            await working


async def test_a_record_too_many_is_noticed(database: Database) -> None:
    """A whole record of another time, put among those of the run, is as wrong as a missing one."""
    values = ("r", "hit", "h3", "{}")
    with closing(sqlite3.connect(database.path)) as other:
        other.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?)", (*values, SEAL.sign("records", *values)))
        other.commit()
    with pytest.raises(StoreProblem, match=r"a record \(4 of 3 were found\)"):
        await RunRecords(RunStore(database, SEAL, "r", 0)).check()
    assert [line for line in short_runs(database.path, SEAL) if "run r has" in line]
