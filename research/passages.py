"""Choosing the passages of a page that a task is worth reading for. Pure.

Cutting is in ``research.chunks``. A long page is read in its best passages, in the page's own order, so that what is
read grows with the task and not with the page.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import msgspec

from research.chunks import MOST, Chunk, chunk, size
from research.records import Passage
from research.words import terms

WIDEST_GAP = 4
"""Characters between two passages that are neighbours: white space, for passages cover all that is not."""
GAPS = {0: "", 1: " "}
"""What is shown between neighbours, by the characters between them; else the end of a paragraph."""


def best_passages(source: str, title: str, text: str, objective: str, *, media: str, limit: int) -> list[Passage]:
    """Return ``limit`` full passages of ``text``, or more that are shorter, in order, or all where there is no more.

    Those that share the rarest terms with ``objective`` are chosen first.

    A term weighs its inverse document frequency over the page's passages, damped by how often it occurs; the opening
    passage, which says what the page is, wins ties. Passages that share nothing come last.
    """
    chunks = chunk(text, media)
    lengths = [size(text, part.start, part.end) for part in chunks]
    if sum(lengths) <= limit * MOST:
        return [_passage(source, title, text, part) for part in chunks]
    counts = [Counter(terms(f"{part.heading} {text[part.start : part.end]}")) for part in chunks]
    wanted = set(terms(objective))
    spread = {term: sum(term in count for count in counts) for term in wanted}

    def score(index: int) -> float:
        shared = wanted & counts[index].keys()
        rarity = {term: math.log(1 + len(chunks) / spread[term]) for term in shared}
        return math.fsum(rarity[term] * (1 + math.log(counts[index][term])) for term in shared)

    best: list[int] = []
    room = float(limit * MOST)
    for index in sorted(range(len(chunks)), key=lambda index: (-score(index), index)):
        if lengths[index] > room and len(best) >= limit:
            break
        best.append(index)
        room -= lengths[index]
    return [_passage(source, title, text, chunks[index]) for index in sorted(best)]


def _passage(source: str, title: str, text: str, part: Chunk) -> Passage:
    return Passage(source=source, start=part.start, end=part.end, text=text[part.start : part.end], title=title)


def joined(passages: Sequence[Passage]) -> list[Passage]:
    """Return the passages with neighbours of one text put together, as far as they stand in a row."""
    rows: list[Passage] = []
    for passage in passages:
        last = rows[-1] if rows else None
        if last is not None and last.source == passage.source and 0 <= passage.start - last.end <= WIDEST_GAP:
            text = last.text + GAPS.get(passage.start - last.end, "\n\n") + passage.text
            rows[-1] = msgspec.structs.replace(last, end=passage.end, text=text)
        else:
            rows.append(passage)
    return rows
