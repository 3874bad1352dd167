"""From findings to a draft: the answer, one section per part of the question, and where sources disagree. Pure.

Every sentence is the statement of one finding and cites it. Which findings there are was decided before; how the draft
is rendered and numbered is decided after.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from research.analysts import Notes
from research.analysts.agreeing import agreed
from research.analysts.asking import single
from research.analysts.comparing import listed, sided
from research.analysts.concluding import conclude
from research.analysts.decompose import Part, decompose
from research.analysts.disagreements import disagreements
from research.analysts.gathering import NEAR
from research.analysts.lookup import SURE as SAID
from research.analysts.standing import standing
from research.analysts.support import support
from research.analysts.telling import NEAREST, near_section, says
from research.analysts.telling import told as followed
from research.analysts.wording import alike, as_sentence, bare, shorten
from research.records import Draft, Finding, Section, Sentence, Task

ANSWERS = 0.55
"""The least relevance of a sentence of the answer."""
SURE = 0.75
FURTHER = "More from the sources"
"""The heading of what is quoted besides the answer for the question as a whole, which the title says already."""
_PER_SECTION = 6
_HEADING = 90
_BESIDE = 0.8
_AS_GOOD = 0.97
"""The share of the best finding's relevance that others need beside it; of one wanted answer, nearly all of it."""
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
    chain = followed(notes)
    if chain is not None:
        return _with_ledger(agreed(chain, notes), notes)
    parts = decompose(notes.question.text)
    groups = _groups(notes)
    told = _concluded(notes, groups)
    concluded, answer = told or ((), _answer(groups, parts))
    if told:
        kept = {id for sentence in concluded for id in sentence.findings}
        groups = [
            Group(g.heading, g.part, [f for f in g.findings if f.relevance >= SAID or f.id in kept]) for g in groups
        ]
    sections = _sections(groups, answer, notes.question.text)
    cited = {id for section in sections for sentence in section.sentences for id in sentence.findings}
    sure = any(says(group.heading, finding) for group in groups for finding in answer)
    used = [*answer, *(finding for finding in notes.findings if finding.id in cited)]
    if not told and not answer:
        sections = _nearest(sections, near_section(notes, used))
    elif not told and not sure:
        sections = (*sections, *near_section(notes, used))
    draft = Draft(
        answer=(*concluded, *(_sentence(finding) for finding in answer)),
        sections=sections,
    )
    return _with_ledger(agreed(draft, notes), notes)


def _nearest(*groups: Sequence[Section]) -> tuple[Section, ...]:
    """Return one section of all the sentences, for none of them answers; none where there are no sentences."""
    sentences = tuple(sentence for sections in groups for section in sections for sentence in section.sentences)
    return (Section(heading=NEAREST, sentences=sentences[:_PER_SECTION]),) if sentences else ()


def _with_ledger(draft: Draft, notes: Notes) -> Draft:
    """Return the draft with what disagrees; a span that a sentence cites is cited there by the same finding."""
    known = {finding.id: finding for finding in notes.findings}
    told = (*draft.answer, *(sentence for section in draft.sections for sentence in section.sentences))
    cited = {_span(known[id]): id for sentence in told for id in sentence.findings if id in known}
    shown = {id: cited.get(_span(finding), id) for id, finding in known.items()}
    entries = [
        msgspec.structs.replace(
            entry, findings=tuple(shown[id] for id in entry.findings), newer=shown.get(entry.newer, "")
        )
        for entry in disagreements(notes.findings, notes.tasks, notes.sources)
    ]
    return msgspec.structs.replace(draft, disagreements=tuple(entries))


def _sentence(finding: Finding) -> Sentence:
    text = as_sentence(finding.statement)
    return Sentence(text=text, findings=(finding.id,), verdict=support(text, (finding.quote,)))


def _groups(notes: Notes) -> list[Group]:
    """Return one group per objective, in the order of the tasks; a quote that two tasks found stands in both."""
    groups: dict[str, Group] = {}
    for task in notes.tasks:
        key = task.objective.casefold()
        if key not in groups:
            found = standing(task.objective, findings_on(task.objective, notes), notes)
            groups[key] = Group(task.objective, task.wanted or task.objective, found)
    return list(groups.values())


def findings_on(objective: str, notes: Notes) -> list[Finding]:
    """Return the findings of every task with this objective, best first, each quoted span once."""
    tasks = [task for task in notes.tasks if task.objective.casefold() == objective.casefold()]
    ids = {task.id for task in tasks}
    found = once([f for f in notes.findings if f.task in ids and f.relevance > NEAR], tasks)
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


def _concluded(notes: Notes, groups: Sequence[Group]) -> tuple[tuple[Sentence, ...], list[Finding]] | None:
    """Return the short answer that follows from lines of heads, and the findings to quote after it; see ``concluding``.

    The whole question is tried first, then, where it has one part only, that part as it was followed.
    """
    titles = {source.id: source.title for source in notes.sources}
    found = once(notes.findings, notes.tasks)
    last = [group.heading for group in groups if group.findings][-1:]
    for objective in dict.fromkeys([notes.question.text, *last]):
        concluded = conclude(objective, found, titles)
        if concluded is not None:
            ids = tuple(finding.id for finding in concluded.findings)
            lead = Sentence(text=concluded.text, findings=ids, verdict="supported", concludes=objective)
            return (lead,) if concluded.text else (), list(concluded.findings)
    return _gathered(notes, groups, titles)


def _gathered(
    notes: Notes, groups: Sequence[Group], titles: Mapping[str, str]
) -> tuple[tuple[Sentence, ...], list[Finding]] | None:
    """Return what follows from several sentences of prose: the first of two, the members of a list, their number."""
    question = notes.question.text
    told = sided(question, [(group.heading, group.findings) for group in groups])
    if told is None and len(groups) == 1:
        question = groups[0].heading
        told = listed(question, groups[0].findings, titles)
    if told is None or not told.text:
        return None
    ids = tuple(finding.id for finding in told.findings)
    lead = Sentence(text=told.text, findings=ids, verdict="supported", concludes=question)
    return (lead,), list(told.findings)


def _answer(groups: Sequence[Group], parts: Sequence[Part]) -> list[Finding]:
    contrasts = {part.objective for part in parts if part.contrast}
    for group in groups:
        apart = [f for f in group.findings if f.relevance >= ANSWERS and _APART.search(f.statement)]
        if group.part in contrasts and apart:
            return apart[:1]
    sides = [group for group in groups if group.part not in contrasts] or list(groups)
    picked: list[Finding] = []
    for group in sides:
        own = (f for f in group.findings if f.relevance >= ANSWERS and _asked(f, group))
        best = next((f for f in own if _new(f, picked)), None)
        if best is not None and len(picked) < 3:
            picked.append(best)
    if len(groups) == 1 and picked and not single(groups[0].heading):
        second = next((f for f in groups[0].findings if f.relevance >= SURE and _new(f, picked)), None)
        short = len(picked[0].statement.split()) < 40
        if second is not None and short and second.relevance >= 0.9 * picked[0].relevance:
            picked.append(second)
    return picked


def _asked(finding: Finding, group: Group) -> bool:
    """Return whether the finding was read for the part itself, and not for a question on the way to a lookup."""
    return not finding.ask or finding.ask == group.heading


def _new(finding: Finding, others: Iterable[Finding]) -> bool:
    return not any(_span(finding) == _span(other) or alike(finding.statement, other.statement) for other in others)


def _sections(groups: Sequence[Group], answer: Sequence[Finding], question: str) -> tuple[Section, ...]:
    used: list[Finding] = []
    sections: list[Section] = []
    for group in groups:
        fresh = [finding for finding in group.findings if _new(finding, used)]
        beside = _AS_GOOD if single(group.heading) else _BESIDE
        least = beside * group.findings[0].relevance if group.findings else 0.0
        further = _unlike([finding for finding in fresh if finding.relevance >= least and _new(finding, answer)])
        shown = further[:_PER_SECTION]
        if shown:
            used.extend(shown)
            sentences = tuple(_sentence(finding) for finding in _in_reading_order(shown))
            told = (len(groups) == 1 and answer) or bare(group.heading) == bare(question)
            heading = FURTHER if told else shorten(group.heading, _HEADING)
            sections.append(Section(heading=heading, sentences=sentences))
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
