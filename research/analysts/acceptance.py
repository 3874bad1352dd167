"""What of a model's reply is let through: pure functions from a reply to records that code can stand behind.

A model's text is data. It may fill an objective, a query, a statement or a sentence; which source a quote is from,
which findings exist and where a task may look are decided here, from what the model was shown.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from research.analysts import Notes, Turn
from research.analysts.schemas import (
    JudgeReply,
    PlannedTask,
    ReadReply,
    WriteReply,
    WrittenSentence,
)
from research.analysts.wording import shorten
from research.clean import clean_text
from research.records import (
    BranchType,
    Disagreement,
    Draft,
    Finding,
    Gap,
    Label,
    Passage,
    Question,
    Quote,
    Section,
    Sentence,
    Task,
)
from research.requests import ToolCall
from research.words import entities, negations, terms

LONGEST_QUERY = 200
LONGEST_TEXT = 600
LONGEST_HEADING = 80
LONGEST_MATTER = 120
MOST_QUERIES = 3
MOST_MOVES = 4
MOST_CHECKS = 60
"""Sentences of one report that a model is asked about, those of the answer first: as many as findings it is shown."""
WEB = "web"

_LINK = re.compile(r"\b(?:https?|ftp|file|data|javascript):\S+", re.IGNORECASE)
_ID = re.compile(r"\s*[\[(]\s*f-[0-9a-f]{4,16}(?:\s*[,;]\s*f-[0-9a-f]{4,16})*\s*[\])]")
_SPACE = re.compile(r"\s+")


def tidy(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return ``text`` on one line, without control characters, links and bracketed finding ids, at most ``longest``."""
    return _SPACE.sub(" ", _LINK.sub("", _ID.sub("", clean_text(text)))).strip()[:longest].rstrip()


def sources_of(question: Question, label: Label = "public") -> tuple[str, ...]:
    """Return the names of the sources a task may use: ``web`` (never for private wording) and ``corpus:NAME``."""
    web = (WEB,) if question.web and label == "public" else ()
    return (*web, *(f"corpus:{name}" for name in question.corpora))


def fresh_queries(queries: Iterable[str], asked: Collection[str] = ()) -> tuple[str, ...]:
    """Return up to three queries, none empty, repeated or in ``asked`` (compared without case)."""
    known = {query.casefold() for query in asked}
    kept: list[str] = []
    for query in queries:
        text = tidy(query, LONGEST_QUERY)
        if text and text.casefold() not in known:
            known.add(text.casefold())
            kept.append(text)
    return tuple(kept[:MOST_QUERIES])


def tasks_from(
    planned: Iterable[PlannedTask], sources: Sequence[str], most: int, *, label: Label = "public", round: int = 1
) -> tuple[Task, ...]:
    """Return at most ``most`` different tasks; one without objective, query or permitted source is dropped."""
    tasks: dict[str, Task] = {}
    for plan in planned:
        objective, queries = tidy(plan.objective), fresh_queries(plan.queries)
        if not objective or not queries or plan.source not in sources:
            continue
        type: BranchType = "web" if plan.source == WEB else "corpus"
        corpus = None if plan.source == WEB else plan.source.removeprefix("corpus:")
        task = Task.make(objective, queries, type, corpus=corpus, wanted=tidy(plan.wanted), label=label, round=round)
        tasks.setdefault(task.id, task)
    return tuple(tasks.values())[:most]


def quotes_from(reply: ReadReply, passages: Sequence[Passage]) -> tuple[Quote, ...]:
    """Return the quotes, best first; each belongs to the passage with the number that the model was shown (from 1)."""
    quotes = [
        Quote(
            source=passages[entry.passage - 1].source,
            quote=entry.quote.strip(),
            statement=tidy(entry.statement) or tidy(entry.quote),
            relevance=min(1.0, max(0.0, entry.relevance)),
        )
        for entry in reply.quotes
        if 1 <= entry.passage <= len(passages) and entry.quote.strip()
    ]
    return tuple(sorted(quotes, key=lambda quote: -quote.relevance))


def gap_from(reply: JudgeReply, task: Task, asked: Collection[str]) -> Gap:
    """Return what is missing, with the queries that were not asked yet."""
    return Gap(task=task.id, missing=tidy(reply.missing) or task.objective, queries=fresh_queries(reply.queries, asked))


def turn_from(calls: Iterable[ToolCall], handles: Collection[str], asked: Collection[str] = ()) -> Turn:
    """Return the next move: new queries, and handles among those that were shown."""
    queries: list[str] = []
    opened: list[str] = []
    for call in calls:
        query, handle = call.arguments.get("query"), call.arguments.get("handle")
        if call.name == "search" and isinstance(query, str):
            queries.append(query)
        if call.name == "open" and isinstance(handle, str) and handle in handles and handle not in opened:
            opened.append(handle)
    return Turn(queries=fresh_queries(queries, asked), handles=tuple(opened[:MOST_MOVES]))


def draft_from(reply: WriteReply, notes: Notes, shown: Sequence[Finding]) -> Draft:
    """Return the draft without unknown ids, and without any sentence that cites none of the findings ``shown``.

    A heading keeps the model's wording only where it can claim nothing of its own, and what a disagreement is about is
    said in the words of the tasks: neither is checked against a quote.
    """
    known = {finding.id: finding for finding in shown}
    sections: dict[str, tuple[Sentence, ...]] = {}
    for section in reply.sections:
        sentences = _sentences(section.sentences, known)
        if sentences:
            heading = _heading(section.heading, sentences, known, notes)
            sections[heading] = sections.get(heading, ()) + sentences
    pairs = dict.fromkeys(ids for entry in reply.disagreements if len(ids := _ids(entry.findings, known)) > 1)
    return Draft(
        answer=_sentences(reply.answer, known),
        sections=tuple(Section(heading=heading, sentences=held) for heading, held in sections.items()),
        disagreements=tuple(
            Disagreement(about=_matter([known[id] for id in ids], notes), findings=ids) for ids in pairs
        ),
    )


def _sentences(written: Iterable[WrittenSentence], known: Collection[str]) -> tuple[Sentence, ...]:
    kept = ((tidy(entry.text), _ids(entry.findings, known)) for entry in written)
    return tuple(Sentence(text=text, findings=ids) for text, ids in kept if text and ids)


def _heading(written: str, sentences: Iterable[Sentence], known: Mapping[str, Finding], notes: Notes) -> str:
    """Return the model's heading if all its content words are known from elsewhere, else the first task's objective."""
    heading = tidy(written)
    cited = [known[id] for sentence in sentences for id in sentence.findings]
    texts = [notes.question.text, *(task.objective for task in notes.tasks)]
    texts += [text for finding in cited for text in (finding.statement, finding.quote)]
    own = set(terms(heading))
    if own and len(heading) <= LONGEST_HEADING and not negations(heading) and own <= set(terms("\n".join(texts))):
        return heading
    objectives = {task.id: task.objective for task in notes.tasks}
    return shorten(tidy(objectives.get(cited[0].task, "")), LONGEST_HEADING) or "Findings"


def _matter(clashing: Sequence[Finding], notes: Notes) -> str:
    """Return what the findings were looked for, else what all of them name."""
    wanted = {finding.task for finding in clashing}
    objectives = dict.fromkeys(tidy(task.objective) for task in notes.tasks if task.id in wanted)
    named = [{name.casefold() for name in entities(finding.statement)} for finding in clashing]
    shared = [name for name in entities(clashing[0].statement) if all(name.casefold() in names for names in named)]
    return shorten("; ".join(objectives or shared), LONGEST_MATTER) or "what the sources say"


def _ids(ids: Iterable[str], known: Collection[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(id for id in ids if id in known))
