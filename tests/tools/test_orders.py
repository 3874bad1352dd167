"""Orders are durable, signed and numbered; a changed or missing one is noticed when orders are read."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest

from research.errors import StoreProblem, UsageFault
from tools.database import Database
from tools.last_good import mend
from tools.orders import OrderBook
from tools.row_checks import check_rows
from tools.run_store import SCHEMA, TABLES, VERSION, Change, RunStore
from tools.seal import Seal

SEAL = Seal(bytes(range(32)))


async def ordered(path: Path, run: str = "r") -> list[tuple[str, str]]:
    """What the orders to a run in ``path`` are."""
    with closing(Database(path, SCHEMA, VERSION)) as database:
        return [(order.what, order.branch) for order in await OrderBook(database, SEAL, run).every()]


async def give(path: Path) -> None:
    """Two orders to the run ``r`` and one to another."""
    with closing(Database(path, SCHEMA, VERSION)) as database:
        await OrderBook(database, SEAL, "r").give("cancel", "t-1")
        await OrderBook(database, SEAL, "other").give("cancel")
        await OrderBook(database, SEAL, "r").give("pause")


async def test_orders_come_back_in_order_and_only_those_to_the_run(tmp_path: Path) -> None:
    """A run reads its own orders, the oldest first, from a file that was closed in between."""
    await give(tmp_path / "runs.db")
    assert await ordered(tmp_path / "runs.db") == [("cancel", "t-1"), ("pause", "")]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE orders SET what = 'cancel' WHERE seq = 3",
        "UPDATE orders SET run = 'r' WHERE seq = 2",
        "UPDATE orders SET run = 'nobody' WHERE seq = 1",
        "UPDATE orders SET branch = '' WHERE seq = 1",
        "DELETE FROM orders WHERE seq = 1",
    ],
)
async def test_an_order_that_nobody_gave_is_not_obeyed(tmp_path: Path, change: str) -> None:
    """A row that was changed, moved to another run or taken away is refused with the file named."""
    await give(tmp_path / "runs.db")
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        connection.execute(change)
        connection.commit()
    with pytest.raises(StoreProblem, match=r"runs\.db is damaged"):
        await ordered(tmp_path / "runs.db")


async def test_a_run_whose_first_records_cannot_be_written_was_not_begun(tmp_path: Path) -> None:
    """The run's row and its first records are one transaction."""

    def full(connection: sqlite3.Connection) -> Change:
        connection.execute("INSERT INTO records VALUES ('r', 'given', 'given', '{}', x'00')")
        raise StoreProblem("no space is left")

    words = {"created": "2026-01-01", "question": "{}", "options": "{}"}
    with closing(Database(tmp_path / "runs.db", SCHEMA, VERSION)) as database:
        with pytest.raises(StoreProblem):
            await RunStore.begin(database, SEAL, "r", **words, first=full)
        counts = await database.run(
            lambda connection: [
                connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("runs", "records")
            ]
        )
    assert counts == [0, 0]


async def both_begun(path: Path) -> None:
    """The two runs, with their orders."""
    words = {"created": "2026-01-01", "question": "{}", "options": "{}"}
    with closing(Database(path, SCHEMA, VERSION)) as database:
        for run in ("r", "other"):
            await RunStore.begin(database, SEAL, run, **words)
    await give(path)


def change(path: Path, statement: str) -> None:
    """Change rows behind the backs of the runs."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute(statement).rowcount
        connection.commit()


async def gone_back(path: Path, run: str) -> list[str]:
    """What going back to the last good point of ``run`` says was lost."""
    with closing(Database(path, SCHEMA, VERSION)) as database:
        work = partial(mend, seal=SEAL, path=path, run=run, marked=0, readable=bool)
        return [loss.what for loss in (await database.run(work)).losses]


def wrong(path: Path) -> tuple[str, ...]:
    """What is named as not being what was written."""
    return check_rows(path, SCHEMA, VERSION, TABLES, SEAL).wrong


async def test_a_damaged_order_is_left_to_the_run_it_was_given_to(tmp_path: Path) -> None:
    """Going back with one run leaves the order to another as it is: named, and refused until that run goes back."""
    path = tmp_path / "runs.db"
    await both_begun(path)
    change(path, "UPDATE orders SET what = 'pause' WHERE seq = 2")
    assert await gone_back(path, "r") == []
    assert wrong(path) == ("row 2 of orders is not what was written",)
    assert await ordered(path) == [("cancel", "t-1"), ("pause", "")]
    with pytest.raises(StoreProblem, match="of the run other, the order 2"):
        await ordered(path, "other")
    assert "1 of orders" in (await gone_back(path, "other"))[0]
    assert (wrong(path), await ordered(path, "other")) == ((), [("pause", "")])


@pytest.mark.parametrize("statement", ["SET run = 'r' WHERE seq = 2", "SET run = 'nobody' WHERE seq = 1"])
@pytest.mark.parametrize("first", ["r", "other"])
async def test_an_order_that_was_moved_is_put_back(tmp_path: Path, statement: str, first: str) -> None:
    """Whose it was can be told by its digest, so no order is lost and none is given to another run."""
    path = tmp_path / "runs.db"
    await both_begun(path)
    change(path, f"UPDATE orders {statement}")
    for run in (first, "r"):
        with suppress(UsageFault):  # a cancelled run that is whole is left alone
            await gone_back(path, run)
    assert wrong(path) == ()
    assert (await ordered(path), await ordered(path, "other")) == ([("cancel", "t-1"), ("pause", "")], [("cancel", "")])


async def test_a_missing_order_is_given_up_by_each_run_for_itself(tmp_path: Path) -> None:
    """Nobody knows whose it was: a run that went back goes on, another is still refused; new orders are taken."""
    path = tmp_path / "runs.db"
    await both_begun(path)
    change(path, "DELETE FROM orders WHERE seq = 2")
    for run in ("r", "other"):
        with pytest.raises(StoreProblem, match=f"of the run {run}, an order that may have been to it"):
            await ordered(path, run)
    assert "1 of orders" in (await gone_back(path, "r"))[0]
    assert await gone_back(path, "r") == []
    await give(path)
    assert await ordered(path) == [("cancel", "t-1"), ("pause", "")] * 2
    with pytest.raises(StoreProblem):
        await ordered(path, "other")


async def test_a_damaged_number_of_orders_is_not_counted_up_to(tmp_path: Path) -> None:
    """The counter that SQLite keeps is signed by nothing: one far off ends neither a look nor a repair."""
    path = tmp_path / "runs.db"
    await both_begun(path)
    change(path, "UPDATE sqlite_sequence SET seq = 1 << 60 WHERE name = 'orders'")
    change(path, "UPDATE orders SET seq = 1 << 50 WHERE seq = 2")
    with pytest.raises(StoreProblem, match=r"may have been to it \(2 of all"):
        await ordered(path)
    await gone_back(path, "r")
    await gone_back(path, "other")
    assert (wrong(path), await ordered(path, "other")) == ((), [])


async def test_a_cancelled_run_stays_cancelled_though_its_order_is_damaged(tmp_path: Path) -> None:
    """The run's own row says it, too: what the run found is kept, and it is not gone on with."""
    path = tmp_path / "runs.db"
    await both_begun(path)
    with closing(Database(path, SCHEMA, VERSION)) as database:
        await RunStore(database, SEAL, "other", 1).leave("cancelled", 130, 0.0)
    change(path, "UPDATE orders SET what = 'pause' WHERE seq = 2")
    await gone_back(path, "other")
    with closing(Database(path, SCHEMA, VERSION)) as database:
        assert (await RunStore(database, SEAL, "other", 1).row()).status == "cancelled"
