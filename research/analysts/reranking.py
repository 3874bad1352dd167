"""What a model's scores may do to hits: put them into another order, and nothing else. Pure.

Asking for the scores is in ``research.analysts.language``; how many hits are scored and how many are read is decided in
``graphs.reranking``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from research.prompts import block
from research.records import Hit, Record

RANK_TOKENS = 1200
LONGEST_SHOWN = 1200
"""Characters of a hit's text that are shown: a passage of a corpus has some 1,000."""
LOWEST, HIGHEST = 0.0, 10.0


class HitScore(Record):
    """A hit that was shown, by its handle, and its score."""

    handle: str
    score: float


class RankReply(Record):
    """The scores of hits, from 0 to 10."""

    scores: tuple[HitScore, ...]


def shown_hits(hits: Sequence[Hit], mark: str) -> str:
    """Return the hits as blocks of a prompt, each with its handle, title and text."""
    shown = [block("hit", mark, hit.snippet[:LONGEST_SHOWN], handle=hit.handle, title=hit.title[:120]) for hit in hits]
    return "\n\n".join(shown)


def handles_in_order(reply: RankReply, hits: Sequence[Hit]) -> tuple[str, ...]:
    """Return the handles of all ``hits``, the highest score first; equal ones, and those without one, as they stood.

    The first score of a handle counts, one that is beyond the scale is its end, and a handle that was not shown is
    nothing. Hits without a score come after the others.
    """
    scores: dict[str, float] = {}
    for given in reply.scores:
        if not math.isnan(given.score):
            scores.setdefault(given.handle, min(HIGHEST, max(LOWEST, given.score)))
    unscored = LOWEST - 1
    return tuple(hit.handle for hit in sorted(hits, key=lambda hit: -scores.get(hit.handle, unscored)))
