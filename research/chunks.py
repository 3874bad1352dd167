"""Cutting a stored text into passages, and finding its title. Pure: text in, spans out.

A passage keeps to paragraphs, headings and sentence ends where it can, and is always an exact span of the text, so a
quote found in a passage is a quote of the source. Reading files is in ``tools.folder_files``; embedding and storing
passages are in ``tools.indexing``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from research.records import Record

MOST = 220
"""Words: a passage is closed before it grows beyond this. MiniLM reads 256 tokens, about 190 words of prose."""
GOAL = 150
"""Words: from here on a passage is closed at the next paragraph."""
LEAST = 40
"""Words: a passage below this is joined to its neighbour, which may then hold ``MOST + LEAST``."""
LETTERS_PER_WORD = 8
"""Characters counted as a word where a text has no spaces (Chinese, tables, encoded data)."""

MARKDOWN = "text/markdown"
RST = "text/x-rst"

Span = tuple[int, int]

_PARAGRAPH_GAP = re.compile(r"\n[^\S\n]*\n\s*")
_SENTENCE_GAP = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[^\W_a-z])|(?<=[。！？])")
_LINE_GAP = re.compile(r"\n")
_WORD_GAP = re.compile(r"\s+")
_ATX = re.compile(r"^ {0,3}(#{1,6})[ \t]+(\S[^\n]*)$", re.M)
_FENCE = re.compile(r"^ {0,3}(```+|~~~+).*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.M | re.S)
_UNDERLINED = re.compile(
    r"^(?:(?P<over>([=\-~^\"'`#*+:.<>_!$%&])\2{2,})[ \t]*\n[ \t]*)?(?P<title>\S[^\n]*)\n"
    r"(?P<under>([=\-~^\"'`#*+:.<>_!$%&])\5{2,})[ \t]*$",
    re.M,
)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*$", re.M | re.S)
_HEADER = re.compile(r"\A(?:[A-Za-z][\w-]*:[^\n]*\n(?:[ \t]+[^\n]*\n)*){2,}(?=\s*\n)")
_FIELD = re.compile(r"^([A-Za-z][\w-]*):[ \t]*([^\n]*(?:\n[ \t]+[^\n]*)*)$", re.M)


class Chunk(Record):
    """A passage as a span of code points, and the headings it stands under (at most the last two)."""

    start: int
    end: int
    heading: str = ""


class Heading(Record):
    """A section title: ``start`` is where its first line begins; ``level`` counts from 1."""

    start: int
    level: int
    title: str


def chunk(text: str, media: str) -> list[Chunk]:
    """Return the passages of ``text`` in order: together they cover every character that is not white space."""
    chunks: list[Chunk] = []
    for start, end, heading in _sections(text, media):
        chunks.extend(_merged(text, list(_packed(text, start, end)), heading))
    return chunks


def title_of(text: str, media: str, fallback: str) -> str:
    """Return the title: of a header block or front matter, else the first heading, else ``fallback``.

    A header that opens with a numbered name, as in ``PEP: 572`` or ``eip: 20``, gives ``PEP 572: …``, because that is
    what people call the document.
    """
    listed = [(name, " ".join(value.split()).strip("\"'")) for name, value in _FIELD.findall(_front(text))]
    title = next((value for name, value in listed if name.lower() == "title"), "")
    if title:
        name, value = listed[0]
        return f"{name.upper()} {int(value)}: {title}" if value.isdecimal() else title
    first = next(iter(_headings(text, media)), None)
    return " ".join(first.title.split()) if first else fallback


def _front(text: str) -> str:
    """Return the document's header: YAML front matter or lines of ``Name: value``; empty when it has none."""
    found = _FRONT_MATTER.match(text)
    if found:
        return found[1]
    found = _HEADER.match(text[:20_000])
    return found[0] if found else ""


def _headings(text: str, media: str) -> list[Heading]:
    """Return the section titles in order: ``# …`` in Markdown, underlined lines everywhere."""
    matter = _FRONT_MATTER.match(text)
    begin = matter.end() if matter else 0
    found: list[Heading] = []
    fences: list[Span] = []
    if media == MARKDOWN:
        fences = [match.span() for match in _FENCE.finditer(text, begin)]
        found = [Heading(start=m.start(), level=len(m[1]), title=_unmarked(m[2])) for m in _ATX.finditer(text, begin)]
    styles: list[tuple[bool, str]] = []
    for match in _UNDERLINED.finditer(text, begin):
        title, over, under = match["title"].rstrip(" \t"), match["over"], match["under"]
        if len(under) + 2 < len(title) or (over and over[0] != under[0]) or set(title) == {title[0]}:
            continue
        style = (bool(over), under[0])
        if style not in styles:
            styles.append(style)
        found.append(Heading(start=match.start(), level=styles.index(style) + 1, title=title))
    ends = [end for _, end in fences]
    outside = [heading for heading in found if not _within(heading.start, fences, ends)]
    return sorted(outside, key=lambda heading: heading.start)


def _unmarked(title: str) -> str:
    """Return the title without the marks that may close its line; expressions that do so take quadratic time."""
    return title.rstrip(" \t").rstrip("#").rstrip(" \t") or title


def _within(place: int, spans: Sequence[Span], ends: Sequence[int]) -> bool:
    """Return whether ``place`` is in one of the spans, which are in order; ``ends`` are their ends."""
    next_one = bisect_right(ends, place)
    return next_one < len(spans) and spans[next_one][0] <= place


def _sections(text: str, media: str) -> Iterator[tuple[int, int, str]]:
    """Yield ``(start, end, headings)`` of each section; a heading with next to nothing under it joins the next one."""
    headings = _headings(text, media)
    borders = [0, *(heading.start for heading in headings), len(text)]
    path: list[Heading] = []
    pending = 0
    for number, (_, end) in enumerate(pairwise(borders)):
        if number:
            current = headings[number - 1]
            path = [*(above for above in path if above.level < current.level), current]
        if size(text, pending, end) < LEAST and end < len(text):
            continue
        yield pending, end, " > ".join(heading.title for heading in path[-2:])
        pending = end
    if pending < len(text):
        yield pending, len(text), ""


def size(text: str, start: int, end: int) -> float:
    """Return the length in words, or in eighths of characters where words are few and long."""
    return max(len(text[start:end].split()), (end - start) / LETTERS_PER_WORD)


def _packed(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield spans of about ``GOAL`` to ``MOST`` words that end at a paragraph where possible, else at a sentence."""
    current: Span | None = None
    filled = 0.0
    for paragraph in _split(text, (start, end), _PARAGRAPH_GAP):
        whole = size(text, *paragraph) <= MOST
        pieces = [paragraph] if whole else _cut(text, paragraph, (_SENTENCE_GAP, _LINE_GAP, _WORD_GAP))
        for number, piece in enumerate(pieces):
            more = size(text, *piece)
            room = MOST + LEAST if filled < LEAST else MOST
            if current and (filled + more > room or (number == 0 and filled >= GOAL)):
                yield current
                current, filled = None, 0.0
            current = (current[0] if current else piece[0], piece[1])
            filled = size(text, *current)
    if current:
        yield current


def _cut(text: str, span: Span, gaps: tuple[re.Pattern[str], ...]) -> list[Span]:
    """Return pieces of at most ``MOST``: cut at the first kind of gap, and what is still too long at the next kind."""
    if size(text, *span) <= MOST:
        return [span]
    if not gaps:
        step = MOST * LETTERS_PER_WORD
        return [(at, min(at + step, span[1])) for at in range(span[0], span[1], step)]
    return [piece for part in _split(text, span, gaps[0]) for piece in _cut(text, part, gaps[1:])]


def _split(text: str, span: Span, gap: re.Pattern[str]) -> Iterator[Span]:
    """Yield the parts of ``span`` between gaps, without white space at either end, leaving out empty ones."""
    start = span[0]
    borders = [match.span() for match in gap.finditer(text, *span)]
    for begin, end in [*borders, (span[1], span[1])]:
        # A sentence's closing quotation mark is matched with the gap, but belongs to the sentence.
        stop = end if text[begin:end].strip() else begin
        part = text[start:stop]
        if part.strip():
            yield start + len(part) - len(part.lstrip()), start + len(part.rstrip())
        start = max(stop, start)


def _merged(text: str, spans: list[Span], heading: str) -> list[Chunk]:
    """Return chunks; a last one of a few words is joined to the one before."""
    if len(spans) > 1 and size(text, *spans[-1]) < LEAST:
        spans[-2:] = [(spans[-2][0], spans[-1][1])]
    return [Chunk(start=start, end=end, heading=heading) for start, end in spans]
