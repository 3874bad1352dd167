"""The analyst that uses a language model for every step; fulfils ``research.analysts.Analyst``.

A reply that cannot be used is repaired once; after that the fallback analyst takes the step over and ``lapses`` says
so. A report is always composed: without the model, where the budget or the model fails. What is let through of a
reply is in ``research.analysts.acceptance``, the prompts in ``research.prompts``, permissions in ``research.access``.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence

from research.access import Access
from research.analysts import Analyst, Bounds, Notes, Turn
from research.analysts.acceptance import draft_from, gap_from, quotes_from, sources_of, tasks_from, tidy, turn_from
from research.analysts.composing import once
from research.analysts.reranking import RANK_TOKENS, RankReply, handles_in_order, shown_hits
from research.analysts.schemas import TOOLS, CheckReply, JudgeReply, PlanReply, ReadReply, WriteReply, schema_of
from research.analysts.structured import Unusable, ask
from research.errors import EffectFailed, OutOfBudget
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
    Sentence,
    Source,
    Task,
    VerdictName,
)

PLAN_TOKENS = 1500
READ_TOKENS = 1500
JUDGE_TOKENS = 400
STEP_TOKENS = 400
WRITE_TOKENS = 4000
CHECK_TOKENS = 150
MOST_FINDINGS = 60
"""Findings shown to the writer, the most relevant first: their prompt stays under some 15,000 tokens."""
LONGEST_QUOTE = 800
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
        fields = {"mark": mark_of(question.text), "question": question.text, "branches": bounds.branches}
        messages = prompt("planner", sources=_listed(sources), **fields)
        if sources:
            try:
                reply = await ask(access, "planner", messages, PlanReply, schema_of(PlanReply, sources), PLAN_TOKENS)
            except Unusable:
                reply = PlanReply(rationale="", tasks=())
            tasks = tasks_from(reply.tasks, sources, len(reply.tasks))
            if tasks:
                kept, dropped = tasks[: bounds.branches], tasks[bounds.branches :]
                surplus = tuple(task.objective for task in dropped)
                return Plan(tasks=kept, rationale=tidy(reply.rationale), dropped=surplus)
        self._lapsed("plan")
        return await self._fallback.plan(question, bounds, access)

    async def rank(self, task: Task, question: Question, hits: Sequence[Hit], access: Access) -> tuple[str, ...]:
        mark = mark_of(question.text, task.objective, *(hit.title + hit.snippet for hit in hits))
        fields = _task_fields(task, mark) | {"question": question.text, "hits": shown_hits(hits, mark)}
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
        mark = mark_of(question.text, task.objective, *(passage.text for passage in passages))
        shown = [
            block("passage", mark, passage.text, number=number, title=passage.title[:120])
            for number, passage in enumerate(passages, 1)
        ]
        messages = prompt("reader", question=question.text, passages="\n\n".join(shown), **_task_fields(task, mark))
        try:
            reply = await ask(access, "reader", messages, ReadReply, schema_of(ReadReply), READ_TOKENS)
        except Unusable:
            pass
        except OutOfBudget as refusal:
            # What was fetched is paid for, and the fallback reads it without a call, whichever cap was reached.
            if _unaffordable(refusal) and len(passages) > FEW_PASSAGES:
                return await self._read_in_part(task, question, passages, access)
        else:
            return quotes_from(reply, passages)
        self._lapsed("reading")
        return await self._fallback.read(task, question, passages, access)

    async def _read_in_part(
        self, task: Task, question: Question, passages: Sequence[Passage], access: Access
    ) -> tuple[Quote, ...]:
        """Have the model read the first half, which may still be affordable, and the fallback the rest."""
        half = len(passages) // 2
        self._lapsed("reading")
        first = await self.read(task, question, passages[:half], access)
        return (*first, *await self._fallback.read(task, question, passages[half:], access))

    async def judge(self, task: Task, findings: Sequence[Finding], asked: Sequence[str], access: Access) -> Gap | None:
        if not findings:
            return await self._fallback.judge(task, findings, asked, access)
        mark = mark_of(task.objective, *asked, *_words_of(findings))
        fields = _task_fields(task, mark) | {"asked": _listed(asked), "findings": _shown(findings, mark)}
        messages = prompt("judge", **fields)
        try:
            reply = await ask(access, "reader", messages, JudgeReply, schema_of(JudgeReply), JUDGE_TOKENS)
        except Unusable:
            pass
        except OutOfBudget as refusal:
            if not _unaffordable(refusal):
                raise
        else:
            return None if reply.enough else gap_from(reply, task, asked)
        self._lapsed("judging")
        return await self._fallback.judge(task, findings, asked, access)

    async def step(
        self, task: Task, question: Question, findings: Sequence[Finding], hits: Sequence[Hit], access: Access
    ) -> Turn:
        mark = mark_of(question.text, task.objective, *(hit.handle + hit.snippet for hit in hits), *_words_of(findings))
        shown = [block("hit", mark, tidy(hit.snippet), handle=hit.handle, title=hit.title[:120]) for hit in hits]
        fields = _task_fields(task, mark) | {
            "question": question.text,
            "count": len(findings),
            "findings": _shown(findings, mark),
            "hits": "\n".join(shown) or "(none)",
        }
        reply = await access.ask_model(
            "researcher", prompt("researcher", **fields), max_tokens=STEP_TOKENS, tools=TOOLS
        )
        return turn_from(reply.tool_calls, {hit.handle for hit in hits})

    async def assess(self, notes: Notes, bounds: Bounds, label: Label, access: Access) -> tuple[Task, ...]:
        sources = sources_of(notes.question, label)
        if not sources or bounds.new_branches < 1:
            return ()
        gaps = [gap.missing for outcome in notes.outcomes for gap in outcome.gaps]
        findings = _best(once(notes.findings, notes.tasks))
        mark = mark_of(notes.question.text, *gaps, *_words_of(findings))
        fields = {
            "mark": mark,
            "branches": bounds.new_branches,
            "sources": _listed(sources),
            "question": notes.question.text,
            "tasks": _ended(notes, mark),
            "gaps": _listed(gaps) if gaps else "No branch reported a gap.",
            "findings": _shown(findings, mark, quoted=False),
        }
        schema = schema_of(PlanReply, sources)
        try:
            reply = await ask(access, "planner", prompt("assess", **fields), PlanReply, schema, PLAN_TOKENS)
        except Unusable:
            self._lapsed("assessment")
            return await self._fallback.assess(notes, bounds, label, access)
        round = 1 + max((task.round for task in notes.tasks), default=0)
        asked = {(task.type, task.corpus, query.casefold()) for task in notes.tasks for query in task.queries}
        tasks = tasks_from(reply.tasks, sources, bounds.new_branches, label=label, round=round)
        return tuple(
            task for task in tasks if any((task.type, task.corpus, q.casefold()) not in asked for q in task.queries)
        )

    async def compose(self, notes: Notes, access: Access) -> Draft:
        if not notes.findings:
            return await self._fallback.compose(notes, access)
        findings = _best(once(notes.findings, notes.tasks))
        mark = mark_of(notes.question.text, *_words_of(findings))
        messages = prompt("writer", mark=mark, question=notes.question.text, findings=_grouped(notes, findings, mark))
        try:
            reply = await ask(access, "writer", messages, WriteReply, schema_of(WriteReply), WRITE_TOKENS)
            draft = draft_from(reply, notes, findings)
            if draft.answer:
                return draft
        except (Unusable, OutOfBudget, EffectFailed):
            pass  # there is always a report: below, by the fallback, which asks nobody
        self._lapsed("report")
        return await self._fallback.compose(notes, access)

    async def check(self, sentence: Sentence, findings: Sequence[Finding], access: Access) -> VerdictName:
        if not findings:
            return "could not check"
        mark = mark_of(sentence.text, *_words_of(findings))
        quotes = "\n".join(block("quote", mark, finding.quote[:LONGEST_QUOTE]) for finding in findings)
        messages = prompt("checker", mark=mark, claim=sentence.text, quotes=quotes)
        try:
            reply = await ask(access, "checker", messages, CheckReply, schema_of(CheckReply), CHECK_TOKENS)
        except (Unusable, EffectFailed):
            return "could not check"
        return reply.verdict


def _unaffordable(refusal: OutOfBudget) -> bool:
    """Return whether only calls to a model are refused: what costs no tokens may go on."""
    return refusal.currency in ("tokens", "usd")


def _best(findings: Sequence[Finding]) -> list[Finding]:
    """The most relevant findings, in their own order."""
    kept = {finding.id for finding in sorted(findings, key=lambda finding: -finding.relevance)[:MOST_FINDINGS]}
    return [finding for finding in findings if finding.id in kept]


def _words_of(findings: Sequence[Finding]) -> list[str]:
    """All that strangers may have worded in the findings, for the mark that must not be in it."""
    return [text for finding in findings for text in (finding.statement, finding.quote)]


def _task_fields(task: Task, mark: str) -> dict[str, object]:
    return {"mark": mark, "objective": task.objective, "wanted": f"Wanted: {task.wanted}" if task.wanted else ""}


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {tidy(line)}" for line in lines) or "- (none)"


def _shown(findings: Sequence[Finding], mark: str, *, quoted: bool = True, sources: Sequence[Source] = ()) -> str:
    titles = {source.id: f"{source.title[:80]} {source.published[:10]}".strip() for source in sources}
    shown = []
    for finding in findings:
        text = f"statement: {finding.statement}" + (f"\nquote: {finding.quote[:LONGEST_QUOTE]}" if quoted else "")
        named = {"source": titles[finding.source]} if finding.source in titles else {}
        shown.append(block("finding", mark, text, id=finding.id, **named))
    return "\n".join(shown) or "(none)"


def _grouped(notes: Notes, findings: Sequence[Finding], mark: str) -> str:
    """The findings under the tasks they were found for."""
    parts = []
    for task in notes.tasks:
        own = [finding for finding in findings if finding.task == task.id]
        if own:
            parts += [block("task", mark, task.objective), _shown(own, mark, sources=notes.sources)]
    known = {task.id for task in notes.tasks}
    loose = [finding for finding in findings if finding.task not in known]
    return "\n\n".join(parts + ([_shown(loose, mark, sources=notes.sources)] if loose else []))


def _ended(notes: Notes, mark: str) -> str:
    ends = {outcome.task: outcome.outcome for outcome in notes.outcomes}
    lines = [block("done", mark, task.objective, ended=ends.get(task.id, "not begun")) for task in notes.tasks]
    return "\n".join(lines) or "(none)"
