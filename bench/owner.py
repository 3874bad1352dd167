"""One owner: double resumes, and owners that were stopped, replaced and woken. ``python -m bench.owner --help``.

Two processes that are let go at once resume the same killed run: one of them works, the other is refused. And a
process that hangs is replaced: what it still wants to write when it wakes is refused. One that was stopped in the
middle of writing holds SQLite's own lock and cannot be replaced before it goes on or ends; so it is let go on until it
has written.
The run is that of ``bench.reference``; every process has a log of its own at the far side, which says who sent what.
What must hold is in ``bench.owner_judging``.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import graphs.runs  # noqa: F401  imported before the forks, so that a life does not begin with it
from bench.lives import live, start, waited
from bench.owner_judging import (
    STORES,
    Life,
    Whole,
    Woken,
    announced_calls,
    answered_before,
    judge_double,
    judge_woken,
    rows,
    sent,
    texts,
    told,
)
from bench.reference import begin, go_on
from bench.watched import Events
from research.report import Report


def undisturbed(folder: Path) -> Whole:
    """Return what the reference run does when it is left alone."""
    ended = live(lambda events: begin(folder / "home", folder / "log", events), Events())
    return Whole(told(ended, folder / "home"), ended.events)


def resume_twice(home: Path, folder: Path) -> list[Life]:
    """Resume the run in two processes that wait at the same gate; return how both ended."""
    reader, writer = os.pipe()
    begun = []
    for name in ("first", "second"):

        async def work(events: Events, log: Path = folder / name) -> Report:
            os.close(writer)
            os.read(reader, 1)  # returns when the parent closes its end: for both at once
            return await go_on(home, log, events)

        begun.append((name, *start(work, Events())))
    os.close(reader)
    opened = time.monotonic()
    os.close(writer)
    ends = ends_of([child for _, child, _ in begun], opened)
    return [Life(waited(child, pipe, 60.0), sent(folder / name), ends[child]) for name, child, pipe in begun]


def ends_of(children: Sequence[int], opened: float) -> dict[int, float]:
    """Return the seconds after which each child ended, without taking its status from whoever waits for it later."""
    ends: dict[int, float] = {}
    while len(ends) < len(children):
        for child in children:
            if child not in ends and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                ends[child] = time.monotonic() - opened
        time.sleep(0.001)
    return ends


def double(folder: Path, at: int, whole: Whole) -> tuple[list[str], float]:
    """Kill a run at event ``at`` and resume it twice; return what is wrong, and how long the refusal took."""
    home = folder / "home"
    live(lambda events: begin(home, folder / "log", events), Events(at))
    recorded = answered_before(home) if (home / "runs.db").exists() else set()
    lives = resume_twice(home, folder)
    return judge_double(lives, recorded, whole, home), max(life.seconds for life in lives if life.ended.code)


def replaced(folder: Path, at: int, whole: Whole) -> tuple[list[str], Woken]:
    """Stop an owner at event ``at``, let another take the run over and finish it, wake the first one."""
    home = folder / "home"
    events = Events(at, lambda: os.kill(os.getpid(), signal.SIGSTOP))
    old, pipe = start(lambda events: begin(home, folder / "old", events), events)
    os.waitid(os.P_PID, old, os.WSTOPPED)
    try:
        nudges = until_written(old, home)
        before, announced = len(sent(folder / "old")), announced_calls(home)
        new = live(lambda events: go_on(home, folder / "new", events, take_over=True), Events())
        stored, kept = rows(home), texts(home)
    finally:
        os.kill(old, signal.SIGCONT)
    ended = waited(old, pipe, 60.0)
    after = rows(home)
    wrote = [table for table in after if after[table] != stored.get(table)]
    wrote += ["texts"] if texts(home) != kept else []
    woken = Woken(ended, sent(folder / "old")[before:], announced, wrote, nudges)
    wrong = judge_woken(woken)
    if told(new, home) != whole.report:
        wrong.append(f"the new owner did not end in the same report: {new.said[:300]}")
    return wrong, woken


def until_written(old: int, home: Path) -> int:
    """Let a stopped process go on for moments until it is in the middle of no transaction; return how many."""
    nudges = 0
    while any(is_locked(home / name) for name in STORES):
        os.kill(old, signal.SIGCONT)
        os.waitid(os.P_PID, old, os.WCONTINUED)
        os.kill(old, signal.SIGSTOP)
        os.waitid(os.P_PID, old, os.WSTOPPED)
        nudges += 1
    return nudges


def is_locked(path: Path) -> bool:
    """Return whether a process is in the middle of writing to the store."""
    if not path.exists():
        return False
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
        return False


def each(count: int, seed: int, most: int, case: Callable[[Path, int], list[str]]) -> list[str]:
    """Run ``count`` cases, each in a folder of its own and at a random event; return what went wrong."""
    points = random.Random(seed)
    wrong = []
    for number in range(count):
        at = points.randrange(1, most)
        with tempfile.TemporaryDirectory(prefix="owner-") as folder:
            wrong += [f"case {number}, event {at}: {what}" for what in case(Path(folder), at)]
    return wrong


def doubles(count: int, seed: int) -> tuple[list[str], float]:
    """Return what went wrong in ``count`` double resumes, and the slowest refusal in seconds."""
    slowest = 0.0

    def case(folder: Path, at: int) -> list[str]:
        nonlocal slowest
        wrong, seconds = double(folder, at, whole)
        slowest = max(slowest, seconds)
        return wrong

    with tempfile.TemporaryDirectory(prefix="owner-") as place:
        whole = undisturbed(Path(place))
    return each(count, seed, whole.events, case), slowest


def replacements(count: int, seed: int) -> tuple[list[str], int, int]:
    """Return what went wrong with ``count`` replaced owners, how many announced calls they sent after waking, and how
    many of them were first caught in the middle of writing.
    """
    late = writing = 0

    def case(folder: Path, at: int) -> list[str]:
        nonlocal late, writing
        wrong, woken = replaced(folder, at, whole)
        late += len(woken.sent)
        writing += woken.nudges > 0
        return wrong

    with tempfile.TemporaryDirectory(prefix="owner-") as place:
        whole = undisturbed(Path(place))
    return each(count, seed, whole.events, case), late, writing


def main() -> None:
    """Run the cases and print what held; exit code 1 when something did not."""
    parser = argparse.ArgumentParser(prog="python -m bench.owner", description=__doc__)
    parser.add_argument("--cases", type=int, default=50, help="double resumes, and as many replaced owners [50]")
    parser.add_argument("--seed", type=int, default=0, help="where the runs are cut off [0]")
    asked = parser.parse_args()
    wrong, slowest = doubles(asked.cases, asked.seed)
    failed = len({what.split(",")[0] for what in wrong})
    print(
        f"{asked.cases - failed} of {asked.cases} double resumes: one owner, "
        f"{sum('sent' in what for what in wrong)} duplicated calls; slowest refusal {slowest:.2f} s"
    )
    faults, late, writing = replacements(asked.cases, asked.seed)
    failed = len({what.split(",")[0] for what in faults})
    print(
        f"{asked.cases - failed} of {asked.cases} replaced owners wrote nothing more; "
        f"{late} calls that they had announced before were sent when they woke; {writing} were first caught writing"
    )
    for what in (*wrong, *faults):
        print(what)
    raise SystemExit(bool(wrong or faults))


if __name__ == "__main__":
    main()
