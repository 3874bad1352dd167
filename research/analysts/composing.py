"""From findings to a draft: the answer, one section per part of the question, and where sources disagree. Pure.

Every sentence is the statement of one finding and cites it. Which findings there are was decided before; how the draft
is rendered and numbered is decided after.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from research.analysts import Notes
from research.analysts.decompose import Part, decompose
from research.analysts.support import support
from research.analysts.wording import alike, as_sentence, shorten
from research.records import Disagreement, Draft, Finding, Section, Sentence, Task
from research.words import NUMBER, entities, numbers, terms, years

ANSWERS = 0.55
"""The least relevance of a sentence of the answer."""
SURE = 0.75
_PER_SECTION = 6
_HEADING = 90
_SAME_FRAME = 0.75
_BESIDE = 0.8
_APART = re.compile(
    r"(?i)\b(?:differ\w*|unlike|whereas|while|than|rather|compar\w+|instead|but|however|contrast|opposed|distinct\w*)\b|;"
)

Span = tuple[str, int, int]
"""A quote's source, start and end."""


@dataclass
class Group:
    """A part of the question with the findings of all tasks that asked for it, best first."""

    heading: str
    part: str
    findings: list[Finding]

    @property
    def best(self) -> Finding | None:
        return self.findings[0] if self.findings else None


def compose(notes: Notes) -> Draft:
    """Return the draft; its answer is empty when no finding is relevant enough."""
    parts = decompose(notes.question.text)
    groups = _resolved(_groups(notes), parts)
    answer = _answer(groups, parts)
    return Draft(
        answer=tuple(_sentence(finding) for finding in answer),
        sections=_sections(groups, answer),
        disagreements=disagreements(once(notes.findings, notes.tasks)),
    )


def _sentence(finding: Finding) -> Sentence:
    text = as_sentence(finding.statement)
    return Sentence(text=text, findings=(finding.id,), verdict=support(text, (finding.quote,)))


def _groups(notes: Notes) -> list[Group]:
    """Return one group per objective, in the order of the tasks; a quote that two tasks found stands in both."""
    groups: dict[str, Group] = {}
    for task in notes.tasks:
        key = task.objective.casefold()
        if key not in groups:
            groups[key] = Group(task.objective, task.wanted or task.objective, findings_on(task.objective, notes))
    return list(groups.values())


def findings_on(objective: str, notes: Notes) -> list[Finding]:
    """Return the findings of every task with this objective, best first, each quoted span once."""
    tasks = [task for task in notes.tasks if task.objective.casefold() == objective.casefold()]
    ids = {task.id for task in tasks}
    found = once([finding for finding in notes.findings if finding.task in ids], tasks)
    return sorted(found, key=lambda finding: (-finding.relevance, finding.source, finding.start, finding.id))


def once(findings: Iterable[Finding], tasks: Sequence[Task]) -> list[Finding]:
    """Return the findings, in their order, each quoted span once: of several, that of the earliest task, then id."""
    place = {task.id: number for number, task in enumerate(tasks)}
    first: dict[Span, Finding] = {}
    listed = list(findings)
    for finding in sorted(listed, key=lambda finding: (place.get(finding.task, len(place)), finding.id)):
        first.setdefault(_span(finding), finding)
    return [finding for finding in listed if first[_span(finding)].id == finding.id]


def _span(finding: Finding) -> Span:
    return finding.source, finding.start, finding.end


def _resolved(groups: list[Group], parts: Sequence[Part]) -> list[Group]:
    """Leave out a part that hangs on an unnamed thing when a follow-up asked it with the thing's name."""
    hops = {part.objective for part in parts if part.hop}
    followed = {group.part for group in groups if group.heading != group.part and group.findings}
    return [group for group in groups if not (group.heading in hops and group.heading in followed)]


def _answer(groups: Sequence[Group], parts: Sequence[Part]) -> list[Finding]:
    contrasts = {part.objective for part in parts if part.contrast}
    for group in groups:
        apart = [f for f in group.findings if f.relevance >= ANSWERS and _APART.search(f.statement)]
        if group.part in contrasts and apart:
            return apart[:1]
    sides = [group for group in groups if group.part not in contrasts] or list(groups)
    picked: list[Finding] = []
    for group in sides:
        best = next((f for f in group.findings if f.relevance >= ANSWERS and _new(f, picked)), None)
        if best is not None and len(picked) < 3:
            picked.append(best)
    if len(groups) == 1 and picked:
        second = next((f for f in groups[0].findings if f.relevance >= SURE and _new(f, picked)), None)
        short = len(picked[0].statement.split()) < 40
        if second is not None and short and second.relevance >= 0.9 * picked[0].relevance:
            picked.append(second)
    return picked


def _new(finding: Finding, others: Iterable[Finding]) -> bool:
    return not any(_span(finding) == _span(other) or alike(finding.statement, other.statement) for other in others)


def _sections(groups: Sequence[Group], answer: Sequence[Finding]) -> tuple[Section, ...]:
    used: list[Finding] = []
    sections: list[Section] = []
    for group in groups:
        fresh = [finding for finding in group.findings if _new(finding, used)]
        least = _BESIDE * group.findings[0].relevance if group.findings else 0.0
        further = _unlike([finding for finding in fresh if finding.relevance >= least and _new(finding, answer)])
        shown = (further or _unlike(fresh))[:_PER_SECTION]
        if shown:
            used.extend(shown)
            sentences = tuple(_sentence(finding) for finding in _in_reading_order(shown))
            sections.append(Section(heading=shorten(group.heading, _HEADING), sentences=sentences))
    return tuple(sections)


def _unlike(findings: Sequence[Finding]) -> list[Finding]:
    kept: list[Finding] = []
    for finding in findings:
        if _new(finding, kept):
            kept.append(finding)
    return kept


def _in_reading_order(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings source by source, the source of the best first, each source's in the order of its text."""
    order = list(dict.fromkeys(finding.source for finding in findings))
    return sorted(findings, key=lambda finding: (order.index(finding.source), finding.start))


def disagreements(findings: Sequence[Finding]) -> tuple[Disagreement, ...]:
    """Return pairs of relevant findings of different sources that say the same but for a year or number.

    Conservative: same names, nearly the same other words, and neither's numbers among the other's. Header lines, which
    speak of their own document only, never disagree.
    """
    able = [f for f in findings if f.relevance >= ANSWERS and not re.match(r"[\w-]+:\s", f.statement)]
    found: list[Disagreement] = []
    for one, other in combinations(able, 2):
        if one.source != other.source and _clash(one.statement, other.statement):
            found.append(Disagreement(about=shorten(one.statement, 120), findings=(one.id, other.id)))
    return tuple(found)


def _clash(one: str, other: str) -> bool:
    a, b = numbers(one) | years(one), numbers(other) | years(other)
    if not a or not b or a <= b or b <= a:
        return False
    frame_a, frame_b = (set(terms(NUMBER.sub(" ", text))) - a - b for text in (one, other))
    if not frame_a or not frame_b or len(frame_a & frame_b) / len(frame_a | frame_b) < _SAME_FRAME:
        return False
    return _names(one) == _names(other)


def _names(text: str) -> set[str]:
    return {word for name in entities(text) for word in terms(name) if not word.isdigit()}
