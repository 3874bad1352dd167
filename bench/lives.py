"""A life of a run: a forked process that works, says how it ended, and can be killed at any of its events.

It is forked so that nothing has to be imported again. What is done to the lives of the reference run is in
``bench.kill_lives``, ``bench.owner`` and ``bench.damage``.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from bench.watched import Events
from research.errors import ResearchError
from research.records import encode


class Ended(NamedTuple):
    """How a life ended: exit code (negative: killed by that signal), what it said, and how many events it had."""

    code: int
    said: str
    events: int


Work = Callable[[Events], Awaitable[Any]]
"""What a life does; what comes of it is a report, or another record with an ``exit_code``."""


async def _awaited(work: Work, events: Events) -> Any:
    return await work(events)


def plainly(work: Work, events: Events) -> Any:
    """Do ``work`` in an event loop of its own, with nothing around it."""
    return asyncio.run(_awaited(work, events))


def live(
    work: Work, events: Events, timeout: float = 120.0, *, drive: Callable[[Work, Events], Any] = plainly
) -> Ended:
    """Do ``work`` in a forked process and return how it ended. The caller must have no threads of its own.

    ``drive`` runs it there; the command line's own way, with its signals, is one.
    """
    return waited(*start(work, events, drive=drive), timeout)


def start(work: Work, events: Events, *, drive: Callable[[Work, Events], Any] = plainly) -> tuple[int, int]:
    """Begin ``work`` in a forked process; return its number and the pipe on which it will say how it ended."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _be(work, events, writer, drive)
    os.close(writer)
    return child, reader


def _be(work: Work, events: Events, writer: int, drive: Callable[[Work, Events], Any]) -> None:
    """Be the child: work, tell the parent, and leave without the parent's exit handlers."""
    code, said = 70, ""
    try:
        report = drive(work, events)
        code, said = report.exit_code, encode(report)
    except ResearchError as error:
        code, said = error.exit_code, f"{type(error).__name__}: {error}"
    finally:  # whatever was raised: a forked process must never return into its parent's code
        said = said or traceback.format_exc()
        with os.fdopen(writer, "w", encoding="utf-8") as pipe:
            pipe.write(f"{events.count}\n{said}")
        sys.stderr.flush()
        os._exit(code)


def waited(child: int, reader: int, timeout: float) -> Ended:
    """Read what the child says and wait for its end; one that hangs past ``timeout`` seconds is killed, code -999."""
    ready, _, _ = select.select([reader], [], [], timeout)  # it says nothing before its end
    if not ready:
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reader, encoding="utf-8") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    count, _, rest = said.partition("\n")
    return Ended(-999 if not ready and code == -signal.SIGKILL else code, rest, int(count or 0))
