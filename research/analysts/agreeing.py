"""How many independent sources say what a sentence says, and that no sentence is printed twice. Pure.

Sources say the same when their quotes do, in nearly the same words and with the same figures, names and negations;
which sources are copies of one another is decided in ``research.origins``.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from research.analysts import Notes
from research.analysts.disagreements import speaks_of
from research.analysts.wording import alike, bare
from research.origins import independent, origins, read_of
from research.records import Draft, Finding, Sentence
from research.words import entities, negations, numbers

_AS_NEAR = 0.85
"""The share of its words that a sentence has in common with another one that says the same."""
_CITED = 4
"""Findings that one sentence cites at most for being said in several places."""


def agreed(draft: Draft, notes: Notes) -> Draft:
    """Return the draft with each sentence of the answer citing the other sources that say it, and their number.

    A sentence that is in it already is left out of the sections, and so is a section that has none left.
    """
    groups = origins(notes.sources, read_of(notes.findings))
    known = {finding.id: finding for finding in notes.findings}
    answer = tuple(_backed(sentence, notes, known, groups) for sentence in draft.answer)
    printed = {bare(sentence.text) for sentence in answer}
    sections = []
    for section in draft.sections:
        kept: list[Sentence] = []
        for sentence in section.sentences:
            if bare(sentence.text) not in printed:
                printed.add(bare(sentence.text))
                kept.append(sentence)
        if kept:
            sections.append(msgspec.structs.replace(section, sentences=tuple(kept)))
    return msgspec.structs.replace(draft, answer=answer, sections=tuple(sections))


def _backed(sentence: Sentence, notes: Notes, known: Mapping[str, Finding], groups: Mapping[str, int]) -> Sentence:
    """Return the sentence with what else says it, if it rests on one finding."""
    if len(sentence.findings) != 1 or sentence.findings[0] not in known:
        return sentence
    own = known[sentence.findings[0]]
    asked = {task.id: task.objective for task in notes.tasks}
    saying = {own.source: own}
    about = own.ask or asked.get(own.task, "")
    for finding in notes.findings:
        alone = finding.source not in saying and _says(own, finding)
        if alone and all(speaks_of(one, about) for one in (own, finding)):
            saying[finding.source] = finding
    apart = independent(saying.values(), groups)
    cited = tuple(finding.id for finding in saying.values())[:_CITED]
    return msgspec.structs.replace(sentence, findings=cited, origins=apart) if apart > 1 else sentence


def _says(own: Finding, other: Finding) -> bool:
    """Return whether the other finding says what the own one says; a short line says it of its own document only."""
    a, b = own.statement, other.statement
    if min(len(a.split()), len(b.split())) < 5 or numbers(a) != numbers(b) or negations(a) != negations(b):
        return False
    if {bare(name) for name in entities(a)} != {bare(name) for name in entities(b)}:
        return False
    return alike(a, b, limit=_AS_NEAR)
