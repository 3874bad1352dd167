"""A claim and its evidence as words: one reading of a text, kept for the next claim that cites it. Pure.

What is counted on the words is in ``research.analysts.claim_features``; what clashes, in
``research.analysts.claim_rules``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from research.analysts.wording import tidy
from research.sentences import sentences
from research.words import NEGATIONS, STOPWORDS, raw_words, stem, terms

_MARKS = re.compile(r"\s?\[\d{1,3}\]|\*\*|(?m:^\s*(?:\d{1,2}\.|[-*•])\s+)|https?://\S+")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
_LETTER = re.compile(r"[^\W\d_]")
_CODE = re.compile(r"[{};=|\\#^~]|\w_\w|\w\(|\)\.|->|\w\.\w+\(")

_SMALL_WORDS = """der das und ist nicht hat ein eine einen mit von wurde auf für sich auch dem den des im zu le
    les est et dans une pour que qui du sur avec par au el los las es en por con del se su una il di
    che per non della sono het een van op te dat zijn niet os um uma não com da do na og som til av
    på är det och att för av w nie jest się z na"""
_FOREIGN = frozenset(_SMALL_WORDS.split()) - STOPWORDS
_PAIRS = """increase decrease|increase reduce|increase lower|increase decline|increase diminish|increase drop|
    raise lower|rise fall|rise drop|rise decline|rose fell|rising falling|higher lower|high low|more less|
    more fewer|most least|gain lose|gain loss|grow shrink|growth decline|up down|upward downward|
    above below|over under|before after|earlier later|early late|accept reject|approve reject|allow forbid|
    allow prevent|allow prohibit|permit forbid|enable disable|enable prevent|include exclude|
    positive negative|positively negatively|support oppose|win lose|won lost|true false|always never|
    with without|minimum maximum|success failure|succeed fail|first last|begin end|began ended|start stop|
    start end|open close|opened closed|improve worsen|improve impair|promote inhibit|promote prevent|
    promote suppress|activate inhibit|activate suppress|stimulate inhibit|induce inhibit|induce suppress|
    enhance inhibit|enhance impair|enhance reduce|enhance suppress|enhance decrease|upregulate downregulate|
    beneficial harmful|safe dangerous|strong weak|strengthen weaken|long short|longer shorter|large small|
    larger smaller|big small|bigger smaller|old new|older newer|older younger|fast slow|faster slower|
    buy sell|bought sold|import export|north south|east west|northern southern|eastern western|male female|
    men women|inside outside|internal external|direct indirect|public private|major minor|majority minority|
    better worse|best worst|same different|agree disagree|add remove|expand contract|legal illegal|
    mandatory optional|required optional|arrive depart|enter leave|left right|heavy light|hot cold|
    warmer colder|hotter colder|easy difficult|easier harder|easy hard|cheap expensive|rich poor|top bottom|
    upper lower|ancient modern|many few|all none|everyone nobody|present absent|presence absence|
    gave received"""


def _opposites() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in _PAIRS.split("|"):
        one, other = (key(word) for word in pair.split())
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


def key(word: str) -> str:
    """Return the stem of a lower-case word."""
    return stem(word)


class Line(NamedTuple):
    """One sentence: as read, its words with stems, and its content terms."""

    text: str
    words: tuple[str, ...]
    keys: tuple[str, ...]
    terms: tuple[str, ...]
    held: frozenset[str]


_DENYING = {"un": 3, "non": 3, "dis": 4, "mis": 4, "il": 4, "ir": 4, "in": 5, "im": 5}
"""Prefixes that deny, with the letters that must follow: ``import`` is not the contrary of ``port``."""
OPPOSITES = _opposites()
"""Stems that say the contrary of each other: directions, sides and the like."""


@lru_cache(maxsize=512)
def read(text: str) -> tuple[Line, ...]:
    """Return the sentences of a text, without marks of citation, lists and markup."""
    clean = _GROUPED.sub("", _MARKS.sub(" ", text))
    return tuple(line for span in sentences(clean) if (line := _line(tidy(clean[span.start : span.end]))).words)


def line(text: str) -> Line:
    """Return a claim as one line."""
    return _line(tidy(_GROUPED.sub("", _MARKS.sub(" ", text))))


def _line(text: str) -> Line:
    words = tuple(word.removesuffix("'s") for word in raw_words(text))
    found = tuple(terms(text))
    return Line(text, words, tuple(map(stem, words)), found, frozenset(found))


def negative(word: str) -> bool:
    """Return whether a lower-case word negates."""
    return word in NEGATIONS or word.endswith("n't")


def opposed(one: str, other: str) -> bool:
    """Return whether two stems are contraries: listed, or one the other with ``un``, ``in``, ``non`` … in front."""
    if other in OPPOSITES.get(one, ()):
        return True
    long, short = (one, other) if len(one) > len(other) else (other, one)
    return long in (f"{prefix}{short}" for prefix, least in _DENYING.items() if len(short) >= least)


def fathomable(claim: Line, lines: tuple[Line, ...]) -> bool:
    """Return whether the words of the two can be compared: both in one script and language, and the claim not code."""
    if not claim.terms or not lines:
        return False
    shown = " ".join(line.text for line in lines)
    if _latin(claim.text) != _latin(shown):
        return False
    if len(_CODE.findall(claim.text)) * 6 > len(claim.words) + 2:
        return False
    spoken = {_language(claim.words), _language([word for line in lines for word in line.words])}
    return spoken != {"English", "other"}


def _latin(text: str) -> bool:
    letters = _LETTER.findall(text)
    return 2 * sum(1 for letter in letters if _LATIN.match(letter)) >= len(letters)


def _language(words: Sequence[str]) -> str:
    """Return "English", "other", or "" for too few small words to tell; names bring in a foreign one now and then."""
    own = sum(1 for word in words if word in STOPWORDS)
    foreign = sum(1 for word in words if word in _FOREIGN)
    if foreign >= 2 and foreign > 2 * own:
        return "other"
    return "English" if own > foreign else ""
