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
        1.66,
        0.46,
        0.38,
        0.28,
        0.68,
        0.50,
        0.86,
        1.30,
        -0.89,
        0.42,
        -0.63,
        0.70,
        0.37,
        1.07,
        1.32,
        1.30,
        0.34,
        0.57,
        -0.04,
        1.84,
        2.86,
    ),
    third=(
        1.34,
        0.39,
        0.29,
        0.24,
        0.56,
        0.44,
        0.60,
        0.57,
        -0.73,
        -0.01,
        -0.52,
        0.45,
        0.30,
        0.82,
        0.69,
        0.96,
        0.19,
        0.33,
        -0.03,
        1.04,
        1.84,
        0.54,
        -0.35,
        0.20,
        -0.42,
        0.44,
        0.47,
        0.95,
        0.90,
        1.11,
        0.39,
        0.30,
        0.06,
        0.74,
        2.03,
    ),
)
"""For the hashing embedder, whose vectors say which spellings two texts share."""

MEANING = Weights(
    first=(2.77, 2.44, 0.71, 1.18, 1.69, 0.95, 1.74),
    second=(
        1.31,
        1.68,
        0.31,
        0.70,
        0.59,
        0.36,
        0.71,
        1.23,
        -0.93,
        0.32,
        -0.48,
        0.73,
        0.35,
        1.05,
        1.27,
        1.28,
        0.60,
        0.57,
        -0.04,
        1.85,
        2.77,
    ),
    third=(
        0.99,
        1.51,
        0.23,
        0.61,
        0.48,
        0.30,
        0.44,
        0.53,
        -0.75,
        -0.04,
        -0.35,
        0.47,
        0.28,
        0.81,
        0.70,
        0.94,
        0.35,
        0.34,
        -0.02,
        1.05,
        1.77,
        0.46,
        -0.37,
        0.03,
        -0.28,
        0.43,
        0.45,
        0.96,
        0.82,
        1.07,
        0.62,
        0.29,
        0.06,
        0.79,
        2.02,
    ),
)
"""For sentence models, here and at a provider's."""


def weights_for(embedder: str) -> Weights:
    """Return the weights by the name of a corpus's embedder."""
    return SPELLING if embedder.startswith("hashing-") else MEANING
