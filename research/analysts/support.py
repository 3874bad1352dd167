"""Does a quote bear a sentence out? Compared word by word: yes, no, or not to be told. Pure.

First what is certain: the sentence stands there, or something in it clashes (``research.analysts.claim_rules``). What
is left is weighed (``claim_features``, ``claim_weights``), and not told where neither side is heavy enough.
"""

from __future__ import annotations

from collections.abc import Sequence

from research.analysts.claim_features import features
from research.analysts.claim_rules import clash
from research.analysts.claim_weights import LIKELY, UNLIKELY, probability
from research.analysts.claim_words import Line, fathomable, line, negative, read
from research.analysts.wording import bare, tidy
from research.records import Record, VerdictName
from research.sentences import sentences
from research.words import NEGATIONS

SURE = 0.98
"""The confidence in a sentence that stands in a quote; one that clashes has what is left of 1."""
_DISTANCING = "if unless whether false untrue incorrect wrong mistaken claim claims claimed allegedly would"
_HEDGES = frozenset(_DISTANCING.split())


class Judgement(Record):
    """A verdict, the confidence that the sentence is supported (0 to 1), and why, in a few words."""

    verdict: VerdictName
    confidence: float
    why: str


def support(text: str, quotes: Sequence[str]) -> VerdictName:
    """Return whether the quotes support the sentence; :func:`judge` says how sure that is, and why."""
    return judge(text, quotes).verdict


def judge(text: str, quotes: Sequence[str]) -> Judgement:
    """Return whether the quotes support the sentence, how sure that is, and why.

    ``supported`` when the sentence stands in a quote, markup, letter case and white space aside, or two sentences in a
    row hold all its content words and nothing clashes, or it is likely by what is counted; ``unsupported`` when a
    number, date, name, negation or direction clashes, or it is unlikely; else ``could not check``: in between, no word
    in common, no content word, code, or another language or script than the quotes'.
    """
    if (told := certain(text, quotes)) is not None:
        return told
    return _weighed(line(text), [piece for quote in quotes for piece in read(quote)])


def certain(text: str, quotes: Sequence[str]) -> Judgement | None:
    """Return what needs no weighing: the sentence stands there, clashes or cannot be compared; else ``None``."""
    if not quotes or not bare(text):
        return Judgement(verdict="could not check", confidence=0.5, why="there is nothing to compare")
    standing = _standings(text, quotes)
    if True in standing:
        return Judgement(verdict="supported", confidence=SURE, why="it stands there")
    if False in standing:
        return Judgement(verdict="unsupported", confidence=1 - SURE, why="it stands there, but is denied or doubted")
    claim, lines = line(text), tuple(piece for quote in quotes for piece in read(quote))
    if not fathomable(claim, lines):
        return Judgement(verdict="could not check", confidence=0.5, why="the words of the two cannot be compared")
    why = clash(claim, lines)
    return Judgement(verdict="unsupported", confidence=1 - SURE, why=why) if why else None


def stands(text: str, quotes: Sequence[str]) -> bool:
    """Return whether the sentence stands in a quote: what :func:`judge` is surest of, at a hundredth of its work."""
    return bool(bare(text)) and True in _standings(text, quotes)


def _standings(text: str, quotes: Sequence[str]) -> list[bool | None]:
    return [_standing(text, quote) for quote in (*map(tidy, quotes), *quotes)]


def _weighed(claim: Line, lines: Sequence[Line]) -> Judgement:
    likely = probability(features(claim, lines))
    if all(claim.held.isdisjoint(piece.held) for piece in lines):
        return Judgement(verdict="could not check", confidence=likely, why="no word is in common")
    if likely < LIKELY and _whole(claim, lines):
        return Judgement(verdict="supported", confidence=LIKELY, why="all its words are there together")
    if likely >= LIKELY:
        return Judgement(verdict="supported", confidence=likely, why="most of it is there")
    if likely <= UNLIKELY:
        return Judgement(verdict="unsupported", confidence=likely, why="much of it is not there")
    return Judgement(verdict="could not check", confidence=likely, why="some of it is there")


def _whole(claim: Line, lines: Sequence[Line]) -> bool:
    """Return whether one sentence, or two in a row, hold every content word, with as many negations."""
    for piece, after in zip(lines, (*lines[1:], lines[-1]), strict=True):
        for words, held in ((piece.words, piece.held), ((*piece.words, *after.words), piece.held | after.held)):
            if claim.held <= held and _negations(claim.words) == _negations(words):
                return True
    return False


def _negations(words: Sequence[str]) -> int:
    return sum(map(negative, words)) % 2


def _standing(text: str, quote: str) -> bool | None:
    """Return whether the text stands in the quote as a claim of its own; ``None`` when its words are not there."""
    inner, outer = f" {bare(text)} ", f" {bare(quote)} "
    alternative = f" {bare(tidy(text))} "
    found = inner if inner in outer else alternative if alternative in outer else ""
    if not found.strip():
        return None
    for span in sentences(quote):
        own = f" {bare(quote[span.start : span.end])} "
        if found in own:
            rest = set(own.replace(found, " ", 1).split())
            return not rest & (NEGATIONS | _HEDGES)
    return True
