"""What a run and its branches are told while they work: to start no more calls, for good or until a resume.

The gate asks before each call and between two attempts; calls in flight go on. Where orders come from, and who writes
them down, is in ``research.app.orders``.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable

from research.errors import BranchCancelled, Fatal
from research.ports import Clock

Look = Callable[[], Awaitable[None]]
"""Looks for orders that were given from outside, and calls ``Gate.stop`` or ``Gate.cancel`` for each."""


class Stopping(Fatal):
    """The run was asked to stop: no new call is started. ``str(error)`` says who asked, and how to go on."""

    exit_code = 130


async def _no_orders() -> None:
    """Look for no orders: for a gate that nobody outside can reach."""


class Cancellation:
    """One per gate. The first reason to stop is told, unless a final one comes; nothing is taken back in a process.

    An error that was raised for an earlier reason tells the final one, too, when it comes before the work has ended.
    """

    def __init__(self) -> None:
        self._look: Look = _no_orders
        self._stopped = asyncio.Event()
        self._why = ""
        self._raised: list[Stopping] = []
        self._cancelled: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def heed(self, look: Look) -> None:
        """Have ``look`` awaited at each check."""
        self._look = look

    def stop(self, why: str, *, final: bool = False) -> None:
        """End the whole run; a ``final`` reason, after which nothing can go on, takes the place of an earlier one."""
        self._why = why if final else self._why or why
        self._stopped.set()
        for error in self._raised:
            error.args = (self._why,)

    def cancel(self, branch: str) -> None:
        """End one branch; the others go on."""
        self._cancelled[branch].set()

    async def check(self, branch: str) -> None:
        """Raise ``Stopping`` or ``BranchCancelled`` when the run or the branch was told to end, up to this moment."""
        await self._look()
        if self._stopped.is_set():
            self._raised.append(Stopping(self._why))
            raise self._raised[-1]
        if self._cancelled[branch].is_set():
            raise BranchCancelled("cancelled by the user")

    async def sleep(self, clock: Clock, seconds: float, branch: str) -> None:
        """Wait so many seconds, or until the run or the branch is told to end."""
        ends = (clock.sleep(seconds), self._stopped.wait(), self._cancelled[branch].wait())
        waiting = [asyncio.ensure_future(end) for end in ends]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for one in waiting:
            one.cancel()
