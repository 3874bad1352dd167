"""The time of day may jump by years, and its zone may change: order is that of what happened, and runs stay whole."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from bench.owner_judging import answered_before, duplicated, sent
from bench.reference import OPTIONS, QUESTION, essence, reference_hands, settings_of, unheard
from bench.scripted import ReferenceClock
from bench.watched import Events
from research.app import running
from research.app.records import find_run, new_run_id, runs, show, verify
from research.report import Report

ROOT = Path(__file__).resolve().parents[2]
SECOND = "2026-05-01T12:00:00+00:00"
DAYS = ("2026-05-01T12:00:00+00:00", "1999-12-31T23:59:59+00:00", "2087-01-01T00:00:00+00:00", SECOND)

LIFE = """
import asyncio, sys
from pathlib import Path
import langgraph.checkpoint.base.id as ids
from bench.reference import begin, go_on
from bench.watched import Events
ahead, at, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
if ahead:
    ids._last_v6_timestamp = ahead  # what the clock of the day was when the last id was made
life = begin if at else go_on
print(asyncio.run(life(folder / "home", folder / "log", Events(at))).run)
"""
"""One life of the reference run, on a machine whose clock was ``ahead`` (in the units of a UUID) or right."""
CENTURY = 0x1E00_0000_0000_0000 + 100 * 365 * 86_400 * 10_000_000


class Day(ReferenceClock):
    """A clock that shows a day of one's choice."""

    def __init__(self, day: str) -> None:
        super().__init__()
        self._day = day

    def now(self) -> str:
        return self._day


async def on(day: str, home: Path, log: Path) -> Report:
    """A whole run on that day."""
    hands = dataclasses.replace(reference_hands(log, Events()), clock=Day(day), name_run=new_run_id)
    settings = settings_of(home)
    return await running.ask(QUESTION, OPTIONS, settings, listen=unheard, on_start=unheard, hands=hands)


async def test_runs_are_listed_as_they_were_begun(tmp_path: Path) -> None:
    """The clock jumps back and ahead by decades between runs: the newest is the last one begun, whatever its date."""
    home, settings = tmp_path / "home", settings_of(tmp_path / "home")
    begun = [await on(day, home, tmp_path / f"log{number}") for number, day in enumerate(DAYS)]
    assert [row.id for row in runs(settings)] == [report.run for report in reversed(begun)]
    assert [row.created for row in runs(settings)] == list(reversed(DAYS))
    assert find_run(settings, None).id == begun[-1].run
    assert len({essence(msgspec.structs.replace(report, run=""), home) for report in begun}) == 1
    for report in begun:
        assert show(report.run, settings) == report
        assert verify(report.run, settings).broken == ()


def test_two_runs_of_one_second_have_two_names() -> None:
    """The end of a name is random, and its beginning is the second in UTC."""
    names = {new_run_id(SECOND) for _ in range(200)}
    assert len(names) == 200
    assert {name[:16] for name in names} == {"20260501-120000-"}


def test_a_clock_that_was_set_back_by_years_loses_no_step(tmp_path: Path) -> None:
    """The first life has checkpoints of a later date than the second: the run goes on from them and ends."""

    def life(ahead: int, at: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", LIFE, str(ahead), str(at), str(tmp_path)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    assert life(CENTURY, 250).returncode == -9
    recorded, before = answered_before(tmp_path / "home"), len(sent(tmp_path / "log"))
    assert recorded
    ended = life(0, 0)
    assert (ended.returncode, ended.stdout) == (0, "reference\n"), ended.stderr[-2000:]
    assert duplicated(sent(tmp_path / "log")[before:], recorded) == []


@pytest.mark.parametrize("zones", [("Pacific/Kiritimati", "America/Los_Angeles"), ("UTC", "Asia/Kathmandu")])
def test_the_zone_may_change_between_lives(tmp_path: Path, zones: tuple[str, str]) -> None:
    """Dates are kept in UTC: what was begun in one zone reads the same in another, and is in order."""

    def told(zone: str, *arguments: str) -> str:
        code = "import sys; from research.cli import run; sys.exit(run())"
        environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "TZ": zone, "PYTHONWARNINGS": "ignore"}
        ended = subprocess.run(
            [sys.executable, "-c", code, "--home", str(tmp_path / "home"), *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return ended.stdout

    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "walls.md").write_text("# Walls\n\nA budget is a wall, and every call is reserved.\n")
    told(zones[0], "index", str(tmp_path / "documents"), "--corpus", "notes", "-q")
    before = datetime.now(UTC).replace(microsecond=0)
    names = [
        json.loads(told(zone, "ask", "What is a budget?", "--corpus", "notes", "--json", "-q"))["run"] for zone in zones
    ]
    listed = [json.loads(told(zone, "runs", "--json")) for zone in zones]
    assert listed[0] == listed[1]
    assert [row["id"] for row in listed[0]] == list(reversed(names))
    dates = [datetime.fromisoformat(row["created"]) for row in reversed(listed[0])]
    assert before <= dates[0] <= dates[1] <= datetime.now(UTC)
    assert [name[:15] for name in names] == [f"{date:%Y%m%d-%H%M%S}" for date in dates]
