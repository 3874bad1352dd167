"""The orchestrator's last steps as thin adapters: what was found goes to the analyst, and the report is stored.

The steps before are in ``graphs.nodes``. A step that fails leaves a failure in the state, and there is a report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from langgraph.runtime import Runtime

from graphs.border import Trouble
from graphs.clarifying import cleared
from graphs.context import RunContext
from graphs.state import Json, RunState
from research.analysts import Notes, Review, Style
from research.assemble import Facts, assemble
from research.forked import Given
from research.records import (
    BranchOutcome,
    CheckFacts,
    Clarification,
    Draft,
    Failure,
    Mode,
    Question,
    Task,
    build,
    counted,
    ident,
    plain,
)
from research.routing import rerouted


async def notes_of(state: RunState, context: RunContext) -> Notes:
    """Return what the run has so far, and how its report is wished for."""
    outcomes = _outcomes(state)
    ids = dict.fromkeys(id for outcome in outcomes for id in outcome.findings)
    findings = await context.findings(list(ids))
    return Notes(
        question=cleared(state),
        tasks=_tasks(state),
        findings=findings,
        sources=await context.sources(findings),
        outcomes=outcomes,
        style=Style(length=context.options.length, language=context.options.language),
    )


def _tasks(state: RunState) -> tuple[Task, ...]:
    return tuple(build(Task, task) for task in state.get("tasks", {}).values())


def _said(state: RunState) -> Clarification | None:
    return build(Clarification, state["clarification"]) if state.get("clarification") else None


def _outcomes(state: RunState) -> tuple[BranchOutcome, ...]:
    """Return the outcomes in the order of the tasks, whichever branch ended first."""
    outcomes = state.get("outcomes", {})
    return tuple(build(BranchOutcome, outcomes[id]) for id in state.get("tasks", {}) if id in outcomes)


def failed(name: str, where: str, trouble: Trouble, loss: str = "") -> Json:
    """Return the state's entry for a step's trouble and what else was lost in it, or nothing."""
    words = [*(failure.what for failure in trouble.failures), trouble.limit, trouble.refused, loss]
    what = "; ".join(word for word in words if word)
    return {name: plain(Failure(where=where, what=what))} if what else {}


async def compose_step(state: RunState, runtime: Runtime[RunContext]) -> Json:
    """Have the report written from the findings, on all that is left of the run's budget."""
    context = runtime.context
    notes = await notes_of(state, context)
    access = context.access("writer", "report", context.rest())
    context.gate.tell(
        "compose", detail=f"{counted(len(notes.findings), 'finding')} from {counted(len(notes.sources), 'source')}"
    )
    drafts, trouble = await context.settle("composing", [context.analyst.compose(notes, access)])
    draft = drafts[0] if drafts else Draft(answer=(), sections=())
    id = ident("d", draft)
    await context.world.records.put([("draft", id, draft)])
    return {"draft": id, "failures": failed("compose", "composing", trouble, "; ".join(access.losses))}


async def check_step(state: RunState, runtime: Runtime[RunContext]) -> Json:
    """Have the draft checked against its quotes, and what fails put right; without a check it stands as it was."""
    context = runtime.context
    notes, draft = await notes_of(state, context), await _draft(state, context)
    access = context.access("checker", "report", context.rest())
    reviews, trouble = await context.settle("checking", [context.analyst.check(draft, notes, access)])
    review = reviews[0] if reviews else Review(draft=draft)
    id = ident("d", review.draft)
    await context.world.records.put([("draft", id, review.draft)])
    lost = failed("check", "checking", trouble, "; ".join(review.losses))
    return {"draft": id, "checks": plain(review.checks), "failures": lost}


async def _draft(state: RunState, context: RunContext) -> Draft:
    return build(Draft, await context.world.records.get("draft", state["draft"]))


async def publish_step(state: RunState, runtime: Runtime[RunContext]) -> Json:
    """Put the report together and store it; a run publishes once, later tries change nothing."""
    context = runtime.context
    notes = await notes_of(state, context)
    given = await context.given()
    report = assemble(
        msgspec.structs.replace(
            _facts(state, context, notes, await context.all_lapses(), given),
            attempts=await context.attempts(),
            outside=await context.outside(),
        ),
        await _draft(state, context),
        notes.findings,
        notes.sources,
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
        question=build(Question, state["question"]),
        clarification=_said(state),
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
        checks=build(CheckFacts, state.get("checks", {})),
        usage=context.gate.usage(),
        roles=context.gate.roles(),
        routing=rerouted(context.gate.roles(), context.world.models),
        branch_usage={task.id: context.gate.usage(task.id) for task in notes.tasks},
        origin=given.origin if given else None,
        cache=context.gate.cached() if context.options.cache else None,
    )
