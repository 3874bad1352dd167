"""The system's clock. A clock with virtual time is in ``tools.fakes.scripted``."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """Monotonic seconds for deadlines, UTC for what is shown.

    The seconds are those of ``CLOCK_MONOTONIC`` (on Linux): setting the clock of the day does not move them, and they
    stand still while the machine is suspended, so they are the seconds that were worked. Python compares them with no
    other process's; a run's seconds over all its lives are in its journal.
    """

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> str:
        return datetime.now(UTC).isoformat(timespec="seconds")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
