"""Orders are durable, signed and numbered; a changed or missing one is noticed when orders are read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from research.errors import StoreProblem
from tools.database import Database
from tools.orders import OrderBook
from tools.run_store import SCHEMA, VERSION, Change, RunStore
from tools.seal import Seal

SEAL = Seal(bytes(range(32)))


async def ordered(path: Path) -> list[tuple[str, str]]:
    """What the orders to the run ``r`` in ``path`` are."""
    with closing(Database(path, SCHEMA, VERSION)) as database:
        return [(order.what, order.branch) for order in await OrderBook(database, SEAL, "r").every()]


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
