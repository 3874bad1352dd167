"""Forked runs on scripted parts: the graph begins after what was given, and does nothing of that again."""

from __future__ import annotations

from pathlib import Path

import pytest
from parts import TWO, Setup

from research.analysts.extractive import ExtractiveAnalyst
from research.errors import Fatal
from research.forked import Ended, Given, Round
from research.records import (
    BranchOutcome,
    Failure,
    Finding,
    ForkPoint,
    Origin,
    Plan,
    Source,
    build,
    encode,
)
from research.report import Report
from tools.fakes.scripted import MemoryRecords


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of its own for the forked run."""
    (tmp_path / "fork").mkdir()
    return tmp_path / "fork"


class Unasked(ExtractiveAnalyst):
    """An analyst that must not be asked for a plan."""

    async def plan(self, *_: object) -> Plan:
        raise AssertionError("the plan was given")


class Cut(ExtractiveAnalyst):
    """An analyst whose process dies when the report is to be written, the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.lives = 0

    async def compose(self, *args: object) -> object:  # type: ignore[override]
        self.lives += 1
        if self.lives == 1:
            raise Fatal("the process died")
        return await super().compose(*args)  # type: ignore[arg-type]


async def every(setup: Setup, kind: str, record: type) -> tuple[object, ...]:
    """All records of a kind that a run made."""
    return tuple([build(record, stored) for stored in await setup.records.every(kind)])


async def worked(folder: Path) -> tuple[Setup, Report]:
    """A run that has ended, with two branches."""
    setup = Setup(folder)
    return setup, await setup.work(TWO)


async def forked(folder: Path, first: Setup, given: Given, **parts: object) -> Setup:
    """A new run over the library of another, that begins with ``given``."""
    records = MemoryRecords()
    await records.put([("given", "given", given)])
    return Setup(folder, library=first.library, records=records, **parts)  # type: ignore[arg-type]


async def given_of(setup: Setup, at: ForkPoint) -> Given:
    """What a fork of a run at compose begins with."""
    return build(
        Given,
        {
            "origin": {"run": "run-0", "at": at, "calls": 7, "tokens": 0, "usd": 0.0},
            "plan": await setup.records.get("plan", "plan"),
            "mode": await setup.records.get("mode", "mode"),
            "rounds": list(await setup.records.every("round")),
            "ended": list(await setup.records.every("outcome")),
            "findings": list(await setup.records.every("finding")),
            "sources": list(await setup.records.every("source")),
        },
    )


async def test_a_fork_at_compose_writes_the_report_without_searching(tmp_path: Path, own: Path) -> None:
    """The same answer, findings and branches; no search, no page, no call; the report says where it is from."""
    first, expected = await worked(tmp_path)
    second = await forked(own, first, await given_of(first, "compose"), analyst=Unasked())
    report = await second.work(TWO)
    assert (second.search.asked, second.fetch.asked, second.journal.rows) == ([], [], [])
    assert (report.answer, report.findings, report.status) == (expected.answer, expected.findings, "done")
    assert [(b.task, b.outcome) for b in report.branches] == [(b.task, b.outcome) for b in expected.branches]
    assert report.usage.calls == 0
    assert report.origin == Origin(run="run-0", at="compose", calls=7)
    assert expected.origin is None


@pytest.mark.parametrize("at", ["plan", "branch"])
async def test_a_fork_with_a_plan_works_that_plan(tmp_path: Path, own: Path, at: ForkPoint) -> None:
    """Nobody is asked for a plan; its branches search again."""
    first, expected = await worked(tmp_path)
    given = await given_of(first, at)
    given = Given(origin=given.origin, plan=given.plan)
    second = await forked(own, first, given, analyst=Unasked())
    report = await second.work(TWO)
    assert [b.task for b in report.branches] == [b.task for b in expected.branches]
    assert sorted(second.search.asked) == sorted(first.search.asked)
    assert report.answer == expected.answer


async def test_a_fork_that_dies_goes_on_from_where_it_was(tmp_path: Path, own: Path) -> None:
    """Killed between its first checkpoint and its report, the next life writes the report and searches nothing."""
    first, expected = await worked(tmp_path)
    second = await forked(own, first, await given_of(first, "compose"), analyst=Cut())
    with pytest.raises(Fatal):
        await second.work(TWO)
    report = await second.work(TWO)
    assert (report.answer, report.findings) == (expected.answer, expected.findings)
    assert second.search.asked == []


async def test_a_branch_that_had_not_ended_is_named_as_skipped(tmp_path: Path, own: Path) -> None:
    """What it has found is used, the report is partial and says why."""
    first, _ = await worked(tmp_path)
    given = await given_of(first, "compose")
    task = given.ended[0].outcome.task
    cut = Ended(outcome=BranchOutcome(task=task, outcome="cancelled"), limit="it had not ended")
    ended = (cut, *given.ended[1:])
    lost = Failure(where="corpus x", what="only a part was searched")
    parts = {**{name: getattr(given, name) for name in given.__struct_fields__}, "ended": ended, "losses": (lost,)}
    second = await forked(own, first, Given(**parts))
    report = await second.work(TWO)
    assert (report.status, report.exit_code) == ("partial", 3)
    assert sorted(branch.outcome for branch in report.branches) == ["cancelled", "done"]
    assert {loss.why for loss in report.skipped} == {"it had not ended", "only a part was searched"}


async def test_a_run_records_what_a_fork_of_it_needs(tmp_path: Path, own: Path) -> None:
    """One record for each round, branch and finding; a fork makes the same records, so that it can be forked, too."""
    first, _ = await worked(tmp_path)
    second = await forked(own, first, await given_of(first, "compose"))
    await second.work(TWO)
    for kind, record in (("round", Round), ("outcome", Ended), ("finding", Finding), ("source", Source)):
        own = await every(first, kind, record)
        assert own and encode(own) == encode(await every(second, kind, record)), kind
