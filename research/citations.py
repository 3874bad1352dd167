"""Where a quote stands in its source: the one place that turns a claimed quote into a located span, or drops it.

A quote is looked for verbatim, then under one normalisation, and nothing fuzzier. The normalisation: Unicode NFKC of
each character by itself, any run of white space as one space, curly and low quotation marks as ``"`` and ``'``, every
dash and minus as ``-``, zero-width characters and soft hyphens dropped. Letters keep their case. Every offset counts
code points of the stored text, and a finding's quote is always the stored text's own slice. Whether a quote *supports*
a statement is judged by an analyst; storing texts is the library's.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from types import MappingProxyType
from typing import NamedTuple, Protocol

from research.dating import written
from research.records import Finding, Label, Quote, Task, ident

SHORTEST = 8
"""Characters other than white space that a quote needs: anything shorter stands somewhere in any text."""

_SAME = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
    **dict.fromkeys("\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", ""),
}
_PIECE = re.compile(r"[!-~]+|.", re.DOTALL)
_SHAPES = {
    **dict.fromkeys("-\u2010\u2011\u2212\ufe63\uff0d", "-"),
    "\u2013": "=",
    **dict.fromkeys(".,", "."),
    **dict.fromkeys(":/", ":"),
    **dict.fromkeys("'\u2019\u02bc", "'"),
    **dict.fromkeys("\u00a0\u2009\u202f", "_"),
    "\n": "\n",
}
_JOINT = re.compile(
    r"(?<=[aA0])(?=[aA0]|\.0|'[aA])"  # a word; 1|.5; can|'t
    r"|(?<=[aA0]')(?=[aA])"
    r"|(?<=0[.:'])(?=0)|(?<=0)(?=[:']0)"  # 1,|000; 10|:30; 1'|000
    r"|(?<=[ \n_$]\.)(?=0)"  # .|5
    r"|(?<=[aA0]-)(?=[aA0])|(?<=[aA0])(?=-[aA0])"  # non-|toxic
    r"|(?<=[aA0]-\n)(?=a)|(?<=[aA0])(?=-[ \n]+a)"  # a word divided at the end of a line; pre|- and post-war
    r"|(?<=[^aA0-]-)(?=0)|(?<=[ \n_(]=)(?=0)"  # -|5
    r"|(?<=0=)(?=0)|(?<=0)(?==0)"  # 1990|–1995
    r"|(?<=0_)(?=000(?!0))|(?<=0)(?=_000(?!0))"  # 1|000|000 with spaces that do not break
)
"""Where a cut would part a word or a figure, in the shapes of the characters around it: see ``_shape``."""
_NOWHERE: Mapping[str, Sequence[tuple[int, int]]] = MappingProxyType({})


class Folded(NamedTuple):
    """A normalised text: character ``i`` came from the original's ``[starts[i], ends[i])``."""

    text: str
    starts: list[int]
    ends: list[int]


def _unify(char: str) -> str:
    """Return what one character becomes; white space in the result means white space, "" means dropped."""
    if char in _SAME:
        return _SAME[char]
    return "".join(_SAME.get(part, part) for part in unicodedata.normalize("NFKC", char))


@lru_cache(maxsize=16)
def fold(text: str) -> Folded:
    """Return ``text`` under the normalisation of this module, with the way back to its code points."""
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _PIECE.finditer(text):
        piece, at = match.group(), match.start()
        if piece[0].isascii() and not piece.isspace() and piece.isprintable():
            chars.extend(piece)
            starts.extend(range(at, at + len(piece)))
            ends.extend(range(at + 1, at + len(piece) + 1))
            continue
        for char in _unify(piece):
            if not char.isspace():
                chars.append(char)
                starts.append(at)
                ends.append(at + 1)
            elif chars and chars[-1] == " ":
                ends[-1] = at + 1
            else:
                chars.append(" ")
                starts.append(at)
                ends.append(at + 1)
    return Folded("".join(chars), starts, ends)


def normal(text: str) -> str:
    """Return ``text`` under the normalisation, without white space at its ends."""
    return fold(text).text.strip()


def locate(quote: str, text: str, *, near: Sequence[tuple[int, int]] = ()) -> tuple[int, int] | None:
    """Return ``(start, end)`` of the quote in ``text`` (code points), or ``None`` when it is not there.

    An occurrence inside a span of ``near`` wins over one outside, and then a verbatim one over a normalised one. A
    quote with fewer than :data:`SHORTEST` characters is never located, nor one that begins or ends inside a word or
    figure of the text: ``legal to do so`` is not a quote of ``illegal to do so``, nor ``exactly 1`` of ``exactly 1.5``.
    """
    wanted = quote.strip()
    plain = normal(wanted)
    if len(plain.replace(" ", "")) < SHORTEST:
        return None
    first: tuple[int, int] | None = None
    for start, end in chain(_verbatim(wanted, text), _normalised(plain, text)):
        if _cuts(text, start) or _cuts(text, end):
            continue
        if not near or any(low <= start and end <= high for low, high in near):
            return start, end
        first = first or (start, end)
    return first


def _verbatim(wanted: str, text: str) -> Iterator[tuple[int, int]]:
    at = text.find(wanted)
    while at >= 0:
        yield at, at + len(wanted)
        at = text.find(wanted, at + 1)


def _normalised(plain: str, text: str) -> Iterator[tuple[int, int]]:
    folded = fold(text)
    at = folded.text.find(plain)
    while at >= 0:
        last = at + len(plain) - 1
        # A character that became several (a ligature, an ellipsis) is quoted whole or not at all.
        begins = at == 0 or folded.starts[at - 1] != folded.starts[at]
        stops = last + 1 == len(folded.text) or folded.starts[last + 1] != folded.starts[last]
        if begins and stops:
            yield folded.starts[at], folded.ends[last]
        at = folded.text.find(plain, at + 1)


def _cuts(text: str, at: int) -> bool:
    """Return whether ``at`` is inside a word, a figure or a character. Scripts without letter case have no words here.

    Characters that are not seen by themselves (dropped ones and combining marks) join nothing and part nothing.
    """
    if not 0 < at < len(text):
        return False
    after = next(_seen(text, range(at, len(text))), " ")
    if _combines(after) and not text[at - 1].isspace():
        return True
    left = _shapes(_seen(text, range(at - 1, -1, -1)), 3)[::-1]
    right = _shapes(_seen(text, range(at, len(text))), 6)
    return _JOINT.match(f" {left}{right}", len(left) + 1) is not None


def _seen(text: str, places: Iterable[int]) -> Iterator[str]:
    return (text[i] for i in places if _SAME.get(text[i], text[i]))


def _shapes(chars: Iterable[str], most: int) -> str:
    return "".join(islice((_shape(char) for char in chars if not _combines(char)), most))


def _shape(char: str) -> str:
    """Return ``0`` for a digit, ``a`` or ``A`` for a cased letter, a space for white space, and for a mark its kind."""
    if char.isdigit():
        return "0"
    if char.lower() != char.upper():
        return "A" if char.isupper() else "a"
    return _SHAPES.get(char) or (" " if char.isspace() else "$" if unicodedata.category(char) == "Sc" else "x")


def _combines(char: str) -> bool:
    return unicodedata.category(char).startswith("M")


def findings_from(
    quotes: Sequence[Quote],
    task: Task,
    texts: Mapping[str, str],
    labels: Mapping[str, Label],
    *,
    near: Mapping[str, Sequence[tuple[int, int]]] = _NOWHERE,
) -> tuple[tuple[Finding, ...], int]:
    """Return the findings whose quotes are in their sources, in order, and how many quotes were dropped.

    ``texts`` and ``labels`` are keyed by source id; a quote of any other source is dropped. ``near`` holds by source id
    the spans that were read: of several occurrences of a quote, the first inside one of them is taken. A finding seen
    twice is returned once and not counted as dropped. Without a statement, the quote itself is the statement.
    """
    found: dict[str, Finding] = {}
    dates: dict[str, str] = {}
    dropped = 0
    for quote in quotes:
        text = texts.get(quote.source)
        span = (
            None
            if text is None or quote.source not in labels
            else locate(quote.quote, text, near=near.get(quote.source, ()))
        )
        if text is None or span is None:
            dropped += 1
            continue
        own = text[span[0] : span[1]]
        statement = " ".join(quote.statement.split()) or " ".join(own.split())
        id = ident("f", task.id, quote.source, span[0], span[1], statement, *filter(None, [quote.ask]))
        found.setdefault(
            id,
            Finding(
                id=id,
                task=task.id,
                statement=statement,
                quote=own,
                source=quote.source,
                start=span[0],
                end=span[1],
                label=labels[quote.source],
                relevance=min(1.0, max(0.0, quote.relevance)),
                ask=quote.ask,
                title=quote.title,
                dated=dates[quote.source] if quote.source in dates else dates.setdefault(quote.source, written(text)),
            ),
        )
    return tuple(found.values()), dropped


class Located(Protocol):
    """The part of a finding that can be checked again."""

    @property
    def id(self) -> str: ...
    @property
    def quote(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


def verify(findings: Iterable[Located], texts: Mapping[str, str]) -> list[str]:
    """Return the ids of the findings whose quote is not exactly ``text[start:end]`` of its source, in order."""
    return [
        f.id for f in findings if not (0 <= f.start < f.end and texts.get(f.source, "")[f.start : f.end] == f.quote)
    ]


def page_at(pages: Sequence[int], offset: int) -> int:
    """Return the page, counted from 1, on which ``offset`` lies, 0 where no pages are known.

    ``pages`` are the offsets at which they begin; of those that begin at the same place all but the last are empty.
    """
    return bisect_right(pages, offset)
