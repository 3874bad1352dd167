"""The same seed gives the same log: what a run asks, gets and reports hangs on no hour, no process and no order."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hostile_run import worked

from research.report import Report
from tools.fakes.hostile import Greed
from tools.fakes.scripted import MemoryJournal


def told(report: Report, journal: MemoryJournal) -> tuple[list[tuple[str, ...]], Report]:
    """Return the calls, in an order of their own, and the report without what only says how long it took.

    A page that two branches want is charged to the one that came first, which may be either.
    """
    calls = [
        (row.intent.kind, row.intent.key, str(row.intent.attempt), row.outcome.status, row.outcome.payload)
        for row in journal.rows
        if row.outcome is not None
    ]
    branches = tuple(
        msgspec.structs.replace(branch, usage=msgspec.structs.replace(branch.usage, seconds=0, calls=0, tokens=0))
        for branch in report.branches
    )
    usage = msgspec.structs.replace(report.usage, seconds=0)
    return sorted(calls), msgspec.structs.replace(report, branches=branches, usage=usage)


@pytest.mark.parametrize("greed", ["failing", "spreading", "absurd"])
async def test_the_same_seed_gives_the_same_log(tmp_path: Path, greed: Greed) -> None:
    """Two runs of one seed record the same calls with the same answers and end in one report."""
    logs = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        report, journal, _ = await worked(tmp_path / name, greed, "hybrid", seed=7)
        logs.append(told(report, journal))
    assert logs[0] == logs[1]
    assert len(logs[0][0]) > 5


async def test_another_seed_gives_another_log(tmp_path: Path) -> None:
    """The log would show a difference."""
    logs = []
    for seed in (1, 2):
        (tmp_path / str(seed)).mkdir()
        report, journal, _ = await worked(tmp_path / str(seed), "failing", "hybrid", seed=seed)
        logs.append(told(report, journal)[0])
    assert logs[0] != logs[1]
