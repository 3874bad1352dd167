"""Waiting for a killed child: it ends, whatever its pipes still hold."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE

from tools.reaping import reaped

FULL = (
    "import signal, sys; sys.stdout.write('x' * 200_000); sys.stdout.flush(); sys.stderr.write('!\\n'); signal.pause()"
)
"""More than asyncio holds before it stops reading the pipe, and no more than it holds together with the pipe."""


async def test_a_child_that_was_killed_over_a_full_pipe_is_waited_for() -> None:
    """Nobody reads what it printed, and the wait ends all the same."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", FULL, stdout=PIPE, stderr=PIPE)
    assert process.stderr is not None
    assert await process.stderr.readline() == b"!\n"
    process.kill()
    async with asyncio.timeout(60):
        assert await reaped(process) == -signal.SIGKILL
