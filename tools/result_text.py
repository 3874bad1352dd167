"""What search services send, read as text: missing fields, marked-up snippets, queries cut to size. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from research.clean import unescaped
from research.errors import EffectFailed

_INLINE = re.compile(r"</?(?:jats:)?(?:a|b|bold|em|i|italic|mark|span|strong|sub|sup|u)\b[^>]{0,300}>", re.I)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,300}>")


def field(row: object, *path: str | int) -> Any:
    """Return what stands at ``path`` (keys, places of lists) in plain JSON, or ``None`` where there is nothing."""
    value: Any = row
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and -len(value) <= step < len(value) else None
    return value


def text(row: object, *path: str | int) -> str:
    """Return the text at ``path``, "" where there is none."""
    value = field(row, *path)
    return value if isinstance(value, str) else ""


def rows(answer: object, *path: str | int, name: str) -> list[Any]:
    """Return the list of results at ``path``. Raises ``EffectFailed`` where there is none: that is no empty answer."""
    found = field(answer, *path)
    if not isinstance(found, list):
        raise EffectFailed(f"{name} answered without a list of results")
    return found


def plain(marked: str) -> str:
    """Return a snippet without HTML or JATS tags, its entities read."""
    return unescaped(_TAG.sub(" ", _INLINE.sub("", marked)))


def first(texts: Iterable[str]) -> str:
    """Return the first text that is not empty, or ""."""
    return next((one for one in texts if one), "")


def shortened(query: str, longest: int, *, words: int | None = None) -> str:
    """Return at most ``longest`` characters and ``words`` words of a query on one line, cut where a word ends."""
    line = " ".join(query.split()[:words])
    return line if len(line) <= longest else line[: longest + 1].rpartition(" ")[0] or line[:longest]


def abstract(index: object) -> str:
    """Return the text of an inverted index, which has for each word its places (OpenAlex): words in their order.

    Places are counted from 0; what is no place is left out, and so are words beyond the first 400.
    """
    pairs = index.items() if isinstance(index, Mapping) else ()
    placed = [
        (place, word)
        for word, places in pairs
        if isinstance(word, str) and isinstance(places, list)
        for place in places
        if type(place) is int and 0 <= place < 400
    ]
    return " ".join(word for _, word in sorted(placed))
