"""Documents as entries: who they are, and the ``Key: value`` lines of their heads. Pure.

Who a document is, is told by its title (``PEP 572: Assignment Expressions``) or by the first line of its head. What a
question asks of entries is in ``research.analysts.relations``; answering it is in ``research.analysts.lookup``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from research.analysts.naming import Name
from research.analysts.wording import bare, tidy
from research.chunks import MOST
from research.records import Passage
from research.sentences import sentences
from research.words import DATE

_FULL = 0.8
FRONT = 200
"""Characters of a source before its head, at most: a rule, a byte-order mark, a comment."""
_TITLE = re.compile(r"([A-Za-z]{2,10})[ -]0*(\d+)\s*:\s*(.*)", re.DOTALL)
_LINE = re.compile(r"\s*([A-Za-z][\w -]*?)\s*:\s*(.*)", re.DOTALL)
_STROKES = str.maketrans({"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ß": "ss", "ı": "i"})
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class Line:
    """One line of a head. ``start`` is its place in the source, ``text`` as it stands there."""

    key: str
    value: str
    start: int
    text: str


@dataclass
class Entry:
    """One document. ``whole`` says that its head was read to its end, so that a key without a line is not there."""

    source: str
    series: str = ""
    number: str = ""
    title: str = ""
    whole: bool = False
    lines: dict[str, Line] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What people call the document: ``PEP 572``, or its title."""
        return f"{self.series} {self.number}" if self.number else self.title

    def line(self, keys: frozenset[str]) -> Line | None:
        """Return the line of the first key that the entry has; ``*-version`` stands for any key with that ending."""
        for key, line in self.lines.items():
            if key in keys or f"*-{key.rpartition('-')[2]}" in keys:
                return line
        return None

    def is_named(self, name: Name) -> bool:
        """Return whether the entry is the document that ``name`` names."""
        if name.number:
            return self.number == name.number and self.series.upper() == name.series.upper()
        return bool(name.text) and bare(tidy(self.title)) == bare(name.text)


def entries_of(passages: Sequence[Passage]) -> dict[str, Entry]:
    """Return the documents that the passages are from, by source, in the order of the passages."""
    entries: dict[str, Entry] = {}
    for passage in passages:
        entry = entries.setdefault(passage.source, titled(passage.source, passage.title))
        if passage.start <= FRONT:
            _read_head(entry, passage)
    return entries


def titled(source: str, title: str) -> Entry:
    """Return the entry of a source of which only the title is known."""
    known = _TITLE.match(title)
    if known:
        series = known.group(1) if known.group(1).istitle() else known.group(1).upper()
        return Entry(source, series, known.group(2).lstrip("0") or "0", known.group(3))
    return Entry(source, title=title)


def _read_head(entry: Entry, passage: Passage) -> None:
    spans = [span for span in sentences(passage.text) if span.kind != "rule"]
    last = next((at for at, span in enumerate(spans) if span.kind != "header"), len(spans))
    for span in spans[:last]:
        for line in line_of(passage.text[span.start : span.end], passage.start + span.start):
            entry.lines.setdefault(line.key, line)
    # A head that fills a passage of full size may go on in the next one.
    entry.whole = entry.whole or 0 < last < len(spans) or (last > 0 and len(passage.text.split()) < _FULL * MOST)
    number = next(iter(entry.lines.values()), None)
    if number and re.fullmatch(r"[a-z]{2,10}", number.key) and number.value.isdecimal():
        spoken = entry.series if entry.series.lower() == number.key else number.key.upper()
        entry.series, entry.number = spoken, number.value.lstrip("0") or "0"
    if "title" in entry.lines:
        entry.title = entry.lines["title"].value.strip("\"'")


def line_of(quote: str, start: int) -> Iterator[Line]:
    """Yield the lines that a quote of a head is made of; continuation lines are indented."""
    for match in re.finditer(r"^\S[^\n]*(?:\n[ \t]+[^\n]*)*", quote, re.MULTILINE):
        found = _LINE.match(match.group())
        if found:
            key = re.sub(r"[ _]", "-", found.group(1).lower())
            yield Line(key, " ".join(found.group(2).split()), start + match.start(), match.group())


def values_of(value: str) -> list[str]:
    """Return the parts of a list of names or numbers, without addresses: ``Ann Lee <a@b.c>, Bo Ek`` gives two."""
    plain = re.sub(r"<[^<>]*>|\([^()]*@[^()]*\)", "", tidy(value))
    parts = re.split(r",(?!\s*(?:Jr|Sr|I{2,3})\b)|;|\band\b|\s&\s", plain)
    return [part for raw in parts if (part := " ".join(raw.split()).strip(" ,"))]


def folded(text: str) -> str:
    """Return the letters and digits of ``text`` in lower case, without accents, words apart by one space."""
    plain = unicodedata.normalize("NFKD", text.translate(_STROKES))
    return bare("".join(char for char in plain if not unicodedata.combining(char)))


def holds(value: str, name: Name, entry: Entry | None) -> bool:
    """Return whether a line's value names ``name``: by its number, or with all words of a person's name.

    ``entry`` is the named document's own, if known; bare numbers in a list are of the line's own series.
    """
    number = name.number or (entry.number if entry else "")
    if number:
        return number in {found.lstrip("0") or "0" for found in re.findall(r"\d+", value)}
    if name.titled:
        return False
    wanted = folded(name.text).split()
    return any(_person(wanted, folded(part).split()) for part in values_of(value))


def _person(wanted: Sequence[str], named: Sequence[str]) -> bool:
    """Return whether two names may be one person's: first and last words agree, and the middle ones do not clash."""
    if not wanted or not named or wanted[-1] != named[-1] or len(wanted) < 2:
        return list(wanted) == list(named)
    short = min(len(wanted[0]), len(named[0]))
    same = wanted[0] == named[0] or (short == 1 and wanted[0][0] == named[0][0])
    middle, other = set(wanted[1:-1]), set(named[1:-1])
    return same and (not middle or not other or {word[0] for word in middle} <= {word[0] for word in other})


def iso_date(text: str) -> str:
    """Return the first date in ``text`` as ISO 8601, as exact as it is given: a day, a month or a year."""
    found = DATE.search(text)
    if found is None:
        return ""
    date = found.group().lower()
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", date):
        return date
    year = re.search(r"\d{4}", date)
    month = next((n for n, name in enumerate(_MONTHS, 1) if re.search(rf"\b{name}|-{name}", date)), 0)
    day = re.search(r"\b(\d{1,2})(?!\d)", date)
    parts = [year.group() if year else "", f"{month:02}" if month else "", f"{int(day.group(1)):02}" if day else ""]
    return "-".join(parts[: 3 if all(parts) else 2 if all(parts[:2]) else 1])
