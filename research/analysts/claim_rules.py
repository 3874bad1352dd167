"""What clashes with its evidence, whatever else agrees: a number, date, name, negation or direction. Pure.

A claim that is nearly a sentence of its evidence is laid word by word against it; where one stands in place of another,
the two are compared. Claims in other words are left to ``research.analysts.claim_weights``.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import TypeAlias

from research.analysts.claim_values import absent, shown, values
from research.analysts.claim_words import Line, opposed
from research.words import STOPWORDS, entities, terms

CLOSE = 0.6
"""The share of a claim's terms, names and numbers aside, that must be there before an absent number clashes."""
ALIKE = 0.55
"""The share of a claim's words that a sentence must have in the same order to be laid against it."""
SAME = 0.75
"""The same share, from which a negation that only one of the two has clashes."""
_LOOSE = 1.4
"""How much longer than the claim the stretch may be that its words are found in, for a negation to clash."""
_PIECE = 5
"""Words, at most, that may stand in place of each other and be compared."""
_NEGATORS = "no not never neither nor without cannot hardly"
_NOT = frozenset(_NEGATORS.split())
Words: TypeAlias = Sequence[str]


def clash(claim: Line, lines: Sequence[Line]) -> str:
    """Return what the evidence has otherwise, as a short reason; "" when nothing clashes."""
    figures = values(claim.text)
    if figures:
        held = frozenset().union(*(line.held for line in lines))
        gone = absent(claim.text, frozenset().union(*(shown(line.text) for line in lines)))
        frame = _frame(claim)
        if gone and frame and len(frame & held) >= CLOSE * len(frame):
            return f"{', '.join(sorted(gone))} is not there"
    nearest = sorted(lines, key=lambda line: -len(claim.held & line.held))[:3]
    matched = [SequenceMatcher(None, claim.keys, line.keys, autojunk=False) for line in nearest]
    shared = [sum(block.size for block in matcher.get_matching_blocks()) for matcher in matched]
    at = max(range(len(nearest)), key=lambda place: shared[place])
    return _against(claim, nearest[at], matched[at]) if shared[at] >= ALIKE * len(claim.keys) else ""


def _frame(claim: Line) -> frozenset[str]:
    """Return the terms of a claim that are neither of a name nor of a number."""
    named = {term for name in entities(claim.text) for term in terms(name)}
    return frozenset(term for term in claim.held if term not in named and not term[0].isdigit())


def _against(claim: Line, line: Line, matcher: SequenceMatcher[str]) -> str:
    """Return what the sentence most like the claim says otherwise, "" when it says nothing else."""
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    shared = sum(block.size for block in blocks)
    first, last = blocks[0], blocks[-1]
    start = max(0, first.b - first.a)
    span = line.words[start : last.b + last.size + len(claim.words) - last.a - last.size]
    compact = len(span) <= _LOOSE * len(claim.keys) + 1
    others = {_negations(span) % 2, _negations(line.words) % 2}
    if compact and shared >= SAME * (len(claim.keys) - 1) and _negations(claim.words) % 2 not in others:
        return "the negation differs"
    for what, a, b, c, d in matcher.get_opcodes():
        if what != "replace" or max(b - a, d - c) > _PIECE:
            continue
        if why := _instead(claim, line, a, b, c, d) or (_renamed(claim, line, a, b, c, d) if compact else ""):
            return why
    return _exchanged(claim, line)


def _negations(words: Words) -> int:
    """Return how often the words negate; *not only* does not."""
    after = (*words[1:], "")
    return sum(1 for word, then in zip(words, after, strict=True) if _negates(word) and then != "only")


def _negates(word: str) -> bool:
    return word in _NOT or word.endswith("n't")


def _instead(claim: Line, line: Line, a: int, b: int, c: int, d: int) -> str:
    """Return how ``claim.words[a:b]`` and ``line.words[c:d]`` contradict each other, or ""."""
    said, found = " ".join(claim.words[a:b]), " ".join(line.words[c:d])
    others = [key for key in line.keys[c:d] if key not in claim.keys]
    if any(opposed(key, other) for key in claim.keys[a:b] for other in others):
        return f"“{said}” is opposed to “{found}”"
    one, another = _figures(claim, a, b), _figures(line, c, d)
    if one and another and not one & another and (not one <= shown(line.text) or _oftener(one, claim, line)):
        return f"{said} is {found} there"
    return ""


def _renamed(claim: Line, line: Line, a: int, b: int, c: int, d: int) -> str:
    """Return which name ``claim.words[a:b]`` has where ``line.words[c:d]`` has another one, or ""."""
    names, theirs = _names(claim, a, b), _names(line, c, d)
    if not names or not theirs or names & (theirs | line.held) or _shortened(names, theirs):
        return ""
    return f"{' '.join(claim.words[a:b])} is {' '.join(line.words[c:d])} there"


def _oftener(figures: frozenset[str], claim: Line, line: Line) -> bool:
    """Return whether the claim has one of the values more often than the line."""
    own, others = ([value for word in one.words for value in values(word)] for one in (claim, line))
    return any(own.count(value) > others.count(value) for value in figures)


def _figures(line: Line, start: int, end: int) -> frozenset[str]:
    """Return the values of a stretch of a line; a month counts when the line has a date with it."""
    months = {value for value in values(line.text) if value[0] == "m"}
    named = {f"m{at}" for at, month in enumerate(_MONTHS, 1) if any(w.startswith(month) for w in line.words[start:end])}
    return (values(" ".join(line.words[start:end])) & values(line.text)) | (months & named)


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def _names(line: Line, start: int, end: int) -> frozenset[str]:
    """Return the stems of those words of a stretch that the line writes as a name."""
    named = {term for name in entities(line.text) for term in terms(name)}
    words = [word for word in line.words[start:end] if word not in STOPWORDS]
    return frozenset(term for word in words for term in terms(word) if term in named and not term[0].isdigit())


def _shortened(names: frozenset[str], theirs: frozenset[str]) -> bool:
    """Return whether a word of the one may be short for, or another spelling of, a word of the other."""
    return any(
        one[0] == other[0] and (min(len(one), len(other)) < 3 or one[:4] == other[:4])
        for one in names
        for other in theirs
    )


def _exchanged(claim: Line, line: Line) -> str:
    """Return a reason when two names or numbers have changed places around the same words, as in *A bought B*."""
    first = [term for term in claim.terms if term in line.held]
    second = [term for term in line.terms if term in claim.held]
    moved = [at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b]
    if len(first) != len(second) or len(moved) != 2 or claim.held != frozenset(first):
        return ""
    one, two = moved
    swapped = (first[one], first[two]) == (second[two], second[one]) and two - one > 1
    figures = {term for term in claim.terms if term[0].isdigit()}
    if not swapped or not {first[one], first[two]} <= _names(claim, 0, len(claim.words)) | figures:
        return ""
    return "" if {"by"} & (set(claim.words) ^ set(line.words)) else f"{first[one]} and {first[two]} have changed places"
