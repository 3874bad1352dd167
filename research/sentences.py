"""Sentences with exact offsets, in running text, reStructuredText, Markdown and plain files with header lines.

Lines are sorted into blocks first, so that a heading, a bullet or a code block never runs into a sentence; then each
block of prose is cut at sentence ends. The spans returned are in order, do not overlap, begin and end with a visible
character, and together hold every visible character of the text: nothing is dropped, only named. Which sentences are
worth quoting is decided in ``research.analysts.picking``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Kind = Literal["prose", "heading", "header", "marker", "rule", "code", "table", "link"]
"""``header`` is a ``Key: value`` line of a header block, ``marker`` a bullet or directive, ``rule`` an underline."""


class Span(NamedTuple):
    """``text[start:end]``, in code points, and what it is. ``block`` counts paragraphs: 0, 1, 2 …"""

    start: int
    end: int
    kind: Kind
    block: int


class Line(NamedTuple):
    """One line without its white space; ``indent`` counts the columns before it."""

    start: int
    end: int
    indent: int
    text: str


_FENCE = re.compile(r"(`{3,}|~{3,})")
_RULE = re.compile(r"([=\-~^\"'`#*+.:_])\1{2,}$|(?:[=\-]{2,} +)+[=\-]{2,}$")
_GRID = re.compile(r"\+[-=+]+\+$|\|.*\|$")
_ATX = re.compile(r"#{1,6}\s+(?=\S)")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:[- ][A-Za-z0-9_]+){0,2}:(?:\s|$)")
_MARKER = re.compile(r"(?:[-*+•‣–]|\(?(?:\d{1,3}|[a-zA-Z#])[.)])\s+(?=\S)")
_LINK = re.compile(r"\.\. _|\.\. \[|__ \S|\[[^\]]+\]:\s*\S+|\.\. \|")
_DIRECTIVE = re.compile(r"\.\.(?:\s+[\w:.-]+::|\s*$)|:[\w-]+:(?=\s|$)")
_CODE_DIRECTIVE = re.compile(r"\.\.\s+(?:code|code-block|sourcecode|literalinclude|highlight|math)::")
_PROMPT = re.compile(r">>> |\.\.\. |\$ ")
_CODE_LINE = re.compile(
    r"[;{}]$|^(?:def|class|import|from|return|@|#include|for|if|while)\b.*:?$|^(?=.*\w\().*\)$|\s=\s"
)


def sentences(text: str) -> list[Span]:
    """Return the spans of ``text``, in reading order; see the module's docstring for what they promise."""
    spans: list[Span] = []
    for block, (kind, start, end) in enumerate(_blocks(text)):
        pieces = _cut(text, start, end) if kind == "prose" else [(start, end)]
        spans.extend(Span(a, b, kind, block) for a, b in pieces)
    return spans


def _lines(text: str) -> list[Line]:
    lines: list[Line] = []
    for match in re.finditer(r"[^\n]+|(?<=\n)\n|^\n", text):
        raw = match.group()
        body = raw.strip()
        indent = len(raw) - len(raw.lstrip())
        at = match.start() + indent if body else match.start()
        lines.append(Line(at, at + len(body), indent, body))
    return lines


def _blocks(text: str) -> Iterator[tuple[Kind, int, int]]:
    """Yield ``(kind, start, end)`` of every block; a block of prose is one paragraph or one bullet."""
    lines = _lines(text)
    at = 0
    literal = False
    while at < len(lines):
        if not lines[at].text:
            at += 1
            continue
        stop = _stop(lines, at)
        group = lines[at:stop]
        if literal and group[0].indent > _outer(lines, at):
            yield "code", group[0].start, group[-1].end
            at = stop
            continue
        if (fence := _FENCE.match(group[0].text)) is not None:
            stop = _fenced(lines, at, fence.group(1))
            yield "code", lines[at].start, _last(lines, at, stop).end
            at = stop
            continue
        literal = group[-1].text.endswith("::") and not _RULE.match(group[-1].text)
        yield from _paragraph(group, at == 0 or not lines[at - 1].text)
        at = stop


def _last(lines: list[Line], at: int, stop: int) -> Line:
    return next(line for line in reversed(lines[at:stop]) if line.text)


def _stop(lines: list[Line], at: int) -> int:
    """Return the index after the last line before a blank one or a fence."""
    stop = at + 1
    while stop < len(lines) and lines[stop].text and not _FENCE.match(lines[stop].text):
        stop += 1
    return stop


def _fenced(lines: list[Line], at: int, fence: str) -> int:
    for index in range(at + 1, len(lines)):
        if lines[index].text.startswith(fence) and not lines[index].text.strip(fence[0]):
            return index + 1
    return _stop(lines, at)


def _outer(lines: list[Line], at: int) -> int:
    """Return the indent of the paragraph that announced the literal block at ``at``."""
    for index in range(at - 1, -1, -1):
        if lines[index].text.endswith("::"):
            return lines[index].indent
    return 0


def _paragraph(group: list[Line], fresh: bool) -> Iterator[tuple[Kind, int, int]]:
    """Cut the lines of one paragraph into headings, markers, tables, header lines, code and prose."""
    first = group[0]
    whole = first.start, group[-1].end
    if _is_table(group):
        yield "table", *whole
    elif _CODE_DIRECTIVE.match(first.text) or _is_code(group):
        yield "code", *whole
    elif _LINK.match(first.text):
        yield "link", *whole
    elif fresh and _is_header(group):
        yield from _headers(group)
    else:
        yield from _mixed(group)


def _is_table(group: list[Line]) -> bool:
    if all(_GRID.match(line.text) for line in group):
        return True
    return " " in group[0].text and _RULE.match(group[0].text) is not None


def _is_code(group: list[Line]) -> bool:
    if _PROMPT.match(group[0].text) and not group[0].text.startswith("... "):
        return True
    coded = sum(1 for line in group if _CODE_LINE.search(line.text))
    return group[0].indent >= 4 and not _MARKER.match(group[0].text) and coded * 2 > len(group)


def _is_header(group: list[Line]) -> bool:
    keys = [line for line in group if line.indent == group[0].indent and not _RULE.match(line.text)]
    if len(keys) < 2 or not all(_HEADER.match(line.text) for line in keys):
        return False
    return sum(len(line.text) for line in keys) / len(keys) < 200 and group[0].indent < 4


def _headers(group: list[Line]) -> Iterator[tuple[Kind, int, int]]:
    at = 0
    while at < len(group):
        stop = at + 1
        if _RULE.match(group[at].text):
            yield "rule", group[at].start, group[at].end
        else:
            while stop < len(group) and group[stop].indent > group[at].indent:
                stop += 1
            yield "header", group[at].start, group[stop - 1].end
        at = stop


def _mixed(group: list[Line]) -> Iterator[tuple[Kind, int, int]]:
    width = max(line.indent + len(line.text) for line in group)
    at = 0
    while at < len(group):
        line = group[at]
        if _RULE.match(line.text):
            yield "rule", line.start, line.end
            at += 1
            continue
        start = line.start
        if (atx := _ATX.match(line.text)) is not None:
            yield "marker", start, start + len(atx.group().rstrip())
            yield "heading", start + atx.end(), line.end
            at += 1
            continue
        if at + 1 < len(group) and len(line.text) <= 120 and _underlines(group[at + 1].text, line.text):
            yield "heading", start, line.end
            at += 1
            continue
        while (mark := _MARKER.match(line.text[start - line.start :]) or _directive(line, start)) is not None:
            yield "marker", start, start + len(mark.group().rstrip())
            start += mark.end()
        rest = line.text[start - line.start :].lstrip()
        stop = _flow(group, at, width) if rest else at + 1
        if rest:
            yield "prose", line.end - len(rest), group[stop - 1].end
        at = stop


def _underlines(rule: str, title: str) -> bool:
    return _RULE.match(rule) is not None and " " not in rule and len(rule) * 2 >= len(title)


def _directive(line: Line, start: int) -> re.Match[str] | None:
    return _DIRECTIVE.match(line.text) if start == line.start else None


def _flow(group: list[Line], at: int, width: int) -> int:
    """Return the index after the last line that the paragraph beginning at ``at`` flows into."""
    stop = at + 1
    while stop < len(group):
        line, before = group[stop], group[stop - 1]
        if _RULE.match(line.text) or _ATX.match(line.text) or _MARKER.match(line.text) or _breaks(before, line, width):
            break
        if stop + 1 < len(group) and _underlines(group[stop + 1].text, line.text) and len(line.text) <= 120:
            break
        stop += 1
    return stop


def _breaks(before: Line, line: Line, width: int) -> bool:
    """Return whether the line end is meant: the next word, a capital, would have fitted, or lines are paragraphs."""
    if width > 200:
        return True
    fits = before.indent + len(before.text) + 1 + len(line.text.split()[0]) < 0.7 * width
    return fits and not line.text[0].islower() and before.text[-1] not in ",;-(" and line.text[0].isalnum()


_END = re.compile(r"(?:[.!?…]+|::|[。！？]+)[\"'”’»)\]`*_]*")
_VISIBLE = re.compile(r"\S")
_WORD = re.compile(r"\w+")
_INITIALS = re.compile(r"(?:[A-Z]\.)*[A-Z]")
_PROTECTED = re.compile(r"``[^`]+``|`[^`\n]{1,80}`|\([^()]{0,400}\)")
_STARTS = re.compile(r"\s+[\"'“‘«(\[`*_:<]*[^\W_a-z]", re.UNICODE)
_ABBREVIATIONS = """e.g i.e eg ie cf vs viz dr mr mrs ms prof rev gen col sgt capt lt st mt ft fig figs eq eqs sec ch
    vol pp ed eds resp approx ca al dept univ est ex incl excl pub trans"""
_AMBIGUOUS = """etc inc ltd co corp jr sr a.m p.m u.s u.k u.n e.u ph.d jan feb mar apr jun jul aug sep sept oct nov
    dec"""
_OPENING = """The A An This That These Those It They He She We You I In On At For From With When While If But And So
    However There Its Their His Her Our As After Before Both Each Some Most Many All Other One Since Although See"""
_NEVER = frozenset(_ABBREVIATIONS.split())
_SOMETIMES = frozenset(_AMBIGUOUS.split())
_OPENERS = frozenset(_OPENING.split())


def _cut(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the sentences of one paragraph of prose."""
    closed = [match.span() for match in _PROTECTED.finditer(text, start, end)]
    pieces: list[tuple[int, int]] = []
    begin, at = start, 0
    for match in _END.finditer(text, start, end):
        stop = match.end()
        while at < len(closed) and closed[at][1] <= stop:
            at += 1
        inside = at < len(closed) and closed[at][0] < stop
        if begin < stop < end and not inside and _ends(text, match, begin, end):
            pieces.append((begin, stop))
            visible = _VISIBLE.search(text, stop, end)
            begin = visible.start() if visible else end
    if begin < end:
        pieces.append((begin, end))
    return pieces


def _ends(text: str, match: re.Match[str], begin: int, end: int) -> bool:
    """Return whether the sentence that began at ``begin`` ends with ``match``."""
    mark = match.group()
    if mark[0] in "。！？":
        return True
    if _STARTS.match(text, match.end(), end) is None:
        return False
    if not mark.startswith(".") or mark.startswith(".."):
        return True
    words = text[max(begin, match.start() - 40) : match.start()].split()
    last = words[-1].lstrip("(\"'“‘[*_`") if words else ""
    after = _WORD.search(text, match.end(), end)
    following = after.group() if after else ""
    if last.lower() in ("no", "nos"):
        return not following.isdigit()
    if last.lower() in _SOMETIMES or _INITIALS.fullmatch(last):
        return following in _OPENERS
    return last.lower() not in _NEVER
