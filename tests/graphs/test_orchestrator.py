"""The graph on scripted parts: a question goes in, a checked report comes out, and what fails is named in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from parts import FACTS, TWO, Setup

from graphs.approving import NeedsApproval
from research.analysts.extractive import ExtractiveAnalyst
from research.budget import Caps
from research.errors import Fatal
from research.options import RunOptions
from research.ports import Page
from research.records import Passage, Question, Quote, Task
from tools.fakes.scripted import MemoryJournal, MemoryLibrary, MemoryRecords


async def test_a_question_becomes_a_report_whose_quotes_hold(tmp_path: Path) -> None:
    """Every sentence cites a finding, every finding a verbatim span of a stored source."""
    setup = Setup(tmp_path)
    report = await setup.work(TWO)
    assert (report.status, report.exit_code) == ("done", 0)
    assert len(report.branches) == 2
    assert report.findings
    for finding in report.findings:
        assert setup.library.texts[finding.source][finding.start : finding.end] == finding.quote
    assert "reserved in the budget" in report.answer


async def test_one_branch_that_fails_takes_nobody_with_it(tmp_path: Path) -> None:
    """The sibling's findings are in the report, the failure is named, and the exit code says partial."""
    report = await Setup(tmp_path, failing="lock").work(TWO)
    assert sorted(branch.outcome for branch in report.branches) == ["done", "failed"]
    assert (report.status, report.exit_code) == ("partial", 3)
    assert any("503" in loss.why for loss in report.skipped)
    assert report.answer


async def test_when_every_branch_fails_there_is_still_a_report(tmp_path: Path) -> None:
    """No failure becomes content: the report has no answer, exit code 1, and says why."""
    report = await Setup(tmp_path, pages={}).work(TWO)
    assert (report.status, report.exit_code, report.answer, report.findings) == ("failed", 1, "", ())
    assert any("404" in loss.why for loss in report.skipped)


async def test_a_cap_on_calls_ends_in_a_report_that_names_what_was_skipped(tmp_path: Path) -> None:
    """The cap holds, the run ends with exit code 3, and each branch cut short is listed."""
    options = RunOptions(web=True, rounds=1, caps=Caps(calls=5))
    setup = Setup(tmp_path, options=options)
    report = await setup.work(TWO)
    assert len(setup.search.asked) + len(setup.fetch.asked) <= 5
    assert (report.status, report.exit_code) == ("partial", 3)
    assert report.skipped
    assert "out of budget" in {branch.outcome for branch in report.branches}


async def test_a_cap_too_small_for_two_branches_starts_one(tmp_path: Path) -> None:
    """What is not started is listed as skipped, and what is started gets the whole share."""
    report = await Setup(tmp_path, options=RunOptions(web=True, rounds=1, caps=Caps(calls=3))).work(TWO)
    assert any("not started" in loss.why for loss in report.skipped)


class Inventor(ExtractiveAnalyst):
    """An analyst that quotes what is not there."""

    async def read(
        self, task: Task, question: Question, passages: Sequence[Passage], access: object
    ) -> tuple[Quote, ...]:
        return (Quote(source=passages[0].source, quote="This sentence is in no source.", statement="Invented."),)


async def test_an_invented_quote_cannot_be_printed(tmp_path: Path) -> None:
    """A quote that is not in its source makes no finding, and the loss is counted in the report."""
    report = await Setup(tmp_path, analyst=Inventor()).work(TWO)
    assert report.findings == ()
    assert report.answer == ""
    assert any("not found in the source" in loss.why for loss in report.skipped)


class Broken(ExtractiveAnalyst):
    """An analyst with a defect in one step."""

    async def judge(self, *given: object) -> None:
        raise ZeroDivisionError("a defect")


async def test_a_defect_in_a_step_is_a_failure_and_not_a_crash(tmp_path: Path) -> None:
    """An unexpected exception at a node becomes a named failure of that branch."""
    report = await Setup(tmp_path, analyst=Broken()).work(TWO)
    assert any("ZeroDivisionError" in loss.why for loss in report.skipped)
    assert report.findings


async def test_a_plan_waits_for_a_person_and_goes_on_when_approved(tmp_path: Path) -> None:
    """Nothing is searched before approval; resuming without a word waits again; yes goes on."""
    setup = Setup(tmp_path, options=RunOptions(web=True, rounds=1, approve=True))
    with pytest.raises(NeedsApproval) as waiting:
        await setup.work(TWO)
    assert len(waiting.value.plan.tasks) == 2
    with pytest.raises(NeedsApproval):
        await setup.work(TWO)
    assert setup.search.asked == []
    report = await setup.work(TWO, approve=True)
    assert report.status == "done"


async def test_a_declined_plan_starts_nothing(tmp_path: Path) -> None:
    """No branch runs, and the report says that the plan was not approved."""
    setup = Setup(tmp_path, options=RunOptions(web=True, rounds=1, approve=True))
    with pytest.raises(NeedsApproval):
        await setup.work(TWO)
    report = await setup.work(TWO, approve=False)
    assert setup.search.asked == []
    assert {loss.why for loss in report.skipped} == {"the plan was not approved"}


class Crashing(MemoryJournal):
    """A journal that ends the process's work at one row, as a crash would."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    async def conclude(self, seq: int, outcome: object) -> None:
        await super().conclude(seq, outcome)  # type: ignore[arg-type]
        if seq == self.at:
            self.at = -1
            raise Fatal("crash")


@pytest.mark.parametrize("at", range(7))
async def test_a_run_that_crashed_anywhere_ends_in_the_same_report(tmp_path: Path, at: int) -> None:
    """Whatever row was the last, the resumed run sends nothing recorded again and reports the same."""
    whole = Setup(tmp_path / "whole", options=RunOptions(web=True, rounds=1))
    (tmp_path / "whole").mkdir()
    expected = await whole.work(TWO)
    journal, library, records = Crashing(at), MemoryLibrary(), MemoryRecords()
    first = Setup(tmp_path, journal=journal, library=library, records=records)
    with pytest.raises(Fatal, match="crash"):
        await first.work(TWO)
    await asyncio.gather(*[t for t in asyncio.all_tasks() if t is not asyncio.current_task()], return_exceptions=True)
    second = Setup(tmp_path, journal=journal, library=library, records=records)
    report = await second.work(TWO)
    assert report.sentences == expected.sentences
    assert report.findings == expected.findings
    assert not set(first.search.asked) & set(second.search.asked)
    assert not {r.url for r in first.fetch.asked} & {r.url for r in second.fetch.asked}


async def test_a_finished_run_gives_its_report_again(tmp_path: Path) -> None:
    """Resuming what is done asks nothing and returns the same report."""
    setup = Setup(tmp_path)
    report = await setup.work(TWO)
    asked = len(setup.search.asked)
    assert await setup.work(TWO) == report
    assert len(setup.search.asked) == asked


async def test_the_order_of_the_report_does_not_hang_on_who_finished_first(tmp_path: Path) -> None:
    """Branches are listed in the order of the plan."""
    report = await Setup(tmp_path).work(TWO)
    assert [branch.task for branch in report.branches] == sorted(
        [branch.task for branch in report.branches], key=lambda task: TWO.find(task.split("?")[0])
    )


async def test_a_text_found_at_two_places_is_cited_from_the_first_by_name(tmp_path: Path) -> None:
    """Which of two copies was read first does not show."""
    text = FACTS["https://a.example/walls"]
    copies = ("https://c.example/lock", "https://b.example/journal", "https://a.example/walls")
    setup = Setup(tmp_path, pages={url: Page(url=url, title=url, text=text) for url in copies})
    report = await setup.work("How is a budget reserved?")
    stored = sorted(str(source["url"]) for source in await setup.records.every("source"))  # type: ignore[index]
    assert stored == sorted(copies)
    assert [source.url for source in report.sources] == ["https://a.example/walls"]
