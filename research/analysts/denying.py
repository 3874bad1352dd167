"""Sentences that say what is not so, or would be so: no answer to who, when, where, which or how many. Pure.

Only what denies the thing asked for counts; a sentence may deny something else, or one value to give the right one.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from research.analysts.asking import kind_of
from research.families import kin
from research.words import negations, terms

_VALUED = frozenset({"person", "date", "number", "place"})
_WHICH = re.compile(r"(?i)^\W*(?:(?:in|on|at|from|to|by|of|for) )?(?:which|what) (?!is\b|are\b|was\b|were\b|do)\w+")
_SUPPOSED = re.compile(r"(?i)\b(?:if|would|could|might)\b")
_DOES = r"(?:did|does|do|has|have|had|is|are|was|were)"
_FALSE = re.compile(
    r"(?i)\bit (?:is|was) (?:false|untrue|wrong|a myth|not true|not the case|no longer true) that\b"
    rf"|\b(?:but|though|although) (?:he|she|it|they|that|this) (?:{_DOES}(?: not|n['’]t)|never did)\s*(?:[.,;!]|$)"
)
_NOT = re.compile(
    rf"(?i)\b(?:{_DOES} not|been not|{_DOES}n['’]t|never)\b"
    r"(?! (?:only|just|merely|simply|until|before|fully|long|far)\b)"
)
_RIGHTED = re.compile(r"(?i)\b(?:but|instead|rather|until)\b|[;:—]| – ")
_BETWEEN = 3
"""Words between a negation and what it denies."""
_CONDITION = re.compile(r"(?i)^\W*(?:if|were)\b[^.;]*\bwould\b|\bwould\b[^.;]*\bif\b|\bwould (?:not )?have \w+")


def asks_plainly(question: str) -> bool:
    """Return whether the question asks for a value of what is so: not for what is not so, nor for what would be."""
    valued = kind_of(question) in _VALUED or _WHICH.match(question) is not None
    return valued and not negations(question) and _SUPPOSED.search(question) is None


def denies(text: str, asked: Collection[str]) -> bool:
    """Return whether the sentence says that what the terms ``asked`` ask for is not so, or only that it would be."""
    if _FALSE.search(text) or _CONDITION.search(text):
        return True
    for match in _NOT.finditer(text):
        after = text[match.end() :]
        next_ = [term for word in after.split()[:_BETWEEN] for term in terms(word)]
        if any(term in asked or kin(term) & set(asked) for term in next_) and not _RIGHTED.search(after):
            return True
    return False
