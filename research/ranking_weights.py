"""The weights of both rankings, one set for each kind of embedder, never for a kind of document.

Fitted by ``python -m bench.reranking`` on musique-train100, musique-train200, hotpotqa-train100 and hotpotqa-train500,
each data set counting alike; what they reach on questions that they were not fitted on is in ``docs/performance.md``.
The order is that of ``FIRST``, ``SECOND`` and ``THIRD`` in :mod:`research.reranking`.
"""

from __future__ import annotations

from research.records import Record


class Weights(Record):
    """One weight for each feature of each ranking."""

    first: tuple[float, ...]
    second: tuple[float, ...]
    third: tuple[float, ...]


SPELLING = Weights(
    first=(3.35, 0.79, 0.83, 0.52, 1.84, 1.22, 2.05),
    second=(
        1.69,
        0.45,
        0.38,
        0.28,
        0.65,
        0.48,
        0.87,
        1.36,
        -0.84,
        0.34,
        -0.59,
        0.70,
        0.37,
        1.08,
        1.13,
        1.28,
        0.36,
        0.59,
        -0.03,
        1.84,
        2.88,
    ),
    third=(
        1.38,
        0.37,
        0.30,
        0.22,
        0.53,
        0.41,
        0.61,
        0.59,
        -0.73,
        -0.04,
        -0.48,
        0.46,
        0.29,
        0.84,
        0.58,
        0.95,
        0.19,
        0.34,
        -0.02,
        1.03,
        1.85,
        0.59,
        -0.26,
        0.13,
        -0.39,
        0.45,
        0.48,
        0.96,
        0.79,
        1.09,
        0.39,
        0.32,
        0.08,
        0.76,
        2.03,
    ),
)
"""For the hashing embedder, whose vectors say which spellings two texts share."""

MEANING = Weights(
    first=(2.77, 2.44, 0.71, 1.18, 1.69, 0.95, 1.74),
    second=(
        1.32,
        1.70,
        0.32,
        0.71,
        0.57,
        0.34,
        0.72,
        1.28,
        -0.90,
        0.22,
        -0.40,
        0.73,
        0.35,
        1.06,
        1.08,
        1.26,
        0.58,
        0.59,
        -0.03,
        1.82,
        2.81,
    ),
    third=(
        1.01,
        1.53,
        0.25,
        0.62,
        0.47,
        0.27,
        0.45,
        0.53,
        -0.78,
        -0.11,
        -0.29,
        0.48,
        0.28,
        0.82,
        0.57,
        0.93,
        0.32,
        0.36,
        -0.02,
        1.02,
        1.78,
        0.53,
        -0.28,
        -0.00,
        -0.22,
        0.45,
        0.48,
        0.94,
        0.72,
        1.07,
        0.60,
        0.31,
        0.08,
        0.77,
        2.03,
    ),
)
"""For sentence models, here and at a provider's."""


def weights_for(embedder: str) -> Weights:
    """Return the weights by the name of a corpus's embedder."""
    return SPELLING if embedder.startswith("hashing-") else MEANING
