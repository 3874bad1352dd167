"""Clearing up a question in the graph: where it cannot be done, the run goes on, and the report says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from parts import TWO, Setup, checkpoints

from graphs.context import RunContext
from graphs.runs import Engine, NeedsAnswer
from research.access import World
from research.analysts import Bounds
from research.budget import Caps
from research.errors import EffectFailed
from research.gate import Gate
from research.options import RunOptions
from research.records import Clarification, Question
from research.report import Report
from research.requests import ROLES, ModelReply
from tools.fakes.scripted import ManualClock, ScriptedModel, replied

UNCLEAR = replied({"unclear": True, "question": "Which budget?"})


class Scene(Setup):
    """A run whose plan is made by rules, after a model was asked what is unclear."""

    def __init__(self, folder: Path, *replies: ModelReply | EffectFailed, caps: Caps | None = None) -> None:
        super().__init__(folder, options=RunOptions(web=True, rounds=1, clarify="ask", caps=caps or Caps()))
        self.model = ScriptedModel(replies)

    async def answered(self, answer: Clarification | None = None) -> Report:
        """Work on the run, with an answer to what it asks."""
        gate = Gate(
            journal=self.journal,
            clock=ManualClock(),
            caps=self.options.caps,
            entries=await self.journal.entries(),
        )
        world = World(
            library=self.library,
            records=self.records,
            models=dict.fromkeys(ROLES, self.model),
            searches=(self.search,),
            fetch=self.fetch,
        )
        context = RunContext(
            gate=gate, world=world, analyst=self.analyst, options=self.options, bounds=Bounds(branches=4, rounds=1)
        )
        with checkpoints(self.folder) as store:
            return await Engine(store).work(context, Question(text=TWO, web=True), None, answer)


async def test_a_run_waits_for_its_answer_and_keeps_it(tmp_path: Path) -> None:
    """It waits as often as nobody answers; one answer is enough, and one call to the model."""
    scene = Scene(tmp_path, UNCLEAR)
    for _ in range(2):
        with pytest.raises(NeedsAnswer, match=r"Which budget\?"):
            await scene.answered()
    report = await scene.answered(Clarification(answered="That of a branch."))
    assert report.clarification == Clarification(asked="Which budget?", answered="That of a branch.")
    assert report.question == TWO
    assert len(scene.model.asked) == 1
    assert await scene.answered() == report


@pytest.mark.parametrize(
    ("replies", "caps", "why"),
    [
        ([ModelReply(text="Well.", stop="end")] * 2, Caps(), "could not be used"),
        ([UNCLEAR], Caps(tokens=1_000), "800 tokens left"),
        ([EffectFailed("the prompt is too long", too_long=True)], Caps(), "too long"),
    ],
)
async def test_a_question_that_cannot_be_had_holds_nothing_up(
    tmp_path: Path, replies: list[ModelReply | EffectFailed], caps: Caps, why: str
) -> None:
    """Neither an answer of no use nor a small budget keeps the run from its report, which tells it."""
    report = await Scene(tmp_path, *replies, caps=caps).answered()
    assert report.branches and report.clarification is not None
    assert report.clarification.asked == "" and why in report.clarification.skipped
