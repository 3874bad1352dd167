"""Picks of proposals and persons that a template can ask about, each in an order of chance."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from evals.records import GoldSpan
from evals.worlds import links, prose
from evals.worlds.ordering import FEW, shuffled
from evals.worlds.proposals import Collection, Proposal

PAIRS = 3
"""How often each proposal is the first of a pair, at most."""


def pairs(collection: Collection, chance: random.Random, header: str) -> Iterator[tuple[Proposal, Proposal]]:
    """Yield pairs of proposals that both state a header."""
    having = [proposal for proposal in collection.titled if proposal.values(header)]
    for _ in range(PAIRS):
        for one in shuffled(having, chance):
            other = chance.choice(having)
            if other is not one:
                yield one, other


def persons(
    collection: Collection, chance: random.Random, least: int = 2
) -> Iterator[tuple[str, tuple[Proposal, ...]]]:
    """Yield persons of whom it is certain who they are and what they wrote, with their proposals, ``least`` of them."""
    for person in shuffled(sorted(collection.written), chance):
        written = collection.written[person]
        sound = all(proposal.sound and proposal.values("Created") for proposal in written)
        if len(written) >= least and sound and collection.certain(person):
            yield person, written


def header_spans(collection: Collection, numbers: Sequence[int], header: str) -> tuple[GoldSpan, ...]:
    """Return the places where proposals state a header."""
    return tuple(collection.evidence(number, header) for number in numbers)


def single_links(
    collection: Collection, chance: random.Random
) -> Iterator[tuple[Proposal, str, Proposal, tuple[GoldSpan, ...]]]:
    """Yield (proposal, the words for a link from it, the one proposal at its end, the places that say so)."""
    for proposal in shuffled(collection.sound, chance):
        number, label = proposal.number, collection.label(proposal.number)
        succeeded, required = collection.successors(number), proposal.numbers("Requires")
        ends = []
        if len(succeeded) == 1 and prose.alluded(collection, number, "Superseded-By") <= {*succeeded}:
            ends.append((f"that superseded {label}", succeeded[0], links.succession(collection, number, succeeded[0])))
        if len(required) == 1:
            ends.append((f"that {label} requires", required[0], links.requirement(collection, number, required[0])))
        for through, to, places in ends:
            end = collection.proposals.get(to)
            if end and end.sound and end.values("Created"):
                yield proposal, through, end, places


def several_links(
    collection: Collection, chance: random.Random
) -> Iterator[tuple[int, str, tuple[int, ...], tuple[GoldSpan, ...]]]:
    """Yield (proposal, verb, the several proposals at the ends, the places that say so)."""
    for proposal in shuffled(collection.sound, chance):
        number = proposal.number
        required, dependents = proposal.numbers("Requires"), collection.dependents(number)
        replaced = collection.predecessors(number)
        if 2 <= len(required) <= FEW:
            yield number, "requires", required, (collection.evidence(number, "Requires"),)
        if 2 <= len(replaced) <= FEW and prose.alluded(collection, number, "Replaces") <= {*replaced}:
            places = tuple(span for old in replaced for span in links.succession(collection, old, number))
            yield number, "replaced", replaced, places
        if 2 <= len(dependents) <= FEW:
            places = tuple(span for one in dependents for span in links.requirement(collection, one, number))
            yield number, "is required by", dependents, places
