"""The analyst that needs no model: it picks sentences and rewords none. Deterministic and free.

The same question over the same passages gives the same report. It decomposes by patterns, picks verbatim sentences by
weighted word overlap, looks for what is still uncovered, follows one hop from what it found, and composes from quotes.
A short answer that it concludes is that of a fixed rule; the language analyst is for all other conclusions.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from research.access import Access
from research.analysts import Bounds, Notes, Review, Turn
from research.analysts.composing import compose, findings_on
from research.analysts.decompose import Part, decompose
from research.analysts.following import first_asks, rounds_of
from research.analysts.gathering import MOST_ASKED, gather, next_hop, read_for
from research.analysts.lacking import found_names, lacking, more_of, side_missing
from research.analysts.proving import follows
from research.analysts.querying import distinct, line_queries, queries_for
from research.analysts.relations import ask_of
from research.analysts.scoring import content_terms
from research.analysts.support import support
from research.analysts.telling import steps_of
from research.errors import Forbidden
from research.records import (
    BranchType,
    Draft,
    Finding,
    Gap,
    Hit,
    Label,
    Passage,
    Plan,
    Question,
    Quote,
    Section,
    Sentence,
    Task,
    VerdictName,
)
from research.words import keywords, terms

MOST_QUERIES = 3
"""Queries that a gap, or a task that had to take in others, is looked for with."""
Place = tuple[BranchType, str | None]


class ExtractiveAnalyst:
    """Judgement by patterns and word counts. Fulfils :class:`research.analysts.Analyst`; asks nothing of ``access``."""

    name = "extractive"
    agentic = False

    async def plan(self, question: Question, bounds: Bounds, access: Access) -> Plan:
        """Return one task per part of the question and place to look in, as far as ``bounds.branches`` goes."""
        places: list[Place] = [("corpus", name) for name in question.corpora]
        if question.web:
            places.append(("web", None))
        used = places[: bounds.branches]
        if not used:
            return Plan(tasks=(), rationale="There is no corpus and no web to look in.")
        found = decompose(question.text)
        parts = _at_most(found, max(1, bounds.branches // len(used)))
        tasks = [_task(objective, queries, place) for objective, queries in parts for place in used]
        return Plan(
            tasks=tuple(tasks),
            rationale=_rationale(len(found), len(parts), used, places),
            dropped=tuple(f"looking in {name or 'the web'}" for _, name in places[len(used) :]),
        )

    async def rank(self, task: Task, question: Question, hits: Sequence[Hit], access: Access) -> tuple[str, ...]:
        """Return the handles as they stand: how the hits were found is all the ranking that there is."""
        return tuple(hit.handle for hit in hits)

    async def read(
        self, task: Task, question: Question, passages: Sequence[Passage], access: Access
    ) -> tuple[Quote, ...]:
        """Return verbatim sentences that answer what is asked now, best first, then the nearest of each source."""
        return gather(task, passages)

    async def judge(self, task: Task, findings: Sequence[Finding], asked: Sequence[str], access: Access) -> Gap | None:
        """Return the next questions of the chain, or what no finding covers and new queries for it.

        ``None`` when all is covered or nothing is left to ask.
        """
        if task.rounds:
            return next_hop(task, findings, asked)
        side = side_missing(task, findings)
        gap = side or lacking(task, read_for(task, findings)) or more_of(task, findings)
        if gap is None:
            return None
        queries = distinct(list(gap.queries), tuple(asked))[:MOST_QUERIES]
        return Gap(task=task.id, missing=gap.missing, queries=queries) if queries or side else None

    async def step(
        self,
        task: Task,
        question: Question,
        findings: Sequence[Finding],
        hits: Sequence[Hit],
        asked: Sequence[str],
        access: Access,
    ) -> Turn:
        """Raise ``Forbidden``: there is no model to decide a next step."""
        raise Forbidden("the extractive analyst takes no steps of its own: agent branches need a model")

    async def assess(self, notes: Notes, bounds: Bounds, label: Label, access: Access) -> tuple[Task, ...]:
        """Return follow-up tasks: parts whose unnamed thing was found, asked by name; then gaps nobody filled."""
        asked = tuple(query for task in notes.tasks for query in task.queries)
        objectives = {task.objective.casefold() for task in notes.tasks}
        last = max((task.round for task in notes.tasks), default=1)
        tasks: list[Task] = []
        for objective, queries, origin, like in _unfilled(notes):
            new = distinct(list(queries), asked)[:MOST_QUERIES]
            places = _places(notes, like, label)
            if not new or not places or (origin and objective.casefold() in objectives):
                continue
            type, corpus = places[0]
            asks, rounds = (first_asks(objective), rounds_of(objective)) if _of_heads(like) else ((), 0)
            task = Task.make(
                objective,
                new,
                type,
                corpus=corpus,
                wanted=origin,
                label=label,
                round=last + 1,
                asks=asks,
                rounds=rounds,
            )
            tasks.append(task)
            asked += new
        return tuple(tasks[: bounds.new_branches])

    async def compose(self, notes: Notes, access: Access) -> Draft:
        """Return the best quoted sentences as the answer, and sections of quoted sentences."""
        return compose(notes)

    async def check(self, draft: Draft, notes: Notes, access: Access) -> Review:
        """Return the draft with the verdict on each sentence: do its quotes hold it, or does it follow by rule?"""
        known = {finding.id: finding for finding in notes.findings}

        def told(sentences: Sequence[Sentence]) -> tuple[Sentence, ...]:
            own = [(s, [known[id] for id in s.findings if id in known]) for s in sentences]
            return tuple(
                msgspec.structs.replace(s, verdict=_verdict(s, cited)) if s.findings else s for s, cited in own
            )

        sections = tuple(Section(heading=part.heading, sentences=told(part.sentences)) for part in draft.sections)
        return Review(draft=msgspec.structs.replace(draft, answer=told(draft.answer), sections=sections))


def _verdict(sentence: Sentence, cited: Sequence[Finding]) -> VerdictName:
    """Return whether the quotes hold the sentence's words, numbers, names and negations, or it follows by rule."""
    if sentence.concludes:
        return "supported" if follows(sentence, cited) else "unsupported"
    return support(sentence.text, [finding.quote for finding in cited])


def _task(objective: str, queries: tuple[str, ...], place: Place) -> Task:
    """Return a task; that of several hops begins with the questions that can be asked at once."""
    asks = first_asks(objective)
    if not asks:
        return Task.make(objective, queries, place[0], corpus=place[1])
    first = distinct([objective, *(query for ask in asks for query in queries_for(ask)[:2])], ())[:MOST_ASKED]
    return Task.make(objective, first, place[0], corpus=place[1], asks=asks, rounds=rounds_of(objective))


Piece = tuple[str, tuple[str, ...]]


def _at_most(parts: Sequence[Part], room: int) -> list[Piece]:
    """Return objectives with queries, at most ``room``: the last one takes in all that would not fit."""
    if len(parts) > room and room == 2:
        parts = [part for part in parts if not part.contrast]
    if len(parts) <= room:
        return [(part.objective, queries_for(part.objective)) for part in parts]
    alone, rest = parts[: room - 1], parts[room - 1 :]
    merged = " ".join(part.objective for part in rest)
    queries = distinct([queries_for(part.objective)[0] for part in rest], ())[:MOST_QUERIES]
    return [*((part.objective, queries_for(part.objective)) for part in alone), (merged, queries)]


def _rationale(found: int, kept: int, used: Sequence[Place], places: Sequence[Place]) -> str:
    where = " and ".join(name or "the web" for _, name in used)
    left = ", ".join(name or "the web" for _, name in places[len(used) :])
    parts = "One question" if found == 1 else f"{found} parts" + (f" in {kept} tasks" if kept < found else "")
    return f"{parts}, asked of {where}" + (f"; no branch is left for {left}." if left else ".")


Follow = tuple[str, tuple[str, ...], str, Task]


def _unfilled(notes: Notes) -> list[Follow]:
    """Return the gaps that branches reported and no finding of any branch filled since."""
    follow: list[Follow] = []
    for task in notes.tasks:
        findings = findings_on(task.objective, notes)
        gap = None if steps_of(task, notes) else lacking(task, findings)
        if gap is None:
            continue
        if _of_heads(task):
            # A line answers such a question or nothing does: where its first hop is open, it is looked for once more.
            asks = [ask for ask in first_asks(task.objective) if not any(found.ask == ask for found in findings)]
            queries = tuple(query for ask in asks for query in (*line_queries(ask), *queries_for(ask)))
            follow.append((task.objective, queries, task.wanted, task))
            continue
        told = [gap for outcome in notes.outcomes if outcome.task == task.id for gap in outcome.gaps]
        elsewhere = _elsewhere(task, [finding for finding in notes.findings if finding not in findings])
        queries = (*elsewhere, *(query for gap in told for query in gap.queries), *gap.queries)
        follow.append((task.objective, queries, task.wanted, task))
    return follow


def _of_heads(task: Task) -> bool:
    """Return whether the task is a chain that begins with a lookup in the heads of documents."""
    return bool(task.rounds) and any(ask_of(ask) for ask in first_asks(task.objective))


def _elsewhere(task: Task, findings: Sequence[Finding]) -> list[str]:
    """Return queries that join what other branches found with the words of this task that they do not hold."""
    words = content_terms(task.objective)
    near = [finding for finding in findings if words & set(terms(finding.statement))]
    seen = {term for finding in near for term in terms(finding.statement)}
    tail = " ".join(word for word in keywords(task.objective) if set(terms(word)) & (words - seen))
    return [f"{name} {tail}" for name in found_names(task.objective, near)[:2]] if tail else []


def _places(notes: Notes, like: Task, label: Label) -> list[Place]:
    """Return where a follow-up may look: where its task did, but never the web with private words."""
    if like.type == "web" and label == "private":
        return [("corpus", name) for name in notes.question.corpora]
    return [(like.type, like.corpus)]
