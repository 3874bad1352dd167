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
from research.families import kin
from research.records import Finding
from research.words import DATE, negations, numbers, stem, terms, years

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
_NUMBER = re.compile(
    r"(?P<sign>(?:(?<=\s)|^)[-−–]|\bminus )?(?P<money>[$€£])?(?<![\w.])(?P<digits>\d+(?:[.,]\d+)*)(?P<share> ?[%°])?"
    r"(?: ?(?P<unit>[A-Za-z]+))?"
)
_LENGTHS: tuple[tuple[float, str], ...] = (
    (1.0, "m metre metres meter meters"),
    (0.3048, "ft foot feet"),
    (1000.0, "km kilometre kilometres kilometer kilometers"),
    (1609.344, "mi mile miles"),
    (0.01, "cm centimetre centimetres centimeter centimeters"),
)
_METRES = {unit: size for size, units in _LENGTHS for unit in units.split()}
_CLAUSES = re.compile(r"[,;]\s|\b(?:and|but|while)\b")
_LIST = re.compile(
    r"(?i)^\W*(?:(?:in|on|at|of|to|from|by) )?(?:which|what) (?!\w*(?:ss|us|is)\b|(?:does|was|has)\b)[a-z]\w*s\b"
    r"|^\W*who (?:was|were|are|is) [a-z]+ed\b|^\W*who (?:was|were) born\b|^(?:list|name) (?:all|every|the)\b"
)
_HEAD = re.compile(r"\s*[A-Za-z][\w-]*(?: [\w-]+)?:\s")
"""A line of a head: ``Author: Ann Lee``."""
_KIND = re.compile(r"(?i)\b(?:which|what|how many) ([a-z]+)")
_POINTED = re.compile(r"\b(?:[Tt]he|[Tt]his) ([a-z]+)\b")
_COUNT = re.compile(r"(?i)^\W*(?:(?:in|on|at|of|to|from|by) )?how many [a-z]")


def sided(question: str, sides: Sequence[tuple[str, Sequence[Finding]]]) -> Conclusion | None:
    """Return which side of ``Which is older, A or B?`` it is; ``sides`` are ``A: …`` and what was found for each."""
    way = next((sign for pattern, sign in ((_FIRST, -1), (_LAST, 1)) if pattern.search(question)), 0)
    amount = next((sign for pattern, sign in ((_MORE, 1), (_FEWER, -1)) if pattern.search(question)), 0)
    named = [(match.group(1), found) for heading, found in sides if (match := _SIDE.match(heading))]
    if not (way or amount) or len(named) < 2:
        return None
    asked = _asked(question, [name for name, _ in named])
    values: list[tuple[str, float, Finding]] = []
    units: set[str] = set()
    for name, found in named:
        read = [(value, f) for f in found if f.relevance >= LEAST and (value := _value(f, asked, dates=bool(way)))]
        if read:
            (amount_of, unit), finding = read[0]
            values.append((name, amount_of, finding))
            units.add(unit)
    if len(values) < len(named) or len({value for _, value, _ in values}) < len(values) or len(units) > 1:
        return None
    if re.search(r"(?i)\btall(?:er|est)\b", question) and units != {"m"}:
        return None
    best = (max if (way or amount) > 0 else min)(values, key=lambda one: one[1])
    return _supported(f"{best[0].strip('“”')}.", [finding for _, _, finding in values])


def lists(question: str) -> bool:
    """Return whether the question wants all things of a kind, and not one."""
    return _LIST.search(question) is not None


def _asked(question: str, names: Sequence[str]) -> set[str]:
    """Return the terms of what is compared (``released``, ``floors``), without the sides, their kind and the way."""
    plain = re.sub(
        r"(?i)^\W*(?:which|what) (?:[\w-]+ )*?(?=(?:is|was|are|were|has|have|had|did|does|do|came|comes)\b)",
        "",
        question,
    )
    for pattern in (_FIRST, _LAST, _MORE, _FEWER):
        plain = pattern.sub(" ", plain)
    return set(terms(plain)) - {term for name in names for term in terms(name)}


def _value(finding: Finding, asked: set[str], *, dates: bool) -> tuple[float, str] | None:
    """Return the one value that the sentence gives of what is asked, and its unit; ``None`` where there are several.

    A date is a number such as 20070428 without a unit; lengths are in metres.
    """
    text = finding.statement
    if negations(text):
        return None
    if not asked or _speaks(text, asked):
        whole = _dated(text) if dates else _amount(text, asked)
        if whole is not None or not dates or not asked:
            return whole
    parts = [part for part in _CLAUSES.split(text) if _speaks(part, asked)]
    return _dated(parts[0]) if dates and len(parts) == 1 else None


def _speaks(text: str, asked: set[str]) -> bool:
    said = set(terms(text))
    return any(term in said or kin(term) & said for term in asked)


def _dated(text: str) -> tuple[float, str] | None:
    found = [match.group() for match in DATE.finditer(text)]
    iso = iso_date(found[0]) if len(found) == 1 else ""
    parts = (*iso.split("-"), "00", "00")[:3]
    return (float("".join(parts)), "") if iso and years(iso) else None


def _amount(text: str, asked: set[str]) -> tuple[float, str] | None:
    found = list(_NUMBER.finditer(DATE.sub(" ", text)))
    own = [match for match in found if set(terms(match["unit"] or "")) & asked]
    one = own[0] if len(own) == 1 else found[0] if len(found) == 1 else None
    digits = one["digits"].replace(",", "") if one else ""
    if one is None or digits.count(".") > 1:
        return None
    unit = (one["unit"] or "").lower()
    value = float(digits) * (-1 if one["sign"] else 1)
    if unit in _METRES:
        return value * _METRES[unit], "m"
    return value, f"{one['money'] or ''}{one['share'] or ''}{' '.join(terms(unit)) or unit}"


def listed(question: str, findings: Sequence[Finding], titles: Mapping[str, str]) -> Conclusion | None:
    """Return the things that the sentences name, or how many there are; ``None`` where one sentence can say it.

    Lines of heads and sentences that deny are left out, and a count of sentences that name several things is none.
    """
    count = _COUNT.search(question) is not None
    said = [f for f in findings if not _HEAD.match(f.quote) and not negations(f.statement)]
    good = [f for f in said if f.relevance >= max(GOOD, _AS_GOOD * max(f.relevance for f in findings))]
    if not good or not (count or lists(question)) or (count and any(fits("number", f.statement) for f in good)):
        return None
    things: dict[str, str] = {}
    kept: list[Finding] = []
    for finding in good:
        thing, several = _thing(question, finding, tidy(titles.get(finding.source, "")))
        if several and count:
            return None
        if thing:
            things.setdefault(folded(thing), thing)
            kept.append(finding)
    if not 0 < len(things) <= _MOST or (len(things) == 1 and not count):
        return None
    if count and not all(says(question, finding) for finding in kept):
        return None  # what is not said to be one of them is not counted
    names = list(things.values())
    if count and len(names) == 1 and names[0] != tidy(titles.get(kept[0].source, "")):
        return None  # one name in one sentence is no number of things; a document about one is
    return _supported(counted(names, len(names)) if count else named(names), kept, f"{joined(names)}.")


def _thing(question: str, finding: Finding, title: str) -> tuple[str, bool]:
    """Return what the sentence names that the question does not, and whether it is one of several."""
    asked, about = set(terms(question)), set(terms(title))
    names = [name for _, name in candidates("text", finding.statement) if not set(terms(name)) <= asked]
    told = title in finding.statement or _about_its_own(question, finding.statement)
    own = [title] if title and told and not about <= asked else []
    held = own or [name for name in names if set(terms(name)) <= about]
    return (held or names or [""])[0], len(names) > 1 and not held


def _about_its_own(question: str, statement: str) -> bool:
    """Return whether the sentence speaks of what its document is about: ``The instrument is made by …``."""
    kind = _KIND.search(question)
    return kind is not None and any(stem(kind[1].lower()) == stem(noun) for noun in _POINTED.findall(statement))


def _supported(text: str, findings: Sequence[Finding], held: str = "") -> Conclusion:
    """Return the conclusion, without its text where the quotes do not support what it holds of them."""
    quotes = [finding.quote for finding in findings]
    fine = support(held or text, quotes) != "unsupported" or not numbers(text) <= numbers(" ".join(quotes))
    return Conclusion(text=text if fine else "", findings=tuple(findings))
