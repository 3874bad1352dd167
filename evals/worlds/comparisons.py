"""Questions that compare two proposals: which is older, which has more authors, what they share."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from evals.worlds.facts import Candidate
from evals.worlds.picks import header_spans, pairs, single_links
from evals.worlds.proposals import Collection, Proposal

AUTHORS = 5
"""The most authors of a proposal in a comparison of how many there are."""
YES = (("yes",),)
NO = (("no",),)


def created_first(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """Two proposals, and which of them is older or newer."""
    name = collection.series.name
    for one, other in pairs(collection, chance, "Created"):
        dates = {p.number: p.values("Created")[0] for p in (one, other)}
        if dates[one.number] == dates[other.number]:
            continue
        earlier, later = sorted(dates, key=lambda number: dates[number])
        labels = [chance.choice(collection.names(p.number)) for p in (one, other)]
        both = f"{labels[0]} or {labels[1]}"
        first = chance.random() < 0.5
        yield Candidate(
            kind="created first",
            about=f"{min(dates)} {max(dates)}",
            texts=(
                (f"Which was created first, {both}?", f"Which {name} is older, {both}?")
                if first
                else (f"Which was created later, {both}?", f"Which {name} is newer, {both}?")
            ),
            answers=(collection.wordings(earlier if first else later),),
            wrong=collection.wordings(later if first else earlier),
            evidence=header_spans(collection, (one.number, other.number), "Created"),
            hops=2,
        )


def share_an_author(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """Two proposals, and whether one person wrote both; as often yes as no."""
    certain = {person: written for person, written in collection.written.items() if collection.certain(person)}
    shared = [(person, written) for person, written in certain.items() if len([p for p in written if p.sound]) >= 2]
    strangers = pairs(collection, chance, "Author")
    chance.shuffle(shared)
    for _, written in shared:
        one, other = chance.sample([p for p in written if p.sound], 2)
        yield _yes_or_no(collection, (one, other), "share an author", "Author", True, chance)
        for one, other in strangers:
            people = [{collection.person(n) for n in p.values("Author")} for p in (one, other)]
            if not people[0] & people[1] and all(person in certain for person in people[0] | people[1]):
                yield _yes_or_no(collection, (one, other), "share an author", "Author", False, chance)
                break


def same_status(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """Two proposals, and whether they have one status; as often yes as no."""
    wanted = True
    for one, other in pairs(collection, chance, "Status"):
        if (one.values("Status") == other.values("Status")) == wanted:
            yield _yes_or_no(collection, (one, other), "have the same status", "Status", wanted, chance)
            wanted = not wanted


def _yes_or_no(
    collection: Collection, pair: Sequence[Proposal], verb: str, header: str, truth: bool, chance: random.Random
) -> Candidate:
    """Return the question whether two proposals share the value of a header."""
    numbers = tuple(proposal.number for proposal in pair)
    names = [chance.choice(collection.names(number)) for number in numbers]
    return Candidate(
        kind=verb,
        about=f"{min(numbers)} {max(numbers)}",
        texts=(f"Do {names[0]} and {names[1]} {verb}?",),
        answers=YES if truth else NO,
        wrong=("no",) if truth else ("yes",),
        evidence=header_spans(collection, numbers, header),
        hops=2,
    )


def more_authors(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """Two proposals, and which of them has more authors."""
    for one, other in pairs(collection, chance, "Author"):
        many, few = sorted((one, other), key=lambda p: -len(p.values("Author")))
        if len(few.values("Author")) < len(many.values("Author")) <= AUTHORS:
            names = " or ".join(chance.choice(collection.names(p.number)) for p in (one, other))
            yield Candidate(
                kind="more authors",
                about=f"{min(one.number, other.number)} {max(one.number, other.number)}",
                texts=(f"Which has more authors, {names}?", f"Which names more people as its authors, {names}?"),
                answers=(collection.wordings(many.number),),
                wrong=collection.wordings(few.number),
                evidence=header_spans(collection, (one.number, other.number), "Author"),
                hops=2,
            )


def before_the_end_of_a_link(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """A proposal and the end of a link, and which was created first: three facts."""
    name = collection.series.name
    sooner = False
    for proposal, through, to, evidence in single_links(collection, chance):
        sooner, date = not sooner, to.values("Created")[0]
        dated = [
            (p, day) for p in collection.titled for day in p.values("Created") if p is not proposal and p is not to
        ]
        others = [p for p, day in dated if day != date and (day < date) == sooner]
        if not others:
            continue
        other = chance.choice(others)
        yield Candidate(
            kind="created before the end of a link",
            about=f"{other.number} {proposal.number} {through}",
            texts=(
                f"Was {collection.label(other.number)} created before the {name} {through}?",
                f"Is {collection.label(other.number)} older than the {name} {through}?",
            ),
            answers=YES if sooner else NO,
            wrong=("no",) if sooner else ("yes",),
            evidence=(*evidence, *header_spans(collection, (other.number, to.number), "Created")),
            hops=3,
        )
