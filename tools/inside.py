"""Opening files below a folder of ours: relative to a handle on it, each step without following a symbolic link.

The folder itself may be reached through links, which are its owner's affair; nothing below it may be one, so who can
put a link there cannot have another file read, truncated or written. Names are those that code made; :func:`steps`
refuses any other. Where the system cannot open relative to a handle, each step is looked at before it is taken.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from research.errors import StoreProblem

STEP = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,255}", re.ASCII)
"""One name on the way: no separator, no NUL, no control or letter that looks like another, and neither . nor ..."""
NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | os.O_CLOEXEC
BY_HANDLE = {os.open, os.mkdir, os.unlink, os.rename} <= os.supports_dir_fd and NOFOLLOW != 0
LINKED = (errno.ELOOP, errno.EMLINK, errno.ENOTDIR)


def steps(name: str) -> list[str]:
    """Return the parts of a relative name. Raises ``StoreProblem`` for one that is none, or leads out."""
    parts = name.split("/")
    if len(name) > 1000 or not all(STEP.fullmatch(part) for part in parts):
        raise StoreProblem(f"{name[:80]!r} is not the name of a file of this program")
    return parts


def open_inside(root: Path, name: str, flags: int, *, mode: int = 0o600, make: bool = False) -> int:
    """Return a descriptor of ``root/name``; ``make``: folders that are missing on the way are made.

    Raises ``StoreProblem`` where a step is a symbolic link, and ``OSError`` as ``os.open`` does.
    """
    *folders, last = steps(name)
    if not BY_HANDLE:
        return _looked_at(root, folders, last, flags, mode, make)
    at = os.open(root, DIRECTORY)
    try:
        for step in folders:
            if make:
                _made(step, at)
            below = _opened(root, name, step, DIRECTORY | NOFOLLOW, 0, at)
            os.close(at)
            at = below
        return _opened(root, name, last, flags | NOFOLLOW | os.O_CLOEXEC, mode, at)
    finally:
        os.close(at)


def read_inside(root: Path, name: str) -> bytes:
    """Return what the file holds. Raises as :func:`open_inside`; what is no regular file is refused, too."""
    handle = open_inside(root, name, os.O_RDONLY | os.O_NONBLOCK)  # a FIFO would wait for a writer
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _refused(root, name)
        return file.read()


def write_inside(root: Path, name: str, data: bytes) -> None:
    """Write the file whole and durably: it is seen as it was or as it is now. Raises as :func:`open_inside`."""
    folder, _, last = name.rpartition("/")
    draft = f"{folder}/{last[:200]}.{secrets.token_hex(4)}.part".lstrip("/")
    steps(name)
    with os.fdopen(open_inside(root, draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, make=True), "wb") as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            _renamed(root, folder, draft.rpartition("/")[2], last)
        finally:
            (root / draft).unlink(missing_ok=True)  # on a full disk a draft would take what room is left


def refuse_link(path: Path) -> None:
    """Raise ``StoreProblem`` where ``path`` is a symbolic link: for files that only a library can open."""
    if path.is_symlink():
        raise _refused(path.parent, path.name)


def _renamed(root: Path, folder: str, draft: str, last: str) -> None:
    handle = open_inside(root, folder, DIRECTORY) if folder else os.open(root, DIRECTORY)
    try:
        if BY_HANDLE:
            os.rename(draft, last, src_dir_fd=handle, dst_dir_fd=handle)
        else:
            (root / folder / draft).replace(root / folder / last)
        os.fsync(handle)
    finally:
        os.close(handle)


def _made(step: str, at: int) -> None:
    with suppress(FileExistsError):
        os.mkdir(step, 0o700, dir_fd=at)


def _opened(root: Path, name: str, step: str, flags: int, mode: int, at: int) -> int:
    try:
        return os.open(step, flags, mode, dir_fd=at)
    except OSError as error:
        if error.errno in LINKED and stat.S_ISLNK(os.stat(step, dir_fd=at, follow_symlinks=False).st_mode):
            raise _refused(root, name) from None
        raise


def _looked_at(root: Path, folders: list[str], last: str, flags: int, mode: int, make: bool) -> int:
    path = root
    for step in (*folders, last):
        path = path / step
        if path.is_symlink():
            raise _refused(root, "/".join((*folders, last)))
        if make and step != last:
            path.mkdir(mode=0o700, exist_ok=True)
    return os.open(path, flags | NOFOLLOW, mode)


def _refused(root: Path, name: str) -> StoreProblem:
    return StoreProblem(
        f"{root / name} leads through a symbolic link or is no file, and nothing of this program's is read or written "
        "through one; take it away, or put the file back from a copy"
    )
