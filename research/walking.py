"""A walk over passages and the names they hold: where it rests is what the question is about. Pure.

Personalised PageRank (Haveliwala, "Topic-sensitive PageRank", WWW 2002) on the graph of Gutiérrez et al., "HippoRAG"
(NeurIPS 2024), whose nodes are passages and names, without a language model to find them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESTART = 0.5
"""Share of the walk that begins anew at each step."""
STEPS = 20
"""By then less than a millionth of the walk has not yet begun anew."""
STARTS = 12
"""Passages where the walk begins."""
MENTION = 4.0
"""Weight of a mentioned title; a shared name has its rarity in nats, by the root of how many passages hold it."""
FLOOR = 1e-4


def resting(scores: Floats, mention: Floats, holding: Floats, rarity: Floats, asked_for: NDArray[np.bool_]) -> Floats:
    """Return ``(passages, 2)``: the share of the walk at each passage over the largest, and its logarithm over 9.

    Half of the walk begins at the ``STARTS`` best passages by softmax of ``scores``, half at the names that are
    ``asked_for``. ``mention`` is passages by passages, ``holding`` passages by names, ``rarity`` is in nats.
    """
    edges = holding * (rarity / np.sqrt(np.maximum(holding.sum(axis=0), 1)))
    direct = MENTION * (mention + mention.T)
    degree = direct.sum(axis=0) + edges.sum(axis=1)
    degree[degree == 0] = 1
    name_degree = edges.sum(axis=0)
    name_degree[name_degree == 0] = 1
    start, name_start = _starts(scores, np.where(asked_for, rarity, 0))
    at, at_names = start, name_start
    for _ in range(STEPS):
        out = at / degree
        at, at_names = (
            RESTART * start + (1 - RESTART) * (direct @ out + edges @ (at_names / name_degree)),
            RESTART * name_start + (1 - RESTART) * (edges.T @ out),
        )
    share = at / max(float(at.max()), 1e-12)
    return np.stack([share, np.log(share + FLOOR) / 9], axis=1)


def _starts(scores: Floats, wanted: Floats) -> tuple[Floats, Floats]:
    start = np.zeros(len(scores))
    first = np.argsort(-scores, kind="stable")[:STARTS]
    start[first] = np.exp(scores[first] - scores.max())
    start /= start.sum()
    names = wanted / (wanted.sum() or 1.0)
    whole = 1 + float(wanted.any())
    return start / whole, names / whole
