"""The one place where an error becomes a sentence and an exit code.

What was meant (``ResearchError``) is told as it is. What was not is a bug: one sentence on stderr, the trace-back in
``HOME/logs/last-error.txt``.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import typer

from research.cli.output import say
from research.cli.session import Session
from research.errors import ResearchError
from research.exhaustion import exhausted

INTERRUPTED = 130


def guarded(command: Callable[[], object], session: Session) -> int:
    """Run ``command`` and return the exit code; whatever it raises is told in one sentence."""
    try:
        command()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except typer.Exit as leaving:
        return leaving.exit_code
    except KeyboardInterrupt:
        say("research: interrupted")
        return INTERRUPTED
    except ResearchError as error:
        say(f"research: {_safe(str(error), session)}")
        return error.exit_code
    except BaseException as error:  # noqa: BLE001  # one of the two places that may; a panic in Rust is no Exception
        say(f"research: {_shortage(error) or _unexpected(error, session)}")
        return 1
    return 0


def _shortage(error: BaseException) -> str:
    """Return one sentence when memory, handles, threads or room ran out: that is no bug."""
    found = exhausted(error)
    if found is None:
        return ""
    sys.unraisablehook = lambda _: None  # half-made objects complain when they go
    return str(found)


def _safe(text: str, session: Session) -> str:
    from research.sanitize import one_line

    return session.scanner().clean(one_line(text))  # what the line drops may stand inside a key


def _unexpected(error: BaseException, session: Session) -> str:
    """Return one sentence about a bug, and leave the trace-back in the log."""
    what = f"{type(error).__name__}: {_safe(str(error), session)[:300]}".rstrip(": ")
    try:
        path = session.home() / "logs" / "last-error.txt"
    except ResearchError:
        return f"{what}; this is a bug"
    try:
        _record(path, session.scanner().clean("".join(traceback.format_exception(error))))
    except OSError as refusal:
        return f"{what}; this is a bug, and its details could not be written to {path} ({refusal.strerror})"
    return f"{what}; this is a bug; details in {path}"


def _record(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
