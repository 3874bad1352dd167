"""The facts of an invented world: towns, people, companies, instruments and institutions, and what is true of them.

Whether, where and how a fact is told is in ``evals.worlds.pages``. A claim can have been different once (``former``),
can be withheld from every page, and a page can plant a ``false`` value for it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from evals.worlds import invented
from evals.worlds.invented import Names
from research.records import Record

FEWEST_PAGES = 30
SHARES = {"town": 0.08, "institution": 0.06, "person": 0.2, "company": 0.12, "instrument": 0.14}
"""Entities of each kind for every page; each has an encyclopaedia page, and the other pages say more of some."""
FEWEST = {"town": 3, "institution": 2, "person": 6, "company": 3, "instrument": 4}
CHANGING = {"chief": 0.5, "seat": 0.3, "population": 0.5, "built": 0.25}
"""How often the value of a relation changed (or, of a year of construction, was corrected)."""
BORN = (1940, 1982)
"""Between these years everybody was born, so that all can have done what is told of them, and be alive."""
WORDS = {"region": invented.REGIONS, "profession": invented.PROFESSIONS}
ENDS = {"mayor": "person", "director": "person", "founder": "person", "chief": "person", "inventor": "person",
        "birthplace": "town", "seat": "town", "site": "town", "maker": "company", "keeper": "institution"}  # fmt: skip
"""The kind of entity at the end of a relation."""
WITHHELD = 0.07
"""How often a claim that something else does not need is told nowhere."""
RELATIONS = {
    "town": ("region", "river", "mayor", "population"),
    "institution": ("site", "director", "opened"),
    "person": ("profession", "born", "birthplace", "teacher"),
    "company": ("founder", "founded", "seat", "chief"),
    "instrument": ("inventor", "built", "maker", "keeper"),
}


class Claim(Record):
    """One thing that is true: ``value`` is the name of an entity, a year, a number or a word.

    ``since`` is the day (ISO 8601) on which ``former`` stopped to be true, "" where nothing changed.
    """

    subject: str
    relation: str
    value: str
    former: str = ""
    since: str = ""
    withheld: bool = False
    false: str = ""


@dataclass
class Realm:
    """The entities by kind, their claims, and the people whose pages are ``lost``: named, and nothing known of them."""

    seed: int
    names: Names
    chance: random.Random
    entities: dict[str, list[str]] = field(default_factory=dict)
    claims: dict[tuple[str, str], Claim] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def kind(self, name: str) -> str:
        """Return the kind of an entity, "" for a word or number that is none."""
        return self._kinds.get(name, "")

    def __post_init__(self) -> None:
        self._kinds: dict[str, str] = {}

    def add(self, kind: str, name: str) -> None:
        """Take an entity up."""
        self.entities.setdefault(kind, []).append(name)
        self._kinds[name] = kind

    def of(self, name: str) -> Iterator[Claim]:
        """Yield the claims about an entity."""
        for relation in RELATIONS[self.kind(name)]:
            if (name, relation) in self.claims:
                yield self.claims[name, relation]

    def changed(self, claim: Claim) -> None:
        """Put a claim in the place of the one it was made from."""
        self.claims[claim.subject, claim.relation] = claim


def realm(size: int, seed: int) -> Realm:
    """Return the entities and claims of a world of ``size`` pages."""
    made = Realm(seed, Names(seed), random.Random(f"realm {seed}"))
    for kind, share in SHARES.items():
        for _ in range(max(FEWEST[kind], int(size * share))):
            made.add(kind, _name(made, kind))
    made.lost = [made.names.person() for _ in range(max(2, size // 40))]
    for person in made.entities["person"]:
        made.changed(Claim(subject=person, relation="born", value=str(made.chance.randint(*BORN))))
    for kind, relations in RELATIONS.items():
        for name in made.entities[kind]:
            for relation in relations:
                value = "" if relation == "born" else _value(made, name, relation)
                if value:
                    made.changed(Claim(subject=name, relation=relation, value=value))
    _change(made)
    for key in sorted(made.claims):
        if made.chance.random() < WITHHELD and not made.claims[key].former:
            made.claims[key] = replace(made.claims[key], withheld=True)
    return made


def _name(made: Realm, kind: str) -> str:
    """Return a new name; now and then one that looks like the last of its kind."""
    last = made.entities.get(kind, [""])[-1]
    alike = bool(last) and made.chance.random() < 0.12
    if kind == "town":
        return next(made.names.towns)
    if kind == "person":
        relative = made.names.relative(last) if alike else ""
        return relative if relative and not made.kind(relative) else made.names.person()
    words = {"company": invented.TRADES, "instrument": invented.DEVICES, "institution": invented.HOUSES}[kind]
    if alike:
        first, _, second = last.removeprefix("the ").partition(" ")
        other = f"{first} {made.chance.choice([word for word in words if word != second])}"
        if not made.kind(other):
            return other
    return f"{next(made.names.coined)} {made.chance.choice(words)}"


def _value(made: Realm, name: str, relation: str) -> str:
    """Return a value of chance, "" where an entity has none."""
    if relation in WORDS:
        return made.chance.choice(WORDS[relation])
    if relation in ENDS:
        return _unlike(made, made.entities[ENDS[relation]], name)
    if relation == "river":
        return f"River {next(made.names.rivers)}"
    if relation == "population":
        return f"{made.chance.randint(1_100, 98_900):,}"
    if relation == "opened":
        return str(made.chance.randint(1890, 1990))
    if relation == "teacher":
        older = [person for person in made.chance.sample(made.entities["person"], 3) if _age(made, person, name) > 7]
        return older[0] if older else ""
    maker = made.claims[name, "founder" if relation == "founded" else "inventor"].value
    return str(int(made.claims[maker, "born"].value) + made.chance.randint(20, 28))


def _age(made: Realm, person: str, other: str) -> int:
    """Return how many years a person is older than another."""
    return int(made.claims[other, "born"].value) - int(made.claims[person, "born"].value)


def _unlike(made: Realm, names: Sequence[str], *others: str) -> str:
    """Return one of the names that is none of the others."""
    few = made.chance.sample(names, min(len(names), len(others) + 1))
    return made.chance.choice([name for name in few if name not in others])


def _change(made: Realm) -> None:
    """Give some claims a past: what was true (or held to be) before, and until when."""
    for (_, relation), claim in sorted(made.claims.items()):
        if made.chance.random() < CHANGING.get(relation, 0):
            day = f"{made.chance.randint(2019, 2024)}-{made.chance.randint(1, 12):02}-{made.chance.randint(1, 28):02}"
            made.changed(replace(claim, former=_former(made, claim), since=day))


def _former(made: Realm, claim: Claim) -> str:
    """Return another value of the same kind."""
    if claim.relation in ENDS:
        return _unlike(made, made.entities[ENDS[claim.relation]], claim.value, claim.subject)
    if claim.relation == "built":
        return str(int(claim.value) + made.chance.choice((-3, -2, -1, 1, 2, 3)))
    return _nearby(made, int(claim.value.replace(",", "")))


def _nearby(made: Realm, count: int) -> str:
    """Return another number of inhabitants, some per cent off."""
    return f"{count + made.chance.choice((-1, 1)) * made.chance.randint(11, max(12, count // 12)):,}"
