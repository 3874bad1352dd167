"""What of a model's reply is let through: pure functions from a reply to records that code can stand behind.

A model's text is data. It may fill an objective, a query, a statement or a sentence; which source a quote is from,
which findings exist and where a task may look are decided here, from what the model was shown.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from research.analysts import Turn
from research.analysts.schemas import (
    PlannedTask,
    ReadReply,
    WriteReply,
    WrittenSentence,
)
from research.clean import clean_text
from research.records import (
    BranchType,
    Disagreement,
    Draft,
    Label,
    Passage,
    Question,
    Quote,
    Section,
    Sentence,
    Task,
)
from research.requests import ToolCall

LONGEST_QUERY = 200
LONGEST_TEXT = 600
LONGEST_CONNECTIVE = 160
MOST_QUERIES = 3
MOST_MOVES = 4
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


def draft_from(reply: WriteReply, known: Collection[str]) -> Draft:
    """Return the draft without unknown ids, and without claims that no known finding supports."""
    sections = [
        Section(heading=tidy(section.heading, 120) or "Findings", sentences=_sentences(section.sentences, known))
        for section in reply.sections
    ]
    disagreements = [
        Disagreement(about=tidy(entry.about), findings=ids)
        for entry in reply.disagreements
        if len(ids := _ids(entry.findings, known)) > 1 and tidy(entry.about)
    ]
    return Draft(
        answer=tuple(sentence for sentence in _sentences(reply.answer, known) if sentence.findings),
        sections=tuple(section for section in sections if any(sentence.findings for sentence in section.sentences)),
        disagreements=tuple(disagreements),
    )


def _sentences(written: Iterable[WrittenSentence], known: Collection[str]) -> tuple[Sentence, ...]:
    kept = []
    for entry in written:
        text, ids = tidy(entry.text), _ids(entry.findings, known)
        if text and (ids or (entry.connective and _claims_nothing(text))):
            kept.append(Sentence(text=text, findings=ids))
    return tuple(kept)


def _claims_nothing(text: str) -> bool:
    """A model may call a claim connective; figures or length give it away."""
    return len(text) <= LONGEST_CONNECTIVE and not any(character.isdigit() for character in text)


def _ids(ids: Iterable[str], known: Collection[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(id for id in ids if id in known))
