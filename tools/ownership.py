"""One owner per run: an OS lock on a file that lives as long as the process that holds it.

The file says which process holds it, and how many rows of calls the run had when last something was written: a mark
outside the store, by which a store that lost its latest rows is noticed. The fencing number, which stops a replaced
owner from writing, is that of ``tools.run_store``.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from pathlib import Path
from types import TracebackType

from research.errors import NotTheOwner, StoreProblem, UnknownName
from tools.inside import open_inside, write_inside

RUN = re.compile(r"[\w.-]{1,128}", re.ASCII)
"""What a file of a run may be called; any other file in the folder is nobody's mark."""

WIDTH = 20
"""Digits of the process number and of the mark, each padded, so that one write replaces both."""
GARBLED = -1
"""The mark of a lock file that is not empty and does not hold two numbers; written, it stays as much."""
LOOKS = 500
PAUSE = 0.002
"""So often, and so many seconds apart, is tried again while somebody only looks, which takes microseconds."""


class RunLock:
    """``with RunLock(home / "locks", run):`` owns the run; a second process gets ``NotTheOwner`` at once.

    ``marked`` is the mark that the last owner left, 0 where there is none. With ``take_over`` the run is taken from a
    process that hangs: the file is replaced, and whatever that process still wants to write is for the fence to refuse.
    A damaged file raises ``StoreProblem``; with ``mending``, for a run that is known to have had a mark, a damaged, an
    empty and a missing one are owned all the same, ``marked`` is ``GARBLED``, and so it stays until ``mark`` is called.
    """

    def __init__(self, folder: Path, run: str, *, take_over: bool = False, mending: bool = False) -> None:
        if not RUN.fullmatch(run):
            raise UnknownName(f"{run[:60]!r} is not the id of a run; `research runs` lists them")
        self._path = folder / f"{run}.lock"
        self._run = run
        self._take_over = take_over
        self._mending = mending
        self._handle = -1
        self.marked = 0

    def __enter__(self) -> RunLock:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = self._locked()
            _, marked = _read(self._handle)
            self.marked = marked if marked is not None else GARBLED if self._mending else 0
            if self.marked == GARBLED and not self._mending:
                raise garbled(self._path.parent, self._run)
            self.mark(self.marked)
        except OSError as error:
            self._let_go()
            raise _unusable(self._path, error) from error
        except StoreProblem:
            self._let_go()
            raise
        return self

    def _locked(self) -> int:
        """Return a handle on the file with its lock; where a take-over put another file in its place, on that one."""
        looks = 0
        while True:
            handle = _open(self._path, os.O_RDWR | os.O_CREAT)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owned = _exclusive(handle)
                pid, marked = _read(handle)
                os.close(handle)
                if not owned and looks < LOOKS:  # held for an instant by somebody who looks whether the run is owned
                    looks += 1
                    time.sleep(PAUSE)
                    continue
                if not self._take_over:
                    raise self._refusal(owned, pid) from None
                self._replace(marked or 0)
                continue
            if _same(handle, self._path):
                return handle
            os.close(handle)

    def _refusal(self, owned: bool, pid: int) -> NotTheOwner:
        way_out = f"(`research resume {self._run} --take-over` takes it from a process that hangs)"
        if owned:
            owner = f"process {pid}" if pid else "another process"
            return NotTheOwner(
                f"the run {self._run} is being worked on by {owner}; wait for it or stop it first {way_out}"
            )
        return NotTheOwner(
            f"a process that only looks at {self._path} does not let go of it and may have been stopped; "
            f"end it or let it go on {way_out}"
        )

    def _replace(self, marked: int) -> None:
        """Put a file that nobody has locked in the place of the one that a hanging process holds."""
        write_inside(self._path.parents[1], _within(self._path), _text(os.getpid(), marked).encode())

    def mark(self, calls: int) -> None:
        """Note how many rows of calls the run has. Not synced: it must outlive the process, not the machine."""
        try:
            os.pwrite(self._handle, _text(os.getpid(), calls).encode(), 0)
        except OSError as error:
            raise _unusable(self._path, error) from error

    def forget(self) -> None:
        """Take the file of a run away that is given up; the run is owned until the lock is left."""
        try:
            self._path.unlink()
        except OSError as error:
            raise _unusable(self._path, error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._let_go()

    def _let_go(self) -> None:
        """Close the file, and forget its number, which the system gives to the next file that is opened."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


def _open(path: Path, flags: int) -> int:
    """Return a handle on a lock; no link is followed. Raises ``StoreProblem`` for a name that no run can have."""
    return open_inside(path.parents[1], _within(path), flags)


def _within(path: Path) -> str:
    return "/".join(path.parts[-2:])


def is_owned(folder: Path, run: str) -> bool:
    """Return whether a process owns the run. Looking keeps nobody from owning it: the look shares the lock."""
    try:
        handle = _open(folder / f"{run}.lock", os.O_RDONLY | os.O_NONBLOCK)  # as in marks
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unusable(folder / f"{run}.lock", error) from error
    try:
        return _exclusive(handle)
    finally:
        os.close(handle)


def _exclusive(handle: int) -> bool:
    """Return whether another handle has the file's lock for itself alone; else share it until the file is closed."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def garbled(folder: Path, run: str) -> StoreProblem:
    """Return what to raise for a run whose mark cannot be read or is gone."""
    path = folder / f"{run}.lock"
    what = "damaged" if path.exists() else "missing"
    return StoreProblem(
        f"{path} is {what}: how many rows of calls the run had is not known without it, nor whether the latest are "
        f"there; put it back from a copy, or `research resume {run} --from-journal` checks the run and writes it anew"
    )


def _unusable(path: Path, error: OSError) -> StoreProblem:
    return StoreProblem(f"{path} cannot be used: {error.strerror}")


def marks(folder: Path) -> dict[str, int]:
    """Return the marks of all runs that have one, by run; ``GARBLED`` for a damaged file.

    Every run that was begun has one, of 0 as long as it has made no call.
    """
    found = {}
    for path in sorted(folder.glob("*.lock")):
        try:
            handle = _open(path, os.O_RDONLY | os.O_NONBLOCK)  # a FIFO would wait for a writer
        except (OSError, StoreProblem):  # gone in between, a link, or not ours to read: then there is no mark
            continue
        try:
            if RUN.fullmatch(path.stem) and stat.S_ISREG(os.fstat(handle).st_mode):
                found[path.stem] = _read(handle)[1]
        finally:
            os.close(handle)
    return {run: marked for run, marked in found.items() if marked is not None}


def _text(pid: int, marked: int) -> str:
    return f"{pid:<{WIDTH}}{marked:<{WIDTH}}\n"


def _read(handle: int) -> tuple[int, int | None]:
    """Return the process, 0 where none can be read, and the mark: ``None`` in an empty file, which was just made."""
    data = os.pread(handle, 4 * WIDTH, 0)
    parts = data.split()
    numbers = [int(part) if part.isdigit() and len(part) <= WIDTH else GARBLED for part in parts]
    pid, marked = numbers if len(numbers) == 2 else (GARBLED, GARBLED)
    if not data:
        return 0, None
    return max(pid, 0), GARBLED if GARBLED in (pid, marked) else marked


def _same(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
