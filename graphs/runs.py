"""Driving the graph: start a run, at a later step where it was forked, or go on with it from its checkpoint.

Owning the run, opening stores and choosing an analyst is the application's work (``research.app``).
"""

from __future__ import annotations

from typing import Any

from langgraph.types import Command

from graphs.approving import NeedsApproval, answered, pending_tasks, waiting
from graphs.checkpoints import StoredSaver
from graphs.context import RunContext
from graphs.nodes import begin_plan
from graphs.orchestrator import build_graph
from graphs.state import VERSION, Json, RunState, recalled
from research.errors import ResearchError, WrongVersion
from research.forked import Given
from research.ports import Checkpoints
from research.records import Clarification, Plan, Question, build, plain
from research.report import Report
from research.triage import triage


class NeedsAnswer(ResearchError):
    """The run waits for a person to answer what it asks before it plans."""

    exit_code = 5

    def __init__(self, run: str, asked: str) -> None:
        super().__init__(f"the run {run} waits for an answer: {asked} `research resume {run}` asks at a terminal")
        self.run = run
        self.asked = asked


class Engine:
    """The compiled graph with its checkpoints."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._graph = build_graph(StoredSaver(checkpoints))

    async def work(
        self,
        context: RunContext,
        question: Question,
        approve: bool | None = None,
        answer: Clarification | None = None,
    ) -> Report:
        """Start the run or go on with it, until it has published. Raises ``NeedsApproval`` or ``NeedsAnswer``.

        ``approve`` answers a waiting plan, ``answer`` a question. A run that has published gives its report again.
        """
        context.reserve()
        config: Any = {"configurable": {"thread_id": context.gate.run}}
        snapshot = await self._graph.aget_state(config)
        start = await self._entry(context, snapshot, question, approve, answer)
        for task in snapshot.values.get("tasks", {}).values():
            context.gate.tell("branch.planned", task["id"], task["objective"])
        # Not ``snapshot.next``: it is empty, too, when a step's writes were saved and the next checkpoint was not.
        if "report" not in snapshot.values:
            await self._graph.ainvoke(start, config, context=context, durability="sync")
            snapshot = await self._graph.aget_state(config)
        if snapshot.interrupts:
            raise await self._waiting(context, snapshot)
        stored = await context.world.records.get("report", snapshot.values["report"])
        return build(Report, stored)

    async def _entry(
        self,
        context: RunContext,
        snapshot: Any,
        question: Question,
        approve: bool | None,
        answer: Clarification | None,
    ) -> Any:
        """Return what to hand to the graph: the question, an approval, an answer, or nothing but "go on"."""
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
        if not _asked(snapshot):
            return Command(resume=await answered(context, pending_tasks(snapshot.values), approve))
        if answer is None:
            raise await self._waiting(context, snapshot)
        return Command(resume=plain(answer))

    async def _fork(self, context: RunContext, question: Question, given: Given, plan: Plan) -> None:
        """Write the first checkpoint of a run that was given its plan: as if the steps before it had just ended."""
        config: Any = {"configurable": {"thread_id": context.gate.run}}
        mode = given.mode or triage(question, context.options, model=context.analyst.agentic)
        values: Json = {"version": VERSION, "question": plain(question), "mode": plain(mode), "round": 1}
        if given.clarification is not None:
            values["clarification"] = plain(given.clarification)
        await context.world.records.put(given.records())
        if given.origin is not None and given.origin.at == "compose":
            await self._graph.aupdate_state(config, {**values, **_worked(given)}, as_node="assess")
        else:
            values |= await begin_plan(context, mode, plan)
            await self._graph.aupdate_state(config, values, as_node="plan")

    @staticmethod
    async def _waiting(context: RunContext, snapshot: Any) -> NeedsApproval | NeedsAnswer:
        asked = _asked(snapshot)
        return NeedsAnswer(context.gate.run, asked) if asked else await waiting(context, pending_tasks(snapshot.values))


def _asked(snapshot: Any) -> str:
    """Return what a person is asked before planning, empty where the run waits for an approval."""
    return str(snapshot.interrupts[0].value.get("asked", ""))


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
