"""Whether a claim is rightly called supported or unsupported by the passages it came with.

``macro_f1`` forces a choice, as published work does; ``checked_rate`` and ``checked_accuracy`` let a system say that it
could not check, and show how often and how well it checks when it does. A case without a label is not scored.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from evals.records import Case, Outcome, Score
from evals.suite import Metric

LABELS = ("supported", "unsupported")


def _forced(case: Case, outcome: Outcome) -> Score | None:
    """The verdict when there is one, else ``supported`` from a confidence of 0.5 on; neither is unscored."""
    gold = case.gold.label
    if not gold or (outcome.verdict is None and outcome.confidence is None):
        return None
    if outcome.verdict in LABELS:
        said = str(outcome.verdict)
    elif outcome.confidence is not None:
        said = LABELS[0] if outcome.confidence >= 0.5 else LABELS[1]
    else:
        return Score(value=None, why="could not check, and gave no confidence to force a choice by", gold=gold)
    return Score(value=float(said == gold), gold=gold, said=said)


def macro_f1(scores: Sequence[Score], weights: NDArray[float64]) -> NDArray[float64]:
    """Return the mean of the labels' F1 for each row of weights.

    A label that no case of positive weight has or was given is left out of the mean, as scikit-learn does.
    """
    gold = np.array([score.gold for score in scores])
    said = np.array([score.said for score in scores])
    total, present = np.zeros(len(weights)), np.zeros(len(weights))
    for label in sorted({*gold.tolist(), *said.tolist()}):
        hits = weights @ ((gold == label) & (said == label)).astype(float64)
        either = weights @ ((gold == label).astype(float64) + (said == label))
        seen = either > 0
        total += np.divide(2 * hits, either, out=np.zeros(len(weights)), where=seen)
        present += seen
    return _shares(total, present)


MACRO_F1 = Metric(
    "macro_f1", _forced, "mean of the F1 of supported and of unsupported, when a choice is forced", summary=macro_f1
)


def _confidence(case: Case, outcome: Outcome) -> Score | None:
    if not case.gold.label:
        return None
    if outcome.confidence is None:
        unsure = outcome.verdict == "could not check"
        return Score(value=None, why="gave no confidence", gold=case.gold.label) if unsure else None
    return Score(value=outcome.confidence, gold=case.gold.label)


def auroc(scores: Sequence[Score], weights: NDArray[float64]) -> NDArray[float64]:
    """Return the chance that a supported claim gets more confidence than an unsupported one; ties count half.

    NaN for a row of weights that leaves only one of the labels.
    """
    values = np.array([score.value for score in scores], dtype=float64)
    order = np.argsort(values, kind="stable")
    positive = np.array([score.gold == LABELS[0] for score in scores])[order]
    ranked = values[order]
    up, down = weights[:, order] * positive, weights[:, order] * ~positive
    below = np.concatenate([np.zeros((len(weights), 1)), np.cumsum(down, axis=1)], axis=1)
    less = below[:, np.searchsorted(ranked, ranked, side="left")]
    no_more = below[:, np.searchsorted(ranked, ranked, side="right")]
    pairs = up.sum(axis=1) * down.sum(axis=1)
    won = (up * (less + no_more)).sum(axis=1) / 2
    return _shares(won, pairs)


def _shares(parts: NDArray[float64], wholes: NDArray[float64]) -> NDArray[float64]:
    """Return ``parts / wholes``, NaN where the whole is 0."""
    shares = np.full(len(wholes), np.nan)
    np.divide(parts, wholes, out=shares, where=wholes > 0)
    return shares


AUROC = Metric("auroc", _confidence, "area under the ROC curve of the confidence that a claim is supported", auroc)


def _checked(case: Case, outcome: Outcome) -> Score | None:
    if not case.gold.label or outcome.verdict is None:
        return None
    return Score(value=float(outcome.verdict in LABELS))


def _right(case: Case, outcome: Outcome) -> Score | None:
    if not case.gold.label or outcome.verdict not in LABELS:
        return None
    return Score(value=float(outcome.verdict == case.gold.label))


def _rationale(case: Case, outcome: Outcome) -> Score | None:
    gold = set(case.gold.rationale)
    if not gold or outcome.rationale is None:
        return None
    return Score(value=len(gold & set(outcome.rationale)) / len(gold))


CHECKED_RATE = Metric("checked_rate", _checked, "share of claims with a verdict other than “could not check”")
CHECKED_ACCURACY = Metric("checked_accuracy", _right, "share of right verdicts among the claims that got one")
RATIONALE_RECALL = Metric("rationale_recall", _rationale, "share of the deciding sentences that are named")
