"""Clearing up the question before it is planned: at most one thing is asked of the person, and it is asked once.

What is unclear is the model's judgement (``research.analysts.clarifying``). The run waits for the answer as it does for
an approval: nothing goes on meanwhile, and no time of the run's passes. What was said is a record, so that a run that
goes on, a fork and a replay have it.
"""

from __future__ import annotations

from langgraph.types import interrupt

from graphs.context import RunContext
from graphs.state import RunState
from research.analysts.clarifying import question_back
from research.analysts.structured import Unusable
from research.errors import EffectFailed, OutOfBudget
from research.records import NO_TERMINAL, Clarification, Question, build

KIND = "clarification"
"""The kind of the record, and its id."""


def cleared(state: RunState) -> Question:
    """Return the question as all steps but the report's head see it: with what the person said of it."""
    question = build(Question, state["question"])
    said = state.get("clarification")
    return build(Clarification, said).added_to(question) if said else question


async def clarification(context: RunContext, question: Question) -> Clarification | None:
    """Return what was asked and answered before planning, ``None`` where nobody wants to be asked.

    Ends the graph's work until there is an answer. The model is asked again by a step that is worked again: its answer
    is recorded, and the person's is.
    """
    given = await context.given()
    if given is not None and given.clarification is not None:
        return await _kept(context, given.clarification)
    wish = context.options.clarify
    if wish == "no":
        return None
    if wish == "no terminal":
        return await _kept(context, Clarification(skipped=NO_TERMINAL))
    try:
        asked = await question_back(question, context.trunk("planner", KIND))
    except (OutOfBudget, Unusable, EffectFailed) as fault:
        if isinstance(fault, EffectFailed) and not fault.too_long:
            raise  # the plan would not get an answer either
        return await _kept(context, Clarification(skipped=str(fault)))
    if not asked:
        return await _kept(context, Clarification(skipped="the planner found nothing unclear"))
    known = await context.world.records.every(KIND)
    if known:
        return build(Clarification, known[0])
    said = build(Clarification, interrupt({"asked": asked}))
    return await _kept(context, Clarification(asked=asked, answered=said.answered, skipped=said.skipped))


async def _kept(context: RunContext, found: Clarification) -> Clarification:
    await context.world.records.put([(KIND, KIND, found)])
    context.gate.tell("clarified", detail=found.spoken)
    return found
