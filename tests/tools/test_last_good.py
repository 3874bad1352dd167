"""The last good point: what is whole stays, what is not is set aside and counted, and known costs stay charged."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from research.budget import Amount
from research.errors import NotTheOwner, StoreProblem, UsageFault
from research.ledger import Ledger
from research.ports import Intent, Outcome
from research.records import Source, encode
from research.requests import FetchReply
from tools.database import Database
from tools.journal import SqliteJournal
from tools.last_good import Mended, give_up, mend
from tools.row_checks import check_rows, short_runs
from tools.run_list import list_runs
from tools.run_records import RunRecords, read_record, read_records
from tools.run_store import REMEDY, SCHEMA, TABLES, VERSION, RunStore, insert_row
from tools.seal import Seal

SEAL = Seal(bytes(32))
REPLY = '{"text": "an answer", "stop": "end"}'
REPORT = {"status": "partial", "exit_code": 3}


def intent(key: str, kind: str = "model", run: str = "r") -> Intent:
    bound = Amount(tokens=100, nano_usd=50, calls=1)
    return Intent(
        run=run, branch="b", kind=kind, key=key, occurrence=0, attempt=1, bound=bound, elapsed=1.0, request="{}"
    )


def answered(payload: str = REPLY) -> Outcome:
    return Outcome(status="answered", payload=payload, charged=Amount(tokens=7, nano_usd=3, calls=1), elapsed=2.0)


async def begun(path: Path, *, published: bool = False) -> None:
    """A run of three answered calls, one of them a page, and a hit; a second run with one call."""
    with closing(Database(path, SCHEMA, VERSION)) as database:
        for run in ("r", "s"):
            store = await RunStore.begin(
                database, SEAL, run, created="2026-01-01", question='{"text": "q"}', options='{"web": true}'
            )
            journal = SqliteJournal(store)
            await journal.conclude(await journal.intend(intent("one", run=run)), answered())
        store = RunStore(database, SEAL, "r", 1)
        journal = SqliteJournal(store)
        await journal.conclude(await journal.intend(intent("two")), answered())
        page = FetchReply(source=Source(id="a" * 64, url="u", title="t", label="public"), characters=1)
        await journal.conclude(await journal.intend(intent("page", "fetch")), answered(encode(page)))
        await RunRecords(store).put([("hit", "h", {"a": 1})])
        if published:
            await RunRecords(store).put([("report", "report", REPORT)])
            await journal.finish("partial", 3, 9.0)


def damage(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            assert database.execute(statement).rowcount, statement
        database.commit()


async def mended(path: Path, *, marked: int | None = 0, readable: Callable[[str], bool] = bool) -> Mended:
    """Go back, and check that the file is whole then, and says the same of a second look."""
    with closing(Database(path, SCHEMA, VERSION, remedy=REMEDY)) as database:
        work = partial(mend, seal=SEAL, path=path, run="r", marked=marked, readable=readable)
        result = await database.run(work)
        store = RunStore(database, SEAL, "r", 0)
        assert 2 * len(await SqliteJournal(store).entries()) >= result.calls == (await store.row()).calls
        await RunRecords(store).check()
    assert not check_rows(path, SCHEMA, VERSION, TABLES, SEAL).wrong
    assert not [line for line in short_runs(path, SEAL) if "run r " in line]
    return result


async def spent(path: Path) -> tuple[Amount, set[str]]:
    """What the run is charged now, and which answers it has."""
    with closing(Database(path, SCHEMA, VERSION)) as database:
        ledger = Ledger(await SqliteJournal(RunStore(database, SEAL, "r", 0)).entries())
    return ledger.total(), set(ledger.answers)


ASIDE = "SELECT source, run FROM damaged ORDER BY number"


@pytest.mark.parametrize(
    ("statement", "tokens", "answers", "unknown"),
    [
        ("UPDATE outcomes SET payload = '{}' WHERE seq = 1", 114, {"two", "page"}, False),
        ("UPDATE intents SET key = 'other' WHERE seq = 1", 21, {"two", "page"}, False),
        ("UPDATE outcomes SET tokens = 0 WHERE seq = 1", 114, {"two", "page"}, False),
        ("UPDATE intents SET run = 's' WHERE seq = 1", 21, {"two", "page"}, False),
        ("DELETE FROM intents WHERE seq = 1", 21, {"two", "page"}, False),
        ("DELETE FROM outcomes WHERE seq = 1", 114, {"two", "page"}, True),
    ],
)
async def test_a_damaged_call_is_made_again_and_what_is_known_of_its_cost_stays(
    tmp_path: Path, statement: str, tokens: int, answers: set[str], unknown: bool
) -> None:
    """An intact intent stays charged at its bound, an intact outcome at what it says; the loss is named."""
    await begun(tmp_path / "runs.db")
    damage(tmp_path / "runs.db", statement)
    result = await mended(tmp_path / "runs.db")
    total, known = await spent(tmp_path / "runs.db")
    assert (total.tokens, total.calls, known) == (tokens, 3, answers)
    told = next(loss.what for loss in result.losses if loss.where == "damaged journal")
    assert told.startswith("1 row of calls")
    assert ("cost is lost" in told) is unknown


async def test_a_damaged_row_is_kept_as_it_was(tmp_path: Path) -> None:
    """Whoever wants to look finds the row, whatever was in it, in the table of damaged rows."""
    await begun(tmp_path / "runs.db")
    damage(tmp_path / "runs.db", "UPDATE outcomes SET payload = CAST(x'fffe41' AS TEXT) WHERE seq = 1")
    await mended(tmp_path / "runs.db")
    with closing(sqlite3.connect(tmp_path / "runs.db")) as database:
        assert database.execute(ASIDE).fetchall() == [("outcomes", "r")]
        assert "\\udcff\\udcfeA" in database.execute("SELECT row FROM damaged").fetchone()[0]


async def test_a_page_whose_text_is_gone_is_fetched_again(tmp_path: Path) -> None:
    """Its answer is set aside; the other answers stay."""
    await begun(tmp_path / "runs.db")
    result = await mended(tmp_path / "runs.db", readable=lambda source: False)
    assert (await spent(tmp_path / "runs.db"))[1] == {"one", "two"}
    assert [loss.where for loss in result.losses] == ["damaged rows", "damaged texts"]


@pytest.mark.parametrize(
    "statement", ["DELETE FROM runs WHERE id = 'r'", "UPDATE runs SET question = '' WHERE id = 'r'"]
)
async def test_a_lost_row_of_a_run_is_made_again_from_its_copy(tmp_path: Path, statement: str) -> None:
    """Question and options come from the signed copy, never from what a damaged row says."""
    await begun(tmp_path / "runs.db")
    before = list_runs(tmp_path / "runs.db", SEAL)[1]
    damage(tmp_path / "runs.db", statement)
    assert "damaged run" in [loss.where for loss in (await mended(tmp_path / "runs.db")).losses]
    after = next(row for row in list_runs(tmp_path / "runs.db", SEAL) if row.id == "r")
    assert (after.question, after.options, after.created, after.whole) == (
        *(before.question, before.options, before.created),
        True,
    )
    assert after.fence > before.fence + 1_000


async def test_a_run_whose_question_is_lost_twice_is_refused(tmp_path: Path) -> None:
    """Nothing is guessed, and nothing is changed."""
    await begun(tmp_path / "runs.db")
    damage(tmp_path / "runs.db", "UPDATE runs SET question = ''", "UPDATE records SET json = '{}' WHERE kind = 'run'")
    before = (tmp_path / "runs.db").read_bytes()
    with pytest.raises(StoreProblem, match="what the run r was asked is lost"):
        await mended(tmp_path / "runs.db")
    assert (tmp_path / "runs.db").read_bytes() == before


async def test_rows_that_a_mark_knows_of_are_named_as_missing(tmp_path: Path) -> None:
    """A store older than the mark of its lock has lost rows, although all that it has are whole."""
    await begun(tmp_path / "runs.db")
    (loss,) = (await mended(tmp_path / "runs.db", marked=10)).losses
    assert loss.what.startswith("4 rows of calls")


async def test_a_whole_report_is_kept(tmp_path: Path) -> None:
    """With its report a run is not worked again: what else was damaged is set aside, its status is the report's."""
    await begun(tmp_path / "runs.db", published=True)
    damage(
        tmp_path / "runs.db", "UPDATE runs SET status = 'failed' WHERE id = 'r'", "DELETE FROM records WHERE id = 'h'"
    )
    assert (await mended(tmp_path / "runs.db")).published
    row = next(row for row in list_runs(tmp_path / "runs.db", SEAL) if row.id == "r")
    assert (row.status, row.exit_code) == ("partial", 3)
    assert read_record(tmp_path / "runs.db", SEAL, "r", "report", "report") == REPORT


async def test_a_finished_run_that_is_whole_is_left_alone(tmp_path: Path) -> None:
    """There is nothing to go back from; the sentence says how to make a new run of it."""
    await begun(tmp_path / "runs.db", published=True)
    with pytest.raises(UsageFault, match=r"`research fork r[^ `]* --at plan`"):
        await mended(tmp_path / "runs.db")


async def test_the_other_run_is_not_touched(tmp_path: Path) -> None:
    """Of a damaged file with two runs, going back with one leaves every row of the other as it was."""
    await begun(tmp_path / "runs.db")
    damage(tmp_path / "runs.db", "UPDATE outcomes SET payload = '' WHERE seq = 1")
    with closing(sqlite3.connect(tmp_path / "runs.db")) as database:
        query = "SELECT i.*, o.* FROM intents i JOIN outcomes o USING (seq) WHERE i.run = 's'"
        before = database.execute(query).fetchall()
        await mended(tmp_path / "runs.db")
        assert database.execute(query).fetchall() == before


async def test_going_back_raises_the_fence(tmp_path: Path) -> None:
    """An owner of before, which may only hang, can write no more into the run that was made whole."""
    await begun(tmp_path / "runs.db")
    damage(tmp_path / "runs.db", "UPDATE outcomes SET payload = '{}' WHERE seq = 1")
    await mended(tmp_path / "runs.db")
    with closing(Database(tmp_path / "runs.db", SCHEMA, VERSION)) as database, pytest.raises(NotTheOwner):
        await SqliteJournal(RunStore(database, SEAL, "r", 1)).intend(intent("late"))


async def test_what_a_run_cannot_make_again_stays(tmp_path: Path) -> None:
    """What it was forked with, which index it began with and what was lost before are no work of the graph."""
    await begun(tmp_path / "runs.db")
    kept = [("given", "given", {"a": 1}), ("corpus", "notes", "g1"), ("loss", "l-1", {"where": "w", "what": "x"})]
    with closing(Database(tmp_path / "runs.db", SCHEMA, VERSION)) as database:
        await RunRecords(RunStore(database, SEAL, "r", 1)).put([*kept, ("finding", "f", {"a": 1})])
    damage(tmp_path / "runs.db", "UPDATE outcomes SET payload = '{}' WHERE seq = 1")
    await mended(tmp_path / "runs.db")
    for kind, id, value in kept:
        assert read_record(tmp_path / "runs.db", SEAL, "r", kind, id) == value
    assert read_record(tmp_path / "runs.db", SEAL, "r", "finding", "f") is None


async def test_two_outcomes_without_their_calls_leave_both_costs(tmp_path: Path) -> None:
    """Each gets a row of its own; what was spent and the seconds of the run are those of before."""
    await begun(tmp_path / "runs.db")
    damage(tmp_path / "runs.db", "DELETE FROM intents WHERE run = 'r'")
    await mended(tmp_path / "runs.db")
    total, answers = await spent(tmp_path / "runs.db")
    assert (total, answers) == (Amount(tokens=21, nano_usd=9, calls=3), set())
    row = next(row for row in list_runs(tmp_path / "runs.db", SEAL) if row.id == "r")
    assert row.elapsed == 2.0


async def test_the_seconds_of_a_run_are_kept(tmp_path: Path) -> None:
    """A run was worked on after its last row of a call; going back does not set its clock back."""
    await begun(tmp_path / "runs.db")
    with closing(Database(tmp_path / "runs.db", SCHEMA, VERSION)) as database:
        await SqliteJournal(RunStore(database, SEAL, "r", 1)).finish("interrupted", 130, 77.0)
    damage(tmp_path / "runs.db", "UPDATE outcomes SET payload = '{}' WHERE seq = 1")
    await mended(tmp_path / "runs.db")
    assert next(row for row in list_runs(tmp_path / "runs.db", SEAL) if row.id == "r").elapsed == 77.0


async def test_a_lost_mark_is_a_loss_that_is_named(tmp_path: Path) -> None:
    """Without it nobody knows whether calls were made after the last row; a run with its report makes none."""
    await begun(tmp_path / "runs.db")
    assert [loss.where for loss in (await mended(tmp_path / "runs.db", marked=None)).losses] == ["lost mark"]
    await begun(tmp_path / "other" / "runs.db", published=True)
    damage(tmp_path / "other" / "runs.db", "DELETE FROM records WHERE id = 'h'")
    found = await mended(tmp_path / "other" / "runs.db", marked=None)
    assert [loss.where for loss in found.losses] == ["damaged rows"]


async def given_up(path: Path) -> str:
    with closing(Database(path, SCHEMA, VERSION, remedy=REMEDY)) as database:
        return await database.run(partial(give_up, seal=SEAL, path=path, run="r", marked=6))


async def test_only_a_run_whose_question_is_lost_is_given_up(tmp_path: Path) -> None:
    """One that can be made whole is left as it is; of the other what is left is set aside, and the file is whole."""
    path = tmp_path / "runs.db"
    await begun(path)
    write = ("r", "", "c", "t", "", 0, "x", b"", 0)
    with closing(Database(path, SCHEMA, VERSION)) as database:
        await database.run(lambda connection: insert_row(connection, SEAL, "writes", write))
        await database.run(lambda connection: insert_row(connection, SEAL, "checkpoints", ("r", "", "c", "", b"", b"")))
    damage(path, "DELETE FROM runs WHERE id = 'r'")
    assert await given_up(path) == ""
    assert len(read_records(path, SEAL, "r", "hit")) == 1
    damage(path, "UPDATE records SET json = '{}' WHERE kind = 'run' AND run = 'r'")
    assert (await given_up(path)).startswith("6 rows of calls of the run r were known of")
    with closing(sqlite3.connect(path)) as database:
        for table, owner in (("intents", "run"), ("outcomes", "run"), ("records", "run"), ("runs", "id")):
            assert database.execute(f"SELECT DISTINCT {owner} FROM {table}").fetchall() == [("s",)]
        for table in ("checkpoints", "writes"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        asides = database.execute("SELECT source, count(*) FROM damaged GROUP BY source ORDER BY source").fetchall()
    assert asides == [
        *(("checkpoints", 1), ("intents", 3), ("outcomes", 3), ("records", 2), ("runs", 1), ("writes", 1)),
    ]
    assert not check_rows(path, SCHEMA, VERSION, TABLES, SEAL).wrong
    assert short_runs(path, SEAL) == []
