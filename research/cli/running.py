"""Running one coroutine under two-stage interruption: the first signal lets calls in flight finish, the second leaves.

What a run does when it is told to stop is the application's work; here are only the signals, and what is said.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Protocol, TypeVar

import typer

from research.cli.output import say
from research.errors import ResearchError

T = TypeVar("T")
INTERRUPTED = 130
FAILED = 1
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class RunHandle(Protocol):
    """What the application hands over when a run has begun."""

    @property
    def id(self) -> str: ...

    def stop(self) -> object: ...

    def in_flight(self) -> int: ...


class Advice(NamedTuple):
    """How to go on: the ``--home`` that a printed command needs, and what to say when no run had begun."""

    home: str = ""
    unbegun: str = "interrupted before the run began; nothing was spent"


class Interruption:
    """What a signal does: nothing has begun: cancel; first: stop the run; second: leave at once."""

    def __init__(self, *, cancel: Callable[[], object], leave: Callable[[], object], advice: Advice) -> None:
        self._cancel = cancel
        self._leave = leave
        self._advice = advice
        self.handle: RunHandle | None = None
        self.signalled = False

    def begun(self, handle: RunHandle) -> None:
        """Take the handle of a run that has begun."""
        self.handle = handle
        if self.signalled:
            handle.stop()

    def signal(self) -> None:
        """Act on one SIGINT or SIGTERM."""
        if self.signalled:
            self.tell_how_to_go_on()
            self._leave()
            return
        self.signalled = True
        if self.handle is None:
            self._cancel()
            return
        self.handle.stop()
        waiting = self.handle.in_flight()
        calls = "1 call" if waiting == 1 else f"{waiting} calls"
        say(f"stopping: waiting for {calls} in flight; press Ctrl-C again to leave at once")

    def tell_how_to_go_on(self) -> None:
        """Print the command that goes on from here."""
        if self.handle is None:
            say(self._advice.unbegun)
        else:
            say(f"resume with: research resume {self.handle.id}{self._advice.home}")


def home_hint(flag: str | None) -> str:
    """Return the ``--home`` that a printed command needs, when this one was given one."""
    return f" --home {shlex.quote(str(Path(flag).absolute()))}" if flag else ""


def run(work: Callable[[Interruption], Coroutine[Any, Any, T]], advice: Advice) -> T:
    """Run ``work`` to its end. When it was interrupted, say how to go on and raise ``typer.Exit(130)``."""
    return asyncio.run(_watched(work, advice))


async def _watched(work: Callable[[Interruption], Coroutine[Any, Any, T]], advice: Advice) -> T:
    """The signal handlers stay until the loop is closed, so that a second signal also ends a slow shutdown."""
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[T]] = []
    interruption = Interruption(cancel=lambda: [task.cancel() for task in tasks], leave=leave_at_once, advice=advice)
    tasks.append(asyncio.create_task(work(interruption)))
    for number in SIGNALS:
        loop.add_signal_handler(number, interruption.signal)
    try:
        return await tasks[0]
    except asyncio.CancelledError:
        if not interruption.signalled:
            raise
    except ResearchError as error:
        if not interruption.signalled or error.exit_code != INTERRUPTED:
            if interruption.handle is not None and error.exit_code == FAILED:
                interruption.tell_how_to_go_on()
            raise
    interruption.tell_how_to_go_on()
    raise typer.Exit(INTERRUPTED)


def leave_at_once() -> NoReturn:
    """Leave without waiting for anything; what was recorded stays."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)
