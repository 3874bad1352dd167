"""What ties passages to one another: the names they hold and the titles they mention. Pure: text in, words out.

A *key* is how a document is called in running text: its title in lower-case words, without what stands in parentheses
at its end; of a numbered document, as ``PEP 572: …``, the number is a key too. A *name* is a capitalised run of words
or a year. Where names and titles are kept is in ``tools.names``; what a link is worth is in ``research.reranking``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import dropwhile

from research.words import STOPWORDS

LONGEST_KEY = 8
"""Words: longer titles are hardly ever written out in a text."""
SHORTEST = 4
"""Characters of a key or a name: shorter ones stand everywhere."""
LONGEST_NAME = 80
"""Characters of a name; what is longer is a heading or a line in capitals."""

_WORD = re.compile(r"\w+")
_PARENTHESIS = re.compile(r"\s*\([^()]*\)\s*$")
_NUMBERED = re.compile(r"\s*([^\W\d_]+[ \-]\d+)\s*:")
_CAPITALS = "A-Z" + "".join(letter for letter in map(chr, range(0xC0, 0x530)) if letter.isupper())
"""Latin, Greek and Cyrillic; other scripts have no capitals or are not met."""
_PART = rf"(?:[{_CAPITALS}]\w{{0,2}}\.(?=[^\S\n]+[{_CAPITALS}])|[{_CAPITALS}][\w-]*(?:['’.](?!s\b)[\w-]+)*)"
"""A capitalised word; a full stop belongs to it within ("U.S", "3.x") and after a short one ("St. Ives", "J. Doe")."""
_SMALL = "of|the|and|de|la|von|van|in|for|on|at"
_NAME = re.compile(rf"(?:{_PART}|\b\d{{4}}\b)(?:[^\S\n]+(?:(?:{_SMALL})[^\S\n]+){{0,2}}(?:{_PART}|\d+(?:\.\d+)*))*")


def words(text: str) -> list[str]:
    """Return the words of ``text`` in order, lower-cased."""
    return _WORD.findall(text.lower())


def keys(title: str) -> tuple[str, ...]:
    """Return the keys of a document by its title, the longest first; none where it would be a word like any other."""
    numbered = _NUMBERED.match(title)
    found = [_PARENTHESIS.sub("", title), *([numbered[1]] if numbered else [])]
    made = (" ".join(words(key)) for key in found)
    return tuple(dict.fromkeys(key for key in made if len(key) >= SHORTEST and key not in STOPWORDS))


def grams(text: Sequence[str]) -> set[str]:
    """Return every run of at most ``LONGEST_KEY`` words: what may be a key of some document."""
    return {
        " ".join(text[at : at + length])
        for at in range(len(text))
        for length in range(1, min(LONGEST_KEY, len(text) - at) + 1)
    }


def names(text: str) -> list[str]:
    """Return the names in ``text`` in lower-case words, once each, in order.

    Function words at the head of a name are no part of it: they are capitalised where a sentence begins.
    """
    found = (words(match[0]) for match in _NAME.finditer(text))
    return list(dict.fromkeys(name for name in map(_headed, found) if is_name(name)))


def _headed(parts: Sequence[str]) -> str:
    rest = dropwhile(lambda word: word in STOPWORDS, parts)
    return " ".join(rest)


def is_name(name: str) -> bool:
    """Return whether a run of words is long enough, short enough and not a function word."""
    return SHORTEST <= len(name) <= LONGEST_NAME and name not in STOPWORDS


def all_names(title: str, text: str) -> list[str]:
    """Return the names of a passage: those of its text, its title's, and the title as a whole."""
    return list(dict.fromkeys([*names(f"{title}. {text}"), *(key for key in keys(title) if is_name(key))]))


def as_written(name: str, text: str) -> str:
    """Return the run of words ``name`` as ``text`` writes it; ``name`` itself where it does not."""
    found = re.search(r"\b" + r"\W+".join(map(re.escape, name.split())) + r"\b", text, re.IGNORECASE)
    return " ".join(found[0].split()) if found else name
