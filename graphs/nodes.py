"""Thin adapters of the orchestrator up to the report: state -> judgement -> partial update.

The branch's nodes are in ``graphs.branch``, the report's in ``graphs.composing``. A step that fails leaves a failure in
the state and the run goes on to a report; only planning may end the run, because without a plan there is nothing to
report on, and then it can be resumed.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from graphs.approving import accepted, pending_tasks
from graphs.clarifying import clarification
from graphs.composing import failed, notes_of
from graphs.context import RunContext
from graphs.state import VERSION, Json, RunState
from research.approval import action_of
from research.autonomy import granted
from research.effort import weights
from research.errors import OutOfBudget
from research.forked import Round, round_id
from research.records import (
    Failure,
    Label,
    Mode,
    Plan,
    Question,
    Task,
    build,
    counted,
    ident,
    plain,
)
from research.triage import triage

CALLS_WORTH_A_BRANCH = 2
"""A branch that cannot make two calls (ask, read) is not started; the others get its share."""


async def triage_step(state: RunState, runtime: Runtime[RunContext]) -> Json:
    """Choose the mode and say why."""
    context = runtime.context
    mode = triage(build(Question, state["question"]), context.options, model=context.analyst.agentic)
    context.gate.tell("triage", detail=f"{mode.name}: {' '.join(mode.reasons)}")
    return {"version": VERSION, "mode": plain(mode), "round": 1}


async def plan_step(state: RunState, runtime: Runtime[RunContext]) -> Json:
    """Ask for the plan, first what is unclear; too small a budget for the plan is told in the report."""
    context = runtime.context
    question = build(Question, state["question"])
    said = await clarification(context, question)
    update: Json = {"clarification": plain(said)} if said else {}
    asked = said.added_to(question) if said else question
    try:
        plan = await context.analyst.plan(asked, context.bounds, context.trunk("planner", "plan"))
    except OutOfBudget as refusal:
        failure = Failure(where="planning", what=f"{refusal}; give the run a larger cap")
        return {**update, "failures": {"plan": plain(failure)}, "pending": []}
    await context.keep_lapses()
    plan = msgspec.structs.replace(plan, tasks=plan.tasks[: context.bounds.branches])
    return {**update, **await begin_plan(context, build(Mode, state["mode"]), plan)}


async def begin_plan(context: RunContext, mode: Mode, plan: Plan) -> Json:
    """Keep the plan and return the update that starts its round; also for a plan that a fork was given."""
    losses = [("loss", ident("l", loss), loss) for loss in context.losses]
    await context.world.records.put([("plan", "plan", plan), ("mode", "mode", mode), *losses])
    return await _start(context, mode, plan, 1)


async def _start(context: RunContext, mode: Mode, plan: Plan, number: int) -> Json:
    """Return the update that starts a round: as many branches as the budget can feed, each with its caps."""
    tasks = [msgspec.structs.replace(task, kind=granted(mode, task)) for task in plan.tasks]
    calls = context.gate.root.left().calls
    room = len(tasks) if calls is None else min(len(tasks), max(1, calls // CALLS_WORTH_A_BRANCH))
    started, dropped = tasks[:room], tasks[room:]
    unstarted = (
        {task.id: "not started: too few calls left for another branch" for task in dropped}
        | dict.fromkeys(plan.dropped, "not planned: more of them than branches; raise --branches")
        | dict.fromkeys(plan.misplaced, "not planned: it was to be looked for in a source that this run does not have")
    )
    begun = Round(plan=Plan(tasks=tuple(tasks)), unstarted=unstarted)
    await context.world.records.put([("round", round_id(number), begun)])
    for task in tasks:
        context.gate.tell("branch.planned", task.id, task.objective)
    return {
        "tasks": {task.id: plain(task) for task in tasks},
        "pending": [task.id for task in started],
        "unstarted": unstarted,
        "caps": _shares(context, started),
        "opened": round(context.gate.elapsed(), 3),
    }


def _shares(context: RunContext, started: Sequence[Task]) -> dict[str, Json]:
    """Return the caps of each branch, as plain values: what is left is divided by the efforts of their tasks."""
    calls = context.gate.root.left().calls
    parts = weights([task.effort for task in started], calls, CALLS_WORTH_A_BRANCH)
    return {
        task.id: plain(context.branch_caps(sum(parts), weight)) for task, weight in zip(started, parts, strict=True)
    }


async def approve_step(state: RunState, runtime: Runtime[RunContext]) -> Json:
    """Wait for a person where the run asks for it; without a yes to this very plan nothing is started."""
    options = runtime.context.options
    if not (options.approve or options.plan_only) or not state.get("pending"):
        return {"approved": True}
    action = action_of(runtime.context.gate.run, pending_tasks(state))
    answer = interrupt({"tasks": [state["tasks"][id] for id in state["pending"]]})
    if accepted(answer, action):
        return {"approved": True}
    reason = "the plan was not approved"
    return {"approved": False, "pending": [], "unstarted": dict.fromkeys(state["pending"], reason)}


async def gather_step(state: RunState, runtime: Runtime[RunContext]) -> Json:
    """Meet after a round's branches."""
    used = runtime.context.gate.usage()
    runtime.context.gate.tell("round.ended", detail=f"{counted(used.calls, 'call')}, {counted(used.tokens, 'token')}")
    return {"pending": []}


async def assess_step(state: RunState, runtime: Runtime[RunContext]) -> Json:
    """Ask whether the whole needs more branches; private findings can only lead to more corpus branches."""
    context = runtime.context
    ends = state.get("outcomes", {}).values()
    short = any(end.get("limit") for end in ends if end["outcome"] != "cancelled")
    if state["round"] >= context.bounds.rounds or short or not state.get("approved", True):
        return {"pending": []}
    notes = await notes_of(state, context)
    label: Label = "private" if any(finding.label == "private" for finding in notes.findings) else "public"
    access = context.trunk("assessor", "assess")
    answers, trouble = await context.settle("assessing", [context.analyst.assess(notes, context.bounds, label, access)])
    known = {task.id for task in notes.tasks}
    tasks = [
        msgspec.structs.replace(task, label=label, round=state["round"] + 1)
        for task in (answers[0][: context.bounds.new_branches] if answers else ())
        if task.id not in known and not (label == "private" and task.type == "web")
    ]
    lost = failed("assess", "assessing", trouble)
    await context.world.records.put([("loss", ident("l", what), what) for what in lost.values()])
    update: Json = {"pending": []}
    if tasks:
        update = await _start(context, build(Mode, state["mode"]), Plan(tasks=tuple(tasks)), state["round"] + 1)
    return {**update, "round": state["round"] + 1, "failures": lost}
