"""Questions that no document answers: false premises, proposals that do not exist, persons who wrote nothing.

A false premise is asked only where no text uses the relation's words near the number (``evals.worlds.prose``), so that
an answer cannot be hidden in the prose.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from evals.worlds import prose
from evals.worlds.facts import Candidate
from evals.worlds.ordering import shuffled
from evals.worlds.proposals import Collection, Proposal

NEVER_SUPERSEDED = ("Active", "Final", "Draft", "Living", "Stagnant", "Review", "Accepted")
GIVEN = ("Ottoline", "Barnaby", "Philippa", "Leopold", "Winifred", "Cornelius", "Rosamund", "Thaddeus", "Georgina")
FAMILY = ("Fairweather", "Holloway-Pryce", "Vandermeer", "Thistlewood", "Quarmby", "Ravenscroft", "Molesworth")
PREMISES = (
    ("Superseded-By", ("Which {series} superseded {label}?", "Who wrote the {series} that superseded {label}?")),
    ("Replaces", ("Which {series} did {label} replace?", "When was the {series} that {label} replaced created?")),
    ("Requires", ("Which {series} does {label} require?", "Who wrote the {series} that {label} requires?")),
    ("Sponsor", ("Who sponsored {label}?", "Who is the sponsor of {label}?")),
    ("Delegate", ("Who was the delegate for {label}?", "Who was the {series}-Delegate of {label}?")),
    ("Author", ("Who wrote {label}?", "Who is the author of {label}?")),
    ("Created", ("When was {label} created?", "On what date was {label} created?")),
)
NUMBERS = 200


def unanswerable(collection: Collection, seed: int) -> list[Iterator[Candidate]]:
    """Return the templates, each with a random order of its own."""
    premises = [
        _premise(collection, random.Random(f"no {relation} {seed}"), relation, texts)
        for relation, texts in PREMISES
        if any(proposal.values(relation) for proposal in collection.sound) or relation == "Superseded-By"
    ]
    return [
        *premises,
        _no_such_number(collection, random.Random(f"no such number {seed}")),
        _no_such_person(collection, random.Random(f"no such person {seed}")),
    ]


def _premise(
    collection: Collection, chance: random.Random, relation: str, texts: tuple[str, ...]
) -> Iterator[Candidate]:
    """Yield questions about a relation that a proposal has not."""
    series = collection.series.name
    lacking = [proposal for proposal in collection.sound if _lacks(collection, proposal, relation)]
    hinted = prose.hinted(collection, relation) if lacking else frozenset()
    for proposal in shuffled(lacking, chance):
        if proposal.number not in hinted:
            labels = collection.names(proposal.number)
            yield Candidate(
                kind=f"no {relation}",
                about=str(proposal.number),
                texts=tuple(text.format(series=series, label=label) for label in labels for text in texts),
                answerable=False,
            )


def _lacks(collection: Collection, proposal: Proposal, relation: str) -> bool:
    """Whether no header anywhere states a relation of a proposal."""
    if relation == "Superseded-By":
        return not collection.successors(proposal.number) and proposal.values("Status")[0] in NEVER_SUPERSEDED
    if relation == "Replaces":
        return not collection.predecessors(proposal.number)
    return not proposal.values(relation)


def _no_such_number(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """Yield questions about numbers that no document has or mentions, in the range of those that exist."""
    highest = max(collection.proposals)
    taken = prose.mentioned(collection) | collection.proposals.keys()
    for number in shuffled([number for number in range(1, highest + 1000) if number not in taken], chance)[:NUMBERS]:
        label = collection.label(number)
        yield Candidate(
            kind="no such number",
            about=str(number),
            texts=(f"Who is the author of {label}?", f"When was {label} created?", f"What is the status of {label}?"),
            answerable=False,
        )


def _no_such_person(collection: Collection, chance: random.Random) -> Iterator[Candidate]:
    """Yield questions about what somebody wrote whose name is in no document."""
    name = collection.series.name
    everything = "\n".join(proposal.document.text for proposal in collection.proposals.values()).lower()
    for who in shuffled([f"{given} {family}" for given in GIVEN for family in FAMILY], chance):
        if who.split()[-1].lower() not in everything:
            yield Candidate(
                kind="no such person",
                about=who,
                texts=(
                    f"Which {name}s did {who} write?",
                    f"When was the first {name} by {who} created?",
                    f"Which {name} did {who} sponsor?",
                ),
                answerable=False,
            )
