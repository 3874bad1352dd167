"""What the journal costs a call: its two rows, beside two bare inserts of the same payload with the same pragmas.

``python -m bench.journal [--rows N] [--folder DIR]`` writes N calls (a row before, a row after) through the real
journal and, in turn with each, the same requests and replies as bare ``INSERT`` statements of ``sqlite3`` in another
file of the same folder, each in a transaction of its own. WAL and ``synchronous=FULL`` in both. Without ``--folder``:
in the temporary folder, and in memory (``/dev/shm``) where there is one. Prints milliseconds a call and the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from bench.reference import settings_of
from research.app.records import Home
from research.app.stores import run_files
from research.budget import Amount
from research.ports import Intent, Journal, Outcome
from research.records import encode
from tools.clock import SystemClock
from tools.ownership import RunLock

RUN = "journal"
REQUEST = encode({"kind": "model", "model": "openai:bench", "messages": ["A passage of the page that is read. " * 50]})
PAYLOAD = encode({"text": "A quote of the page and what it says. " * 15, "usage": {"prompt": 450, "completion": 150}})
"""The size of a reader's request and reply: 1.9 and 0.6 KB."""
WARM_UP = 50
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL")


async def journalled(journal: Journal, number: int) -> None:
    """Write the two rows of one call."""
    bound = Amount(tokens=2_000, calls=1)
    seq = await journal.intend(
        Intent(
            run=RUN,
            branch="branch",
            kind="model",
            key=f"{number:064x}",
            occurrence=0,
            attempt=1,
            bound=bound,
            elapsed=float(number),
            request=REQUEST,
        )
    )
    outcome = Outcome(status="answered", payload=PAYLOAD, charged=bound, elapsed=float(number), priced=True)
    await journal.conclude(seq, outcome)


def bare(connection: sqlite3.Connection, number: int) -> None:
    """Insert the same two payloads, each in a transaction of its own."""
    for table, payload in (("intents", REQUEST), ("outcomes", PAYLOAD)):
        connection.execute(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", (number, f"{number:064x}", number, payload))


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    for table in ("intents", "outcomes"):
        connection.execute(f"CREATE TABLE {table} (seq INTEGER PRIMARY KEY, key TEXT, tokens INTEGER, payload TEXT)")
    return connection


async def measure(folder: Path, rows: int) -> tuple[list[float], list[float]]:
    """Return seconds a call of the journal and of the bare inserts, in turn with one another."""
    home = Home(settings_of(folder / "home"))
    taken: tuple[list[float], list[float]] = ([], [])
    with (
        RunLock(home.locks, RUN) as lock,
        run_files(home, SystemClock()) as files,
        closing(_opened(folder / "bare.db")) as connection,
    ):
        stores = await files.begin(RUN, created="", question="{}", options="{}", mark=lock.mark)
        for number in range(rows + WARM_UP):
            began = time.perf_counter()
            await journalled(stores.journal, number)
            between = time.perf_counter()
            bare(connection, number)
            ended = time.perf_counter()
            taken[0].append(between - began)
            taken[1].append(ended - between)
    return taken[0][WARM_UP:], taken[1][WARM_UP:]


def file_system(folder: Path) -> str:
    """Return the kind of file system that ``folder`` is on (Linux)."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    fitting = [(len(mount[1]), mount[2]) for mount in mounts if folder.resolve().is_relative_to(mount[1])]
    return max(fitting)[1]


def _line(name: str, value: Callable[[Sequence[float]], float], taken: tuple[Sequence[float], Sequence[float]]) -> str:
    journal, bare = value(taken[0]) * 1000, value(taken[1]) * 1000
    return f"{name:8}{journal:>12.3f}{bare:>16.3f}{journal / bare:>8.2f}"


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.journal")
    parser.add_argument("--rows", type=int, default=2_000, help="calls to write [2000]")
    parser.add_argument("--folder", type=Path, help="where to write [the temporary folder, and memory]")
    given = parser.parse_args()
    shared = Path("/dev/shm")
    places = [given.folder] if given.folder else [Path(tempfile.gettempdir()), *([shared] if shared.is_dir() else [])]
    for place in places:
        with tempfile.TemporaryDirectory(dir=place) as folder:
            taken = asyncio.run(measure(Path(folder), given.rows))
        print(f"{given.rows} calls on {file_system(place)}, ms a call")
        print(f"{'':8}{'journal':>12}{'bare inserts':>16}{'ratio':>8}")
        print(_line("median", statistics.median, taken))
        print(_line("p95", _p95, taken))


if __name__ == "__main__":
    main()
