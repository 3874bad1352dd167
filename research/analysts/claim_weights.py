"""The weights of what is counted on a claim: constants that ``python -m bench.support DATA`` fits and prints.

Fitted on the train claims named there (AttributionBench dev, WiCE dev, SciFact train; 2,466 claims), by a logistic
regression with a ridge penalty, labels balanced within each set, each set as heavy as it has claims. How well they do
on claims that they were not fitted on is in ``docs/evals.md``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from research.analysts.claim_features import NAMES

BIAS = -1.561
WEIGHTS: Mapping[str, float] = {
    "covered": 0.276,
    "covered_loosely": 0.382,
    "best_sentence": 0.051,
    "best_two": 1.029,
    "any_two": 0.711,
    "spread": 0.226,
    "pairs": -0.223,
    "triples": 0.247,
    "near_pairs": 0.161,
    "run": 0.178,
    "run_share": 0.191,
    "overlap": 0.549,
    "precision": 0.228,
    "missing": 0.103,
    "last_missing": 0.064,
    "weakest_clause": 0.309,
    "function_words": 0.116,
    "claim_length": 0.368,
    "evidence_length": -0.757,
    "sentences": -0.286,
    "short": -0.225,
    "values_absent": -0.746,
    "values_elsewhere": 0.060,
    "values": 0.002,
    "names": 0.030,
    "names_absent": -0.511,
    "names_held": 0.065,
    "names_best": 0.077,
    "negation": -0.211,
    "opposed": -0.363,
    "hedged": -0.216,
    "sweeping": 0.038,
    "causal": -0.059,
    "order": 0.242,
}
LIKELY = 0.65
"""From this probability on a claim is called supported; how often that is right is printed with the weights."""
UNLIKELY = 0.35
"""Up to this probability a claim is called unsupported."""


def probability(counted: Sequence[float]) -> float:
    """Return how likely a claim with these features is supported, 0 to 1."""
    total = BIAS + sum(WEIGHTS[name] * value for name, value in zip(NAMES, counted, strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
