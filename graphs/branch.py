"""The bounded sub-agent: one task in, one typed outcome out, as a workflow or as an agent.

::

    workflow:  search -> read -> judge -> (search again | close)
    agent:     step -> (search | read | both) -> step ... -> close

All queries of a round are asked at once and all pages are read at once. Nothing here ends a run: what goes wrong is in
the outcome. Which step asks the analyst what, is all there is in this file; the judgement is the analyst's.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from graphs.border import Trouble, settle, together
from graphs.context import RunContext
from graphs.reading import Reader
from graphs.reranking import RANKING, candidates, reranked
from graphs.state import BranchInput, BranchOutput, BranchState, Json, recalled
from research.access import Access
from research.budget import Caps
from research.effort import texts_for
from research.forked import Ended
from research.ranking import best_place, spread
from research.records import (
    BranchOutcome,
    Failure,
    Finding,
    Gap,
    Hit,
    OutcomeName,
    Question,
    Task,
    build,
    counted,
    plain,
)

WEB_HITS = 6
CORPUS_HITS = 12
AGENT_TURNS = 3
"""Turns of an agent branch for each search round that a workflow branch would have."""

Next = Literal["search", "read", "judge", "step", "close"]


class Desk:
    """One branch's state with its records built and its access opened; nothing outlives a node."""

    def __init__(self, state: BranchState, context: RunContext) -> None:
        self.context = context
        self.task = build(Task, state["task"])
        gap = build(Gap, state["gap"]) if state.get("gap") else None
        # A question that only came up now is read for in what was read before, too.
        self.anew = gap is not None and bool(gap.asks)
        if gap is not None and gap.asks:
            self.task = msgspec.structs.replace(self.task, asks=gap.asks)
        budget = context.gate.open(self.task.id, build(Caps, state["caps"]), opened=state["opened"])
        self.access: Access = context.access(self.task.type, self.task.id, budget)
        self.limit = texts_for(self.task.effort, CORPUS_HITS if self.task.type == "corpus" else WEB_HITS)
        self.candidates = candidates(context, self.limit)
        # Only what a web search found can be fetched: a passage of a corpus is not kept as a hit.
        self.kept = "passage" if self.task.type == "corpus" else "hit"

    async def findings(self, state: BranchState) -> tuple[Finding, ...]:
        """Return the branch's findings so far."""
        return await self.context.findings(state.get("findings", []))

    async def ask(self, query: str) -> tuple[Hit, ...]:
        """Search or retrieve, as the branch's type allows."""
        if self.task.type == "corpus":
            return await self.access.retrieve(self.task.corpus or "", query, limit=self.candidates)
        return await self.access.search(query, label=self.task.label)


def _over(state: BranchState) -> str:
    """Return what ended the branch before it was done: a budget, a missing right, an order; else nothing."""
    return state.get("limit") or state.get("refused") or state.get("cancelled") or ""


def _note(state: BranchState, trouble: Trouble) -> Json:
    """Return the update that adds ``trouble`` to the branch's state."""
    return {
        "failures": [*state.get("failures", []), *(plain(failure) for failure in trouble.failures)],
        "limit": state.get("limit", "") or trouble.limit,
        "refused": state.get("refused", "") or trouble.refused,
        "cancelled": state.get("cancelled", "") or trouble.cancelled,
    }


async def search(state: BranchState, runtime: Runtime[RunContext]) -> Json:
    """Ask every open query at once and choose the hits to read."""
    desk = Desk(state, runtime.context)
    asked = state.get("asked", [])
    open_queries = [query for query in dict.fromkeys(state["queries"]) if query not in asked]
    queries = open_queries[: runtime.context.bounds.queries]
    lists, trouble = await settle("search", [desk.ask(query) for query in queries])
    lost = [Failure(where="search", what=what) for what in dict.fromkeys(desk.access.losses)]
    if uncut := len(open_queries) - len(queries):
        lost.append(
            Failure(
                where="search", what=f"{uncut:,} of {len(open_queries):,} queries not asked: too many for one round"
            )
        )
    trouble = msgspec.structs.replace(trouble, failures=(*trouble.failures, *lost))
    ranked = best_place(lists, key=lambda hit: hit.handle)
    seen = state.get("seen", [])
    unread = spread([hit for hit in ranked if desk.anew or hit.handle not in seen], desk.candidates)
    question = Question(text=state["question"])
    fresh, more = await reranked(runtime.context, desk.task, question, desk.access, unread, desk.limit)
    trouble = trouble.plus(more)
    await runtime.context.world.records.put([(desk.kept, hit.handle, hit) for hit in fresh])
    handles = [hit.handle for hit in fresh]
    if desk.anew and desk.task.type == "corpus":
        handles += [handle for handle in seen if handle not in handles]
    if desk.task.kind == "agent" and desk.task.type == "web":
        read, offered = state.get("hits", []), [*state.get("offered", []), *handles]
    else:
        read, offered = [*state.get("hits", []), *handles], state.get("offered", [])
    update = {"queries": [], "asked": [*asked, *queries], "hits": read, "offered": offered}
    return {**update, "round": state.get("round", 0) + 1, **_note(state, trouble)}


async def read(state: BranchState, runtime: Runtime[RunContext]) -> Json:
    """Read the chosen hits at once and keep what they say as located findings."""
    desk = Desk(state, runtime.context)
    question = Question(text=state["question"])
    reader = Reader(runtime.context, desk.task, desk.access, question)
    hits = [build(Hit, await runtime.context.world.records.get(desk.kept, id)) for id in state["hits"]]
    readings, trouble = await runtime.context.settle("read", reader.jobs(hits, state.get("abreast", 1)))
    trouble = together([trouble, *(reading.trouble for reading in readings)])
    findings = [finding for reading in readings for finding in reading.findings]
    lost = [Failure(where="read", what=what) for reading in readings for what in reading.losses]
    trouble = msgspec.structs.replace(trouble, failures=(*trouble.failures, *lost))
    known = state.get("findings", [])
    fresh = list(dict.fromkeys(finding.id for finding in findings if finding.id not in known))
    runtime.context.gate.tell(
        "branch.read", desk.task.id, f"{counted(len(fresh), 'finding')} from {counted(len(hits), 'hit')}"
    )
    seen = list(dict.fromkeys([*state.get("seen", []), *state["hits"]]))
    update = {"hits": [], "seen": seen, "findings": [*known, *fresh]}
    return {**update, **_note(state, trouble)}


async def judge(state: BranchState, runtime: Runtime[RunContext]) -> Json:
    """Ask the analyst what is missing; its queries start another round, no answer ends the branch."""
    desk = Desk(state, runtime.context)
    analyst = runtime.context.analyst
    found = await desk.findings(state)
    gaps, trouble = await runtime.context.settle(
        "judge", [_judged(analyst.judge(desk.task, found, state["asked"], desk.access))]
    )
    gap = gaps[0][0] if gaps else None
    bounds = runtime.context.bounds
    rounds = bounds.rounds_of(desk.task) if gap and gap.asks else bounds.search_rounds(desk.task)
    more = state.get("round", 0) < rounds and not state.get("limit")
    queries = [q for q in (gap.queries if gap and more else ()) if q not in state["asked"]]
    return {"gap": plain(gap) if gap else None, "queries": queries, **_note(state, trouble)}


async def _judged(asked: Any) -> tuple[Gap | None]:
    """Wrap an answer that may be ``None``, so that it is not taken for a failed job."""
    return (await asked,)


async def step(state: BranchState, runtime: Runtime[RunContext]) -> Json:
    """Ask the model for the agent branch's next move; an empty move ends the branch."""
    desk = Desk(state, runtime.context)
    records = runtime.context.world.records
    seen = state.get("seen", [])
    open_hits = [build(Hit, await records.get("hit", id)) for id in state.get("offered", []) if id not in seen]
    found = await desk.findings(state)
    question = Question(text=state["question"])
    asked = state.get("asked", [])
    move = runtime.context.analyst.step(desk.task, question, found, open_hits, asked, desk.access)
    turns, trouble = await runtime.context.settle("step", [move])
    turns_allowed = AGENT_TURNS * runtime.context.bounds.search_rounds(desk.task)
    more = state.get("turn", 0) < turns_allowed and not state.get("limit")
    known = {hit.handle for hit in open_hits}
    queries = [q for turn in turns if more for q in turn.queries if q not in asked]
    handles = [handle for turn in turns if more for handle in turn.handles if handle in known]
    handles = handles[: runtime.context.bounds.handles]
    return {"queries": queries, "hits": handles, "turn": state.get("turn", 0) + 1, **_note(state, trouble)}


async def close(state: BranchState, runtime: Runtime[RunContext]) -> Json:
    """Write the branch's outcome and give back what it did not spend."""
    task = build(Task, state["task"])
    gap = build(Gap, state["gap"]) if state.get("gap") else None
    outcome = BranchOutcome(
        task=task.id,
        outcome=_outcome(state),
        findings=tuple(state.get("findings", [])),
        failures=tuple(build(Failure, failure) for failure in state.get("failures", [])),
        gaps=(gap,) if gap else (),
        rounds=state.get("round", 0),
        asked=tuple(state.get("asked", [])),
    )
    ended = Ended(outcome=outcome, limit=_over(state))
    await runtime.context.world.records.put([("outcome", task.id, ended)])
    runtime.context.gate.close(task.id)
    detail = f"{outcome.outcome}, {counted(len(outcome.findings), 'finding')}"
    runtime.context.gate.tell("branch.ended", task.id, detail)
    return {"outcomes": {task.id: recalled(ended)}}


def _outcome(state: BranchState) -> OutcomeName:
    if state.get("limit"):
        return "out of budget"
    if state.get("refused"):
        return "refused"
    if state.get("cancelled"):
        return "cancelled"
    if state.get("failures"):
        # A ranking that was lost kept nothing from being read.
        missed = any(failure["where"] != RANKING for failure in state["failures"])
        return "failed" if missed and not state.get("findings") else "partial"
    return "done"


def _first(state: BranchState) -> Next:
    return "step" if state["task"]["kind"] == "agent" else "search"


def _after_search(state: BranchState) -> Next:
    return "read" if state.get("hits") else _after_read(state)


def _after_read(state: BranchState) -> Next:
    if _over(state):
        return "close"
    return "step" if state["task"]["kind"] == "agent" else "judge"


def _after_judge(state: BranchState) -> Next:
    if _over(state):
        return "close"
    return "search" if state.get("queries") else "close"


def _after_step(state: BranchState) -> Next:
    return "read" if state.get("hits") and not state.get("queries") else _after_judge(state)


def build_branch() -> CompiledStateGraph[BranchState, RunContext, BranchInput, BranchOutput]:
    """Return the compiled branch; it uses its parent's checkpointer."""
    builder = StateGraph(BranchState, RunContext, input_schema=BranchInput, output_schema=BranchOutput)
    for node in (search, read, judge, step, close):
        builder.add_node(node.__name__, node)
    builder.add_conditional_edges(START, _first, ["search", "step"])
    builder.add_conditional_edges("search", _after_search, ["read", "judge", "step", "close"])
    builder.add_conditional_edges("read", _after_read, ["judge", "step", "close"])
    builder.add_conditional_edges("judge", _after_judge, ["search", "close"])
    builder.add_conditional_edges("step", _after_step, ["search", "read", "close"])
    builder.add_edge("close", END)
    return builder.compile()
