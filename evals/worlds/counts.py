"""Questions whose answer is a number of proposals or authors, never so many that they could not be cited."""

from __future__ import annotations

import random
from collections.abc import Iterator

from evals.worlds import wordings
from evals.worlds.facts import Candidate
from evals.worlds.ordering import FEW, shuffled, varied
from evals.worlds.picks import header_spans, persons, several_links
from evals.worlds.proposals import Collection

AUTHORS = 12


def how_many_by(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """How many proposals a person wrote."""
    name = collection.series.name
    few = (pair for pair in persons(collection, chance, least=1) if len(pair[1]) <= FEW)
    for person, written in varied(few, lambda pair: len(pair[1])):
        who = collection.people.names[person][0]
        yield Candidate(
            kind="how many by",
            about=person,
            texts=(
                f"How many {name}s did {who} write or co-write?",
                f"How many {name}s name {who} as an author?",
                f"In how many {name}s is {who} listed among the authors?",
            ),
            answers=(wordings.number(len(written)),),
            evidence=header_spans(collection, [p.number for p in written], "Author"),
        )


def how_many_with_status(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """How many of a person's proposals have a status."""
    name = collection.series.name
    found = []
    for person, written in persons(collection, chance):
        status = chance.choice(sorted({p.values("Status")[0] for p in written}))
        held = [p.number for p in written if p.values("Status") == (status,)]
        found.append((person, status, held))
    for person, status, held in varied(found, lambda triple: len(triple[2])):
        if len(held) <= FEW:
            who = collection.people.names[person][0]
            yield Candidate(
                kind=f"how many with status {status}",
                about=person,
                texts=(
                    f"How many {name}s that {who} wrote or co-wrote have the status “{status}”?",
                    f"How many of {who}'s {name}s have the status “{status}”?",
                ),
                answers=(wordings.number(len(held)),),
                evidence=(*header_spans(collection, held, "Author"), *header_spans(collection, held, "Status")),
                hops=2,
            )


def how_many_authors(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """How many authors a proposal has."""
    proposals = shuffled(collection.sound, chance)
    for proposal in varied(proposals, lambda proposal: len(proposal.values("Author"))):
        authors = proposal.values("Author")
        if 1 <= len(authors) <= AUTHORS:
            yield Candidate(
                kind="how many authors",
                about=str(proposal.number),
                texts=tuple(
                    text
                    for label in collection.names(proposal.number)
                    for text in (f"How many authors does {label} have?", f"How many people wrote {label}?")
                ),
                answers=(wordings.number(len(authors)),),
                evidence=header_spans(collection, (proposal.number,), "Author"),
            )


def how_many_listed(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """How many proposals another requires, replaced or is required by."""
    name = collection.series.name
    asks = {
        "requires": f"How many {name}s does {{}} require?",
        "replaced": f"How many {name}s did {{}} replace?",
        "is required by": f"How many {name}s require {{}}?",
    }
    for number, verb, listed, places in several_links(collection, chance):
        yield Candidate(
            kind=f"how many, {verb}",
            about=str(number),
            texts=tuple(asks[verb].format(label) for label in collection.names(number)),
            answers=(wordings.number(len(listed)),),
            evidence=places,
        )
