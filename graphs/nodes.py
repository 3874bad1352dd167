"""Thin adapters of the orchestrator: state -> judgement -> partial update.

The branch's nodes are in ``graphs.branch``. A step that fails leaves a failure in the state and the run goes on to a
report; only planning may end the run, because without a plan there is nothing to report on, and then it can be resumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from graphs.border import Trouble
from graphs.context import RunContext
from graphs.state import VERSION, Json, RunState
from research.analysts import Notes
from research.analysts.acceptance import MOST_CHECKS
from research.assemble import Facts, assemble, sentence_id
from research.autonomy import granted
from research.errors import OutOfBudget
from research.forked import Given, Round, round_id
from research.records import (
    BranchOutcome,
    Draft,
    Failure,
    Label,
    Mode,
    Plan,
    Question,
    Sentence,
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
    """Ask for the plan; too small a budget for it is told in the report."""
    context = runtime.context
    question = build(Question, state["question"])
    try:
        plan = await context.analyst.plan(question, context.bounds, context.trunk("planner", "plan"))
    except OutOfBudget as refusal:
        failure = Failure(where="planning", what=f"{refusal}; give the run a larger cap")
        return {"failures": {"plan": plain(failure)}, "pending": []}
    await context.keep_lapses()
    plan = msgspec.structs.replace(plan, tasks=plan.tasks[: context.bounds.branches])
    return await begin_plan(context, build(Mode, state["mode"]), plan)


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
    unstarted = {task.id: "not started: too few calls left for another branch" for task in dropped} | dict.fromkeys(
        plan.dropped, "not planned: more of them than branches; raise --branches"
    )
    begun = Round(plan=Plan(tasks=tuple(tasks)), unstarted=unstarted)
    await context.world.records.put([("round", round_id(number), begun)])
    for task in tasks:
        context.gate.tell("branch.planned", task.id, task.objective)
    return {
        "tasks": {task.id: plain(task) for task in tasks},
        "pending": [task.id for task in started],
        "unstarted": unstarted,
        "caps": plain(context.branch_caps(max(1, len(started)))),
        "opened": round(context.gate.elapsed(), 3),
    }


async def approve_step(state: RunState, runtime: Runtime[RunContext]) -> Json:
    """Wait for a person where the run asks for it; a declined plan starts nothing."""
    if not runtime.context.options.approve or not state.get("pending"):
        return {"approved": True}
    answer = interrupt({"tasks": [state["tasks"][id] for id in state["pending"]]})
    if answer == "yes":
        return {"approved": True}
    reason = "the plan was not approved"
    return {"approved": False, "pending": [], "unstarted": dict.fromkeys(state["pending"], reason)}


async def gather_step(state: RunState, runtime: Runtime[RunContext]) -> Json:
    """Meet after a round's branches."""
    used = runtime.context.gate.usage()
    runtime.context.gate.tell("round.ended", detail=f"{counted(used.calls, 'call')}, {counted(used.tokens, 'token')}")
    return {"pending": []}


async def _notes(state: RunState, context: RunContext) -> Notes:
    outcomes = _outcomes(state)
    ids = dict.fromkeys(id for outcome in outcomes for id in outcome.findings)
    findings = await context.findings(list(ids))
    return Notes(
        question=build(Question, state["question"]),
        tasks=_tasks(state),
        findings=findings,
        sources=await context.sources(findings),
        outcomes=outcomes,
    )


def _tasks(state: RunState) -> tuple[Task, ...]:
    return tuple(build(Task, task) for task in state.get("tasks", {}).values())


def _outcomes(state: RunState) -> tuple[BranchOutcome, ...]:
    """Return the outcomes in the order of the tasks, whichever branch ended first."""
    outcomes = state.get("outcomes", {})
    return tuple(build(BranchOutcome, outcomes[id]) for id in state.get("tasks", {}) if id in outcomes)


async def assess_step(state: RunState, runtime: Runtime[RunContext]) -> Json:
    """Ask whether the whole needs more branches; private findings can only lead to more corpus branches."""
    context = runtime.context
    ends = state.get("outcomes", {}).values()
    short = any(end.get("limit") for end in ends if end["outcome"] != "cancelled")
    if state["round"] >= context.bounds.rounds or short or not state.get("approved", True):
        return {"pending": []}
    notes = await _notes(state, context)
    label: Label = "private" if any(finding.label == "private" for finding in notes.findings) else "public"
    access = context.trunk("assessor", "assess")
    answers, trouble = await context.settle("assessing", [context.analyst.assess(notes, context.bounds, label, access)])
    known = {task.id for task in notes.tasks}
    tasks = [
        msgspec.structs.replace(task, label=label, round=state["round"] + 1)
        for task in (answers[0][: context.bounds.new_branches] if answers else ())
        if task.id not in known and not (label == "private" and task.type == "web")
    ]
    failed = _failed("assess", "assessing", trouble)
    await context.world.records.put([("loss", ident("l", what), what) for what in failed.values()])
    update: Json = {"pending": []}
    if tasks:
        update = await _start(context, build(Mode, state["mode"]), Plan(tasks=tuple(tasks)), state["round"] + 1)
    return {**update, "round": state["round"] + 1, "failures": failed}


def _failed(name: str, where: str, trouble: Trouble, loss: str = "") -> Json:
    """Return the state's entry for a step's trouble and what else was lost in it, or nothing."""
    words = [*(failure.what for failure in trouble.failures), trouble.limit, trouble.refused, loss]
    what = "; ".join(word for word in words if word)
    return {name: plain(Failure(where=where, what=what))} if what else {}


async def compose_step(state: RunState, runtime: Runtime[RunContext]) -> Json:
    """Have the report written from the findings, on all that is left of the run's budget."""
    context = runtime.context
    notes = await _notes(state, context)
    access = context.access("writer", "report", context.rest())
    context.gate.tell(
        "compose", detail=f"{counted(len(notes.findings), 'finding')} from {counted(len(notes.sources), 'source')}"
    )
    drafts, trouble = await context.settle("composing", [context.analyst.compose(notes, access)])
    draft = drafts[0] if drafts else Draft(answer=(), sections=())
    id = ident("d", draft)
    await context.world.records.put([("draft", id, draft)])
    return {"draft": id, "failures": _failed("compose", "composing", trouble)}


async def check_step(state: RunState, runtime: Runtime[RunContext]) -> Json:
    """Have the sentences that claim something checked against their quotes: as many as a model may be asked about."""
    context = runtime.context
    notes = await _notes(state, context)
    draft = await _draft(state, context)
    access = context.access("checker", "report", context.rest())
    known = {finding.id: finding for finding in notes.findings}
    sentences = [s for part in (draft.answer, *(section.sentences for section in draft.sections)) for s in part]
    claims = list(dict.fromkeys(sentence for sentence in sentences if sentence.findings))

    async def verdict(claim: Sentence) -> tuple[str, str]:
        quotes = [known[id] for id in claim.findings if id in known]
        return sentence_id(claim), await context.analyst.check(claim, quotes, access)

    asked = claims[:MOST_CHECKS] if context.analyst.agentic else claims
    verdicts, trouble = await context.settle("checking", [verdict(claim) for claim in asked])
    beyond = (
        f"of {len(claims)} sentences, only the first {len(asked)} are given to the checker"
        if len(asked) < len(claims)
        else ""
    )
    return {"verdicts": dict(verdicts), "failures": _failed("check", "checking", trouble, beyond)}


async def _draft(state: RunState, context: RunContext) -> Draft:
    return build(Draft, await context.world.records.get("draft", state["draft"]))


async def publish_step(state: RunState, runtime: Runtime[RunContext]) -> Json:
    """Put the report together and store it; a run publishes once, later tries change nothing."""
    context = runtime.context
    notes = await _notes(state, context)
    given = await context.given()
    report = assemble(
        _facts(state, context, notes, await context.all_lapses(), given),
        await _draft(state, context),
        notes.findings,
        notes.sources,
        msgspec.convert(state.get("verdicts", {}), dict[str, Any]),
        lambda source: str(context.world.library.path(source)),
    )
    await context.world.records.put([("report", "report", report)])
    context.gate.tell("published", detail=report.status)
    return {"report": "report"}


def _facts(state: RunState, context: RunContext, notes: Notes, lapses: tuple[str, ...], given: Given | None) -> Facts:
    limits = {id: str(outcome.get("limit") or "") for id, outcome in state.get("outcomes", {}).items()}
    failures: Sequence[Any] = list(state.get("failures", {}).values())
    return Facts(
        run=context.gate.run,
        question=notes.question,
        mode=build(Mode, state["mode"]),
        analyst=context.analyst.name,
        notice=context.notice,
        options=context.options,
        tasks=notes.tasks,
        outcomes=notes.outcomes,
        limits={id: limit for id, limit in limits.items() if limit},
        unstarted=state.get("unstarted", {}),
        failures=tuple(build(Failure, failure) for failure in failures)
        + context.losses
        + (given.losses if given else ()),
        lapses=lapses,
        usage=context.gate.usage(),
        branch_usage={task.id: context.gate.usage(task.id) for task in notes.tasks},
        origin=given.origin if given else None,
    )
