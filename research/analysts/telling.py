"""What a report tells of questions that hung on one another: each hop with what answered it, in order. Pure.

How far a chain was followed is computed in ``research.analysts.following``; the draft as a whole is made in
``research.analysts.composing``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from research.analysts import Notes
from research.analysts.asking import kind_of, single
from research.analysts.concluding import conclude
from research.analysts.entries import titled
from research.analysts.following import TITLE, Hop, Path, candidates, chain_of, filled, is_named, progress
from research.analysts.gathering import NEAR
from research.analysts.lookup import SURE
from research.analysts.relations import ask_of
from research.analysts.rivals import differing
from research.analysts.scoring import content_terms
from research.analysts.support import support
from research.analysts.wording import alike, as_sentence, shorten
from research.families import kin
from research.records import Draft, Finding, Record, Section, Sentence, Task
from research.words import terms

HEADING = 90
ANSWERS = 0.55
"""The least relevance of a finding that answers a question by itself."""
QUOTED = 3
"""Quotes of one hop that has no short answer."""
HELD = 0.85
"""The share of a question's words from which a finding is taken to speak of all that was asked."""
_ASKS = re.compile(r"(?i)\b(?:which|what) (?:is the |was the )?[a-z][\w-]+|\bhow (?:many|much|long|old)(?: [a-z]\w+)?")
RIVAL = 0.97
"""The share of the best finding's relevance that another source's needs that answers the last hop otherwise."""
NEAREST = "Nearest evidence"
MOST_NEAR = 5
"""Sentences of the nearest evidence, however many parts the question has."""


class Step(Record):
    """One hop as it was asked, and what answered it; ``text`` is a short answer that follows from that, or empty."""

    ask: str
    text: str
    findings: tuple[Finding, ...]


def steps_of(task: Task, notes: Notes) -> tuple[Step, ...]:
    """Return the hops of the task's chain, each with its findings; none when it has no chain, or it did not close."""
    steps, closed = _followed(task, notes)
    return steps if closed else ()


def _followed(task: Task, notes: Notes) -> tuple[tuple[Step, ...], bool]:
    """Return the hops that were answered, and whether these are all."""
    if not task.rounds:
        return (), False
    own = [finding for finding in notes.findings if finding.task == task.id and finding.ask]
    stand = progress(task.objective, own)
    titles = {source.id: source.title for source in notes.sources}
    known = {finding.id: finding for finding in own}
    hops = chain_of(task.objective)
    steps: list[Step] = []
    for place, hop in enumerate(hops[: len(stand.path.findings)]):
        if hop.noun == TITLE:
            continue
        best = known[stand.path.findings[place]]
        asks = filled(hop, stand.path)
        ask = best.ask if best.ask in asks else asks[0]
        among = [finding for finding in own if finding.ask == ask]
        if place < len(hops) - 1:
            among = [finding for finding in among if finding.source == best.source]
        elif hop.others:
            named = (task.objective, *stand.path.answers[:-1])
            among = [f for f in among if not is_named(titled("", f.title).label, f.title, named)]
        step = _step(ask, best, among, titles)
        if place == len(hops) - 1 and place and not step.text:
            before = known[stand.path.findings[place - 1]]
            others = _others(hop, hops[place - 1].noun, before, stand.path, own)
            step = msgspec.structs.replace(step, findings=(*step.findings, *others))
        if place == len(hops) - 1 and step.findings == (best,):
            step = msgspec.structs.replace(step, findings=(best, *_rivals(task.objective, best, own)))
        steps.append(step)
    return tuple(steps), stand.closed


def _rivals(objective: str, best: Finding, own: Sequence[Finding]) -> list[Finding]:
    """Return what other sources say as surely of the last hop, each with another value."""
    near = [finding for finding in own if finding.relevance >= RIVAL * best.relevance]
    return differing(objective, kind_of(objective), best, near) if single(objective) else []


def _others(hop: Hop, noun: str, before: Finding, path: Path, own: Sequence[Finding]) -> list[Finding]:
    """Return what lines say of the other things that the line before named: of all that superseded it, say."""
    found: list[Finding] = []
    for other in candidates(before.ask, [before], noun):
        answers = (*path.answers[:-2], other.text)
        if other.text == path.answers[-2] or before.relevance < SURE:
            continue
        asks = filled(hop, msgspec.structs.replace(path, answers=answers))
        found.extend([f for f in own if f.ask in asks and f.relevance >= SURE][:1])
    return found


def _step(ask: str, best: Finding, own: Sequence[Finding], titles: Mapping[str, str]) -> Step:
    concluded = conclude(ask, own, titles)
    if concluded is None:
        return Step(ask=ask, text="", findings=(best,))
    return Step(ask=ask, text=concluded.text, findings=concluded.findings)


def told(notes: Notes) -> Draft | None:
    """Return the draft of a question of several hops: the answer, then a section per hop before it.

    Without an answer to the last hop there is none at all. ``None`` when the question has several parts or is no chain,
    or when no hop was answered, or the chain did not close and something answers the question as a whole.
    """
    objectives = {task.objective for task in notes.tasks if task.round == 1}
    if len(objectives) != 1:
        return None
    followed = [_followed(task, notes) for task in notes.tasks if task.objective in objectives]
    steps, closed = max(followed, key=lambda pair: (pair[1], len(pair[0])), default=((), False))
    whole = any(not finding.ask and finding.relevance >= ANSWERS for finding in notes.findings)
    if not steps or (whole and not closed):
        return None
    before = steps[:-1] if closed else steps
    sections = [Section(heading=shorten(step.ask, HEADING), sentences=_sentences(step)) for step in before]
    used = [finding for step in steps for finding in _quoted(step)]
    sure = closed and all(any(says(step.ask, finding) for finding in step.findings) for step in steps)
    near = () if sure else near_section(notes, used)
    return Draft(answer=_sentences(steps[-1]) if closed else (), sections=(*sections, *near))


def _sentences(step: Step) -> tuple[Sentence, ...]:
    ids = tuple(finding.id for finding in step.findings)
    lead = Sentence(text=step.text, findings=ids, verdict="supported", concludes=step.ask) if step.text else None
    return (*filter(None, [lead]), *(sentence_of(finding) for finding in _quoted(step)))


def _quoted(step: Step) -> tuple[Finding, ...]:
    """Return what is quoted of the hop: every line that a short answer rests on, else a few."""
    return step.findings if step.text else step.findings[:QUOTED]


def sentence_of(finding: Finding) -> Sentence:
    """Return the finding's statement as a sentence of the report."""
    text = as_sentence(finding.statement)
    return Sentence(text=text, findings=(finding.id,), verdict=support(text, (finding.quote,)))


def says(ask: str, finding: Finding) -> bool:
    """Return whether the finding, with its source's title, holds what the question asks about: nearly all its words.

    A question's own "which town" or "in what year" need not be said, nor one of its other words.
    """
    if finding.relevance >= SURE and ask_of(ask) is not None:
        return True
    told_ = set(terms(f"{finding.statement} {finding.quote} {finding.title}"))
    asked = content_terms(_ASKS.sub(" ", ask))
    held = [term for term in asked if term in told_ or kin(term) & told_]
    return len(held) >= min(HELD * len(asked), len(asked) - 1)


def near_section(notes: Notes, used: Sequence[Finding]) -> tuple[Section, ...]:
    """Return a section of the nearest sentences of sources that nothing else is quoted from, or none."""
    near = sorted((f for f in notes.findings if f.relevance <= NEAR), key=lambda f: -f.relevance)
    cited = {finding.source for finding in used}
    kept: list[Finding] = []
    for finding in near:
        if finding.source not in cited and not any(alike(finding.statement, other.statement) for other in kept):
            cited.add(finding.source)
            kept.append(finding)
    sentences = tuple(sentence_of(finding) for finding in kept[:MOST_NEAR])
    return (Section(heading=NEAREST, sentences=sentences),) if sentences else ()
