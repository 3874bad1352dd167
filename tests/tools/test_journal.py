"""The journal: what was written is there after a kill, and a replaced owner writes nothing more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from research.budget import Amount
from research.errors import NotTheOwner, StoreProblem, UnknownName, WrongVersion
from research.ports import Intent, Outcome
from tools.database import Database, connect
from tools.journal import SqliteJournal
from tools.ownership import RunLock
from tools.run_list import list_runs
from tools.run_store import SCHEMA, VERSION, RunStore
from tools.seal import Seal

SEAL = Seal(bytes(32))

BOUND = Amount(tokens=100, nano_usd=5, calls=1)


def intent(key: str = "k") -> Intent:
    return Intent(
        run="r", branch="b", kind="model", key=key, occurrence=0, attempt=1, bound=BOUND, elapsed=1.5, request="{}"
    )


def answered(text: str = '{"text": "", "stop": "end"}') -> Outcome:
    return Outcome(status="answered", payload=text, charged=Amount(tokens=7, calls=1), elapsed=2.5, priced=False)


async def journal(path: Path) -> tuple[Database, SqliteJournal]:
    database = Database(path, SCHEMA, VERSION)
    store = await RunStore.begin(database, SEAL, "r", created="2026-01-01", question="q", options="{}")
    return database, SqliteJournal(store)


async def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    """An intent with its outcome, and one without, survive reopening unchanged and in order."""
    database, first = await journal(tmp_path / "j.db")
    seq = await first.intend(intent("one"))
    await first.conclude(seq, answered('{"text": "\\u2028", "stop": "end"}'))
    await first.intend(intent("two"))
    database.close()
    reopened = Database(tmp_path / "j.db", SCHEMA, VERSION)
    entries = await SqliteJournal(await RunStore.take_over(reopened, SEAL, "r")).entries()
    reopened.close()
    assert [(entry.intent, entry.outcome) for entry in entries] == [
        (intent("one"), answered('{"text": "\\u2028", "stop": "end"}')),
        (intent("two"), None),
    ]


@pytest.mark.parametrize("request_of", ["-0", "[]", '{"role": 1}', "no JSON", "[" * 9_000])
async def test_a_signed_row_that_is_no_call_of_a_model_is_damaged(tmp_path: Path, request_of: str) -> None:
    """What a role spent is read off its requests: one that cannot be read ends in a sentence that names the row."""
    database, made = await journal(tmp_path / "j.db")
    await made.intend(msgspec.structs.replace(intent(), request=request_of))
    with pytest.raises(StoreProblem, match="row 1 of"):
        await made.entries()
    database.close()


async def test_a_replaced_owner_writes_nothing_more(tmp_path: Path) -> None:
    """Once a later process took the run over, rows with the earlier fencing number are refused."""
    database, old = await journal(tmp_path / "j.db")
    seq = await old.intend(intent())
    new = SqliteJournal(await RunStore.take_over(database, SEAL, "r"))
    for late in (old.intend(intent("late")), old.conclude(seq, answered()), old.finish("done", 0, 1.0)):
        with pytest.raises(NotTheOwner):
            await late
    await new.conclude(seq, answered())
    assert len(await new.entries()) == 1
    database.close()


async def test_a_run_that_does_not_exist_cannot_be_taken_over(tmp_path: Path) -> None:
    """The sentence says how to see the runs there are."""
    database, _ = await journal(tmp_path / "j.db")
    with pytest.raises(UnknownName, match="research runs"):
        await RunStore.take_over(database, SEAL, "other")
    database.close()


async def test_the_list_of_runs_is_newest_first(tmp_path: Path) -> None:
    """Runs are listed with their status; an absent file is no runs."""
    assert list_runs(tmp_path / "j.db", SEAL) == []
    database, first = await journal(tmp_path / "j.db")
    await first.finish("partial", 3, 4.5)
    await RunStore.begin(database, SEAL, "s", created="2025-01-02", question="q2", options="{}")
    database.close()
    assert [(row.id, row.status, row.exit_code) for row in list_runs(tmp_path / "j.db", SEAL)] == [
        ("s", "running", 0),
        ("r", "partial", 3),
    ]


def test_another_layout_is_refused(tmp_path: Path) -> None:
    """A file with another layout number is left alone, and both numbers are named."""
    connect(tmp_path / "j.db", SCHEMA, VERSION).close()
    with pytest.raises(WrongVersion, match=f"layout {VERSION}, this program reads layout {VERSION + 1}"):
        connect(tmp_path / "j.db", SCHEMA, VERSION + 1)


def test_a_file_that_is_not_a_database_is_refused(tmp_path: Path) -> None:
    """A foreign file gives a sentence that names it."""
    (tmp_path / "j.db").write_bytes(b"not a database at all, but long enough to look at" * 100)
    with pytest.raises(StoreProblem, match=r"j\.db"):
        connect(tmp_path / "j.db", SCHEMA, VERSION)


def test_a_second_process_cannot_own_the_run(tmp_path: Path) -> None:
    """The lock is the operating system's: another process is told who holds it, and gets it when the holder is gone."""
    code = (
        "import sys; from pathlib import Path; from tools.ownership import RunLock\n"
        f"with RunLock(Path({str(tmp_path)!r}), 'r'): print('mine', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == "mine\n"
    with pytest.raises(NotTheOwner, match=f"process {holder.pid}"), RunLock(tmp_path, "r"):
        pass
    holder.kill()
    holder.wait()
    with RunLock(tmp_path, "r"):
        pass


async def test_the_row_of_the_run_has_the_second_of_a_call_that_is_in_flight(tmp_path: Path) -> None:
    """A process that dies during its first call leaves how long the run was worked on until then."""
    database, first = await journal(tmp_path / "j.db")
    await first.intend(intent())
    database.close()
    assert [row.elapsed for row in list_runs(tmp_path / "j.db", SEAL)] == [1.5]
