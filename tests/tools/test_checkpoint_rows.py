"""Checkpoints as rows: the latest of each name space is kept, and a task's writes are read all or not at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from research.errors import StoreProblem
from research.ports import Checkpoint, PendingWrite
from tools.checkpoint_rows import CheckpointRows
from tools.database import Database
from tools.run_store import SCHEMA, VERSION
from tools.seal import Seal


def checkpoint(id: str, ns: str = "") -> Checkpoint:
    return Checkpoint(thread="r", ns=ns, id=id, parent=None, value=b'{"n": 1}', metadata=b"{}")


def write(place: int, task: str = "t", value: bytes = b"1") -> PendingWrite:
    return PendingWrite(
        thread="r", ns="", checkpoint="1", task=task, path="p", place=place, channel=f"c{place}", value=value
    )


async def test_an_older_checkpoint_goes_with_its_writes(tmp_path: Path) -> None:
    """A new checkpoint takes the place of the one before it in its name space, and of no other."""
    with closing(Database(tmp_path / "runs.db", SCHEMA, VERSION)) as database:
        rows = CheckpointRows(database, Seal(bytes(32)), 1)
        for row in (checkpoint("1"), checkpoint("1", "inner"), checkpoint("2")):
            await rows.put_writes([write(0)], replace=False)
            await rows.put(row)
        assert {(row.ns, row.id) for row in await rows.every("r")} == {("", "2"), ("inner", "1")}
        assert await rows.writes("r", "", "1") == []
        assert await rows.threads() == ["r"]
        await rows.delete("r")
        assert await rows.latest("r", "") is None


@pytest.mark.parametrize("replace", [True, False])
async def test_a_write_that_is_there_is_replaced_or_left(tmp_path: Path, replace: bool) -> None:
    """As the caller says: regular writes stay as they were, those of an interrupt are replaced."""
    with closing(Database(tmp_path / "runs.db", SCHEMA, VERSION)) as database:
        rows = CheckpointRows(database, Seal(bytes(32)), 1)
        await rows.put_writes([write(0)], replace=False)
        await rows.put_writes([write(0, value=b"2")], replace=replace)
        assert [row.value for row in await rows.writes("r", "", "1")] == [b"2" if replace else b"1"]


async def test_a_task_that_lost_one_of_its_writes_is_refused(tmp_path: Path) -> None:
    """With a part of its writes a task would count as done and its result be lost; without any it is done again."""
    with closing(Database(tmp_path / "runs.db", SCHEMA, VERSION)) as database:
        rows = CheckpointRows(database, Seal(bytes(32)), 1)
        await rows.put_writes([write(0), write(1), write(2)], replace=False)
        await rows.put_writes([write(0, "u")], replace=False)
        await rows.put_writes([write(-3)], replace=True)
        assert len(await rows.writes("r", "", "1")) == 5
        with closing(sqlite3.connect(database.path)) as other:
            other.execute("DELETE FROM writes WHERE task = 't' AND place = 1")
            other.commit()
            with pytest.raises(StoreProblem, match="a write of the task t"):
                await rows.writes("r", "", "1")
            other.execute("DELETE FROM writes WHERE task = 't' AND place >= 0")
            other.commit()
        assert [(row.task, row.place) for row in await rows.writes("r", "", "1")] == [("t", -3), ("u", 0)]


async def test_a_new_checkpoint_leaves_the_writes_of_other_name_spaces(tmp_path: Path) -> None:
    """A step of one branch does not throw away what another branch had written before its own step ended."""
    with closing(Database(tmp_path / "runs.db", SCHEMA, VERSION)) as database:
        rows = CheckpointRows(database, Seal(bytes(32)), 1)
        await rows.put(checkpoint("1"))
        await rows.put_writes([write(0)], replace=False)
        await rows.put(checkpoint("2", "inner"))
        assert [(row.task, row.place) for row in await rows.writes("r", "", "1")] == [("t", 0)]
