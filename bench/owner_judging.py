"""What must hold of two processes that wanted one run: judged from the far side's logs, the stores and what they said.

The processes themselves, and how they are let go, stopped and woken, are in ``bench.owner``.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.far_side import logged
from bench.lives import Ended
from bench.reference import essence
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
