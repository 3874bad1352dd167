"""Waiting for a child process that was killed while it still printed."""

from __future__ import annotations

from asyncio.subprocess import Process

PIECE = 65_536


async def reaped(process: Process) -> int:
    """Return how the process ended, after its pipes did; what is still in them is dropped.

    asyncio waits for the end of every pipe, and stops reading one that nobody empties: a wait alone may never end.
    No other task may be reading.
    """
    for pipe in (process.stdout, process.stderr):
        while pipe is not None and await pipe.read(PIECE):
            pass
    return await process.wait()
