"""A collection of proposals (PEPs or EIPs) as facts, whatever the form of their headers.

``evals.worlds.peps`` and ``evals.worlds.eips`` read the headers; here a header's value becomes a fact or a complaint,
and the collection knows who is whose successor. What is asked of it is elsewhere.
"""

from __future__ import annotations

import datetime
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from evals.records import Document, GoldSpan
from evals.worlds import wordings
from evals.worlds.facts import Fact
from evals.worlds.people import Byline, People, bylines, recognise
from research.records import Record

PERSONS = ("Author", "Delegate", "Sponsor")
LINKS = ("Requires", "Replaces", "Superseded-By")


class Header(Record):
    """One header as written: ``text[start:end]`` is all of it, continuation lines included."""

    key: str
    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Series:
    """One kind of proposal: its name, how a number is written behind it, and how texts mention one."""

    name: str
    joint: str
    suffix: str
    mention: re.Pattern[str]
    relations: Mapping[str, str]
    """The relation that a header states, by the header's key."""
    required: tuple[str, ...]
    """Relations that every sound proposal states."""
    ident: Callable[[int], str]

    def label(self, number: int) -> str:
        """Return ``PEP 8`` or ``EIP-1559``."""
        return f"{self.name}{self.joint}{number}"

    def wordings(self, number: int) -> tuple[str, ...]:
        """Return the accepted wordings of a proposal's label; a bare number is none of them."""
        name = self.name
        forms = (self.label(number), f"{name} {number}", f"{name}-{number}", f"{name}{number}")
        return wordings.unique(*forms, f"{name} {number:04}", f":{name.lower()}:`{number}`")


@dataclass(frozen=True)
class Proposal:
    """One document and the facts of its headers by relation. ``plain`` is the title without markup."""

    number: int
    document: Document
    plain: str
    facts: Mapping[str, Fact]
    sound: bool = True
    """Whether every header could be read; no question is asked about a proposal of which one could not."""
    unread: str = ""
    """What the headers say that should name persons and could not be read."""

    def values(self, relation: str) -> tuple[str, ...]:
        """Return the values of a relation, () when no header states it."""
        fact = self.facts.get(relation)
        return fact.values if fact else ()

    def numbers(self, relation: str) -> tuple[int, ...]:
        """Return the proposals that a header lists."""
        return tuple(int(value) for value in self.values(relation))

    def body(self) -> int:
        """Return where the text below the headers starts."""
        return max((fact.end for fact in self.facts.values()), default=0)


def read(
    series: Series, number: int, text: str, headers: Sequence[Header] | None
) -> tuple[Proposal, tuple[Byline, ...]]:
    """Return one file as a proposal, and everybody it names; ``headers`` ``None``: they could not be told at all."""
    ident = series.ident(number)
    facts: dict[str, Fact] = {}
    named: list[Byline] = []
    unread: list[str] = []
    sound = headers is not None and {*series.required} <= {series.relations.get(h.key, "") for h in headers}
    for header in headers or ():
        relation = series.relations.get(header.key, "")
        if not relation or not header.value:
            continue
        people = bylines(header.value) if relation in PERSONS else ()
        values = tuple(b.name for b in people or ()) if relation in PERSONS else _values(relation, header.value)
        if not values or relation in facts or (relation == "number" and values != (str(number),)):
            sound = False
            unread += [header.value] if relation in PERSONS else []
            continue
        named.extend(people or ())
        facts[relation] = Fact(
            subject=ident, relation=relation, values=values, document=ident, start=header.start, end=header.end
        )
    title = facts["Title"].values[0] if "Title" in facts else ""
    document = Document(id=ident, text=text, title=title, suffix=series.suffix)
    plain = re.sub(r"\\ ?|``|(?<!\w)`|`(?!\w)", "", title).strip()
    return Proposal(number, document, plain, facts, sound, " ".join(unread)), tuple(named)


def _values(relation: str, value: str) -> tuple[str, ...]:
    """Return the normalised values of a header, () when it is not of the form that its relation asks for."""
    if relation == "Created":
        return _day(value)
    if relation in LINKS or relation == "number":
        numbers = re.findall(r"\d+", value) if re.fullmatch(r"\d+(?:\s*,\s*\d+)*", value) else []
        listed = tuple(str(int(number)) for number in numbers)
        return listed if len(set(listed)) == len(listed) else ()
    if relation == "Python-Version":
        return (value,) if re.fullmatch(r"\d\.\d+", value) else (value, "several or unclear")
    return (" ".join(value.split()),)


def _day(value: str) -> tuple[str, ...]:
    """Return an ISO date of ``28-Apr-2007`` or ``2007-04-28``; month names are English whatever the locale."""
    match = re.fullmatch(r"(\d{1,2})-([A-Z][a-z]{2})-(\d{4})", value)
    months = {name[:3]: place for place, name in enumerate(wordings.MONTHS, start=1)}
    try:
        if match:
            return (datetime.date(int(match[3]), months.get(match[2], 0), int(match[1])).isoformat(),)
        return (datetime.date.fromisoformat(value).isoformat(),)
    except ValueError:
        return ()


@dataclass(frozen=True)
class Collection:
    """All proposals of a series by number, and who is who among their authors."""

    series: Series
    proposals: Mapping[int, Proposal]
    people: People

    @cached_property
    def sound(self) -> tuple[Proposal, ...]:
        """The proposals that questions may be asked about."""
        return tuple(proposal for proposal in self.proposals.values() if proposal.sound)

    @cached_property
    def titled(self) -> tuple[Proposal, ...]:
        """The sound proposals that are more than a stub which says where the text went."""
        return tuple(proposal for proposal in self.sound if proposal.plain)

    @cached_property
    def titles(self) -> Mapping[str, int]:
        """How many proposals have a title (without markup and case)."""
        counts: dict[str, int] = defaultdict(int)
        for proposal in self.proposals.values():
            counts[proposal.plain.lower()] += 1
        return counts

    @cached_property
    def mentions(self) -> Mapping[int, tuple[tuple[int, int], ...]]:
        """Every (number, place) that the text of a proposal mentions below its headers."""
        return {proposal.number: tuple(self._mentions(proposal)) for proposal in self.proposals.values()}

    def _mentions(self, proposal: Proposal) -> Iterator[tuple[int, int]]:
        """Yield what one text mentions."""
        for match in self.series.mention.finditer(proposal.document.text, proposal.body()):
            yield int(next(group for group in match.groups() if group)), match.start()

    @cached_property
    def _inverse(self) -> Mapping[str, Mapping[int, tuple[int, ...]]]:
        """For each link, the proposals whose header lists a number."""
        found: dict[str, dict[int, tuple[int, ...]]] = {link: {} for link in LINKS}
        for proposal in self.proposals.values():
            for link in LINKS:
                for number in proposal.numbers(link):
                    found[link][number] = (*found[link].get(number, ()), proposal.number)
        return found

    def successors(self, number: int) -> tuple[int, ...]:
        """Return what superseded a proposal, by its own header and by those of the others."""
        own = self.proposals[number].numbers("Superseded-By")
        return tuple(sorted({*own, *self._inverse["Replaces"].get(number, ())}))

    def predecessors(self, number: int) -> tuple[int, ...]:
        """Return what a proposal replaced, by its own header and by those of the others."""
        own = self.proposals[number].numbers("Replaces")
        return tuple(sorted({*own, *self._inverse["Superseded-By"].get(number, ())}))

    def dependents(self, number: int) -> tuple[int, ...]:
        """Return the proposals that require this one."""
        return self._inverse["Requires"].get(number, ())

    def person(self, name: str) -> str:
        """Return the key of a person named in a header."""
        return self.people.key(Byline(name=name))

    @cached_property
    def _unread(self) -> str:
        """All that should name persons and could not be read."""
        return " ".join(proposal.unread for proposal in self.proposals.values())

    def certain(self, key: str) -> bool:
        """Whether it is beyond doubt who a person is, and that every header that names them was read."""
        return self.people.certain(key) and not any(name in self._unread for name in self.people.names[key])

    @cached_property
    def written(self) -> Mapping[str, tuple[Proposal, ...]]:
        """The proposals of each author, by the person's key, in the order of their numbers."""
        found: dict[str, tuple[Proposal, ...]] = {}
        for proposal in self.proposals.values():
            for name in proposal.values("Author"):
                found[self.person(name)] = (*found.get(self.person(name), ()), proposal)
        return dict(sorted(found.items()))

    def label(self, number: int) -> str:
        """Return how a proposal is called."""
        return self.series.label(number)

    def wordings(self, number: int) -> tuple[str, ...]:
        """Return the accepted wordings of a proposal: its label, and its title when no other has it."""
        return wordings.unique(*self.series.wordings(number), *self.telling_title(number))

    def telling_title(self, number: int) -> tuple[str, ...]:
        """Return the title of a proposal if it tells it from all others and is more than a word, else ()."""
        proposal = self.proposals.get(number)
        plain = proposal.plain if proposal else ""
        return (plain,) if self.titles.get(plain.lower()) == 1 and len(plain.split()) > 1 else ()

    def names(self, number: int) -> tuple[str, ...]:
        """Return the ways to name a proposal in a question."""
        titles = [title for title in self.telling_title(number) if not re.search('[“”"]', title)]
        titled = tuple(f"the {self.series.name} titled “{title}”" for title in titles)
        return (self.label(number), *titled)

    @cached_property
    def _texts(self) -> Mapping[str, str]:
        """The text of each document by its id."""
        return {proposal.document.id: proposal.document.text for proposal in self.proposals.values()}

    def text(self, span: GoldSpan) -> str:
        """Return what a span says."""
        return self._texts[span.document][span.start : span.end]

    def evidence(self, number: int, relation: str) -> GoldSpan:
        """Return the header that states a relation of a proposal."""
        return self.proposals[number].facts[relation].span(f"{self.label(number)}: {relation}")


def collected(series: Series, read_files: Sequence[tuple[Proposal, tuple[Byline, ...]]]) -> Collection:
    """Return the files of a series as a collection, in the order of their numbers."""
    ordered = sorted(read_files, key=lambda pair: pair[0].number)
    everybody = [byline for _, named in ordered for byline in named]
    return Collection(series, {proposal.number: proposal for proposal, _ in ordered}, recognise(everybody))
