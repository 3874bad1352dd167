"""Fitting the support check: folds keep texts together, weights follow the labels, figures are those of the scorer."""

from __future__ import annotations

import numpy as np
import pytest

from bench.support import Claims, confidences, fitted, grouped, macro_f1
from evals.records import Score
from evals.scorers.claims import macro_f1 as scored
from research.analysts.claim_features import NAMES


def test_claims_that_share_a_text_are_in_one_group() -> None:
    """A text in common joins two claims, through a third one too; a short text, such as a title, does not."""
    one, two = "The first of two long texts, about a mill at Hesk.", "The second of two long texts, about a bridge."
    groups = grouped(
        [(one, "Title"), (two, "Title"), (one, two), ("Nothing in common with the others at all, so far.",)]
    )
    assert len(set(groups[:3].tolist())) == 1 and groups[3] != groups[0]


def test_weights_follow_the_labels_and_leave_what_is_certain() -> None:
    """A feature that supported claims have gets a weight above 0, and a certain confidence is not weighed."""
    label = np.array([1.0, 1.0, 0.0, 0.0] * 10)
    counted = np.zeros((40, len(NAMES)))
    counted[:, 0] = label
    certain = np.full(40, np.nan)
    certain[0] = 0.02
    own = Claims("set", counted, label, certain, np.arange(40))
    weights = fitted([(own, np.ones(40, dtype=bool))])
    found = confidences(own, weights)
    assert weights[1] > 0 and not weights[2:].any()
    assert found[0] == 0.02 and found[1] > 0.5 > found[2]


def test_the_figure_is_the_scorer_s() -> None:
    """Macro-F1 is that of ``research eval run claims``."""
    rng = np.random.default_rng(0)
    label, said = rng.integers(0, 2, 50).astype(float), rng.integers(0, 2, 50).astype(bool)
    names = ("unsupported", "supported")
    scores = [Score(value=0.0, gold=names[int(a)], said=names[int(b)]) for a, b in zip(label, said, strict=True)]
    assert macro_f1(label, said) == pytest.approx(100 * scored(scores, np.ones((1, 50)))[0])
