"""The analyst that uses a language model for every step; fulfils ``research.analysts.Analyst``.

A reply that cannot be used is asked for again in easier ways (``research.analysts.structured``); after that the
fallback analyst takes the step over and ``lapses`` says so, as it does where a prompt is too long for the model. A
report is always composed: without the model, where the budget or the model fails. Writing and checking it is in
``research.analysts.writing``, how findings are shown in ``research.analysts.showing``, what is let through of a reply
in ``research.analysts.acceptance``, the prompts in ``research.prompts``, permissions in ``research.access``.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from itertools import groupby

from research.access import Access
from research.analysts import Analyst, Bounds, Notes, Review, Turn
from research.analysts.acceptance import (
    MOST_MOVES,
    foreign,
    gap_from,
    misplaced,
    quotes_from,
    sources_of,
    tasks_from,
    tidy,
    unplaced,
)
from research.analysts.checking import review
from research.analysts.composing import once
from research.analysts.disagreements import disagreements
from research.analysts.reranking import RANK_TOKENS, RankReply, handles_in_order, shown_hits
from research.analysts.schemas import JudgeReply, PlanReply, ReadReply, schema_of
from research.analysts.showing import best, listed, shown_findings, task_fields, words_of
from research.analysts.simpler import simpler_judgement, simpler_plan, simpler_reading
from research.analysts.stepping import FEW_SHOWN, next_turn
from research.analysts.structured import Unusable, ask
from research.analysts.writing import compose
from research.errors import EffectFailed, OutOfBudget
from research.passages import joined
from research.prompts import block, mark_of, prompt
from research.records import (
    Draft,
    Finding,
    Gap,
    Hit,
    Label,
    Passage,
    Plan,
    Question,
    Quote,
    Task,
)

PLAN_TOKENS = 1500
READ_TOKENS = 1500
"""For ``FEW_QUOTES``; for more in proportion."""
FEW_QUOTES, MORE_QUOTES, MOST_QUOTES = 6, 3, 15
"""The quotes of a page or a corpus, the more for each further page that is read with it, the most of one reading."""
JUDGE_TOKENS = 400
FEW_PASSAGES = 2
"""Up to here a reading that the budget does not allow is left to the fallback; of more, the first half is tried."""


class LanguageAnalyst:
    """``fallback`` takes over a step whose reply cannot be used; ``model`` is only the name that the report shows."""

    agentic = True

    def __init__(self, fallback: Analyst, model: str = "") -> None:
        self.name = f"language model {model}".strip()
        self.lapses: list[str] = []
        self._fallback = fallback

    def _lapsed(self, step: str) -> None:
        """Note a step that the fallback took over; kept sorted, because branches end in any order."""
        if step not in self.lapses:
            bisect.insort(self.lapses, step)

    async def plan(self, question: Question, bounds: Bounds, access: Access) -> Plan:
        sources = sources_of(question)
        fields: dict[str, object] = {"mark": mark_of(question.text), "question": question.text}
        fields |= {"branches": bounds.branches}
        messages = prompt("planner", sources=listed(sources), **fields)
        if sources:
            try:
                schema, easier = schema_of(PlanReply, sources), simpler_plan(sources, fields)
                doubt = foreign(question)
                reply = await ask(access, "planner", messages, PlanReply, schema, PLAN_TOKENS, easier, doubt)
                reply = PlanReply(rationale="", tasks=()) if doubt(reply) else reply
            except (Unusable, EffectFailed) as failure:
                _forgive(failure)
                reply = PlanReply(rationale="", tasks=())
            tasks = tasks_from(reply.tasks, sources, len(reply.tasks))
            if tasks:
                kept, dropped = tasks[: bounds.branches], tasks[bounds.branches :]
                surplus = tuple(task.objective for task in dropped)
                lost = misplaced(reply.tasks, sources)
                return Plan(tasks=kept, rationale=tidy(reply.rationale), dropped=surplus, misplaced=lost)
        self._lapsed("plan")
        return await self._fallback.plan(question, bounds, access)

    async def rank(self, task: Task, question: Question, hits: Sequence[Hit], access: Access) -> tuple[str, ...]:
        mark = mark_of(question.text, task.objective, *(hit.title + hit.snippet for hit in hits))
        fields = task_fields(task, mark) | {"question": question.text, "hits": shown_hits(hits, mark)}
        messages = prompt("reranker", **fields)
        try:
            reply = await ask(access, "reader", messages, RankReply, schema_of(RankReply), RANK_TOKENS)
        except Unusable as fault:  # there is nothing to take over: the order that was there is kept
            raise EffectFailed(str(fault)) from None
        return handles_in_order(reply, hits)

    async def read(
        self, task: Task, question: Question, passages: Sequence[Passage], access: Access
    ) -> tuple[Quote, ...]:
        if not passages:
            return ()
        rows, pages = joined(passages), len({passage.source for passage in passages}) if task.type == "web" else 1
        mark = mark_of(question.text, task.objective, *(row.text for row in rows))
        shown = [
            block("passage", mark, row.text, number=number, title=row.title[:120]) for number, row in enumerate(rows, 1)
        ]
        most = min(MOST_QUOTES, FEW_QUOTES + MORE_QUOTES * (pages - 1))
        fields = task_fields(task, mark) | {"question": question.text, "passages": "\n\n".join(shown), "most": most}
        messages, easier = prompt("reader", **fields), simpler_reading(rows, fields)
        try:
            room = READ_TOKENS * most // FEW_QUOTES
            lost = unplaced(rows)
            reply = await ask(access, "reader", messages, ReadReply, schema_of(ReadReply), room, easier, lost)
        except Unusable:
            pass
        except (OutOfBudget, EffectFailed) as failure:
            # What was fetched is paid for, and the fallback reads it without a call, whichever cap was reached.
            if len(passages) > 1 and isinstance(failure, EffectFailed) and failure.too_long:
                first, rest = _halves(passages)
                quotes = await self.read(task, question, first, access)
                return (*quotes, *await self.read(task, question, rest, access))
            if len(passages) > FEW_PASSAGES and isinstance(failure, OutOfBudget) and _unaffordable(failure):
                return await self._read_in_part(task, question, passages, access)
            if isinstance(failure, EffectFailed):
                _forgive(failure)
        else:
            if not lost(reply):
                return quotes_from(reply, rows)
        self._lapsed("reading")
        return await self._read_by_rules(task, question, passages, access)

    async def _read_by_rules(
        self, task: Task, question: Question, passages: Sequence[Passage], access: Access
    ) -> tuple[Quote, ...]:
        """Have the fallback read, page by page, as it is used to; a corpus it reads at once."""
        pages = [tuple(own) for _, own in groupby(passages, lambda passage: passage.source)]
        parts = pages if task.type == "web" else [tuple(passages)]
        return tuple([quote for part in parts for quote in await self._fallback.read(task, question, part, access)])

    async def _read_in_part(
        self, task: Task, question: Question, passages: Sequence[Passage], access: Access
    ) -> tuple[Quote, ...]:
        """Have the model read the first half, which may still be affordable, and the fallback the rest."""
        first, rest = _halves(passages)
        self._lapsed("reading")
        quotes = await self.read(task, question, first, access)
        return (*quotes, *await self._read_by_rules(task, question, rest, access))

    async def judge(self, task: Task, findings: Sequence[Finding], asked: Sequence[str], access: Access) -> Gap | None:
        if not findings:
            return await self._fallback.judge(task, findings, asked, access)
        mark = mark_of(task.objective, *asked, *words_of(findings))
        shown = shown_findings(findings, mark, quoted=False)
        fields = task_fields(task, mark) | {"asked": listed(asked), "findings": shown}
        messages, easier = prompt("judge", **fields), simpler_judgement(fields)
        try:
            reply = await ask(access, "reader", messages, JudgeReply, schema_of(JudgeReply), JUDGE_TOKENS, easier)
        except (Unusable, EffectFailed) as failure:
            _forgive(failure)
            if isinstance(failure, EffectFailed) and len(findings) > FEW_SHOWN:
                return await self.judge(task, best(findings, len(findings) // 2), asked, access)
        except OutOfBudget as refusal:
            if not _unaffordable(refusal):
                raise
        else:
            return None if reply.enough else gap_from(reply, task, asked)
        self._lapsed("judging")
        return await self._fallback.judge(task, findings, asked, access)

    async def step(
        self,
        task: Task,
        question: Question,
        findings: Sequence[Finding],
        hits: Sequence[Hit],
        asked: Sequence[str],
        access: Access,
    ) -> Turn:
        try:
            turn = await next_turn(access, task, question, findings, hits, asked)
        except EffectFailed as failure:
            _forgive(failure)
            turn = None
        # What was asked or found beyond the task's own queries shows that the model can call tools. One that never did
        # is not done: its branch would end with nothing.
        moved = bool(findings) or any(query not in task.queries for query in asked)
        if turn is not None and (moved or turn.queries or turn.handles):
            return turn
        self._lapsed("choice of steps")
        return Turn(queries=() if hits else task.queries, handles=tuple(hit.handle for hit in hits[:MOST_MOVES]))

    async def assess(self, notes: Notes, bounds: Bounds, label: Label, access: Access) -> tuple[Task, ...]:
        sources = sources_of(notes.question, label)
        if not sources or bounds.new_branches < 1 or _settled(notes):
            return ()
        gaps = [gap.missing for outcome in notes.outcomes for gap in outcome.gaps]
        findings = best(once(notes.findings, notes.tasks))
        mark = mark_of(notes.question.text, *gaps, *words_of(findings))
        fields = {
            "mark": mark,
            "branches": bounds.new_branches,
            "sources": listed(sources),
            "question": notes.question.text,
            "tasks": _ended(notes, mark),
            "gaps": listed(gaps) if gaps else "No branch reported a gap.",
            "findings": shown_findings(findings, mark, quoted=False),
        }
        schema = schema_of(PlanReply, sources)
        try:
            reply = await ask(access, "planner", prompt("assess", **fields), PlanReply, schema, PLAN_TOKENS)
        except (Unusable, EffectFailed) as failure:
            _forgive(failure)
            self._lapsed("assessment")
            return await self._fallback.assess(notes, bounds, label, access)
        round = 1 + max((task.round for task in notes.tasks), default=0)
        asked = {(task.type, task.corpus, query.casefold()) for task in notes.tasks for query in task.queries}
        tasks = tasks_from(reply.tasks, sources, bounds.new_branches, label=label, round=round)
        return tuple(
            task for task in tasks if any((task.type, task.corpus, q.casefold()) not in asked for q in task.queries)
        )

    async def compose(self, notes: Notes, access: Access) -> Draft:
        if notes.findings:
            draft = await compose(notes, access, self._lapsed)
            if draft:
                return draft
            self._lapsed("report")
        return await self._fallback.compose(notes, access)

    async def check(self, draft: Draft, notes: Notes, access: Access) -> Review:
        return await review(draft, notes, access)


def _unaffordable(refusal: OutOfBudget) -> bool:
    """Return whether only calls to a model are refused: what costs no tokens may go on."""
    return refusal.currency in ("tokens", "usd")


def _halves(passages: Sequence[Passage]) -> tuple[Sequence[Passage], Sequence[Passage]]:
    """Part the passages between two pages where there are several, else in the middle."""
    ends = [at for at in range(1, len(passages)) if passages[at - 1].source != passages[at].source]
    at = ends[(len(ends) - 1) // 2] if ends else len(passages) // 2
    return passages[:at], passages[at:]


def _forgive(failure: Unusable | EffectFailed) -> None:
    """Return where the fallback can take the step over: no usable answer, or too long a prompt. Raise all else."""
    if isinstance(failure, EffectFailed) and not failure.too_long:
        raise failure


def _settled(notes: Notes) -> bool:
    """Return whether nothing asks for another round: each branch found what it wanted, and nothing is disputed.

    Where a task was to be gone into deeply, or a branch chose its own steps, the model looks over the whole anyway.
    """
    routine = all(task.kind == "workflow" and task.effort != "deep" for task in notes.tasks)
    done = {outcome.task for outcome in notes.outcomes if outcome.outcome == "done" and not outcome.gaps}
    found = {finding.task for finding in notes.findings}
    if not routine or not all(task.id in done and task.id in found for task in notes.tasks):
        return False
    return not disagreements(notes.findings, notes.tasks, notes.sources)


def _ended(notes: Notes, mark: str) -> str:
    ends = {outcome.task: outcome.outcome for outcome in notes.outcomes}
    lines = [block("done", mark, task.objective, ended=ends.get(task.id, "not begun")) for task in notes.tasks]
    return "\n".join(lines) or "(none)"
