"""Short answers from several sentences of prose: who of two comes first or has more, what stands in a list. Pure.

The values compared are read by ``research.analysts.answers``; what heads of documents say is concluded in
``research.analysts.concluding``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from research.analysts.answers import candidates
from research.analysts.asking import fits
from research.analysts.concluding import Conclusion, counted, joined, named
from research.analysts.entries import folded, iso_date
from research.analysts.support import support
from research.analysts.telling import says
from research.analysts.wording import tidy
from research.records import Finding
from research.words import DATE, numbers, terms, years

LEAST = 0.55
"""The least relevance of a sentence that is compared."""
GOOD = 0.7
_AS_GOOD = 0.8
"""The least relevance of a sentence that adds to a list, and the least share of the best one's."""
_MOST = 8
_FIRST = re.compile(r"(?i)\b(?:first|earlier|earliest|older|oldest|sooner|before)\b")
_LAST = re.compile(r"(?i)\b(?:last|later|latest|younger|youngest|newer|newest|more recently|most recently)\b")
_MORE = re.compile(r"(?i)\b(?:more|most|larger|largest|bigger|biggest|longer|longest|higher|highest|taller|tallest)\b")
_FEWER = re.compile(r"(?i)\b(?:fewer|fewest|less|least|smaller|smallest|shorter|shortest|lower|lowest)\b")
_SIDE = re.compile(r"(.{2,120}?): \S")
_LIST = re.compile(
    r"(?i)^\W*(?:(?:in|on|at|of|to|from|by) )?(?:which|what) (?!\w*(?:ss|us|is)\b|(?:does|was|has)\b)[a-z]\w*s\b"
    r"|^\W*who (?:was|were|are|is) [a-z]+ed\b|^\W*who (?:was|were) born\b|^(?:list|name) (?:all|every|the)\b"
)
_COUNT = re.compile(r"(?i)^\W*(?:(?:in|on|at|of|to|from|by) )?how many [a-z]")


def sided(question: str, sides: Sequence[tuple[str, Sequence[Finding]]]) -> Conclusion | None:
    """Return which side of ``Which is older, A or B?`` it is; ``sides`` are ``A: …`` and what was found for each."""
    way = next((sign for pattern, sign in ((_FIRST, -1), (_LAST, 1)) if pattern.search(question)), 0)
    amount = next((sign for pattern, sign in ((_MORE, 1), (_FEWER, -1)) if pattern.search(question)), 0)
    named = [(match.group(1), found) for heading, found in sides if (match := _SIDE.match(heading))]
    if not (way or amount) or len(named) < 2:
        return None
    values: list[tuple[str, float, Finding]] = []
    for name, found in named:
        read = [(value, f) for f in found if f.relevance >= LEAST and (value := _value(f, dates=bool(way))) is not None]
        if read:
            values.append((name, *read[0]))
    if len(values) < len(named) or len({value for _, value, _ in values}) < len(values):
        return None
    best = (max if (way or amount) > 0 else min)(values, key=lambda one: one[1])
    return _supported(f"{best[0].strip('“”')}.", [finding for _, _, finding in values])


def lists(question: str) -> bool:
    """Return whether the question wants all things of a kind, and not one."""
    return _LIST.search(question) is not None


def _value(finding: Finding, *, dates: bool) -> float | None:
    """Return the sentence's first date as a number such as 20070428, or its first number that is no date."""
    text = finding.statement
    if dates:
        iso = iso_date(text)
        parts = (*iso.split("-"), "00", "00")[:3] if iso else ()
        return float("".join(parts)) if iso and years(iso) else None
    found = re.search(r"(?<![\w.])\d+(?:[.,]\d+)*(?!\w)", DATE.sub(" ", text))
    return float(found.group().replace(",", "")) if found and found.group().replace(",", "").count(".") < 2 else None


def listed(question: str, findings: Sequence[Finding], titles: Mapping[str, str]) -> Conclusion | None:
    """Return the things that the sentences name, or how many there are; ``None`` where one sentence can say it.

    Of a sentence that names nothing but what the question does (``The instrument is made by A``), it is what its
    document is about.
    """
    count = _COUNT.search(question) is not None
    good = [f for f in findings if f.relevance >= max(GOOD, _AS_GOOD * max(f.relevance for f in findings))]
    if not good or not (count or lists(question)) or (count and any(fits("number", f.statement) for f in good)):
        return None
    things: dict[str, str] = {}
    kept: list[Finding] = []
    for finding in good:
        thing = _thing(question, finding, tidy(titles.get(finding.source, "")))
        if thing:
            things.setdefault(folded(thing), thing)
            kept.append(finding)
    if not 0 < len(things) <= _MOST or (len(things) == 1 and not count):
        return None
    if count and not all(says(question, finding) for finding in kept):
        return None  # what is not said to be one of them is not counted
    names = list(things.values())
    return _supported(counted(names, len(names)) if count else named(names), kept, f"{joined(names)}.")


def _thing(question: str, finding: Finding, title: str) -> str:
    asked, about = set(terms(question)), set(terms(title))
    if title and title in finding.statement and not about & asked:
        return title
    names = [name for _, name in candidates("text", finding.statement) if not set(terms(name)) & asked]
    held = [name for name in names if set(terms(name)) <= about]
    return (held or names or ["" if about & asked else title])[0]


def _supported(text: str, findings: Sequence[Finding], held: str = "") -> Conclusion:
    """Return the conclusion, without its text where the quotes do not support what it holds of them."""
    quotes = [finding.quote for finding in findings]
    fine = support(held or text, quotes) != "unsupported" or not numbers(text) <= numbers(" ".join(quotes))
    return Conclusion(text=text if fine else "", findings=tuple(findings))
