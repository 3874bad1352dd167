"""What must hold of a run that was cut off and gone on with: judged from two witnesses outside of it.

The far side's log says what was sent in each life; the journal, read from a copy between the lives, says what was
recorded at each cut. How the lives are led is in ``bench.kill_lives`` and ``bench.kill_wire``.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.lives import Ended
from bench.reference import RUN, essence, settings_of
from research.app.records import runs, verify
from research.errors import ResearchError
from research.report import Report
from tools.ownership import RunLock

CONCURRENCY = 8
"""The default of the setting: so many calls may be in flight at once."""

HOME_FILES = re.compile(
    r"VERSION|key|(runs|pages|library/library)\.(db(-wal|-shm)?|opening)|locks/\w+\.lock|library/texts/../[0-9a-f]{64}\.txt"
)
DRAFTS = re.compile(r"VERSION\.\d+|\.key\.\d+\.[0-9a-f]{8}|library/texts/../\w+\.txt\.[0-9a-f]{8}\.part")
"""What a kill may leave behind: a file that was being written and has not got its name yet. Nothing refers to it."""


class Call(NamedTuple):
    """A row of the journal. ``request`` is JSON; ``status`` is empty while the call has no outcome."""

    seq: int
    branch: str
    kind: str
    key: str
    request: str
    tokens: int
    calls: int
    status: str


class Life(NamedTuple):
    """One life: how it ended, what the far side was sent in it, and the journal after it with each call's sent name."""

    ended: Ended
    sent: tuple[str, ...]
    calls: tuple[tuple[str, Call], ...]


class Expected(NamedTuple):
    """The undisturbed run: its report without the cost, its cost, and that of each branch; events and seconds."""

    essence: str
    tokens: int
    calls: int
    branches: dict[str, tuple[int, int]]
    events: int
    seconds: float


class Verdict(NamedTuple):
    """What one case showed. ``in_flight`` calls had no outcome at a cut; ``drafts`` are files left without a name."""

    problems: tuple[str, ...]
    cuts: int = 0
    in_flight: int = 0
    at_once: int = 0
    at_once_in_a_branch: int = 0
    lost: int = 0
    repeated: int = 0
    equal: int = 0
    drafts: int = 0


def journal_of(home: Path) -> list[Call]:
    """Return the rows of the run's journal, read from a copy, so that looking changes nothing."""
    if not (home / "runs.db").exists():
        return []
    with tempfile.TemporaryDirectory(dir=home.parent) as folder:
        for name in ("runs.db", "runs.db-wal"):
            if (home / name).exists():
                shutil.copy(home / name, folder)
        with closing(sqlite3.connect(Path(folder, "runs.db"))) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'intents'").fetchone():
                return []
            rows = connection.execute(
                "SELECT i.seq, i.branch, i.kind, i.key, i.request, i.tokens, i.calls, coalesce(o.status, '') "
                "FROM intents i LEFT JOIN outcomes o USING (seq) ORDER BY i.seq"
            ).fetchall()
    return [Call(*row) for row in rows]


def begun(home: Path) -> bool:
    """Return whether the home has a run to go on with. One that was killed before it had, began nothing."""
    return bool(runs(settings_of(home)))


def expected_of(life: Life, home: Path, seconds: float) -> Expected:
    """Return what a run that nobody disturbed says. Raises ``SystemExit`` when it was not done."""
    if life.ended.code != 0:
        raise SystemExit(f"the undisturbed run ended with {life.ended.code}: {life.ended.said}")
    report = report_of(life.ended)
    if len(set(life.sent)) != len(life.sent) or Counter(life.sent) != Counter(name for name, _ in life.calls):
        raise SystemExit("the undisturbed run sent something twice, or its journal names other calls than the far side")
    return Expected(
        essence(report, home), report.usage.tokens, report.usage.calls, _cost(report), life.ended.events, seconds
    )


def report_of(ended: Ended) -> Report:
    """Return the report that a life ended with."""
    return msgspec.json.decode(ended.said, type=Report)


def _cost(report: Report) -> dict[str, tuple[int, int]]:
    return {branch.task: (branch.usage.tokens, branch.usage.calls) for branch in report.branches}


def judge(lives: Sequence[Life], expected: Expected, home: Path) -> Verdict:
    """Judge a run from all its lives; the last one was left alone."""
    flights = [_new_in_flight(lives, number) for number in range(len(lives))]
    problems = [*_sendings(lives), *_end(lives[-1], expected, home), *_charged(lives[-1], expected), *_left(home)]
    repeated = _repeated(lives)
    if repeated:
        problems.append(f"recorded calls were sent again: {sorted(repeated)}")
    most = max(map(len, flights))
    if most > CONCURRENCY:
        problems.append(f"{most} calls were in flight at one cut")
    in_branch = [count for flight in flights for count in Counter(call.branch for call in flight).values()]
    done = lives[-1].ended.code == 0
    return Verdict(
        problems=tuple(problems),
        cuts=len(lives) - 1,
        in_flight=sum(map(len, flights)),
        at_once=most,
        at_once_in_a_branch=max(in_branch, default=0),
        lost=int(not done),
        repeated=len(repeated),
        equal=int(done and essence(report_of(lives[-1].ended), home) == expected.essence),
        drafts=sum(1 for name in _files(home) if DRAFTS.fullmatch(name)),
    )


def _new_in_flight(lives: Sequence[Life], number: int) -> list[Call]:
    """Return the calls of one life that had no outcome when it ended."""
    before = {call.seq for _, call in lives[number - 1].calls} if number else set()
    return [call for _, call in lives[number].calls if call.seq not in before and not call.status]


def _repeated(lives: Sequence[Life]) -> list[str]:
    """Return what was sent in a life although its answer was in the journal before, or twice in one life."""
    found = [name for life in lives for name, count in Counter(life.sent).items() if count > 1]
    recorded: set[str] = set()
    for life in lives:
        found += [name for name in life.sent if name in recorded]
        recorded |= {name for name, call in life.calls if call.status == "answered"}
    return found


def _sendings(lives: Sequence[Life]) -> list[str]:
    """Check that each call has a row written before it, and that what is sent again is just what was in flight."""
    problems = []
    rows = Counter(name for name, _ in lives[-1].calls)
    sent = Counter(name for life in lives for name in life.sent)
    unwritten = [name for name, count in sent.items() if count > rows[name]]
    if unwritten:
        problems.append(f"sent without a row before it: {unwritten}")
    if len(lives) > 1:
        before = lives[-2].calls
        answered = {name for name, call in before if call.status}
        open_ = {name for name, _ in before} - answered
        again = {name for name in lives[-1].sent if name in {name for name, _ in before}}
        if again != open_:
            problems.append(f"in flight at the cut {sorted(open_)}, but sent again {sorted(again)}")
    return problems


def _end(life: Life, expected: Expected, home: Path) -> list[str]:
    """Check the report, its quotes, the run's row and its lock after the last life."""
    if life.ended.code != 0:
        return [f"the resume ended with {life.ended.code}: {life.ended.said[-2000:]}"]
    problems = []
    if essence(report_of(life.ended), home) != expected.essence:
        problems.append("the report is another one than that of the undisturbed run")
    try:
        checked = verify(RUN, settings_of(home))
        row = runs(settings_of(home))[0]
        with RunLock(home / "locks", RUN):
            pass
    except ResearchError as error:
        return [*problems, f"{type(error).__name__}: {error}"]
    if checked.broken or not checked.checked:
        problems.append(f"{len(checked.broken)} of {checked.checked} quotes are broken")
    if row.status != "done":
        problems.append(f"the run is {row.status} at its end")
    return problems


def _charged(life: Life, expected: Expected) -> list[str]:
    """Check that the report's cost is the undisturbed run's and the bound of each call that has no outcome."""
    if life.ended.code != 0:
        return []
    report = report_of(life.ended)
    lost = [call for _, call in life.calls if not call.status]
    due = (expected.tokens + sum(call.tokens for call in lost), expected.calls + sum(call.calls for call in lost))
    said = (report.usage.tokens, report.usage.calls)
    problems = [] if said == due else [f"the report says {said} tokens and calls, and {due} are due"]
    rest = sum(tokens for tokens, _ in _cost(report).values()) - sum(tokens for tokens, _ in expected.branches.values())
    branched = sum(call.tokens for call in lost if call.branch.startswith("t-"))
    if rest != branched:
        problems.append(f"the branches say {rest} tokens more than undisturbed, and {branched} were in flight in them")
    return problems


def _files(home: Path) -> list[str]:
    return [path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()]


def _left(home: Path) -> list[str]:
    """Name the files that should not be there."""
    strange = [name for name in _files(home) if not HOME_FILES.fullmatch(name) and not DRAFTS.fullmatch(name)]
    return [f"left behind: {strange}"] if strange else []
