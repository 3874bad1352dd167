"""Driving the graph: start a run, at a later step where it was forked, or go on with it from its checkpoint.

Owning the run, opening stores and choosing an analyst is the application's work (``research.app``).
"""

from __future__ import annotations

from typing import Any

from langgraph.types import Command

from graphs.checkpoints import StoredSaver
from graphs.context import RunContext
from graphs.nodes import begin_plan
from graphs.orchestrator import build_graph
from graphs.state import VERSION, Json, RunState, recalled
from research.errors import ResearchError, WrongVersion
from research.forked import Given
from research.ports import Checkpoints
from research.records import Plan, Question, Task, build, plain
from research.report import Report
from research.triage import triage


class NeedsApproval(ResearchError):
    """The run waits for a person to approve its plan."""

    exit_code = 5

    def __init__(self, run: str, plan: Plan) -> None:
        super().__init__(f"the plan waits for approval: `research resume {run} --yes` or `--no`")
        self.run = run
        self.plan = plan


class Engine:
    """The compiled graph with its checkpoints."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._graph = build_graph(StoredSaver(checkpoints))

    async def work(self, context: RunContext, question: Question, approve: bool | None = None) -> Report:
        """Start the run or go on with it, until it has published. Raises ``NeedsApproval`` when it waits.

        ``approve`` answers a waiting plan. A run that has published already gives its report again.
        """
        context.reserve()
        config: Any = {"configurable": {"thread_id": context.gate.run}}
        snapshot = await self._graph.aget_state(config)
        start = await self._entry(context, snapshot, question, approve)
        for task in snapshot.values.get("tasks", {}).values():
            context.gate.tell("branch.planned", task["id"], task["objective"])
        # Not ``snapshot.next``: it is empty, too, when a step's writes were saved and the next checkpoint was not.
        if "report" not in snapshot.values:
            await self._graph.ainvoke(start, config, context=context, durability="sync")
            snapshot = await self._graph.aget_state(config)
        if snapshot.interrupts:
            raise self._waiting(context, snapshot.values)
        stored = await context.world.records.get("report", snapshot.values["report"])
        return build(Report, stored)

    async def _entry(self, context: RunContext, snapshot: Any, question: Question, approve: bool | None) -> Any:
        """Return what to hand to the graph: the question, an approval, or nothing but "go on"."""
        if not snapshot.values:
            given = await context.given()
            if given is None or given.plan is None:
                return RunState(question=plain(question))
            await self._fork(context, question, given, given.plan)
            return None
        found = snapshot.values.get("version", VERSION)
        if found != VERSION:
            raise WrongVersion(
                f"the run {context.gate.run} was written with state version {found}, this program uses {VERSION}; "
                "finish it with the version that began it"
            )
        if not snapshot.interrupts:
            return None
        if approve is None:
            raise self._waiting(context, snapshot.values)
        return Command(resume="yes" if approve else "no")

    async def _fork(self, context: RunContext, question: Question, given: Given, plan: Plan) -> None:
        """Write the first checkpoint of a forked run: as if the steps before the point of the fork had just ended."""
        config: Any = {"configurable": {"thread_id": context.gate.run}}
        mode = given.mode or triage(question, context.options, model=context.analyst.agentic)
        values: Json = {"version": VERSION, "question": plain(question), "mode": plain(mode), "round": 1}
        await context.world.records.put(given.records())
        if given.origin.at == "compose":
            await self._graph.aupdate_state(config, {**values, **_worked(given)}, as_node="assess")
        else:
            values |= await begin_plan(context, mode, plan)
            await self._graph.aupdate_state(config, values, as_node="plan")

    @staticmethod
    def _waiting(context: RunContext, values: Any) -> NeedsApproval:
        tasks = tuple(build(Task, values["tasks"][id]) for id in values["pending"])
        return NeedsApproval(context.gate.run, Plan(tasks=tasks))


def _worked(given: Given) -> Json:
    """Return the state of a run whose branches have all been worked: those of the run it was forked from."""
    return {
        "tasks": {task.id: plain(task) for round in given.rounds for task in round.plan.tasks},
        "unstarted": {what: why for round in given.rounds for what, why in round.unstarted.items()},
        "outcomes": {ended.outcome.task: recalled(ended) for ended in given.ended},
        "round": max(1, len(given.rounds)),
        "pending": [],
        "approved": True,
    }
