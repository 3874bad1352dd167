"""SQLite as this project opens it: WAL, ``synchronous=FULL``, one thread per connection, errors in our words.

What is stored is the business of the files that use this: the journal and the library.
"""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from research.errors import StoreProblem, WrongVersion

T = TypeVar("T")
BUSY_MS = 10_000


@contextmanager
def spoken(path: Path) -> Iterator[None]:
    """Turn SQLite's errors on ``path`` into one sentence."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreProblem(f"{path} cannot be used: {error}; what was recorded before is kept") from error
    except OSError as error:
        raise StoreProblem(f"{path} cannot be used: {error.strerror or error}") from error


def connect(path: Path, schema: str, version: int, *, read_only: bool = False) -> sqlite3.Connection:
    """Open ``path``, creating it with ``schema`` when it is new. Raises ``WrongVersion`` and ``StoreProblem``."""
    with spoken(path):
        connection = _reader(path) if read_only else _writer(path, schema, version)
        found = _layout(connection)
        if found != version:
            connection.close()
            raise WrongVersion(
                f"{path} has layout {found}, this program reads layout {version}; "
                "use the version of the program that wrote it, or another --home"
            )
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        return connection


def _writer(path: Path, schema: str, version: int) -> sqlite3.Connection:
    """Open for writing. One process at a time gets here: SQLite does not wait when two switch a new file to WAL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".opening").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        if _layout(connection) == 0:
            connection.executescript(f"BEGIN IMMEDIATE; {schema}; PRAGMA user_version={version}; COMMIT")
        return connection


def _layout(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _reader(path: Path) -> sqlite3.Connection:
    """Open for reading; a folder that cannot be written (WAL wants to) is read as it lies there."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection = sqlite3.connect(f"{uri}&immutable=1", uri=True, check_same_thread=False)
    return connection


class Database:
    """One connection on one thread: callers await, SQLite never blocks the event loop."""

    def __init__(self, path: Path, schema: str, version: int) -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=path.stem)
        self._connection = connect(path, schema, version)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in one transaction on the connection's thread; it is durable when this returns."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with spoken(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
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
