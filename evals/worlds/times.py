"""Questions about time: the first or last of several proposals, and the year of one that is found through another."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from evals.worlds import wordings
from evals.worlds.facts import Candidate
from evals.worlds.ordering import FEW, shuffled
from evals.worlds.picks import header_spans, persons, single_links
from evals.worlds.proposals import Collection, Proposal


def last_before_a_year(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """The last proposal of a person before a year in which, or after which, they created another."""
    name = collection.series.name
    for person, written in persons(collection, chance):
        ordered = _by_date(written)
        years = sorted({_date(p)[:4] for p in ordered[1:]} - {_date(ordered[0])[:4]}) if ordered else []
        if not 2 <= len(ordered) <= FEW or not years:
            continue
        year = chance.choice(years)
        before = [p for p in ordered if _date(p) < year]
        who = collection.people.names[person][0]
        yield Candidate(
            kind=f"last before {year}",
            about=person,
            texts=(
                f"Which {name} that {who} wrote or co-wrote was the last to be created before {year}?",
                f"What was the most recent {name} by {who} created before {year}?",
            ),
            answers=(collection.wordings(before[-1].number),),
            wrong=_others(collection, ordered, before[-1]),
            evidence=(
                *header_spans(collection, [before[-1].number], "Author"),
                *header_spans(collection, [p.number for p in ordered], "Created"),
            ),
            hops=2,
        )


def first_or_last_of_a_person(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """The first or the most recent proposal of a person."""
    name = collection.series.name
    for person, written in persons(collection, chance):
        ordered = _by_date(written)
        if not 2 <= len(ordered) <= FEW:
            continue
        first = chance.random() < 0.5
        found = ordered[0] if first else ordered[-1]
        who = collection.people.names[person][0]
        yield Candidate(
            kind="first of a person" if first else "last of a person",
            about=person,
            texts=(
                (f"Which was the first {name} that {who} wrote or co-wrote?", f"What is the earliest {name} by {who}?")
                if first
                else (f"Which {name} by {who} was created last?", f"What is the most recent {name} by {who}?")
            ),
            answers=(collection.wordings(found.number),),
            wrong=_others(collection, ordered, found),
            evidence=(
                *header_spans(collection, [found.number], "Author"),
                *header_spans(collection, [p.number for p in ordered], "Created"),
            ),
            hops=2,
        )


def newest_of_three(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """Three proposals, and the one created first or last."""
    having = [proposal for proposal in collection.sound if proposal.values("Created")]
    for one in shuffled(having, chance) if len(having) > 2 else []:
        three = [one, *chance.sample([p for p in having if p is not one], 2)]
        ordered = _by_date(three)
        if not ordered:
            continue
        first = chance.random() < 0.5
        found = ordered[0] if first else ordered[-1]
        labels = wordings.enumerated(tuple(collection.label(p.number) for p in three))
        yield Candidate(
            kind="first of three" if first else "last of three",
            about=" ".join(str(p.number) for p in sorted(three, key=lambda p: p.number)),
            texts=(
                (f"Which of {labels} was created first?", f"Of {labels}, which is the oldest?")
                if first
                else (f"Which of {labels} was created most recently?", f"Of {labels}, which is the newest?")
            ),
            answers=(collection.wordings(found.number),),
            wrong=_others(collection, ordered, found),
            evidence=header_spans(collection, [p.number for p in three], "Created"),
            hops=3,
        )


def year_of_the_end_of_a_link(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """The year in which the proposal at the end of a link was created."""
    name = collection.series.name
    for proposal, through, to, places in single_links(collection, chance):
        date = _date(to)
        yield Candidate(
            kind="year of the end of a link",
            about=f"{proposal.number} {through}",
            texts=(
                f"In which year was the {name} {through} created?",
                f"What year does the {name} {through} date from?",
            ),
            answers=((date[:4],),),
            evidence=(*places, *header_spans(collection, [to.number], "Created")),
            hops=2,
        )


def _date(proposal: Proposal) -> str:
    """Return the day of creation, as ISO 8601."""
    return proposal.values("Created")[0]


def _by_date(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Return the proposals from the oldest on; [] when two are of one day."""
    ordered = sorted(proposals, key=_date)
    return ordered if len({_date(proposal) for proposal in ordered}) == len(ordered) else []


def _others(collection: Collection, proposals: Sequence[Proposal], found: Proposal) -> tuple[str, ...]:
    """Return the wordings of all but the one that is the answer."""
    return tuple(form for p in proposals if p is not found for form in collection.wordings(p.number))
