"""Measures one run of ``bench.growth``: a process of its own grows it and another one resumes it."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import itertools
import math
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from bench.growing import QUESTION, RUN, StoppingRecords, growing_hands, options_for, process_facts, stamps
from bench.reference import settings_of, unheard
from bench.watched import Events
from research.app.running import ask, resume
from research.app.stores import Stores
from research.cancellation import Stopping
from research.records import Record

COMMAND_CALLS = 1_000
COMMAND_RUNS = 5
LIBRARIES = "import langgraph.graph, langchain_openai"
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
"""The caller's, but for the variable that would have every module compiled again in each process."""


class Grown(Record):
    """One run before its report. Bytes; KiB of memory above that of the imported program; open handles; seconds."""

    calls: int
    runs: int
    wal: int
    library: int
    tables: dict[str, int]
    memory: int
    handles_peak: int
    handles_more: int
    wall: float
    cpu: float


class Resumed(Record):
    """Seconds of one resume: importing, opening and checking the stores, replaying the calls, and on to the report."""

    imports: float
    opening: float
    replay: float
    report: float
    memory: int

    @property
    def ready(self) -> float:
        """Seconds from the beginning of the resume until the next call could be sent."""
        return self.opening + self.replay


class Taken(Record):
    """Wall and processor seconds of one process, from its start to its end."""

    wall: float
    cpu: float


class Measured(Record):
    """One size of one shape; what ``research resume`` took where it was run, and importing its libraries alone."""

    shape: str
    grown: Grown
    resumed: Resumed
    command: tuple[Taken, ...] = ()
    imports: tuple[Taken, ...] = ()


def _tables(path: Path) -> dict[str, int]:
    """Return the bytes of each table of a database, its indexes with it (SQLite's ``dbstat``)."""
    query = "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name GROUP BY 1"
    with closing(sqlite3.connect(path)) as connection:
        return {str(name): int(size) for name, size in connection.execute(query)}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def grow(shape: str, calls: int, home: Path) -> Grown:
    """Run one size to just before its report, in this process."""
    import graphs.runs  # noqa: F401  imported before the memory is measured

    options = options_for(shape, calls)
    gc.collect()  # what others left in this process is not let go of while it is measured
    before = process_facts()
    heard = {"calls": 0, "handles": 0, "wal": 0}
    log = home / "runs.db-wal"

    def called() -> None:
        heard["calls"] += 1
        if heard["calls"] % 20 == 0:
            heard["handles"] = max(heard["handles"], process_facts()["handles"])
            heard["wal"] = max(heard["wal"], log.stat().st_size)

    def opened(stores: Stores) -> Stores:
        return dataclasses.replace(stores, records=StoppingRecords(stores.records, Events()))

    async def work() -> None:
        hands = growing_hands(options, called, opened)
        try:
            await ask(QUESTION, options, settings_of(home), listen=unheard, on_start=unheard, hands=hands)
        except Stopping:
            return

    began = stamps()
    asyncio.run(work())
    wall, cpu = (after - before for before, after in zip(began, stamps(), strict=True))
    after = process_facts()
    return Grown(
        calls=heard["calls"],
        runs=(home / "runs.db").stat().st_size,
        wal=heard["wal"],
        library=_size(home / "library"),
        tables=_tables(home / "runs.db"),
        memory=after["peak"] - before["rss"],
        handles_peak=heard["handles"],
        handles_more=after["handles"] - before["handles"],
        wall=wall,
        cpu=cpu,
    )


def go_on(shape: str, calls: int, home: Path) -> Resumed:
    """Resume the run of one size to its report, in this process."""
    times = [time.perf_counter()]
    import graphs.runs  # noqa: F401  a part of what is measured

    times.append(time.perf_counter())
    before = process_facts()

    def opened(stores: Stores) -> Stores:
        times.append(time.perf_counter())
        return stores

    def ready(_: object) -> None:
        times.append(time.perf_counter())

    def called() -> None:
        raise AssertionError("a recorded call was sent again")

    hands = growing_hands(options_for(shape, calls), called, opened)
    asyncio.run(resume(RUN, settings_of(home), approve=None, listen=unheard, on_start=ready, hands=hands))
    times.append(time.perf_counter())
    spans = [after - before for before, after in itertools.pairwise(times)]
    return Resumed(
        imports=spans[0],
        opening=spans[1],
        replay=spans[2],
        report=spans[3],
        memory=process_facts()["peak"] - before["rss"],
    )


def _child(part: str, shape: str, calls: int, home: Path) -> bytes:
    """Do one part in a process of its own and return what it printed."""
    arguments = [sys.executable, "-m", "bench.growth", "--part", part, shape, str(calls), str(home)]
    return subprocess.run(arguments, env=ENVIRONMENT, check=True, stdout=subprocess.PIPE).stdout


def _timed(arguments: Sequence[str]) -> Taken:
    """Run a process to its end and return what it took."""
    used, began = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=ENVIRONMENT, check=True, stdout=subprocess.PIPE)
    wall, now = time.perf_counter() - began, os.times()
    cpu = now.children_user + now.children_system - used.children_user - used.children_system
    return Taken(wall=wall, cpu=cpu)


def _commands(home: Path) -> tuple[tuple[Taken, ...], tuple[Taken, ...]]:
    """Time ``research resume`` over copies of ``home``, and in turn with it a process that only imports."""
    resumes, imports = [], []
    for _ in range(COMMAND_RUNS + 1):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "home"
            shutil.copytree(home, copy)
            resumes.append(_timed(["-m", "research", "--home", str(copy), "resume", RUN, "--json", "--quiet"]))
        imports.append(_timed(["-c", LIBRARIES]))
    return tuple(resumes[1:]), tuple(imports[1:])


def measure(shape: str, calls: int) -> Measured:
    """Measure one size of one shape."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        grown = msgspec.json.decode(_child("grow", shape, calls, home), type=Grown)
        command, imports = _commands(home) if shape == "wide" and calls == COMMAND_CALLS else ((), ())
        resumed = msgspec.json.decode(_child("resume", shape, calls, home), type=Resumed)
        return Measured(shape=shape, grown=grown, resumed=resumed, command=command, imports=imports)


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Return k of y ~ x^k by least squares over the logarithms; nan with fewer than two points above 0."""
    logs = [(math.log(x), math.log(y)) for x, y in points if x > 0 and y > 0]
    if len(logs) < 2:
        return math.nan
    xs, ys = [x for x, _ in logs], [y for _, y in logs]
    return statistics.linear_regression(xs, ys).slope
