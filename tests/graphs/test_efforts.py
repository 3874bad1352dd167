"""The effort of a task in the graph: its rounds, the texts it reads, its share of the caps, and what it cannot do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from parts import TWO, AnySearch, Setup

from graphs.branch import AGENT_TURNS
from research.access import Access
from research.analysts import Bounds, Notes, Turn
from research.analysts.extractive import ExtractiveAnalyst
from research.budget import Caps
from research.options import RunOptions
from research.ports import Page
from research.records import Effort, Finding, Gap, Hit, Label, Plan, Question, Task, ident


class Planning(ExtractiveAnalyst):
    """Plans one task for each effort, and never has enough."""

    def __init__(self, *efforts: Effort) -> None:
        self.efforts = efforts
        self.turns = 0

    async def plan(self, question: Question, bounds: Bounds, access: Access) -> Plan:
        return Plan(
            tasks=tuple(
                Task.make(f"How is a budget reserved, {number}?", (f"budget {number}",), "web", effort=effort)
                for number, effort in enumerate(self.efforts)
            )
        )

    async def judge(self, task: Task, findings: Sequence[Finding], asked: Sequence[str], access: Access) -> Gap | None:
        return Gap(task=task.id, missing="more", queries=(f"{task.id} after {len(asked)}",))

    async def assess(self, notes: Notes, bounds: Bounds, label: Label, access: Access) -> tuple[Task, ...]:
        return ()


class Wide(Planning):
    """Asks so many queries that every share is used up."""

    async def plan(self, question: Question, bounds: Bounds, access: Access) -> Plan:
        return Plan(
            tasks=tuple(
                Task.make("o", tuple(f"{effort} {number}" for number in range(20)), "web", effort=effort)
                for effort in self.efforts
            )
        )


class Roaming(Planning):
    """An agent that always has one more query."""

    agentic = True

    async def step(
        self,
        task: Task,
        question: Question,
        findings: Sequence[Finding],
        hits: Sequence[Hit],
        asked: Sequence[str],
        access: Access,
    ) -> Turn:
        self.turns += 1
        return Turn(queries=(f"budget {self.turns}",))


class New(AnySearch):
    """A search that finds ten other pages for each query."""

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        self.asked.append(query)
        urls = [f"https://a.example/{len(self.asked)}-{number}" for number in range(10)]
        return [Hit(handle=ident("h", url), title=url, score=1.0, url=url) for url in urls]


@pytest.mark.parametrize(("effort", "rounds", "pages"), [("quick", 1, 3), ("normal", 2, 12), ("deep", 3, 18)])
async def test_a_branch_takes_the_rounds_and_texts_of_its_effort(
    tmp_path: Path, effort: Effort, rounds: int, pages: int
) -> None:
    """One search and half of its pages for a quick task; a deep one searches once more than a normal one."""
    urls = [f"https://a.example/{round}-{number}" for round in range(1, 4) for number in range(10)]
    known = {url: Page(url=url, title=url, text=f"A budget of {url} is a wall.") for url in urls}
    scene = Setup(tmp_path, analyst=Planning(effort), options=RunOptions(web=True), pages=known)
    scene.search = New()
    await scene.work(TWO)
    assert len(scene.search.asked) == rounds
    assert len(scene.fetch.asked) == pages


@pytest.mark.parametrize(("effort", "rounds"), [("quick", 1), ("normal", 2), ("deep", 3)])
async def test_an_agent_takes_the_turns_of_its_effort(tmp_path: Path, effort: Effort, rounds: int) -> None:
    """Three turns for each search round, and one more to be told that it is over."""
    analyst = Roaming(effort)
    await Setup(tmp_path, analyst=analyst, options=RunOptions(web=True, mode="agent")).work(TWO)
    assert analyst.turns == AGENT_TURNS * rounds + 1


async def test_deep_tasks_get_more_of_the_calls_and_no_more_than_there_are(tmp_path: Path) -> None:
    """Forty calls, a fifth kept for the report: quick, normal and deep get one, two and three parts of six."""
    options = RunOptions(web=True, caps=Caps(calls=40))
    scene = Setup(tmp_path, analyst=Wide("quick", "normal", "deep"), options=options)
    report = await scene.work(TWO)
    used = [(branch.usage.calls, branch.outcome) for branch in report.branches]
    assert used == [(5, "out of budget"), (10, "out of budget"), (16, "out of budget")]


async def test_a_planner_that_calls_all_deep_gets_no_call_more(tmp_path: Path) -> None:
    """Caps are the user's: with every task deep, a cut-off run spends what one of normal tasks may."""
    for effort in ("normal", "deep"):
        folder = tmp_path / effort
        folder.mkdir()
        options = RunOptions(web=True, caps=Caps(calls=10), branch_caps=Caps(calls=4))
        report = await Setup(folder, analyst=Planning(effort, effort), options=options).work(TWO)
        assert report.branches
        assert report.usage.calls <= 8
        assert all(branch.usage.calls <= 4 for branch in report.branches)
