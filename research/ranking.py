"""Fusing ranked lists. Pure: lists in, one list out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import msgspec

from research.origins import site_of
from research.records import Hit

RANK_CONSTANT = 60
"""The constant of Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet" (SIGIR 2009)."""


def reciprocal_rank(
    lists: Sequence[Sequence[Hit]], *, key: Callable[[Hit], str], weights: Sequence[float] = ()
) -> list[Hit]:
    """Return one list, best first, scored by the sum of ``weight / (60 + rank)`` over the lists (rank from 1).

    Each list weighs 1 unless ``weights`` gives one number per list. Hits with the same ``key`` are one hit: the first
    seen, with every list's reasons. Ties keep the first-seen order.
    """
    scores: dict[str, float] = {}
    first: dict[str, Hit] = {}
    for hits, weight in zip(lists, weights or [1.0] * len(lists), strict=True):
        for rank, hit in enumerate(hits, 1):
            name = key(hit)
            scores[name] = scores.get(name, 0.0) + weight / (RANK_CONSTANT + rank)
            seen = first.setdefault(name, hit)
            if seen is not hit:
                extra = tuple(reason for reason in hit.why if reason not in seen.why)
                first[name] = msgspec.structs.replace(seen, why=seen.why + extra)
    order = sorted(first, key=lambda name: -scores[name])
    return [msgspec.structs.replace(first[name], score=round(scores[name], 6)) for name in order]


def best_place(lists: Sequence[Sequence[Hit]], *, key: Callable[[Hit], str]) -> list[Hit]:
    """Return one list by each hit's best rank in any list, ties as :func:`reciprocal_rank` orders them.

    For queries that ask for different things: what one of them puts first is not buried under what several put second.
    """
    best: dict[str, int] = {}
    for hits in lists:
        for rank, hit in enumerate(hits):
            best[key(hit)] = min(rank, best.get(key(hit), rank))
    return sorted(reciprocal_rank(lists, key=key), key=lambda hit: best[key(hit)])


def spread(hits: Sequence[Hit], most: int) -> list[Hit]:
    """Return the first ``most`` hits, at most half of them of one site while other sites have any, in their order.

    A site that holds many pages on a matter, or makes them for it, must not be all that is read.
    """
    share = (most + 1) // 2
    taken: dict[str, int] = {}
    early: set[int] = set()
    for place, hit in enumerate(hits):
        site = site_of(hit.url)
        if len(early) < most and (not site or taken.get(site, 0) < share):
            taken[site] = taken.get(site, 0) + 1
            early.add(place)
    rest = (place for place in range(len(hits)) if place not in early)
    chosen = sorted([*early, *islice(rest, most - len(early))])
    return [hits[place] for place in chosen]
