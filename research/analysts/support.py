"""Does a quote bear a sentence out? Compared word by word: yes, no, or not to be told. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from research.analysts.wording import bare, tidy
from research.records import VerdictName
from research.sentences import sentences
from research.words import NEGATIONS, entities, negations, numbers, raw_words, terms

_CLOSE = 0.6
"""The share of a sentence's terms, names aside, that must be in a quote before anything else in it can clash."""
_DISTANCING = "if unless whether false untrue incorrect wrong mistaken claim claims claimed allegedly would"
_HEDGES = frozenset(_DISTANCING.split())


def support(text: str, quotes: Sequence[str]) -> VerdictName:
    """Return whether the quotes support the sentence.

    ``supported`` when the sentence stands in a quote, markup, letter case and white space aside, or when all its
    content words, numbers and names do with as many negations; ``unsupported`` when a number or name of it is in no
    quote, or the negation differs; else ``could not check``.
    """
    if not quotes or not bare(text):
        return "could not check"
    shown = [tidy(quote) for quote in quotes]
    whole = " ".join(shown)
    standing = [_standing(text, quote) for quote in (*shown, *quotes)]
    if True in standing:
        return "supported"
    if False in standing:
        return "unsupported"
    wanted, held = set(terms(text)), set(terms(whole)) | set(terms(" ".join(quotes)))
    if not numbers(text) <= numbers(whole) | numbers(" ".join(quotes)):
        return "unsupported"
    frame = wanted - {term for name in entities(text) for term in terms(name)}
    close = bool(frame) and len(frame & held) / len(frame) >= _CLOSE
    if close and any(not set(terms(name)) <= held for name in entities(text)):
        return "unsupported"
    nearest = _nearest(text, whole)
    if close and negations(text) % 2 != negations(nearest) % 2:
        return "unsupported"
    return "supported" if wanted and wanted <= held else "could not check"


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


def _nearest(text: str, whole: str) -> str:
    """Return the sentence of ``whole`` that shares most terms with ``text``."""
    wanted = set(terms(text))
    pieces = [whole[span.start : span.end] for span in sentences(whole)] or [whole]
    return max(pieces, key=lambda piece: len(wanted & set(terms(piece))) - len(raw_words(piece)) / 1000)
