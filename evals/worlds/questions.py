"""All questions about a collection of proposals: the templates of each group, and the world they make."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from evals.suite import Loaded
from evals.worlds import comparisons, counts, lists, times
from evals.worlds.drawing import Groups, draw
from evals.worlds.facts import Candidate
from evals.worlds.links import graph
from evals.worlds.proposals import Collection
from evals.worlds.unanswerable import unanswerable
from evals.worlds.walks import walks
from research.errors import UsageFault
from research.records import counted

QUESTIONS = 200
Template = Callable[[Collection, random.Random], Iterator[Candidate]]
TEMPLATES: dict[str, tuple[Template, ...]] = {
    "comparison": (
        comparisons.created_first,
        comparisons.share_an_author,
        comparisons.same_status,
        comparisons.more_authors,
        comparisons.before_the_end_of_a_link,
    ),
    "list": (
        lists.written_with_status,
        lists.listed_by_a_header,
        lists.authors_of,
        lists.written_in_a_year,
        lists.by_the_same_author,
    ),
    "temporal": (
        times.last_before_a_year,
        times.first_or_last_of_a_person,
        times.newest_of_three,
        times.year_of_the_end_of_a_link,
    ),
    "count": (counts.how_many_by, counts.how_many_with_status, counts.how_many_authors, counts.how_many_listed),
}


def world(collection: Collection, size: int | None, seed: int, corpus: str) -> Loaded:
    """Return ``size`` questions (200 unless told) about a collection, and its documents as the corpus ``corpus``.

    Raises ``UsageFault`` when there is nothing to ask about.
    """
    wanted = QUESTIONS if size is None else size
    if wanted < 1:
        raise UsageFault(f"a world of {wanted} questions: give a size of 1 or more")
    name = collection.series.name
    if not collection.titled:
        raise UsageFault(f"none of the {counted(len(collection.proposals), name)} has headers that can be asked about")
    cases, notes = draw(_groups(collection, seed), wanted, seed, corpus, name.lower())
    left_out = len(collection.proposals) - len(collection.sound)
    said = (f"{counted(left_out, name)} with headers that cannot be read: in the corpus, asked about in no question",)
    documents = tuple(proposal.document for proposal in collection.proposals.values())
    return Loaded(cases, {corpus: documents}, (*(said if left_out else ()), *notes))


def _groups(collection: Collection, seed: int) -> Groups:
    """Return the templates of every group, each with a random order of its own."""
    edges = graph(collection)
    made: dict[str, list[Iterator[Candidate]]] = {
        f"{hops} hop{'s' if hops > 1 else ''}": [walks(edges, hops, random.Random(f"walks {hops} {seed}"))]
        for hops in (1, 2, 3, 4)
    }
    for group, templates in TEMPLATES.items():
        chances = [random.Random(f"{group} {place} {seed}") for place, _ in enumerate(templates)]
        made[group] = [make(collection, chance) for make, chance in zip(templates, chances, strict=True)]
    made["unanswerable"] = unanswerable(collection, seed)
    return made
