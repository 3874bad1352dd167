"""Reordering the head of a ranked list by a second opinion. Pure: scores in, places out.

The first ranking is in ``research.reranking``; who gives the second opinion is in ``tools.cross_encoder``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from research.reranking import RANK_OFFSET

HEAD = 20
"""Passages at the head of a list that are scored again, and keep their twenty places between them."""


def fused_places(scores: NDArray[np.float32]) -> list[int]:
    """Return the places of a list's head in their new order; ``scores`` are by the place that each had, from 0.

    Both orders count alike, by reciprocal rank: who reads a question and one passage at a time puts the page that a
    second hop needs last, because it shares nothing with the question, and the first ranking had a reason for it.
    Equal sums keep the order that was there, and so do equal scores.
    """
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(len(scores))
    sums = 1 / (RANK_OFFSET + np.arange(len(scores))) + 1 / (RANK_OFFSET + ranks)
    return [int(place) for place in np.argsort(-sums, kind="stable")]
