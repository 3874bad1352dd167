"""Writing the report from the findings with a model: in one call where they are few, else in parts.

In parts: an outline that gives each section its findings, the sections at the same time, the answer last. What is let
through of a reply is in ``research.analysts.acceptance``; the check of what is written in
``research.analysts.checking``; what is done when there is no report at all is the caller's decision.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from research.access import Access
from research.analysts import Notes
from research.analysts.acceptance import Part, clashes_from, draft_from, merged, outline_from, sentences_from
from research.analysts.composing import once
from research.analysts.disagreements import disagreements, newer_of
from research.analysts.labels import labels_of
from research.analysts.schemas import AnswerReply, OutlineReply, SectionReply, WriteReply, schema_of
from research.analysts.script import slipped
from research.analysts.showing import best, grouped, listed, shown_findings, words_of
from research.analysts.simpler import simpler_report, simpler_section
from research.analysts.structured import Simpler, Unusable, ask
from research.analysts.wording import as_sentence, shorten
from research.errors import EffectFailed, OutOfBudget
from research.prompts import block, mark_of, prompt
from research.records import Disagreement, Draft, Finding, Length, Section, Sentence, counted
from research.requests import Message

FEW_FINDINGS = 12
"""Up to here the report is written in one call: their quotes fit a small prompt, and parts would cost three calls."""
FEWEST_FINDINGS = 4
"""Of so many a report that is too long for the model is left to rules; of more, half is tried."""
WRITE_TOKENS = 4000
OUTLINE_TOKENS = 1500
ANSWER_TOKENS = 600
HEADING = 90
FOREIGN = "the report, or a part of it, is not in the language of the question"
Lapsed = Callable[[str], None]
W = TypeVar("W", WriteReply, SectionReply, AnswerReply)


class Room(NamedTuple):
    """The room that a report may take: its sections, and in words the sentences of each and of the answer."""

    sections: int
    sentences: str
    answer: str
    section_tokens: int


ROOMS: dict[Length, Room] = {
    "short": Room(1, "one to four sentences", "one or two sentences", 600),
    "normal": Room(5, "two to six sentences", "one to three sentences", 1200),
    "long": Room(8, "four to ten sentences", "two to five sentences", 2000),
}


async def compose(notes: Notes, access: Access, lapsed: Lapsed) -> Draft | None:
    """Return the report as the model writes it, or ``None`` where there is no answer that holds.

    ``lapsed`` is told of each part that rules had to make.
    """
    findings = best(once(notes.findings, notes.tasks))
    try:
        draft = await _written(notes, findings, access, lapsed)
    except (Unusable, OutOfBudget):
        return None
    except EffectFailed as failure:
        if not failure.too_long or len(findings) <= FEWEST_FINDINGS:
            return None
        lapsed("choice of findings for the report")
        half = best(findings, len(findings) // 2)
        return await compose(msgspec.structs.replace(notes, findings=tuple(half)), access, lapsed)
    if not draft.answer:
        return None
    return msgspec.structs.replace(draft, disagreements=_all_clashes(draft.disagreements, notes, findings))


async def _written(notes: Notes, findings: Sequence[Finding], access: Access, lapsed: Lapsed) -> Draft:
    if len(findings) <= FEW_FINDINGS or notes.style.length == "short":
        return await write_whole(notes, findings, access)
    return await _in_parts(notes, findings, access, lapsed)


async def write_whole(notes: Notes, findings: Sequence[Finding], access: Access) -> Draft:
    """Return the report, written in one call."""
    mark = mark_of(notes.question.text, *words_of(findings))
    fields = _wished(notes) | {"mark": mark, "findings": grouped(notes, findings, mark)}
    messages, easier = prompt("writer", **fields), simpler_report(fields)
    reply = await _in_words(notes, access, messages, WriteReply, WRITE_TOKENS, easier)
    draft = draft_from(reply, notes, findings)
    for section in draft.sections:
        _tell_section(section, access)
    _tell_answer(draft.answer, access)
    return draft


async def _in_parts(notes: Notes, findings: Sequence[Finding], access: Access, lapsed: Lapsed) -> Draft:
    """Return the report, written section by section; what the model fails at is made from the findings' statements.

    Where it fails at every section the draft is empty: the caller has better rules for a whole report.
    """
    lapses: list[str] = []
    try:
        reply = await write_outline(notes, findings, access)
        parts = outline_from(reply, notes, findings, ROOMS[notes.style.length].sections)
        clashes = clashes_from(reply.disagreements, notes, findings)
    except (Unusable, OutOfBudget, EffectFailed) as failure:
        if isinstance(failure, EffectFailed) and failure.too_long:
            raise  # with fewer findings it may be outlined
        parts, clashes = (), ()
    if not parts:
        lapses.append("outline of the report")
        parts = _by_task(notes, findings, ROOMS[notes.style.length].sections)
    written = await asyncio.gather(*(_section(notes, parts, place, access) for place in range(len(parts))))
    if not any(written):
        return Draft(answer=(), sections=())
    if not all(written):
        lapses.append("section of the report")
    sections = merged(section or _stated(part) for section, part in zip(written, parts, strict=True))
    try:
        answer = await write_answer(notes, sections, findings, access)
    except (Unusable, OutOfBudget, EffectFailed):
        answer = ()
    if not answer:
        lapses.append("answer of the report")
        answer = _first_of(sections, findings)
    for lapse in lapses:
        lapsed(lapse)
    return Draft(answer=answer, sections=sections, disagreements=clashes)


async def write_outline(notes: Notes, findings: Sequence[Finding], access: Access) -> OutlineReply:
    """Return which sections the report is to have, and what each is written from, as the model says."""
    mark = mark_of(notes.question.text, *words_of(findings))
    shown = grouped(notes, findings, mark, quoted=False)
    messages = prompt("outline", findings=shown, **_wished(notes) | {"mark": mark})
    return await ask(access, "writer", messages, OutlineReply, schema_of(OutlineReply), OUTLINE_TOKENS)


async def write_section(notes: Notes, part: Part, others: Sequence[str], access: Access) -> tuple[Sentence, ...]:
    """Return the sentences of one section."""
    mark = mark_of(notes.question.text, part.heading, *others, *words_of(part.findings))
    fields = _wished(notes) | {
        "mark": mark,
        "heading": part.heading,
        "others": listed(others),
        "findings": shown_findings(part.findings, mark, sources=notes.sources),
    }
    messages, easier = prompt("section", **fields), simpler_section(fields | {"question": part.heading})
    most = ROOMS[notes.style.length].section_tokens
    reply = await _in_words(notes, access, messages, SectionReply, most, easier)
    return sentences_from(reply.sentences, labels_of(part.findings))


async def _section(notes: Notes, parts: Sequence[Part], place: int, access: Access) -> Section | None:
    """Return the section at that place, ``None`` where the model writes nothing that holds."""
    part = parts[place]
    others = [other.heading for other in parts if other is not part]
    try:
        sentences = await write_section(notes, part, others, access)
    except (Unusable, OutOfBudget, EffectFailed):
        return None
    if not sentences:
        return None
    section = Section(heading=part.heading, sentences=sentences)
    _tell_section(section, access)
    return section


async def write_answer(
    notes: Notes, sections: Sequence[Section], findings: Sequence[Finding], access: Access
) -> tuple[Sentence, ...]:
    """Return the answer, written from the sections' sentences."""
    sentences = [sentence for section in sections for sentence in section.sentences]
    mark = mark_of(notes.question.text, *(sentence.text for sentence in sentences))
    labels = labels_of(findings)
    shown = [
        block("sentence", mark, sentence.text, findings=" ".join(labels[id] for id in sentence.findings))
        for sentence in sentences
    ]
    fields = _wished(notes) | {"mark": mark, "sentences": "\n".join(shown)}
    reply = await _in_words(notes, access, prompt("answer", **fields), AnswerReply, ANSWER_TOKENS)
    cited = {id for sentence in sentences for id in sentence.findings}
    answer = sentences_from(reply.answer, {id: label for id, label in labels.items() if id in cited})
    _tell_answer(answer, access)
    return answer


async def _in_words(
    notes: Notes,
    access: Access,
    messages: Sequence[Message],
    kind: type[W],
    most: int,
    easier: Simpler[Any, W] | None = None,
) -> W:
    """Return a reply in the script of the question; one that stays in another is used, and ``losses`` says so."""
    doubt = _slip(notes)
    reply = await ask(access, "writer", messages, kind, schema_of(kind), most, easier, doubt)
    if doubt(reply) and FOREIGN not in access.losses:
        access.losses.append(FOREIGN)
    return reply


def _slip(notes: Notes) -> Callable[[WriteReply | SectionReply | AnswerReply], str]:
    """Return what finds a reply whose answer or sentences are not in the script of the question."""

    def slip(reply: WriteReply | SectionReply | AnswerReply) -> str:
        said = reply.sentences if isinstance(reply, SectionReply) else reply.answer
        wrong = not notes.style.language and slipped([sentence.text for sentence in said], notes.question.text)
        return "it is not in the language of the question." if wrong else ""

    return slip


def _wished(notes: Notes) -> dict[str, object]:
    """Return the question, and the fields that say how long the report may be and in which language."""
    room = ROOMS[notes.style.length]
    return {
        "question": notes.question.text,
        "answer": room.answer,
        "sections": "1 section" if room.sections == 1 else f"{room.sections} sections",
        "sentences": room.sentences,
        "language": notes.style.language or "the language of the question",
    }


def _by_task(notes: Notes, findings: Sequence[Finding], most: int) -> tuple[Part, ...]:
    """Return one part a task; those of more tasks than ``most`` are in the last part."""
    groups = [(task.objective, tuple(f for f in findings if f.task == task.id)) for task in notes.tasks]
    held = [(objective, own) for objective, own in groups if own] or [("", tuple(findings))]
    head, rest = held[: most - 1], held[most - 1 :]
    together = tuple(finding for _, own in rest for finding in own)
    parts = [*head, *([(rest[0][0], together)] if rest else [])]
    return tuple(Part(shorten(objective, HEADING) or "Findings", own) for objective, own in parts)


def _stated(part: Part) -> Section:
    """Return the section as its findings' statements."""
    sentences = tuple(Sentence(text=as_sentence(f.statement), findings=(f.id,)) for f in part.findings)
    return Section(heading=part.heading, sentences=sentences)


def _first_of(sections: Sequence[Section], findings: Sequence[Finding]) -> tuple[Sentence, ...]:
    """Return the sentence that rests on the most relevant finding."""
    relevance = {finding.id: finding.relevance for finding in findings}
    sentences = [sentence for section in sections for sentence in section.sentences]
    ranked = sorted(sentences, key=lambda sentence: -max(relevance[id] for id in sentence.findings))
    return tuple(ranked[:1])


def _all_clashes(named: Sequence[Disagreement], notes: Notes, findings: Sequence[Finding]) -> tuple[Disagreement, ...]:
    """Return the disagreements that the model named, each with what is newer, and those that rules find beside."""
    known = {finding.id: finding for finding in findings}
    published = {source.id: source.published for source in notes.sources}
    entries = []
    for entry in named:
        two = [known[id] for id in entry.findings]
        newer = newer_of(two[0], two[1], published) if len(two) == 2 else ""
        entries.append(msgspec.structs.replace(entry, newer=newer))
    told = [set(entry.findings) for entry in entries]
    beside = disagreements(findings, notes.tasks, notes.sources)
    return (*entries, *(entry for entry in beside if not any(set(entry.findings) <= ids for ids in told)))


def _tell_section(section: Section, access: Access) -> None:
    count = counted(len(section.sentences), "sentence")
    access.tell("report.section", f"{section.heading} ({count}): {section.sentences[0].text}")


def _tell_answer(answer: Sequence[Sentence], access: Access) -> None:
    for sentence in answer:
        access.tell("report.answer", sentence.text)
