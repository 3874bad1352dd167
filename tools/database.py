"""SQLite as this project opens it: WAL, ``synchronous=FULL``, one thread per connection, errors in our words.

What is stored is the business of the files that use this: the journal and the library.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from research.errors import StoreProblem, WrongVersion
from tools.inside import open_inside, refuse_link

T = TypeVar("T")
BUSY_MS = 10_000
NO_ROOM = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)
"""What SQLite answers to a reader that cannot write the index of the ``-wal``."""


class NothingYet(StoreProblem):
    """The file is not there, or nothing was written to it yet."""


@contextmanager
def spoken(path: Path, remedy: str = "") -> Iterator[None]:
    """Turn SQLite's errors on ``path`` into one sentence; ``remedy`` says what to do about a damaged file."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            way_out = f"{remedy}; or put the file back from a copy" if remedy else "put it back from a copy"
            raise StoreProblem(f"{path} is damaged: {error}; {way_out}") from error
        what = _busy(path) if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY else str(error)
        raise StoreProblem(f"{path} cannot be used: {what}; what was recorded before is kept") from error
    except OSError as error:
        raise StoreProblem(f"{path} cannot be used: {error.strerror or error}") from error


def _busy(path: Path) -> str:
    """Say who keeps SQLite's lock. A process that was stopped in the middle of a write keeps it until it ends."""
    pids = _writers(path)
    who = f"the process {pids[0]}" if pids else f"another process (`lsof {path}-shm` may name it)"
    pid = str(pids[0]) if pids else "PID"
    return (
        f"{who} has kept it locked for {BUSY_MS // 1000} seconds; if it was stopped in the middle of a write, end it "
        f"(`kill -9 {pid}`) or let it go on (`kill -CONT {pid}`), then try again"
    )


def _writers(path: Path) -> list[int]:
    """Return the processes that hold a write lock on the file or its index; none where the system does not tell.

    Read from ``/proc/locks`` (Linux, proc(5)), whose lines are ``1: POSIX ADVISORY WRITE PID MAJOR:MINOR:INODE FROM
    TO``: to ask for the lock itself, a file would be opened, and closing it lets go of all locks of this process.
    """
    try:
        files = [file.stat().st_ino for file in (path, path.with_name(f"{path.name}-shm")) if file.exists()]
        lines = [line.split() for line in Path("/proc/locks").read_text(encoding="ascii").splitlines()]
    except (OSError, UnicodeDecodeError):
        return []
    found = [line for line in lines if len(line) == 8 and (line[1], line[3]) == ("POSIX", "WRITE")]
    pids = [int(line[4]) for line in found if int(line[5].rpartition(":")[2]) in files]
    return [pid for pid in pids if pid not in (0, -1, os.getpid())]


def connect(path: Path, schema: str, version: int, *, read_only: bool = False, remedy: str = "") -> sqlite3.Connection:
    """Open ``path``, creating it with ``schema`` when it is new.

    ``remedy`` says what to do about a damaged file whose rows are signed; such a file's text is handed on even where
    it is not UTF-8, for the digest to refuse. Raises ``WrongVersion``, ``StoreProblem``, and for a reader
    ``NothingYet``.
    """
    with spoken(path, remedy):
        for name in ("", "-wal", "-shm"):
            refuse_link(path.with_name(f"{path.name}{name}"))
        _refuse_half(path)
        connection = reader(path) if read_only else _writer(path, schema, version)
        try:
            _check_layout(connection, path, version)
        except (sqlite3.Error, StoreProblem, WrongVersion):
            connection.close()
            raise
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        if remedy:
            connection.text_factory = _text
        return connection


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _refuse_half(path: Path) -> None:
    """Raise where the file is gone or empty and its ``-wal`` is not: SQLite would delete that, and what is in it.

    And where ``tools.salvage`` was ended before its last step: what is written now would be lost with it.
    """
    if path.with_name(f"{path.name}.saved").exists():
        raise StoreProblem(f"what was saved of {path} is not yet in its place; `research resume RUN --from-journal`")
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size and not (path.exists() and path.stat().st_size):
        raise StoreProblem(f"{path} is empty or missing, and {log.name} beside it is not; put {path} back from a copy")


def _check_layout(connection: sqlite3.Connection, path: Path, version: int) -> None:
    found = _layout(connection)
    if found == 0 and _empty(connection):
        raise NothingYet(f"{path} has nothing in it yet")
    if found == 0:
        raise StoreProblem(f"{path} is a database of another program; put it back from a copy, or use another --home")
    if found != version:
        raise WrongVersion(
            f"{path} has layout {found}, this program reads layout {version}; "
            "use the version of the program that wrote it, or another --home"
        )


def _writer(path: Path, schema: str, version: int) -> sqlite3.Connection:
    """Open for writing. One process at a time gets here: SQLite does not wait when two switch a new file to WAL."""
    with turn(path):
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        new = _layout(connection) == 0 and _empty(connection)
        if new or _layout(connection) == version:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        if new:
            connection.executescript(f"BEGIN IMMEDIATE; {schema}; PRAGMA user_version={version}; COMMIT")
        return connection


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Be the only process that opens ``path`` for writing, or puts another file in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = open_inside(path.parent, path.with_suffix(".opening").name, os.O_WRONLY | os.O_CREAT)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _layout(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


def reader(path: Path) -> sqlite3.Connection:
    """Open for reading; a folder that cannot be written (WAL wants to) is read as it lies there, if that is all."""
    if not path.exists():
        raise NothingYet(f"{path} is not there")
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in NO_ROOM:
            raise  # locked, say: read as it lies there it would be older than it is
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            raise StoreProblem(
                f"the disk of {path} is full or read-only, so the latest rows, in {log.name}, cannot be read; "
                "make room, or copy the whole folder to where it can be written; nothing is lost"
            ) from error
        connection = sqlite3.connect(f"{uri}&immutable=1", uri=True, check_same_thread=False)
    return connection


class Database:
    """One connection on one thread: callers await, SQLite never blocks the event loop."""

    def __init__(self, path: Path, schema: str, version: int, *, remedy: str = "", read_only: bool = False) -> None:
        self.path = path
        self._begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"
        self._remedy = remedy
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=path.stem)
        self._connection = connect(path, schema, version, read_only=read_only, remedy=remedy)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in one transaction on the connection's thread; it is durable when this returns."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with spoken(self.path, self._remedy):
            self._connection.execute(self._begin)
            try:
                result = work(self._connection)
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            return result

    def close(self) -> None:
        """Finish what was submitted and close the connection."""
        self._thread.shutdown(wait=True)
        self._connection.close()
