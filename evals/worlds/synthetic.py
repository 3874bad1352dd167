"""An invented world of any size, with nothing on disk: its pages, and questions with exact answers about them.

The same seed and size give the same world, byte for byte; ten thousand pages take seconds. Its facts are in
``evals.worlds.realm``, its texts in ``evals.worlds.pages`` and ``evals.worlds.hazards``.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from evals.suite import Loaded
from evals.worlds import riddles
from evals.worlds.drawing import Groups, draw
from evals.worlds.facts import Candidate
from evals.worlds.hazards import spoil
from evals.worlds.pages import library
from evals.worlds.realm import FEWEST_PAGES, realm
from evals.worlds.told import Told
from evals.worlds.walks import walks
from research.errors import UsageFault

PAGES = 120
MOST_QUESTIONS = 200
HOPS = (1, 2, 3, 4)


def world(size: int | None, seed: int, corpus: str) -> Loaded:
    """Return a world of ``size`` pages (120 unless told) as the corpus ``corpus``; one question a page, 200 at most.

    Raises ``UsageFault`` below 30 pages, which are too few for every kind of page.
    """
    pages = PAGES if size is None else size
    if pages < FEWEST_PAGES:
        raise UsageFault(f"a world of {pages} pages is too small: give a size of {FEWEST_PAGES} or more")
    made = realm(pages, seed)
    shelf = library(made, pages)
    spoil(made, shelf, pages)
    documents = sorted(shelf.pages, key=lambda page: page.id)
    cases, notes = draw(_groups(Told(made, shelf), seed), min(pages, MOST_QUESTIONS), seed, corpus, "invented")
    return Loaded(cases, {corpus: tuple(documents)}, notes)


def _groups(told: Told, seed: int) -> Groups:
    """Return the templates of every group, each with a random order of its own."""
    graph = told.graph()
    made: dict[str, list[Iterator[Candidate]]] = {
        f"{hops} hop{'s' if hops > 1 else ''}": [walks(graph, hops, random.Random(f"walks {hops} {seed}"))]
        for hops in HOPS
    }
    for group, templates in riddles.TEMPLATES.items():
        chances = [random.Random(f"{group} {place} {seed}") for place, _ in enumerate(templates)]
        made[group] = [make(told, chance) for make, chance in zip(templates, chances, strict=True)]
    return made
