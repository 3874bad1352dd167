"""Orders to a run from outside the process that works on it: rows of ``runs.db`` that are only ever added.

An order is honoured by whoever works on the run, now or after a crash, so no process is sent a signal. Rows are signed
as all rows of that file are (``tools.seal``). What an order does to a run is decided in ``research.app.orders``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal

from research.records import Record, build
from tools.database import Database
from tools.run_store import TABLES, damaged, insert_row
from tools.seal import Seal

COLUMNS = TABLES["orders"]
EVERY = f"SELECT {', '.join(COLUMNS)}, digest FROM orders WHERE run = ? ORDER BY seq"
NUMBERS = "SELECT (SELECT count(*) FROM orders), coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'orders'), 0)"


class Order(Record):
    """``what`` is to become of the run, or of one ``branch`` (a task's id; empty: the run)."""

    seq: int
    run: str
    branch: str
    what: Literal["cancel", "pause"]


class OrderBook:
    """The orders to one run."""

    def __init__(self, database: Database, seal: Seal, run: str) -> None:
        self.run = run
        self._database = database
        self._seal = seal

    async def give(self, what: str, branch: str = "") -> None:
        """Add an order; it is durable when this returns."""

        def insert(connection: sqlite3.Connection) -> None:
            row = (self._last(connection) + 1, self.run, branch, what)
            insert_row(connection, self._seal, "orders", row)

        await self._database.run(insert)

    async def every(self) -> Sequence[Order]:
        """Return all orders to the run, oldest first. Raises ``StoreProblem`` when a row was changed or is missing."""

        def read(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
            self._last(connection)
            return connection.execute(EVERY, (self.run,)).fetchall()

        rows = await self._database.run(read)
        for row in rows:
            if not self._seal.holds(row[-1], "orders", *row[:-1]):
                raise damaged(self._database.path, f"the order {row[0]}", self.run)
        return [build(Order, dict(zip(COLUMNS, row[:-1], strict=True))) for row in rows]

    def _last(self, connection: sqlite3.Connection) -> int:
        """Return the number of the latest order to any run: they are numbered from 1, and none is taken away."""
        count, last = connection.execute(NUMBERS).fetchone()
        if count != last:
            raise damaged(self._database.path, f"an order ({count} of {last} to all runs were found)", self.run)
        return int(last)
