"""Answering a lookup from the heads of documents: which lines to quote, and whether the answer is known to be absent.

A line that answers is quoted with relevance :data:`SURE`, whatever else the passages say. Where the document is there,
with its head, and the head lacks what is asked, the lookup is ``absent``: then only a sentence that says so in so many
words may answer. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from research.analysts.entries import FRONT, Entry, Line, entries_of, holds, iso_date
from research.analysts.naming import CREATED, Condition, Name
from research.analysts.relations import Ask
from research.analysts.wording import tidy
from research.records import Passage, Quote

SURE = 0.98
_LONGEST = 900
"""Characters of a quote of several lines, or twice those of the lines themselves where these are longer."""
_LABELLED = frozenset({"first", "last", "more", "fewer", "same", "share", "before", "after", "holds"})
"""Operations whose answer is the document, so that the quote has to say which document it is."""
CLOSE = 0.4
"""The relevance of a line that is shown as the nearest evidence only."""


@dataclass(frozen=True)
class Lookup:
    """What the heads say: quotes that answer, and whether it is certain that they do not."""

    quotes: tuple[Quote, ...]
    absent: bool = False
    near: tuple[Quote, ...] = ()


def look_up(ask: Ask, passages: Sequence[Passage]) -> Lookup:
    """Return the lines of the passages' heads that answer ``ask``."""
    entries = entries_of(passages)
    texts = {passage.source: passage for passage in passages if passage.start <= FRONT}
    own = [(name, _own(name, entries)) for name in ask.subjects]
    quotes: list[Quote] = []
    for _, entry in own:
        line = entry.line(ask.keys) if entry and ask.keys else None
        if entry and line:
            quotes.extend(_quotes(entry, [line], texts) if ask.operation in _LABELLED else [_quote(entry, line, SURE)])
    if ask.back and not quotes:
        for name, entry in own:
            quotes.extend(_backwards(ask, name, entry, entries, texts))
    absent = not quotes and all(entry is not None and entry.whole for _, entry in own)
    near = [_quote(entry, line, CLOSE) for _, entry in own if entry and (line := entry.line(frozenset({"title"})))]
    return Lookup(tuple(quotes), absent, () if ask.back else tuple(near))


def _own(name: Name, entries: dict[str, Entry]) -> Entry | None:
    found = [entry for entry in entries.values() if entry.is_named(name)]
    return next((entry for entry in found if entry.lines), found[0] if found else None)


def _backwards(
    ask: Ask, name: Name, own: Entry | None, entries: dict[str, Entry], texts: dict[str, Passage]
) -> list[Quote]:
    """Return the lines of every other entry that names the subject and fulfils the conditions."""
    quotes: list[Quote] = []
    for entry in entries.values():
        line = entry.line(ask.back)
        alien = bool(name.number) and entry.series.upper() != name.series.upper()
        if entry is own or line is None or alien or not holds(line.value, name, own):
            continue
        needed = [fulfilled(condition, entry) for condition in ask.conditions]
        if None in needed:
            continue
        lines = [line, *(one for one in needed if one)]
        dated = entry.line(CREATED) if ask.operation in ("first", "last") else None
        if dated and dated not in lines:
            lines.append(dated)
        quotes.extend(_quotes(entry, lines, texts))
    return quotes


def fulfilled(condition: Condition, entry: Entry) -> Line | None:
    """Return the line that fulfils the condition, or ``None``."""
    line = entry.line(condition.keys)
    if line is None:
        return None
    if condition.keys & CREATED:
        year = iso_date(line.value)[:4]
        ways = {"is": year == condition.value, "before": "" < year < condition.value, "after": year > condition.value}
        return line if ways[condition.sense] else None
    return line if line.value.casefold().strip(" .") == condition.value.casefold() else None


def _quotes(entry: Entry, lines: Sequence[Line], texts: dict[str, Passage]) -> list[Quote]:
    """Return the lines as one quote from the line that names the document on, or each alone where that is too long."""
    first = next(iter(entry.lines.values()))
    start, end = min(first.start, *(line.start for line in lines)), max(line.start + len(line.text) for line in lines)
    passage = texts.get(entry.source)
    longest = max(_LONGEST, 2 * sum(len(line.text) for line in lines))
    if passage is None or end - start > longest or end > passage.end or start < passage.start:
        return [_quote(entry, line, SURE) for line in lines]
    quote = passage.text[start - passage.start : end - passage.start]
    shown = [line for line in entry.lines.values() if line in (first, entry.lines.get("title"), *lines)]
    statement = _spoken(" · ".join(tidy(line.text) for line in shown), entry)
    return [Quote(source=entry.source, quote=quote, statement=statement, relevance=SURE)]


def _quote(entry: Entry, line: Line, relevance: float) -> Quote:
    return Quote(source=entry.source, quote=line.text, statement=_spoken(tidy(line.text), entry), relevance=relevance)


def _spoken(text: str, entry: Entry) -> str:
    """Return the lines with a capital at the beginning, for they follow other sentences: ``EIP: 20 · title: …``."""
    key = text.partition(":")[0]
    return text.replace(key, key.upper() if key.upper() == entry.series else key[:1].upper() + key[1:], 1)
