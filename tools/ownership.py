"""One owner per run: an OS lock on a file that lives as long as the process that holds it.

The fencing number beside it, which stops a replaced owner from writing, is the journal's.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from research.errors import NotTheOwner, StoreProblem


class RunLock:
    """``with RunLock(home / "locks", run):`` owns the run; a second process gets ``NotTheOwner`` at once."""

    def __init__(self, folder: Path, run: str) -> None:
        self._path = folder / f"{run}.lock"
        self._run = run
        self._handle = -1

    def __enter__(self) -> RunLock:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreProblem(f"{self._path} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.read(self._handle, 20).decode(errors="replace").strip()
            os.close(self._handle)
            owner = f"process {pid}" if pid else "another process"
            raise NotTheOwner(
                f"the run {self._run} is being worked on by {owner}; wait for it or stop it first"
            ) from None
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, str(os.getpid()).encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)
