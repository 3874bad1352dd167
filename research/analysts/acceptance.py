"""What of a model's reply is let through: pure functions from a reply to records that code can stand behind.

A model's text is data. It may fill an objective, a query, a statement or a sentence; which source a quote is from,
which findings exist and where a task may look are decided here, from what the model was shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from research.analysts import Notes, Turn
from research.analysts.labels import Labels, ids_of, labels_of
from research.analysts.schemas import (
    JudgeReply,
    OutlineReply,
    PlannedTask,
    PlanReply,
    ReadReply,
    WriteReply,
    WrittenDisagreement,
    WrittenSentence,
)
from research.analysts.script import slipped
from research.analysts.wording import shorten
from research.citations import locate
from research.clean import clean_text
from research.effort import EXTENTS
from research.records import (
    BranchType,
    Disagreement,
    Draft,
    Effort,
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
RELEVANT = 0.5
"""From here on a finding that an outline leaves out is given to a section: what a quote without a number has."""
MOST_QUOTES = 60
"""Quotes of one answer that are looked for in the passages: several times those that are asked for."""
MOST_CHECKS = 60
"""Sentences of one report that a model is asked about, those of the answer first: as many as findings it is shown."""
WEB = "web"
CORPUS = "corpus:"

_LINK = re.compile(r"\b(?:https?|ftp|file|data|javascript):\S+", re.IGNORECASE)
_ID = re.compile(r"\s*[\[(]\s*f(?:\d{1,3}|-[0-9a-f]{4,16})(?:\s*[,;]\s*f(?:\d{1,3}|-[0-9a-f]{4,16}))*\s*[\])]")
_SPACE = re.compile(r"\s+")


def tidy(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return ``text`` on one line, without control characters, links and bracketed finding ids, at most ``longest``."""
    return _SPACE.sub(" ", _LINK.sub("", _ID.sub("", clean_text(text)))).strip()[:longest].rstrip()


def sources_of(question: Question, label: Label = "public") -> tuple[str, ...]:
    """Return the names of the sources a task may use: ``web`` (never for private wording) and ``corpus:NAME``."""
    web = (WEB,) if question.web and label == "public" else ()
    return (*web, *(f"{CORPUS}{name}" for name in question.corpora))


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


def foreign(question: Question) -> Callable[[PlanReply], str]:
    """Return what finds a plan in another script than the question's: its objectives stand in the report."""

    def doubt(reply: PlanReply) -> str:
        wrong = slipped([task.objective for task in reply.tasks], question.text)
        return "the objectives are not in the language of the question." if wrong else ""

    return doubt


def tasks_from(
    planned: Iterable[PlannedTask], sources: Sequence[str], most: int, *, label: Label = "public", round: int = 1
) -> tuple[Task, ...]:
    """Return at most ``most`` different tasks; one without objective, query or permitted source is dropped."""
    tasks: dict[str, Task] = {}
    for plan in planned:
        objective, queries = tidy(plan.objective), fresh_queries(plan.queries)
        source = source_named(plan.source, sources)
        if not objective or not queries or not source:
            continue
        type: BranchType = "web" if source == WEB else "corpus"
        corpus = None if source == WEB else source.removeprefix(CORPUS)
        rest = {"corpus": corpus, "wanted": tidy(plan.wanted), "label": label, "round": round}
        task = Task.make(objective, queries, type, **rest, effort=effort_named(plan.effort))
        tasks.setdefault(task.id, task)
    return tuple(tasks.values())[:most]


def source_named(word: str, sources: Sequence[str]) -> str:
    """Return the one of ``sources`` that a model means by ``word``, else nothing.

    Small models write ``Web`` or a corpus without its prefix; where there is one source only, any word that is no
    other source means it.
    """
    said = word.strip().casefold()
    for source in sources:
        if said in (source.casefold(), source.removeprefix(CORPUS).casefold()):
            return source
    another = said == WEB or said.startswith(CORPUS)
    return sources[0] if len(sources) == 1 and not another else ""


def misplaced(planned: Iterable[PlannedTask], sources: Sequence[str]) -> tuple[str, ...]:
    """Return the objectives of the tasks that name no source there is."""
    objectives = (tidy(plan.objective) for plan in planned if not source_named(plan.source, sources))
    return tuple(objective for objective in objectives if objective)


def effort_named(word: str) -> Effort:
    """Return the effort that a model named; normal where it named none."""
    return next((effort for effort in EXTENTS if effort == word.strip().casefold()), "normal")


def quotes_from(reply: ReadReply, passages: Sequence[Passage]) -> tuple[Quote, ...]:
    """Return the quotes, best first; each belongs to the passage with the number that the model was shown (from 1)."""
    quotes = [
        Quote(
            source=passages[entry.passage - 1].source,
            quote=entry.quote.strip(),
            statement=tidy(entry.statement) or tidy(entry.quote),
            relevance=min(1.0, max(0.0, entry.relevance)),
        )
        for entry in reply.quotes[:MOST_QUOTES]
        if 1 <= entry.passage <= len(passages) and entry.quote.strip()
    ]
    return tuple(sorted(quotes, key=lambda quote: -quote.relevance))


def holding(quote: str, passages: Sequence[Passage]) -> int:
    """Return the number of the passage (from 1) in which the quote stands, 0 for none."""
    found = (number for number, passage in enumerate(passages, 1) if locate(quote, passage.text) is not None)
    return next(found, 0)


def unplaced(passages: Sequence[Passage]) -> Callable[[ReadReply], str]:
    """Return what finds a reading with quotes of which not one stands in a passage: all of them would be dropped."""

    def doubt(reply: ReadReply) -> str:
        looked_at = reply.quotes[:MOST_QUOTES]
        named = [(entry.quote, passages[entry.passage - 1 : entry.passage]) for entry in looked_at]
        # Where it is said to stand is looked at first: in each other passage it costs a normalisation to find nothing.
        if not named or any(holding(quote, own) or holding(quote, passages) for quote, own in named):
            return ""
        return "not one of the quotes stands in a passage; copy them from there, letter by letter."

    return doubt


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
    known, labels = {finding.id: finding for finding in shown}, labels_of(shown)
    sections: list[Section] = []
    for section in reply.sections:
        sentences = sentences_from(section.sentences, labels)
        if sentences:
            cited = [known[id] for sentence in sentences for id in sentence.findings]
            heading = _heading(section.heading, cited, notes)
            sections.append(Section(heading=heading, sentences=sentences))
    return Draft(
        answer=sentences_from(reply.answer, labels),
        sections=merged(sections),
        disagreements=clashes_from(reply.disagreements, notes, shown),
    )


def merged(sections: Iterable[Section]) -> tuple[Section, ...]:
    """Return the sections with those of one heading put together: headings that are replaced may become the same."""
    held: dict[str, tuple[Sentence, ...]] = {}
    for section in sections:
        held[section.heading] = held.get(section.heading, ()) + section.sentences
    return tuple(Section(heading=heading, sentences=sentences) for heading, sentences in held.items())


class Part(NamedTuple):
    """A section to be written: its heading, and the findings it is written from."""

    heading: str
    findings: tuple[Finding, ...]


def outline_from(reply: OutlineReply, notes: Notes, shown: Sequence[Finding], most: int) -> tuple[Part, ...]:
    """Return at most ``most`` parts, none empty; a finding that several sections name stays in the first of them.

    What no section names, and is relevant, goes where most of its task's findings are, so that an outline loses none.
    """
    left, labels = {finding.id: finding for finding in shown}, labels_of(shown)
    parts: list[Part] = []
    for section in reply.sections[:most]:
        own = tuple(left.pop(id) for id in ids_of(section.findings, labels) if id in left)
        if own:
            parts.append(Part(_heading(section.heading, own, notes), own))
    named = tuple(parts)
    for finding in left.values() if parts else ():
        if finding.relevance >= RELEVANT:
            near = [sum(other.task == finding.task for other in part.findings) for part in named]
            place = near.index(max(near))
            parts[place] = parts[place]._replace(findings=(*parts[place].findings, finding))
    return tuple(parts)


def clashes_from(
    named: Iterable[WrittenDisagreement], notes: Notes, shown: Sequence[Finding]
) -> tuple[Disagreement, ...]:
    """Return the disagreements that name at least two findings ``shown``, described in the words of the tasks."""
    known, labels = {finding.id: finding for finding in shown}, labels_of(shown)
    groups = dict.fromkeys(ids for entry in named if len(ids := ids_of(entry.findings, labels)) > 1)
    return tuple(Disagreement(about=_matter([known[id] for id in ids], notes), findings=ids) for ids in groups)


def sentences_from(written: Iterable[WrittenSentence], labels: Labels) -> tuple[Sentence, ...]:
    """Return the sentences that cite findings with ``labels``, each with the ids of those only."""
    kept = ((tidy(entry.text), ids_of(entry.findings, labels)) for entry in written)
    return tuple(Sentence(text=text, findings=ids) for text, ids in kept if text and ids)


def _heading(written: str, cited: Sequence[Finding], notes: Notes) -> str:
    """Return the model's heading if all its content words are known from elsewhere, else the first task's objective."""
    heading = tidy(written)
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
