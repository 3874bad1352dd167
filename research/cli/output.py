"""Printing: data on stdout, words for people on stderr, files whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from research.errors import StoreProblem, UsageFault

if TYPE_CHECKING:
    from research.scanner import Scanner

WRITTEN: Mapping[str, bool | None] = {".json": True, ".md": False, "": None}
"""The endings of a report's file, and whether it is JSON; ``None``: as stdout has it."""


def emit(text: str, *, constant: bool = False) -> None:
    """Write to stdout. A reader who has gone away is no error: what is left is dropped.

    A ``constant`` of the program is not looked at for keys, so that it costs no import.
    """
    _write(sys.stdout, text if constant else _scanner().clean(text))


def say(line: str, colour: str = "") -> None:
    """Write one line for people to stderr; ``colour`` is the number of an SGR code."""
    from research.sanitize import terminal

    safe = terminal(line)
    safe = _scanner().clean(safe)
    _write(sys.stderr, f"\x1b[{colour}m{safe}\x1b[0m\n" if colour else f"{safe}\n")


def flush() -> None:
    """Hand over what is still held back, before the process leaves."""
    _write(sys.stdout, "")
    _write(sys.stderr, "")


@cache
def _scanner() -> Scanner:
    """Return what finds the keys of this process. Nothing is looked for before something is written: not for --help."""
    from research.scanner import Scanner
    from research.settings import read_keys

    return Scanner(read_keys())


def _write(stream: Any, text: str) -> None:
    """Write, or drop what cannot be written; only data that is lost on a full disk is an error. ``None`` is closed."""
    if stream is None:
        return
    try:
        stream.write(text.encode(stream.encoding or "utf-8", "backslashreplace").decode(stream.encoding or "utf-8"))
        stream.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            raise StoreProblem(
                f"the output could not be written: {error.strerror}; `research show` prints it again"
            ) from None


def emit_json(value: Any) -> None:
    """Write plain values or records to stdout as JSON."""
    import msgspec

    from research.sanitize import json_text

    emit(json_text(msgspec.json.format(msgspec.json.encode(value), indent=2).decode()) + "\n")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], widest: int = 100, *, numbers: bool = False) -> str:
    """Return rows as columns of plain text; every cell is made safe and is at most ``widest`` characters.

    ``numbers``: all columns but the first are numbers and stand to the right.
    """
    from research.sanitize import one_line

    lines = [list(head), *([one_line(cell, widest) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    padded = [
        [cell.rjust(width) if numbers and column else cell.ljust(width) for column, (cell, width) in enumerate(pairs)]
        for pairs in (list(zip(line, widths, strict=True)) for line in lines)
    ]
    return "\n".join("  ".join(cells).rstrip() for cells in padded) + "\n"


def refuse_unwritable(path: Path | None) -> None:
    """Raise ``UsageFault`` before anything is spent when a report could not be written to ``path``."""
    if path is None:
        return
    if path.suffix.lower() not in WRITTEN:
        raise UsageFault(
            f"--output {path} cannot be written: a report is written as .md (Markdown) or .json, and as stdout has it "
            f"where the name has no ending; no {path.suffix} is made"
        )
    refuse_place(path, "--output")


def refuse_place(path: Path, flag: str) -> None:
    """Raise ``UsageFault`` when the file that ``flag`` names could not be written there."""
    path = path.resolve()
    folder = path.parent
    if path.exists() and not path.is_file():
        raise UsageFault(f"{flag} {path} cannot be written: it is not a file; redirect stdout instead")
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UsageFault(f"{flag} {path} cannot be written: {folder} must be a folder you may write to, {path} a file")


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is seen whole or not at all. Raises ``StoreProblem``."""
    text = _scanner().clean(text)
    path = path.resolve()
    draft = path.with_name(f".{path.name[:200]}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with draft.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StoreProblem(f"{path} could not be written: {error.strerror}") from None
