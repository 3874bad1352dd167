"""One owner: double resumes, and owners that were stopped, replaced and woken. ``python -m bench.owner --help``.

Two processes that are let go at once resume the same killed run: one of them works, the other is refused. And a
process that hangs is replaced: what it still wants to write when it wakes is refused. One that was stopped in the
middle of writing holds SQLite's own lock and cannot be replaced before it goes on or ends; so it is let go on until it
has written.
The run is that of ``bench.reference``; every process has a log of its own at the far side, which says who sent what.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

import graphs.runs  # noqa: F401  imported before the forks, so that a life does not begin with it
from bench.reference import Ended, Events, begin, essence, go_on, live, logged, start, waited
from research.records import build
from research.report import Report
from research.requests import FetchRequest, ModelRequest, SearchRequest, request_key

REFUSED = "NotTheOwner"
STORES = ("runs.db", "library/library.db")
SENT_KINDS: dict[str, type[ModelRequest | SearchRequest | FetchRequest]] = {
    "model": ModelRequest,
    "search": SearchRequest,
    "fetch": FetchRequest,
}


class Whole(NamedTuple):
    """The run that nobody disturbed: its report without what a kill may raise, and how many events it had."""

    report: str
    events: int


class Life(NamedTuple):
    """How one of two processes ended, what it had sent, and the seconds from the start of both to its end."""

    ended: Ended
    sent: list[str]
    seconds: float


class Woken(NamedTuple):
    """What an owner that was replaced did after it woke: its end, what it sent, what of that it had announced."""

    ended: Ended
    sent: list[str]
    announced: list[str]
    wrote: list[str]
    nudges: int = 0


def undisturbed(folder: Path) -> Whole:
    """Return what the reference run does when it is left alone."""
    ended = live(lambda events: begin(folder / "home", folder / "log", events), Events())
    return Whole(told(ended, folder / "home"), ended.events)


def told(ended: Ended, home: Path) -> str:
    """Return the report that a life ended with, comparable; what else it said where it has none."""
    return essence(msgspec.json.decode(ended.said, type=Report), home) if ended.code == 0 else ended.said


def sent(log: Path) -> list[str]:
    """Return the calls that were sent, in order."""
    return [" ".join(line[1:]) for line in logged(log) if line[0] == "sent"]


def answered_before(home: Path) -> set[str]:
    """Return the calls that have an answer in the journal."""
    return set(_calls(home, "o.status = 'answered'"))


def announced_calls(home: Path) -> list[str]:
    """Return the calls that have an intent row and no outcome row."""
    return _calls(home, "o.seq IS NULL")


def _calls(home: Path, which: str) -> list[str]:
    query = f"SELECT i.kind, i.request FROM intents i LEFT JOIN outcomes o USING (seq) WHERE {which} ORDER BY seq"
    with closing(sqlite3.connect(f"file:{home / 'runs.db'}?mode=ro", uri=True)) as connection:
        return [_spoken(kind, request) for kind, request in connection.execute(query)]


def _spoken(kind: str, request: str) -> str:
    """Return a call as the far side's log names it."""
    made = build(SENT_KINDS[kind], msgspec.json.decode(request))
    if isinstance(made, ModelRequest):
        return f"model {request_key(made)[:16]}"
    return f"search {made.query}" if isinstance(made, SearchRequest) else f"fetch {made.url}"


def rows(home: Path) -> dict[str, list[str]]:
    """Return every row of the stores, by table: what must be equal when nothing was written."""
    found = {}
    for name in STORES:
        with closing(sqlite3.connect(f"file:{home / name}?mode=ro", uri=True)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
            for (table,) in tables:
                found[f"{name} {table}"] = [repr(row) for row in connection.execute(f"SELECT * FROM {table}")]
    return found


def texts(home: Path) -> list[str]:
    """Return the texts of the library, each with the hash of what it holds; a draft is none yet."""
    files = sorted((home / "library" / "texts").rglob("*.txt"))
    return [f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]


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


def judge_double(lives: Sequence[Life], recorded: set[str], whole: Whole, home: Path) -> list[str]:
    """Return what is wrong with a double resume, in words; nothing is right."""
    workers = [life for life in lives if life.ended.code == 0]
    refused = [life for life in lives if life.ended.said.startswith(REFUSED)]
    wrong = []
    if (len(workers), len(refused)) != (1, 1):
        wrong.append(f"{len(workers)} finished and {len(refused)} were refused: {[life.ended.said for life in lives]}")
    wrong += [f"the refused one sent {call}" for life in refused for call in life.sent]
    wrong += [f"a second report: {life.ended.said[:200]}" for life in workers if told(life.ended, home) != whole.report]
    return wrong + duplicated([call for life in lives for call in life.sent], recorded)


def duplicated(calls: Sequence[str], recorded: set[str]) -> list[str]:
    """Name each call that was sent twice after the kill, or that had an answer in the journal before it."""
    twice = [f"sent {count} times: {call}" for call, count in Counter(calls).items() if count > 1]
    return twice + [f"sent although its answer was recorded: {call}" for call in calls if call in recorded]


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


def judge_woken(woken: Woken) -> list[str]:
    """Return what is wrong with what a replaced owner did; nothing is right."""
    wrong = [f"it wrote to {place}" for place in woken.wrote]
    if not woken.ended.said.startswith(REFUSED):
        wrong.append(f"it ended with {woken.ended.code}: {woken.ended.said[:300]}")
    open_calls = list(woken.announced)
    for call in woken.sent:
        if call in open_calls:
            open_calls.remove(call)
        else:
            wrong.append(f"it sent a call that it had not announced: {call}")
    return wrong


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
