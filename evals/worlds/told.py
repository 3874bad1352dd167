"""What the pages of an invented world tell: its claims with the places that tell them, and the graph they make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property

from evals.records import GoldSpan
from evals.worlds import wordings
from evals.worlds.facts import Edge, Graph, Parts, Relation
from evals.worlds.pages import Library, spoken
from evals.worlds.realm import Claim, Realm

SPOKEN = {
    "region": (("Which region includes {}?", "Which region does {} belong to?"), ()),
    "river": (("Which river flows through {}?",), ()),
    "mayor": (("Who is the mayor of {}?",), ("the mayor of {}",)),
    "population": (("What is the population of {}?", "How many inhabitants does {} have?"), ()),
    "site": (("Which town is the home of {}?", "In which town is {}?"), ("the home town of {}",)),
    "director": (("Who is the director of {}?", "Who directs {}?"), ("the director of {}",)),
    "opened": (("What is the opening year of {}?", "In which year did {} open?"), ()),
    "profession": (("What is the profession of {}?", "What does {} do for a living?"), ()),
    "born": (("What is the birth year of {}?", "In which year was {} born?"), ()),
    "birthplace": (("Which town is the birthplace of {}?", "Where was {} born?"), ("the birthplace of {}",)),
    "teacher": (("Who taught {}?", "Who was the teacher of {}?"), ("the teacher of {}",)),
    "founder": (("Who founded {}?", "Who is the founder of {}?"), ("the founder of {}",)),
    "founded": (("What is the founding year of {}?", "In which year was {} founded?"), ()),
    "seat": (("Which town is the seat of {}?", "In which town is {} based?"), ("the town that is the seat of {}",)),
    "chief": (
        ("Who is the chief executive of {}?", "Who leads {} as chief executive?"),
        ("the chief executive of {}",),
    ),
    "inventor": (("Who invented {}?", "Who is the inventor of {}?"), ("the inventor of {}",)),
    "built": (("In which year was {} first built?", "When was {} built for the first time?"), ()),
    "maker": (("Which company is the maker of {}?", "Which company makes {}?"), ("the maker of {}",)),
    "keeper": (
        ("Which institution keeps the first specimen of {}?", "Where is the first specimen of {} kept?"),
        ("the institution that keeps the first specimen of {}",),
    ),
}
"""How each relation is asked about, and how its end is named."""


class Told:
    """The claims that pages tell, by what is asked: a claim that is withheld is not among them."""

    def __init__(self, realm: Realm, shelf: Library) -> None:
        self.realm = realm
        self._shelf = shelf

    @cached_property
    def claims(self) -> Mapping[tuple[str, str], Claim]:
        """The claims that some page tells, sorted."""
        made = sorted(self.realm.claims.items())
        return {at: claim for at, claim in made if self.places(claim, claim.value)}

    @cached_property
    def ends(self) -> Mapping[tuple[str, str], tuple[Claim, ...]]:
        """The claims by relation and value: what somebody invented, who is based somewhere."""
        found: dict[tuple[str, str], tuple[Claim, ...]] = defaultdict(tuple)
        for claim in self.claims.values():
            found[claim.relation, claim.value] += (claim,)
        return dict(sorted(found.items()))

    @cached_property
    def planted(self) -> frozenset[str]:
        """Every entity that a poisoned page names in a false claim, and that no list should depend on."""
        return frozenset(claim.false for claim in self.realm.claims.values() if claim.false)

    def places(self, claim: Claim, value: str) -> tuple[GoldSpan, ...]:
        """Return where a claim is told with a value; the first page of them was written first."""
        name = f"{claim.subject}: {claim.relation}" + (" before" if value == claim.former else "")
        places = self._shelf.told.get((claim.subject, claim.relation, value), ())
        return tuple(GoldSpan(document=where, start=start, end=end, fact=name) for where, start, end in places)

    def wordings(self, value: str) -> tuple[str, ...]:
        """Return the accepted wordings of a value."""
        bare = value.removeprefix("River ").removeprefix("the ")
        return wordings.unique(value, bare, value.replace(",", "") if value[0].isdigit() else "")

    def wrong(self, claim: Claim) -> tuple[str, ...]:
        """Return the wordings of what a claim is not, though a page says so."""
        values = (claim.former, claim.false)
        return tuple(form for value in values if value for form in self.wordings(value))

    def parts(self, value: str) -> Parts:
        """Return an answer of one part."""
        return (self.wordings(value),)

    def graph(self) -> Graph:
        """Return the claims that are told as a graph from entity to entity."""
        names = {name: (spoken(self.realm, name),) for kind in self.realm.entities.values() for name in kind}
        relations = {name: Relation(name=name, asks=asks, phrases=named) for name, (asks, named) in SPOKEN.items()}
        return Graph(names=names, relations=relations, edges={name: tuple(self._edges(name)) for name in names})

    def _edges(self, name: str) -> Iterator[Edge]:
        """Yield the edges from an entity."""
        for told in self.realm.of(name):
            claim = self.claims.get((told.subject, told.relation))
            if claim:
                yield Edge(
                    relation=claim.relation,
                    source=name,
                    target=claim.value if self.realm.kind(claim.value) else "",
                    answers=self.parts(claim.value),
                    evidence=self.places(claim, claim.value),
                    wrong=self.wrong(claim),
                )
