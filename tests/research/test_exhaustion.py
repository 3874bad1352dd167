"""A want of memory, handles, threads or room is told from every other error, however it is wrapped."""

from __future__ import annotations

import errno

import pytest

from research.errors import EffectFailed, Exhausted, StoreProblem
from research.exhaustion import exhausted, lacking


class Panic(BaseException):
    """Like the panic of a library in Rust: no ``Exception``."""


def wrapped(cause: BaseException, error: BaseException, *, hidden: bool = False) -> BaseException:
    """``error`` as raised while ``cause`` was handled; ``hidden``: with ``from None``."""
    try:
        try:
            raise cause
        except type(cause) as first:
            if hidden:
                raise error from None
            raise error from first
    except type(error) as second:
        return second


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (MemoryError(), "memory"),
        (OSError(errno.EMFILE, "Too many open files"), "file handles"),
        (OSError(errno.ENOSPC, "No space left on device"), "room on the disk"),
        (OSError(errno.EFBIG, "File too large"), "room for a file"),
        (OSError(errno.EROFS, "Read-only file system"), "read-only"),
        (RuntimeError("can't start new thread"), "threads"),
        (ImportError("numpy.so: failed to map segment from shared object"), "memory"),
        (SystemError("<function _find_and_load at 0x7f> returned NULL without setting an exception"), "memory"),
        (Panic('Os { code: 24, message: "Too many open files" }'), "file handles"),
        (Panic('Os { code: 11, kind: WouldBlock, message: "Resource temporarily unavailable" }'), "threads"),
        (wrapped(OSError(errno.EMFILE, "x"), EffectFailed("the server cannot be reached")), "file handles"),
        (wrapped(MemoryError(), EffectFailed("no readable text"), hidden=True), "memory"),
        (ExceptionGroup("several", [ValueError("x"), MemoryError()]), "memory"),
    ],
)
def test_what_ran_out_is_named(error: BaseException, what: str) -> None:
    """By type, by number, by the few texts that are known, and through what it was wrapped in."""
    assert what in lacking(error)
    found = exhausted(error)
    assert isinstance(found, Exhausted) and found.exit_code == 1
    assert "what was recorded is kept" in str(found)


@pytest.mark.parametrize(
    "error",
    [
        EffectFailed("the model answered: 500, no space left on device"),
        ValueError("too many open files"),
        ConnectionError("cannot allocate memory on the server"),
        OSError(errno.ECONNREFUSED, "refused"),
        StoreProblem("runs.db is damaged"),
        ImportError("No module named 'langchain_openai'"),
    ],
)
def test_what_another_machine_says_is_not_taken_for_ours(error: BaseException) -> None:
    """A server's words, and errors of any other kind, are what they were."""
    assert exhausted(error) is None


def test_the_errors_of_a_library_of_this_machine_are_looked_at_where_they_are_named() -> None:
    """A store in this process says in words what ran out; elsewhere the same words may be a server's."""
    error = wrapped(LookupError("Cannot allocate memory (os error 12)"), StoreProblem("the index cannot be used"))
    assert exhausted(error) is None
    assert lacking(error, LookupError) == "memory"
    assert lacking(StoreProblem("no such file"), StoreProblem) == ""
