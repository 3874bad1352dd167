"""What this machine ran out of: memory, file handles, threads or room on the disk.

Such an error says nothing of the page or the question that was being worked on, so it ends the work in this process and
is never taken for a result.

Libraries wrap such errors in their own, and some raise none that could be told by its type: the chain of causes is
looked through, and a few texts are known.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

from research.errors import Exhausted

ERRNOS = {
    errno.ENOMEM: "memory",
    errno.EMFILE: "file handles (`ulimit -n`)",
    errno.ENFILE: "file handles of the whole system",
    errno.ENOSPC: "room on the disk",
    errno.EDQUOT: "disk quota",
    errno.EFBIG: "room for a file (`ulimit -f`)",
    errno.EROFS: "places that may be written: the file system is read-only",
}
TEXTS = {
    "can't start new thread": "threads or memory for them",
    "resource temporarily unavailable": "threads or memory for them",
    "failed to map segment": "memory",
    "cannot allocate memory": "memory",
    "error return without exception set": "memory",
    "returned null without setting an exception": "memory",
    "too many open files": "file handles (`ulimit -n`)",
    "no space left on device": "room on the disk",
}
"""What loaders, interpreters and libraries say when they fail for want of something, in lower case."""

LOCAL = (RuntimeError, ImportError, SystemError)
"""Whose texts are looked at, with the panics of libraries in Rust: no server's words are among them."""


def lacking(error: BaseException, *local: type[BaseException]) -> str:
    """Return what ran out, in words, when that is why ``error`` was raised; else nothing.

    The texts of ``local``, a library's own errors that no server has a part in, are looked at, too.
    """
    for link in _chain(error):
        if isinstance(link, MemoryError):
            return "memory"
        if isinstance(link, OSError) and link.errno in ERRNOS:
            return ERRNOS[link.errno]
        if isinstance(link, (*LOCAL, *local)) or not isinstance(link, Exception):
            said = str(link).lower()
            for text in (text for text in TEXTS if text in said):
                return TEXTS[text]
    return ""


def exhausted(error: BaseException, *local: type[BaseException]) -> Exhausted | None:
    """Return the error that ends the work in this process when something ran out; else ``None``. As ``lacking``."""
    what = lacking(error, *local)
    return Exhausted(f"out of {what}; what was recorded is kept, and the work can be gone on with") if what else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it, each once."""
    seen: set[int] = set()
    links = [error]
    while links:
        link = links.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        links += [cause for cause in (link.__context__, link.__cause__) if cause is not None]
        if isinstance(link, BaseExceptionGroup):
            links += link.exceptions
