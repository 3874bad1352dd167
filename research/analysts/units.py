"""Passages cut into what can be quoted, each with what stands around it: title, heading, the sentence before. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from research.analysts.entries import iso_date, titled
from research.analysts.subjects import MAKER, makes
from research.records import Passage
from research.sentences import Span, sentences
from research.words import terms

_LONGEST = 80
"""Words of a sentence together with the one before it."""
_LEANING = re.compile(
    r"(?:It|They|He|She|These|Those|Such|Its|Their|His|Her|This|That|Thus|Hence|Therefore|Consequently|I therefore"
    r"|As a result|For (?:this|that|these) reasons?|Because of (?:this|that)|Instead|Otherwise)\b"
)
_POINTING = re.compile(
    r"(?:This|That|These|Those|Such) (?:is|are|was|were|means|makes|allows|has|have|can|would|will)\b"
)
_DAY = re.compile(r"\b(?:\d{4}-\d{2}-\d{2}|\d{1,2} [A-Z][a-z]+ \d{4}|[A-Z][a-z]+ \d{1,2}, \d{4})\b")
_STAMP = re.compile(rf"(?i)\b(?:revised|updated|modified|published|as of)(?: on|:)? ({_DAY.pattern})")
"""When a page says it was written."""
_TRAIL = re.compile(r"(?<=[.!?])\s+(?:!\[|<[a-zA-Z/]).*", re.DOTALL)
"""A picture or a tag that follows a sentence without a line between."""
_LEAD = re.compile(r"\*\*[^*]+\*\*:?")
SELF = re.compile(
    r"(?:This|These) (?:PEP|EIP|document|proposal|specification|paper|article|page|section|chapter|module|RFC)"
)
"""How a document speaks of itself."""


@dataclass(frozen=True)
class Unit:
    """One quotable sentence: ``head`` has the terms of its document's title, ``under`` of its heading,
    ``far`` of its passage. ``key`` is a header line's; ``whole`` is the sentence with the one before;
    ``dated`` is when it was written, as ISO 8601, where sentence or passage say so; ``title`` has the terms of the
    document's title alone, without any number.
    """

    source: str
    start: int
    text: str
    rank: int
    key: str
    terms: frozenset[str]
    head: frozenset[str]
    under: frozenset[str]
    far: frozenset[str]
    whole: str = ""
    dated: str = ""
    title: tuple[str, ...] = ()

    @property
    def near(self) -> frozenset[str]:
        """The terms of the document's title and number and of the heading in force."""
        return self.head | self.under


@dataclass
class _Place:
    """Where the reader is within a passage."""

    heading: frozenset[str] = frozenset()
    before: Span | None = None
    units: list[Unit] = field(default_factory=list)


def units_of(passages: Sequence[Passage]) -> Iterator[Unit]:
    """Yield the quotable sentences of all passages, each place of a source once."""
    cut = [sentences(passage.text) for passage in passages]
    heads: dict[str, _Head] = {}
    for passage, spans in zip(passages, cut, strict=True):
        head = heads.setdefault(passage.source, _Head())
        head.name(passage.title.replace("_", " "))
        for span in spans:
            if span.kind == "header":
                head.take(passage.text[span.start : span.end], first=span in spans[:2])
    seen: set[tuple[str, int]] = set()
    for rank, (passage, spans) in enumerate(zip(passages, cut, strict=True)):
        for unit in _of_passage(passage, spans, rank, heads[passage.source]):
            if (unit.source, unit.start) not in seen:
                seen.add((unit.source, unit.start))
                yield unit


@dataclass
class _Head:
    """What says which document a source is: its title and, when its head gives one, its number."""

    title: set[str] = field(default_factory=set)
    number: set[str] = field(default_factory=set)
    pairs: set[str] = field(default_factory=set)

    def name(self, title: str) -> None:
        """Take in a title; of two words also what they are in one, as in ``Data Classes``."""
        known = titled("", title)
        self.number.update(terms(f"{known.series} {known.number}") if known.number else ())
        words = re.findall(r"[A-Za-z]+", known.title)
        self.title.update(terms(title))
        self.pairs.update(term for a, b in pairwise(words) for term in terms(f"{a}{b}".lower()))

    def take(self, line: str, *, first: bool) -> None:
        """Take in a header line, if it is the title or, as the first line, a bare number."""
        key, _, value = line.partition(":")
        if key.strip().lower() in ("title", "name", "subject"):
            self.name(value)
        elif first and re.fullmatch(r"\s*[A-Za-z]{0,8}[- ]?\d+\s*", value):
            self.number.update(terms(line))

    def terms(self) -> frozenset[str]:
        """Return the terms; numbers within the title count only where the document has no number of its own."""
        title = {term for term in self.title if not (self.number and term.isdigit())}
        return frozenset(title | self.number | self.pairs)

    def words(self) -> tuple[str, ...]:
        """Return the title's terms without numbers and without what stands before the document's own (``PEP 8``)."""
        return tuple(sorted(term for term in self.title - self.number if not term.isdigit()))


def _of_passage(passage: Passage, spans: Sequence[Span], rank: int, head: _Head) -> list[Unit]:
    far = frozenset(terms(passage.text))
    named, title = head.terms(), head.words()
    stamp = _STAMP.search(passage.text)
    written = iso_date(stamp.group(1)) if stamp else ""
    place = _Place()
    for whole in spans:
        text = _TRAIL.sub("", passage.text[whole.start : whole.end]) if whole.kind == "prose" else ""
        span = whole._replace(end=whole.start + len(text)) if text else whole
        text = passage.text[span.start : span.end]
        leads = span.kind == "prose" and _LEAD.fullmatch(text) is not None
        if span.kind == "heading":
            place.heading = frozenset(terms(text))
        if span.kind in ("prose", "header") and not leads:
            place.units.append(
                Unit(
                    source=passage.source,
                    start=passage.start + span.start,
                    text=text,
                    rank=rank,
                    key=text.partition(":")[0].strip().lower() if span.kind == "header" else "",
                    terms=own_terms(text),
                    head=named,
                    title=title,
                    under=place.heading,
                    far=far,
                    whole=_with_previous(passage.text, span, place.before),
                    dated=max((iso_date(found.group()) for found in _DAY.finditer(text)), default="") or written,
                )
            )
        if span.kind != "rule":
            place.before = span
    return place.units


def own_terms(text: str) -> frozenset[str]:
    """Return the terms of a sentence; the verb *make*, a stop word, counts as ``maker``."""
    return frozenset(terms(text)) | (MAKER if makes(text) else frozenset())


def _with_previous(text: str, span: Span, before: Span | None) -> str:
    """Return the sentence together with the one before it, when it leans on that one; else "".

    A title line is taken together with the number line before it, a sentence with the bold words that lead it in.
    """
    own = text[span.start : span.end]
    if before is None or before.kind != span.kind:
        return ""
    joined = text[before.start : span.end]
    if before.block == span.block and _LEAD.fullmatch(text[before.start : before.end]):
        return joined
    if span.kind == "header":
        number = re.fullmatch(r"[A-Za-z]{1,8}:\s*\d+", text[before.start : before.end])
        return joined if number and own.lower().startswith("title:") else ""
    leans = _POINTING.match(own) or (_LEANING.match(own) and not SELF.match(own))
    return joined if leans and before.block == span.block and len(joined.split()) <= _LONGEST else ""
