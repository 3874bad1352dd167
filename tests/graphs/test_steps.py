"""Steps of the orchestrator: what is lost stays named, a step that fails is told, and a round needs room."""

from __future__ import annotations

from pathlib import Path

import pytest
from parts import TWO, Setup, checkpoints

from graphs.context import RunContext
from graphs.nodes import CALLS_WORTH_A_BRANCH
from graphs.runs import Engine
from research.access import Access, World
from research.analysts import Bounds, Notes
from research.analysts.extractive import ExtractiveAnalyst
from research.budget import Caps
from research.errors import EffectFailed
from research.gate import Gate
from research.options import RunOptions
from research.records import Event, Failure, Label, Plan, Question, Task, build
from research.report import Report
from tools.fakes.scripted import ManualClock

LOSS = Failure(where="corpus x", what="only a part of it was searched")
PARTS = ("How is a budget reserved?", "Who holds the lock of a run?", "What does the journal keep?")


class Curious(ExtractiveAnalyst):
    """An analyst with ``tasks`` branches in the first round and one more in each later one, as often as it is asked."""

    def __init__(self, tasks: int = 2, failing: bool = False) -> None:
        super().__init__()
        self.tasks = tasks
        self.failing = failing
        self.assessed = 0

    async def plan(self, question: Question, bounds: Bounds, access: Access) -> Plan:
        return Plan(tasks=tuple(Task.make(part, (part,), "web") for part in PARTS[: self.tasks]))

    async def assess(self, notes: Notes, bounds: Bounds, label: Label, access: Access) -> tuple[Task, ...]:
        self.assessed += 1
        if self.failing:
            raise EffectFailed("the model said 503")
        return (Task.make("What is kept?", (f"journal {self.assessed}",), "web"),)


class Stage(Setup):
    """A setup whose context has losses, and whose gate may be told to cancel the first branch that begins."""

    def __init__(self, folder: Path, *, losses: tuple[Failure, ...] = (), cancel: bool = False, **rest: object) -> None:
        super().__init__(folder, **rest)  # type: ignore[arg-type]
        self.losses = losses
        self.cancel = cancel

    async def work(self, text: str, approve: bool | None = None) -> Report:
        gates: list[Gate] = []

        def listen(event: Event) -> None:
            if self.cancel and event.kind == "branch.planned":
                self.cancel = False
                gates[0].cancel(event.branch)

        entries = await self.journal.entries()
        gates.append(
            Gate(journal=self.journal, clock=ManualClock(), caps=self.options.caps, entries=entries, listen=listen)
        )
        context = RunContext(
            gate=gates[0],
            world=World(library=self.library, records=self.records, searches=(self.search,), fetch=self.fetch),
            analyst=self.analyst,
            options=self.options,
            bounds=Bounds(branches=self.options.branches, rounds=self.options.rounds),
            losses=self.losses,
        )
        with checkpoints(self.folder) as store:
            return await Engine(store).work(context, Question(text=text, web=True), approve)


async def lost(stage: Stage) -> list[Failure]:
    """What the run recorded as lost."""
    return [build(Failure, loss) for loss in await stage.records.every("loss")]


async def test_what_was_lost_before_the_run_is_recorded_with_its_plan(tmp_path: Path) -> None:
    """A fork of the run, which does not open what the run had opened, names it, too."""
    stage = Stage(tmp_path, losses=(LOSS,))
    report = await stage.work(TWO)
    assert await lost(stage) == [LOSS]
    assert [loss.why for loss in report.skipped] == [LOSS.what]


async def test_a_failed_assessment_is_told_and_recorded(tmp_path: Path) -> None:
    """Whether more branches were needed is not known: the report is partial, and so is that of a fork."""
    stage = Stage(tmp_path, analyst=Curious(failing=True), options=RunOptions(web=True, rounds=2))
    report = await stage.work(TWO)
    failure = Failure(where="assessing", what="the model said 503")
    assert (await lost(stage), report.status) == ([failure], "partial")
    assert any("the model said 503" in loss.why for loss in report.skipped)


@pytest.mark.parametrize(
    ("cancel", "caps", "asked"), [(True, Caps(), 1), (False, Caps(calls=6), 0), (False, Caps(), 1)]
)
async def test_only_want_of_budget_ends_the_rounds(tmp_path: Path, cancel: bool, caps: Caps, asked: int) -> None:
    """After a branch that ran out no other round is asked for; after one that was cancelled it is."""
    analyst = Curious()
    stage = Stage(tmp_path, analyst=analyst, options=RunOptions(web=True, rounds=2, caps=caps), cancel=cancel)
    report = await stage.work(TWO)
    outcomes = {branch.outcome for branch in report.branches}
    assert ("cancelled" in outcomes, "out of budget" in outcomes) == (cancel, not asked)
    assert analyst.assessed == asked


@pytest.mark.parametrize("calls", [0, 1, 3, 4, 5, 6, 7, 8, None])
async def test_as_many_branches_start_as_have_room_for_two_calls(tmp_path: Path, calls: int | None) -> None:
    """The report's part is kept back first; the others are named as not started, and one starts in any case."""
    options = RunOptions(web=True, rounds=1, caps=Caps(calls=calls))
    stage = Stage(tmp_path, analyst=Curious(tasks=3), options=options)
    report = await stage.work(TWO)
    room = 3 if calls is None else min(3, max(1, (calls - calls // 5) // CALLS_WORTH_A_BRANCH))
    assert len(report.branches) == room
    waiting = [loss.what for loss in report.skipped if loss.why.startswith("not started: too few calls left")]
    assert waiting == list(PARTS[room:])
