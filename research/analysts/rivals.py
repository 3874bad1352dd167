"""Two sentences, or two lines of heads, that give one attribute of one thing different values. Pure, slow to accuse.

Which findings are compared is decided in ``research.analysts.disagreements``. What is compared is the sentence that
answers, and not one that it leans on: whole, but for the value, or up to the value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from research.analysts.answers import candidates
from research.analysts.asking import Kind, header_keys
from research.analysts.entries import folded, iso_date, line_of, titled, values_of
from research.analysts.naming import CREATED
from research.analysts.places import wide
from research.analysts.quantities import MEASURES, Amount, amounts
from research.analysts.relations import ask_of
from research.analysts.wording import bare
from research.families import kin
from research.records import Finding
from research.sentences import sentences
from research.words import DATE, NEGATIONS, NUMBER, entities, negations, numbers, terms, years

Values = tuple[str, str]
SAME_FRAME = 0.75
_OPPOSED = 0.85
"""The shares of their words that two sentences have in common that differ in a value, or in a denial, only."""
PAST = re.compile(r"(?i)\b(?:was|were|until|former(?:ly)?|had|previous(?:ly)?|then|ex-)\b")
ROLE = re.compile(
    r"(?i)\b(?:chief executive|ceo|mayor|president|director|chair(?:man|woman|person)?|captain|minister|governor"
    r"|editor-in-chief|owner|king|queen|manager|leader|head|holder|champion|coach|chancellor|bishop|pope|emperor)\b"
)
_OF = re.compile(r"(?i)\bthe (?:[\w-]+ ){1,4}(?:of|for|at) ")
_IS = re.compile(r"(?i)\b(?:is|was)\b")
_ONCE = re.compile(
    r"(?i)\b(?:built|constructed|erected|founded|established|invented|discovered|designed|written|wrote|composed"
    r"|painted|created|developed|directed|opened|born|died|buried|first|last|only|killed|named after|discoverer|founder"
    r"|inventor)\b"
)
_SEATED = re.compile(
    r"(?i)\b(?:headquartered|headquarters|based|located|situated|lies|seat|born|died|buried|capital)\b"
)
_PERIOD = re.compile(
    r"(?i)\b(?:quarter\w*|month\w*|week\w*|annual\w*|year\w*|season\w*|earn\w*|revenue\w*|sales|turnover|profits?|income"
    r"|loss(?:es)?|budget\w*|margins?|this|today|temperature)\b"
)
"""What is told of a period, and is another amount in the next one."""


def said(finding: Finding) -> str:
    """Return the sentence that answers: the last one of the statement, for any before it is what that leans on."""
    return _said(finding.statement)


@lru_cache(maxsize=1024)
def _said(statement: str) -> str:
    spans = [span for span in sentences(statement) if span.kind == "prose"]
    return statement[spans[-1].start : spans[-1].end] if spans else statement


class _Read(NamedTuple):
    """What of a sentence is compared with every other one: whether it denies, and its numbers, names and words."""

    denies: bool
    numbers: frozenset[str]
    names: frozenset[str]
    words: frozenset[str]


@lru_cache(maxsize=1024)
def _read(text: str) -> _Read:
    words = frozenset(terms(text)) - NEGATIONS
    return _Read(negations(text) > 0, frozenset(numbers(text)), frozenset(names_of(text)), words)


def opposed(question: str, one: Finding, other: Finding) -> Values | None:
    """Return what one sentence says and the other denies, in the same words, of something that has a name."""
    a, b = said(one), said(other)
    x, y = _read(a), _read(b)
    if x.denies == y.denies or x.numbers != y.numbers or x.names != y.names:
        return None
    if min(len(x.words), len(y.words)) < 2 or len(x.words & y.words) < _OPPOSED * len(x.words | y.words):
        return None
    asked = entities(question)
    named = bool(asked) and all(f" {bare(name)} " in f" {bare(text)} " for name in asked for text in (a, b))
    return (bare(a), bare(b)) if named or x.names else None


def reworded(question: str, kind: Kind, one: Finding, other: Finding) -> Values | None:
    """Return the dates or amounts in which two sentences differ that say the same otherwise, or say it up to them."""
    if kind == "date":
        return _dates(question, said(one), said(other))
    if kind != "number":
        return None
    a, b = amounts(said(one)), amounts(said(other))
    if len(a) != 1 or len(b) != 1 or a[0].unit != b[0].unit or a[0].same(b[0]) or not _one_time(question, one, other):
        return None
    x, y = said(one), said(other)
    measured = a[0].unit in MEASURES or a[0].unit in set(terms(question))
    led = measured and _led(question, x, a[0]) == _led(question, y, b[0]) and _ways(x) == _ways(y)
    return (f"{a[0].value:g}", f"{b[0].value:g}") if led or _one_frame(x, y) else None


def _dates(question: str, a: str, b: str) -> Values | None:
    """Return the two dates; a year and a day in it are no two dates."""
    found = [list(DATE.finditer(text)) for text in (a, b)]
    if any(len(dates) != 1 for dates in found):
        return None
    x, y = (iso_date(dates[0].group()) for dates in found)
    if not x or not y or x.startswith(y) or y.startswith(x):
        return None
    if _one_frame(a, b) and numbers(DATE.sub(" ", a)) == numbers(DATE.sub(" ", b)):
        return x, y
    before = [_besides(question, text[: dates[0].start()]) for text, dates in zip((a, b), found, strict=True)]
    asked = set(terms(question)) - _entity(question)
    told = any(term in asked or kin(term) & asked for term in before[0])
    return (x, y) if told and before[0] == before[1] else None


def _one_time(question: str, one: Finding, other: Finding) -> bool:
    """Return whether both amounts are of one time: by their sentences' years and, of periods, by their sources."""
    texts = said(one), said(other)
    if years(texts[0]) != years(texts[1]):
        return False
    if not _PERIOD.search(f"{question} {texts[0]} {texts[1]}") and (not years(question) or years(texts[0])):
        return True
    months = not one.dated or not other.dated or one.dated[:7] == other.dated[:7]
    return _figures(one.title) == _figures(other.title) and months


def _led(question: str, text: str, amount: Amount) -> frozenset[str]:
    return _besides(
        question, re.sub(r"(?i)\b(?:about|around|roughly|approximately|nearly)\s*$", "", text[: amount.start])
    )


def _ways(text: str) -> frozenset[str]:
    """Return in which ways the text measures: a bridge is longer than it is wide."""
    return frozenset(re.findall(r"\b(?:long|wide|high|tall|deep|thick|across|heavy|old|broad)\b", text.lower()))


def framed(question: str, kind: Kind, one: Finding, other: Finding) -> Values | None:
    """Return two people or places of which the same is said that holds of one only: built it, is the head of it."""
    if kind not in ("person", "place", "text"):
        return None
    a, b = said(one), said(other)
    found = [_names_in(question, kind, text, finding.title) for text, finding in ((a, one), (b, other))]
    if any(len(names) != 1 for names in found) or bool(PAST.search(a)) != bool(PAST.search(b)):
        return None
    x, y = found[0][0], found[1][0]
    if set(terms(x)) & set(terms(y)) or not _unique(kind, a) or not _unique(kind, b) or wide(x) != wide(y):
        return None
    before = [_besides(question, text[: text.find(name)]) for text, name in ((a, x), (b, y))]
    if before[0] == before[1] and before[0] and _ONCE.search(a[: a.find(x)]):
        return x, y
    left, right = (_besides(question, text.replace(name, " ")) for text, name in ((a, x), (b, y)))
    times = years(a) <= years(b) or years(b) <= years(a)
    same = bool(left | right) and len(left & right) >= _OPPOSED * len(left | right)
    return (x, y) if times and same else None


def _names_in(question: str, kind: Kind, text: str, title: str) -> list[str]:
    """Return what the sentence names besides what question and title name, each once."""
    own = {word for about in (question, title) for word in terms(about)}
    found = [name for _, name in candidates(kind, DATE.sub(" ", text))]
    found = found or ([] if kind != "person" else entities(text))
    return list(dict.fromkeys(name for name in found if not set(terms(name)) & own))


def _unique(kind: Kind, text: str) -> bool:
    """Return whether what the sentence says holds of one value only; who held an office in the past is one of many."""
    if kind == "place" or (kind == "text" and _SEATED.search(text)):
        return _SEATED.search(text) is not None
    if ROLE.search(text):
        return PAST.search(text) is None
    return _ONCE.search(text) is not None or (_OF.search(text) is not None and _IS.search(text) is not None)


def headed(question: str, one: Finding, other: Finding) -> Values | None:
    """Return the two values of the line asked for in two heads of one number and title; lists are not compared."""
    ask = ask_of(question)
    keys = ask.keys if ask is not None else header_keys(question).keys()
    a, b = (titled("", finding.title) for finding in (one, other))
    if not a.number or bare(a.label) != bare(b.label) or bare(a.title) != bare(b.title):
        return None
    lines = [[line for line in line_of(finding.quote, 0) if line.key in keys] for finding in (one, other)]
    if any(len(found) != 1 for found in lines) or lines[0][0].key != lines[1][0].key:
        return None
    x, y = lines[0][0].value, lines[1][0].value
    if any(len(values_of(value)) != 1 for value in (x, y)) or folded(x) == folded(y):
        return None
    if lines[0][0].key in CREATED:
        early, late = sorted((iso_date(x), iso_date(y)), key=len)
        return None if late.startswith(early) else (x, y)
    return x, y


def _one_frame(one: str, other: str) -> bool:
    a, b = (set(terms(NUMBER.sub(" ", DATE.sub(" ", text)))) for text in (one, other))
    same = bool(a and b) and len(a & b) / len(a | b) >= SAME_FRAME
    return same and names_of(one) == names_of(other) and _ways(one) == _ways(other)


def names_of(text: str) -> set[str]:
    """Return the terms of what the text names, without numbers."""
    return {word for name in entities(text) for word in terms(name) if not word.isdigit()}


def _entity(question: str) -> set[str]:
    return {word for name in entities(question) for word in terms(name)}


def _besides(question: str, text: str) -> frozenset[str]:
    """Return the terms of the text but for what the question names, for which *it* may stand, and numbers."""
    return frozenset(terms(NUMBER.sub(" ", DATE.sub(" ", text)))) - _entity(question)


def _figures(title: str) -> set[str]:
    return set(re.findall(r"\d+", title))


def rivals(question: str, kind: Kind, one: Finding, other: Finding) -> Values | None:
    """Return the two values where both sentences answer the question in one frame with different ones."""
    return reworded(question, kind, one, other) or framed(question, kind, one, other)


def differing(question: str, kind: Kind, best: Finding, others: Sequence[Finding]) -> list[Finding]:
    """Return those of the other sources that give another value than ``best`` in one frame, each value once."""
    found: dict[Values, Finding] = {}
    for finding in others:
        values = rivals(question, kind, best, finding) if finding.source != best.source else None
        if values:
            found.setdefault(values, finding)
    return list(found.values())
