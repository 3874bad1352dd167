"""Cancelling and pausing: orders given to a run, and how the process that works on it takes them in.

Given from another process, an order is a row beside the run (``tools.orders``); no process is sent a signal. The owner
looks before each call and, while it waits for answers, every half second of its clock. A run that nobody works on is
marked at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from research.app.last_good import give_up
from research.app.records import Home, branches_of, find_run, onward, published, stored_run
from research.app.stores import order_book, owned_journal
from research.errors import NotTheOwner, StoreProblem, UsageFault
from research.gate import Gate
from research.ports import Clock, Journal
from research.records import Record, RunStatus
from research.settings import Settings
from tools.orders import OrderBook
from tools.ownership import RunLock
from tools.run_store import RunRow

STOPPED = 130


class Told(Record):
    """What became of an order: the run's ``status`` now, and whether another process has yet to take the order in.

    ``lost``: what was lost with a run that nothing could be saved of, whose loss is accepted by this.
    """

    run: str
    status: RunStatus
    under_way: bool
    lost: str = ""


def was_cancelled(run: str) -> str:
    """Return the sentence about a cancelled run: what can still be done with it."""
    return (
        f"the run {run} was cancelled; `research fork {run} --at compose` writes a report from what was found, "
        f"`research fork {run} --at branch` works the plan anew"
    )


class Obedience:
    """Takes in the orders to one run on behalf of its gate. A pause counts only in the life it was given in.

    ``before`` is the number of the last order of earlier lives.
    """

    def __init__(self, book: OrderBook, gate: Gate, before: int) -> None:
        self.cancelled = False
        self._book = book
        self._gate = gate
        self._before = before

    @asynccontextmanager
    async def watching(self, clock: Clock, every: float | None) -> AsyncIterator[None]:
        """Look before each call of the gate from now on, and ``every`` so many seconds."""
        await self.look()
        self._gate.heed(self.look)
        watch = None if every is None else asyncio.create_task(self._watch(clock, every))
        try:
            yield
        finally:
            if watch is not None:
                watch.cancel()
                await asyncio.wait([watch])

    async def look(self) -> None:
        """Take in what was ordered up to now."""
        run = self._book.run
        for order in await self._book.every():
            if order.branch:
                self._gate.cancel(order.branch)
            elif order.what == "cancel":
                self.cancelled = True
                self._gate.stop(was_cancelled(run), final=True)
            elif order.seq > self._before:
                self._gate.stop(f"the run {run} was paused; `research resume {run}` goes on with it")

    async def _watch(self, clock: Clock, every: float) -> None:
        """Look again and again; where the orders cannot be read, the next call says so."""
        with contextlib.suppress(StoreProblem):
            while True:
                await clock.sleep(every)
                await self.look()


async def refuse_cancelled(book: OrderBook, journal: Journal, elapsed: float) -> None:
    """Leave the run as cancelled and raise ``UsageFault`` when it was told to end for good."""
    if any(order.what == "cancel" and not order.branch for order in await book.every()):
        await journal.finish("cancelled", STOPPED, elapsed)
        raise UsageFault(was_cancelled(book.run))


async def cancel(run: str | None, settings: Settings, *, branch: int | None = None) -> Told:
    """Order a run, or its ``branch`` number N, to end; a run that nobody works on is marked cancelled at once.

    The loss of a run that nothing can be saved of is accepted by it.
    """
    name, lost = await give_up(run, settings) if branch is None else ("", "")
    if lost:
        return Told(run=name, status="cancelled", under_way=False, lost=lost)
    row = _unfinished(run, settings, "cancel")
    home = Home(settings)
    task = "" if branch is None else _numbered(branch, row, settings)
    with order_book(home, row.id) as book:
        await book.give("cancel", task)
    if task:
        return Told(run=row.id, status=row.status, under_way=row.status == "running")
    try:
        with RunLock(home.locks, row.id) as lock:
            if published(row.id, home):
                raise UsageFault(f"the run {row.id} had just ended; `research show {row.id}` prints its report")
            left = stored_run(home, row.id)  # under the lock: its owner may have gone on until now
            async with owned_journal(home, row.id, lock.mark) as journal:
                await journal.finish("cancelled", STOPPED, left.elapsed)
    except NotTheOwner:
        return Told(run=row.id, status="running", under_way=True)
    return Told(run=row.id, status="cancelled", under_way=False)


async def pause(run: str | None, settings: Settings) -> Told:
    """Order a running run to stop so that it can be resumed."""
    row = _unfinished(run, settings, "pause")
    if row.status != "running":
        raise UsageFault(f"nobody is working on the run {row.id}, which is {row.status}; {onward(row)}")
    with order_book(Home(settings), row.id) as book:
        await book.give("pause")
    return Told(run=row.id, status="running", under_way=True)


def _unfinished(run: str | None, settings: Settings, what: str) -> RunRow:
    row = find_run(settings, run)
    if row.status == "cancelled":
        raise UsageFault(was_cancelled(row.id))
    if published(row.id, Home(settings)):
        raise UsageFault(f"the run {row.id} has ended ({row.status}), so there is nothing to {what}; {onward(row)}")
    return row


def _numbered(number: int, row: RunRow, settings: Settings) -> str:
    """Return the id of a run's branch by the number that progress and ``show --plan`` give it."""
    tasks = branches_of(row.id, settings)
    if not tasks:
        raise UsageFault(f"the run {row.id} has no plan yet, so it has no branches; `research cancel {row.id}` ends it")
    if not 1 <= number <= len(tasks):
        raise UsageFault(f"--branch must be from 1 to {len(tasks)}, as `research show {row.id} --plan` numbers them")
    return tasks[number - 1].id
