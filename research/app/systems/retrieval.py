"""Retrieval alone as systems: passages of the real corpus, mapped to the documents they are from, best first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from evals.records import Outcome, System
from research.app.systems.documents import documents_of
from research.app.systems.materials import Shelf, Shelved
from research.ranking import reciprocal_rank
from research.records import Hit, Question
from tools.clock import SystemClock

if TYPE_CHECKING:
    from tools.corpus import HybridCorpus

DEPTH = 200
"""Passages taken from each list: enough for recall at 100 documents of one or two passages."""

Lister = Callable[["HybridCorpus", str], Awaitable[Sequence[Hit]]]


async def _lexical(corpus: HybridCorpus, query: str) -> Sequence[Hit]:
    return (await corpus.lists(query, DEPTH))[0]


async def _dense(corpus: HybridCorpus, query: str) -> Sequence[Hit]:
    return (await corpus.lists(query, DEPTH))[1]


async def _fused(corpus: HybridCorpus, query: str) -> Sequence[Hit]:
    return await corpus.retrieve(query, DEPTH)


LISTERS: dict[str, Lister] = {"lexical": _lexical, "dense": _dense, "fused": _fused}


def retrieving(name: str, shelf: Shelf) -> System:
    """Return the system ``lexical``, ``dense`` or ``fused``: a question's text is the query, as it stands."""
    lister, clock = LISTERS[name], SystemClock()

    async def system(question: Question) -> Outcome:
        documents_of(shelf.corpora, question.corpora)  # raises where there is nothing to search
        async with shelf.open(question.corpora) as held:
            began = clock.monotonic()
            ranked = await _ranked(list(held.values()), lister, question.text)
            return Outcome(ranked=ranked, seconds=clock.monotonic() - began)

    return system


async def _ranked(held: Sequence[Shelved], lister: Lister, query: str) -> tuple[str, ...]:
    """Return the documents by their best passage; the lists of several corpora are fused by rank."""
    lists = await asyncio.gather(*(lister(shelved.corpus, query) for shelved in held))
    hits = lists[0] if len(lists) == 1 else reciprocal_rank(lists, key=lambda hit: f"{hit.handle} {hit.url}")
    ids = {url: id for shelved in held for url, id in shelved.ids.items()} if len(held) > 1 else held[0].ids
    return tuple(dict.fromkeys(ids[hit.url] for hit in hits))
