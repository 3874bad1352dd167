"""What a damaged home's commands did, and whether any of it was silently wrong.

A home is refused, unharmed, healed, or something in it was believed that is not true: a report, a usage, a list of
runs or a check of quotes that differs and does not say so, or an error that is not one of the program's own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
from msgspec import field

from bench.lives import Ended
from bench.reference import RUN, essence, settings_of
from research import app
from research.app.records import lost_runs
from research.errors import ResearchError
from research.records import Record, build
from research.report import Report

OTHER = "untouched"
Name = Literal["refused", "unharmed", "healed", "SILENTLY WRONG", "CODE RAN"]
NAMES = ("runs.db", "library.db", "/key", ".lock", ".txt", RUN, OTHER)
"""A refusal names one of these: the file or the run."""


class Listed(Record):
    """A run as ``research runs`` lists it."""

    status: str
    calls: int
    whole: bool


class Looked(Record):
    """What ``runs``, ``show`` and ``verify`` said; an error is its class and its sentence."""

    runs: dict[str, Listed] | None
    lost: tuple[str, ...] = ()
    shown: dict[str, Report | str] = field(default_factory=dict)
    broken: dict[str, int | str] = field(default_factory=dict)
    error: str = ""
    exit_code: int = 0


class Truth(NamedTuple):
    """What an undamaged home says: its runs, their reports, and the report that the reference run comes to."""

    runs: dict[str, Listed]
    shown: dict[str, Report]
    end: Report
    home: Path


class Verdict(NamedTuple):
    """What became of a case, what was wrong, and what the two ways of resuming said where the first was refused."""

    name: Name
    wrong: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


async def look(home: Path) -> Looked:
    """Do what ``research runs``, ``show`` and ``verify`` do, over both runs."""
    settings = settings_of(home)
    try:
        rows, lost = app.runs(settings), lost_runs(settings)
    except ResearchError as error:
        return Looked(runs=None, error=_told(error))
    listed = {row.id: Listed(status=row.status, calls=row.calls, whole=row.whole) for row in rows}
    shown: dict[str, Report | str] = {}
    broken: dict[str, int | str] = {}
    for run in (RUN, OTHER):
        try:
            shown[run] = app.show(run, settings)
            broken[run] = len(app.verify(run, settings).broken)
        except ResearchError as error:
            shown.setdefault(run, _told(error))
            broken[run] = _told(error)
    return Looked(runs=listed, lost=tuple(lost), shown=shown, broken=broken)


def _told(error: ResearchError) -> str:
    return f"{type(error).__name__}: {error}"


def refused(ended: Ended) -> bool:
    """Return whether a life ended in one of the program's own errors."""
    return ended.code >= 0 and ended.code != 70 and not ended.said.startswith("{")


def ended_well(ended: Ended, what: str) -> list[str]:
    """Return what is wrong with the end of a life, whatever it did: a crash, or a refusal that names nothing."""
    if ended.code < 0 or ended.code == 70:
        return [f"{what} ended with {ended.code}: {ended.said[-900:]}"]
    if refused(ended) and not any(name in ended.said for name in NAMES):
        return [f"{what} was refused and nothing was named: {ended.said}"]
    return []


def judge_look(ended: Ended, truth: Truth, *, finished: bool, cited: dict[str, int]) -> list[str]:
    """Return what was told wrongly. ``cited``: damaged texts that each run's report quotes."""
    wrong = ended_well(ended, "looking")
    if wrong or refused(ended):
        return wrong
    looked = build(Looked, msgspec.json.decode(ended.said))
    if looked.runs is None:
        return [] if any(name in looked.error for name in NAMES) else [f"runs named nothing: {looked.error}"]
    for run, row in looked.runs.items():
        if row.whole and row != truth.runs.get(run):
            wrong.append(f"runs lists {run} as {row}, which is {truth.runs.get(run)}")
    wrong += [f"runs is silent about {run}" for run in truth.runs.keys() - looked.runs.keys() - set(looked.lost)]
    for run, report in looked.shown.items():
        done = finished or run == OTHER
        if isinstance(report, str):
            if done and report.startswith("UsageFault"):
                wrong.append(f"show of the finished run {run}: {report}")
            if not any(name in report for name in NAMES):
                wrong.append(f"show named nothing: {report}")
        elif not done:
            wrong.append(f"show has a report of the unfinished run {run}")
        elif differs(report, truth.shown[run], truth.home):
            wrong.append(f"show of {run}: {differs(report, truth.shown[run], truth.home)}")
        if isinstance(looked.broken[run], int) and bool(looked.broken[run]) != bool(cited[run]):
            wrong.append(f"verify found {looked.broken[run]} broken quotes of {run}, {cited[run]} texts are damaged")
    return wrong


def differs(report: Report, expected: Report, home: Path) -> str:
    """Return how a report differs from the one expected without saying so, or nothing."""
    told = set(report.skipped) - set(expected.skipped)
    if told:
        return ""
    if essence(report, home) != essence(expected, home):
        return "the report differs and does not say so"
    one, two = report.usage, expected.usage
    if (one.tokens, one.calls, one.usd) != (two.tokens, two.calls, two.usd):
        return f"the usage is {one.tokens} tokens, {one.calls} calls and was {two.tokens}, {two.calls}"
    return ""


def judge_end(ended: Ended, truth: Truth, what: str) -> tuple[bool, list[str]]:
    """Return whether a resume came to a report equal to the expected one, and what is silently wrong with it."""
    wrong = ended_well(ended, what)
    if wrong or refused(ended):
        return False, wrong
    report = build(Report, msgspec.json.decode(ended.said))
    how = differs(report, truth.end, truth.home)
    return not set(report.skipped) - set(truth.end.skipped), [f"{what}: {how}"] if how else []
