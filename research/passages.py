"""Choosing the passages of a page that a task is worth reading for. Pure.

Cutting is in ``research.chunks``. A long page is read in its best passages, in the page's own order, so that what is
read grows with the task and not with the page.
"""

from __future__ import annotations

import math
from collections import Counter

from research.chunks import chunk
from research.records import Passage
from research.words import terms


def best_passages(source: str, title: str, text: str, objective: str, *, media: str, limit: int) -> list[Passage]:
    """Return at most ``limit`` passages of ``text``, in order: those that share the rarest terms with ``objective``.

    A term weighs its inverse document frequency over the page's passages, damped by how often it occurs; the opening
    passage, which says what the page is, wins ties. Passages that share nothing come last.
    """
    chunks = chunk(text, media)
    counts = [Counter(terms(f"{part.heading} {text[part.start : part.end]}")) for part in chunks]
    wanted = set(terms(objective))
    spread = {term: sum(term in count for count in counts) for term in wanted}

    def score(index: int) -> float:
        shared = wanted & counts[index].keys()
        rarity = {term: math.log(1 + len(chunks) / spread[term]) for term in shared}
        return math.fsum(rarity[term] * (1 + math.log(counts[index][term])) for term in shared)

    best = sorted(range(len(chunks)), key=lambda index: (-score(index), index))[:limit]
    return [
        Passage(
            source=source,
            start=chunks[index].start,
            end=chunks[index].end,
            text=text[chunks[index].start : chunks[index].end],
            title=title,
        )
        for index in sorted(best)
    ]
