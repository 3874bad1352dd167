"""Orders to a run from outside the process that works on it: rows of ``runs.db`` that are only ever added.

An order is honoured by whoever works on the run, now or after a crash, so no process is sent a signal. Rows are signed
as all rows of that file are (``tools.seal``). What an order does to a run is decided in ``research.app.orders``, what
becomes of a damaged one in ``tools.last_good``.
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
NAMED = 5
"""So many numbers of missing orders are named."""
FAR = 10_000
"""No file has lost so many of its latest orders: a number so far off is not believed, for nothing signs it."""
Row = tuple[object, ...]
EVERY = f"SELECT {', '.join(COLUMNS)}, digest FROM orders NOT INDEXED ORDER BY seq"
SEQUENCE = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'orders' AND typeof(seq) = 'integer'"
GIVEN_UP = "SELECT number, run, source, row, digest FROM damaged NOT INDEXED WHERE run = ? AND source = 'orders'"
"""What was set aside of a run's orders; a missing one has its number alone in the place of its row."""


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
            row = (last_order(connection, self._seal) + 1, self.run, branch, what)
            insert_row(connection, self._seal, "orders", row)

        await self._database.run(insert)

    async def every(self) -> Sequence[Order]:
        """Return all orders to the run, oldest first. Raises ``StoreProblem`` when a row was changed or is missing."""
        rows, missing = await self._database.run(self._read)
        own = [row for row in rows if row[1] == self.run]
        for row in rows:
            if not self._seal.holds(row[-1], "orders", *row[:-1]) and concerns(row, self.run, self._seal):
                raise damaged(self._database.path, f"the order {row[0]}", self.run)
        if missing:
            numbers = ", ".join(str(seq) for seq in missing[:NAMED])
            what = f"an order that may have been to it ({numbers} of all that were given)"
            raise damaged(self._database.path, what, self.run)
        return [build(Order, dict(zip(COLUMNS, row[:-1], strict=True))) for row in own]

    def _read(self, connection: sqlite3.Connection) -> tuple[list[Row], list[int]]:
        return all_orders(connection), missing_orders(connection, self._seal, self.run)


def all_orders(connection: sqlite3.Connection) -> list[Row]:
    """Return the orders to all runs with their digests, the oldest first, whether they are whole or not."""
    return connection.execute(EVERY).fetchall()


def last_order(connection: sqlite3.Connection, seal: Seal) -> int:
    """Return the number of the latest order to any run: they are numbered from 1, and none is taken away."""
    whole = [int(str(row[0])) for row in all_orders(connection) if seal.holds(row[-1], "orders", *row[:-1])]
    last, counted = max(whole, default=0), int(connection.execute(SEQUENCE).fetchone()[0])
    return counted if last < counted <= last + FAR else last


def missing_orders(connection: sqlite3.Connection, seal: Seal, run: str) -> list[int]:
    """Return the numbers of orders that are gone: any of them may have been to ``run``.

    Those that the run has given up, when it went back to its last good point, are not among them.
    """
    there = {row[0] for row in all_orders(connection)}
    gone = [seq for seq in range(1, last_order(connection, seal) + 1) if seq not in there]
    known = connection.execute(GIVEN_UP, (run,)).fetchall() if gone else []
    given_up = {row[3] for row in known if seal.holds(row[-1], "damaged", *row[:-1])}
    return [seq for seq in gone if str(seq) not in given_up]


def concerns(row: Row, run: str, seal: Seal) -> bool:
    """Return whether a damaged order was to ``run``: it says so, or it would be whole if it did."""
    return row[1] == run or seal.holds(row[-1], "orders", row[0], run, *row[2:-1])
