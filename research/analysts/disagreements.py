"""Where sources disagree: one thing and one attribute of it with different values. Pure, and slow to accuse.

Two quotes that were read for the same question disagree when they say the same in nearly the same words but for the
one value it asks for, or for a denial (``research.analysts.rivals``), or when one tells of a change that the other does
not know of. Other things, other years of a series, lists, roles that several people hold, and head lines of different
documents are no disagreement. Which of the two is right is not decided here; which is newer is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product

from research.analysts.answers import candidates
from research.analysts.asking import Kind, kind_of, single
from research.analysts.rivals import PAST, ROLE, headed, names_of, opposed, rivals
from research.analysts.wording import bare, shorten
from research.dating import later
from research.families import kin
from research.records import Disagreement, Finding, Source, Task
from research.words import DATE, entities, negations, terms, years

LEAST = 0.55
"""The least relevance of a finding that may disagree with another one."""
MOST = 6
"""Disagreements of one report."""
_ABOUT = 120
_HEAD_LINE = re.compile(r"[\w-]+:\s")
_CHANGED = re.compile(
    r"(?i)\b(?:now|no longer|succeed\w*|replaced|replaces|took over|moved|moves|left|formerly|until then|previously"
    r"|used to|earlier (?:accounts?|reports?|counts?)|the count before|(?:there )?had been|corrected|correction"
    r"|instead of|rather than|and not|but in|not in|originally (?:thought|reported|said))\b"
)
_DAY = re.compile(r"\b\d{1,2} [A-Z][a-z]+ \d{4}\b|\b[A-Z][a-z]+ \d{1,2}, \d{4}\b|\b\d{4}-\d{2}-\d{2}\b")


def disagreements(
    findings: Sequence[Finding], tasks: Sequence[Task], sources: Sequence[Source]
) -> tuple[Disagreement, ...]:
    """Return the pairs of findings that cannot both hold, the most relevant first; each pair of values once."""
    published = {source.id: source.published for source in sources}
    asked = {task.id: task.objective for task in tasks}
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.relevance >= LEAST:
            groups.setdefault(finding.ask or asked.get(finding.task, ""), []).append(finding)
    found: dict[tuple[str, ...], Disagreement] = {}
    # What was asked as a whole comes before what was asked on the way to it.
    for question, group in sorted(groups.items(), key=lambda pair: pair[0] not in asked.values()):
        near = [f for f in findings if f.relevance < LEAST and f.task in {own.task for own in group}]
        for one, other in _pairs(group, near):
            values = _differing(question, one, other)
            if values:
                newer = newer_of(one, other, published)
                about = shorten(question or one.statement, _ABOUT)
                entry = Disagreement(about=about, findings=(one.id, other.id), newer=newer)
                found.setdefault(values, entry)
    return tuple(found.values())[:MOST]


def newer_of(one: Finding, other: Finding, published: Mapping[str, str]) -> str:
    """Return the id of the finding whose source is newer, "" where that is not known; ``published`` is by source."""
    dates = [finding.dated or published.get(finding.source, "") for finding in (one, other)]
    return one.id if later(*dates) else other.id if later(*reversed(dates)) else ""


def _pairs(group: Sequence[Finding], near: Sequence[Finding]) -> Iterator[tuple[Finding, Finding]]:
    """Yield pairs from different sources, the most relevant first; of what is only near, with a relevant one."""
    ordered = sorted(group, key=lambda finding: -finding.relevance)
    pairs = (*combinations(ordered, 2), *product(ordered, near))
    yield from ((one, other) for one, other in pairs if one.source != other.source)


def _differing(question: str, one: Finding, other: Finding) -> tuple[str, str] | None:
    """Return the two values, in the order of the alphabet, or ``None`` where the findings may both hold."""
    heads = [_HEAD_LINE.match(finding.statement) is not None for finding in (one, other)]
    if any(heads):
        held = headed(question, one, other) if all(heads) and min(one.relevance, other.relevance) >= LEAST else None
        return (min(held), max(held)) if held else None
    denied = opposed(question, one, other)
    if denied and all(speaks_of(finding, question) for finding in (one, other)):
        return min(denied), max(denied)
    if question and not single(question):
        return None
    kind = kind_of(question)
    if (negations(one.statement) > 0) != (negations(other.statement) > 0) and not _told_apart(one, other):
        return None
    if not all(speaks_of(finding, question) for finding in (one, other)):
        return None
    values = _changed(question, kind, one, other)
    if values is None and min(one.relevance, other.relevance) >= LEAST:
        values = rivals(question, kind, one, other) or _roles(question, kind, one, other)
    return (min(values), max(values)) if values else None


def speaks_of(finding: Finding, question: str) -> bool:
    """Return whether the finding's sentence, or the title of its source, has every name of the question."""
    text = f" {bare(finding.title)} | {bare(finding.statement)} "
    return all(f" {bare(name)} " in text for name in entities(question))


def _told_apart(one: Finding, other: Finding) -> bool:
    return _CHANGED.search(one.statement) is not None or _CHANGED.search(other.statement) is not None


def _roles(question: str, kind: Kind, one: Finding, other: Finding) -> tuple[str, str] | None:
    """Return the two people who are said to hold one role now that only one person can hold."""
    if kind != "person" or PAST.search(question):
        return None
    held = [ROLE.search(finding.statement) for finding in (one, other)]
    if None in held or any(PAST.search(finding.statement) for finding in (one, other)):
        return None
    if len({match.group().lower() for match in held if match}) > 1:
        return None
    a, b = (_values(question, kind, finding) for finding in (one, other))
    alone = len(a) == len(b) == 1 and not set(terms(a[0])) & set(terms(b[0]))
    return (a[0], b[0]) if alone else None


def _changed(question: str, kind: Kind, one: Finding, other: Finding) -> tuple[str, str] | None:
    """Return the old value, which one has alone, and the new one, where the other tells of both and of the change."""
    for old, new in ((one, other), (other, one)):
        if not _CHANGED.search(new.statement) or _CHANGED.search(old.statement):
            continue
        stale, fresh = _values(question, kind, old), _values(question, kind, new)
        left = [value for value in fresh if value not in stale]
        if len(stale) == 1 and stale[0] in fresh and len(left) == 1 and _related(question, old, new):
            return stale[0], left[0]
    return None


def _values(question: str, kind: Kind, finding: Finding) -> list[str]:
    """Return what the sentence offers as answers, each once: of dates the years, of numbers the figures."""
    if kind == "date":
        return sorted(years(_DAY.sub(" ", finding.statement)) or years(finding.statement))
    own = {word for text in (question, finding.title) for word in terms(text)} if kind != "number" else set()
    found = [value for _, value in candidates(kind, DATE.sub(" ", finding.statement)) if value]
    return list(dict.fromkeys(value for value in found if not set(terms(value)) & own))


def _related(question: str, old: Finding, new: Finding) -> bool:
    """Return whether both speak of the same attribute: by a word of the question, or by two words in common.

    Of a finding that was read as an answer the old value's sentence alone need have such a word.
    """
    about = {word for name in entities(question) for word in terms(name)}
    a, b = (set(terms(finding.statement)) - about - names_of(finding.statement) for finding in (old, new))
    shared = {term for term in a if term in b or kin(term) & b}
    asked = set(terms(question)) - about
    told = a if new.relevance >= LEAST else shared
    return len(shared) >= 2 or any(term in asked or kin(term) & asked for term in told)
