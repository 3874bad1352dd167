"""How text is shown and compared: markup stripped, white space collapsed, one line. Pure.

Nothing here decides what to quote; a statement made here differs from its quote in markup and white space only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from research.words import negations, numbers, terms

_MARKUP = re.compile(
    r"``(?P<literal>.+?)``"
    r"|:(?P<role>[a-zA-Z][\w:.+-]*):`(?P<rolled>[^`]+)`"
    r"|`(?P<linked>[^`<]+?)\s*<[^`>]*>`_{0,2}"
    r"|`(?P<code>[^`]+)`_{0,2}"
    r"|!?\[(?P<label>[^\]\[]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)"
    r"|\s?\[(?:#[\w-]*|[\w.-]+|\^[\w-]+|\*)\]_"
    r"|\s?\[\^[\w-]+\]"
    r"|\*\*(?P<strong>[^\s*](?:[^*]|\*(?!\*))*?)(?<!\s)\*\*(?!\w)"
    r"|(?<![\w*])\*(?P<emphasis>[^\s*][^*]*?)(?<!\s)\*(?![\w*])"
    r"|(?<!\w)__(?P<under>[^_\s][^_]*)__(?!\w)"
    r"|(?<!\w)_(?P<low>[^_\s][^_]*)_(?!\w)"
    r"|\s?<[^<>\s]+(?:@| at )[^<>]+>"
    r"|</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>"
    r"|(?P<name>\b[A-Za-z][\w-]*)_(?=[\s,.;:)]|$)"
    r"|(?<!\w)\|(?P<substituted>[\w-]+)\|"
    r"|\\(?P<escaped>[*_`\\|\[\]#<>])",
    re.DOTALL,
)
_DOUBLED = frozenset({"pep", "rfc"})
LONGEST = 80
"""Words of a text that is quoted whole."""


def tidy(text: str) -> str:
    """Return ``text`` as one line a person can read: reStructuredText and Markdown markup and e-mail addresses gone."""
    line = " ".join(_MARKUP.sub(_plain, text).split())
    return re.sub(r"\s+([,.;:!?])(?=\s|$)", r"\1", line.rstrip(":") + ":" if line.endswith("::") else line)


def _plain(match: re.Match[str]) -> str:
    role = match.group("role")
    if role is not None:
        inner = re.sub(r"\s*<[^<>]*>$", "", match.group("rolled")).lstrip("~!")
        short = role.lower()
        return f"{short.upper()} {inner}" if short in _DOUBLED and inner.isdigit() else inner
    strong = match.group("strong")
    if strong is not None:
        return re.sub(r"(?<![\w*])\*([^\s*][^*]*?)(?<!\s)\*(?![\w*])", r"\1", strong)
    return next((group for group in match.groups() if group is not None), "")


def as_sentence(statement: str) -> str:
    """Return the statement with a full stop when it ends without any mark, or with one that joins it to the next."""
    statement = re.sub(r"[,;:]\s*$", "", statement)
    end = statement.rstrip("\"'”’)*_` ")[-1:]
    return statement if not end or end in ".!?…。！？" else f"{statement}."


def shorten(text: str, limit: int) -> str:
    """Return ``text`` on one line, cut at a word to at most ``limit`` characters."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    return line[: limit - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def bare(text: str) -> str:
    """Return the letters and digits of ``text``, lower-cased, words apart by one space: for comparing wordings."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def alike(one: str, other: str, *, limit: float = 0.8) -> bool:
    """Return whether two sentences say nearly the same: one's words hold the other's, or most are shared.

    What only one of them denies is not the same, nor, unless one holds all that the other does, are other numbers.
    """
    a, b = set(terms(one)), set(terms(other))
    if not a or not b:
        return bare(one) == bare(other)
    if (negations(one) > 0) != (negations(other) > 0):
        return False
    shared = len(a & b)
    if shared == min(len(a), len(b)) and shared >= 4:
        return True
    return shared / len(a | b) >= limit and numbers(one) == numbers(other)


def window(text: str, wanted: Iterable[str], *, most: int = LONGEST) -> str:
    """Return ``text``, or of a longer one the ``most`` words of it, as they stand, that hold most of the wanted terms.

    The words wanted are in the middle of the window, as far as there are words before and after them.
    """
    spans = [match.span() for match in re.finditer(r"\S+", text)]
    if len(spans) <= most:
        return text
    terms_ = frozenset(wanted)
    held = [terms_ & set(terms(text[low:high])) for low, high in spans]
    at = [place for place, own in enumerate(held) if own]
    best = max(at, key=lambda place: (len(frozenset[str]().union(*held[place : place + most])), -place), default=0)
    last = max((place for place in at if place < best + most), default=best)
    first = min(max(0, best - (most - (last - best + 1)) // 2), len(spans) - most)
    return text[spans[first][0] : spans[first + most - 1][1]]
