"""Questions whose answer is a list: small ones, of which every member can be cited."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from evals.records import GoldSpan
from evals.worlds import wordings
from evals.worlds.facts import Candidate, Parts
from evals.worlds.ordering import FEW, shuffled
from evals.worlds.picks import header_spans, persons, several_links
from evals.worlds.proposals import Collection


def written_with_status(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """What a person wrote that has a status."""
    name = collection.series.name
    for person, written in persons(collection, chance):
        statuses = sorted({p.values("Status")[0] for p in written})
        chance.shuffle(statuses)
        for status in statuses:
            held = [p.number for p in written if p.values("Status") == (status,)]
            if 2 <= len(held) <= FEW:
                who = collection.people.names[person][0]
                yield Candidate(
                    kind=f"written with status {status}",
                    about=person,
                    texts=(
                        f"Which {name}s that {who} wrote or co-wrote have the status “{status}”?",
                        f"Which {name}s with the status “{status}” name {who} as an author?",
                    ),
                    answers=_labels(collection, held),
                    evidence=(*header_spans(collection, held, "Author"), *header_spans(collection, held, "Status")),
                    hops=2,
                )
                break


def listed_by_a_header(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """What a proposal requires, replaced or is required by, where that is several."""
    for number, verb, listed, evidence in several_links(collection, chance):
        name = collection.series.name
        asks = {
            "requires": f"Which {name}s does {{}} require?",
            "replaced": f"Which {name}s did {{}} replace?",
            "is required by": f"Which {name}s list {{}} among the {name}s that they require?",
        }
        yield Candidate(
            kind=f"{verb} several",
            about=str(number),
            texts=tuple(asks[verb].format(label) for label in collection.names(number)),
            answers=_listed(collection, listed, evidence),
            evidence=evidence,
        )


def authors_of(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """The authors of a proposal, where they are several."""
    for proposal in shuffled(collection.sound, chance):
        authors = proposal.values("Author")
        if 2 < len(authors) <= FEW:
            yield Candidate(
                kind="all authors",
                about=str(proposal.number),
                texts=tuple(
                    text
                    for label in collection.names(proposal.number)
                    for text in (f"Who are all the authors of {label}?", f"Name every author of {label}.")
                ),
                answers=tuple(collection.people.wordings(collection.person(name)) for name in authors),
                evidence=header_spans(collection, (proposal.number,), "Author"),
            )


def written_in_a_year(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """What a person wrote that was created in a year."""
    name = collection.series.name
    for person, written in persons(collection, chance):
        years = sorted({p.values("Created")[0][:4] for p in written})
        chance.shuffle(years)
        for year in years:
            held = [p.number for p in written if p.values("Created")[0].startswith(year)]
            if 2 <= len(held) <= FEW:
                who = collection.people.names[person][0]
                yield Candidate(
                    kind=f"written in {year}",
                    about=person,
                    texts=(
                        f"Which {name}s by {who} were created in {year}?",
                        f"Which {name}s created in {year} name {who} as an author?",
                    ),
                    answers=_labels(collection, held),
                    evidence=(*header_spans(collection, held, "Author"), *header_spans(collection, held, "Created")),
                    hops=2,
                )
                break


def by_the_same_author(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """What else the only author of a proposal wrote."""
    series = collection.series.name
    for proposal in shuffled(collection.sound, chance):
        authors = [collection.person(name) for name in proposal.values("Author")]
        written = collection.written[authors[0]] if len(authors) == 1 else ()
        others = [p.number for p in written if p.number != proposal.number]
        if 2 <= len(others) <= FEW and all(p.sound for p in written) and collection.certain(authors[0]):
            yield Candidate(
                kind="the same author",
                about=str(proposal.number),
                texts=tuple(
                    f"Which other {series}s did the author of {label} write or co-write?"
                    for label in collection.names(proposal.number)
                ),
                answers=_labels(collection, others),
                evidence=header_spans(collection, (proposal.number, *others), "Author"),
                hops=2,
            )


def _labels(collection: Collection, numbers: Sequence[int]) -> Parts:
    """Return the accepted wordings of each proposal of a list."""
    return tuple(collection.wordings(number) for number in numbers)


def _listed(collection: Collection, numbers: Sequence[int], places: Sequence[GoldSpan]) -> Parts:
    """Return the parts of a list that one header may give as it stands (``Requires: 3107, 3115, 3119``)."""
    texts = dict.fromkeys(" ".join(collection.text(span).split()) for span in places)
    listing = ", ".join(map(str, numbers))
    whole = [text for text in texts if text.endswith(f": {listing}")]
    return tuple(wordings.unique(*collection.wordings(number), *whole) for number in numbers)
