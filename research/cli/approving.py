"""Asking a person for a yes to something that was shown: once, for a bounded time, and nothing but a yes is one."""

from __future__ import annotations

import select
import sys
from typing import IO

from research.cli.clarifying import at_a_terminal
from research.cli.output import say
from research.errors import UsageFault

SECONDS = 300.0
"""Seconds that a question waits; then the answer is no."""
LONGEST = 100


def approved(question: str, *, yes: bool) -> bool:
    """Return whether what was shown is approved: by ``--yes``, or by a person at the terminal.

    Raises ``UsageFault`` where there is neither.
    """
    if yes:
        return True
    if not at_a_terminal():
        raise UsageFault("there is no terminal to ask at; look at what is shown above, and say --yes to approve it")
    _drop_typed(sys.stdin.buffer)
    say(f"{question} [y/N]")
    return said_yes(sys.stdin.buffer, SECONDS)


def _drop_typed(stream: IO[bytes]) -> None:
    """Drop what was typed before the question stands there: it cannot be an answer to it."""
    import termios

    termios.tcflush(stream, termios.TCIFLUSH)


def said_yes(stream: IO[bytes], seconds: float) -> bool:
    """Return whether a line saying yes comes within ``seconds``; silence, the end and any other line are a no."""
    ready, _, _ = select.select([stream], [], [], seconds)
    if not ready:
        say(f"no answer within {seconds:g} seconds, which is a no")
        return False
    return stream.readline(LONGEST).strip().lower() in (b"y", b"yes")
