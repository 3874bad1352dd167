"""The weights of the rankings come out of the real corpus, reproducibly, and are better than none."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from bench.reranking import ROUNDS, cross_validated, fit, fitted, gathered
from evals.datasets import shapes
from research.reranking import FIRST, SECOND, THIRD
from tools.embeddings import HashingEmbedder


def test_a_feature_that_tells_gets_the_weight() -> None:
    """One stands out where the passage is needed, the other is noise; a question that tells nothing is left out."""
    random = np.random.default_rng(0)
    rows = []
    for number in range(40):
        labels = np.arange(10) == number % 10
        rows.append((np.stack([labels + random.normal(size=10) / 3, random.normal(size=10)], axis=1), labels, 1.0))
    weights = fit([*rows, (np.ones((3, 2)) * 99, np.zeros(3, dtype=bool), 1.0)])
    assert weights[0] > 2 > 0.5 > abs(weights[1])
    assert fit(rows) == pytest.approx(weights)


async def test_the_sample_is_fitted_the_same_each_time(tmp_path: Path) -> None:
    """Each ranking has a weight for each feature, the needed pages come up, and nothing hangs on chance."""
    with ExitStack() as stack:
        askings = await gathered([shapes.sample("multihop")], HashingEmbedder(), tmp_path, stack)
        made = fitted(askings, [True] * len(askings))
        assert len(made.weights) == ROUNDS
        assert [len(weights) for weights in made.weights] == [len(FIRST), len(SECOND), len(THIRD)]
        again = fitted(askings, [True] * len(askings))
        assert all((one == other).all() for one, other in zip(made.weights, again.weights, strict=True))
        recalls = [one.recalls(*ranked)[1] for one, ranked in zip(askings, made.ranked, strict=True)]
        assert np.mean(recalls) > 0.9
        assert all(len(row) == 2 for row in cross_validated(askings, 0))
