"""Fits the weights of the support check on sets of claims, and shows what they do on claims they were not fitted on.

``python -m bench.support DATA/claims/attributionbench-dev DATA/claims/wice-dev DATA/claims/scifact`` prints, for each
set, macro-F1 with a choice forced, of the fitted weights and of weights fitted without the fold or the whole set that
they are tried on; then how often what stands in its evidence or clashes with it is right, and how often a verdict is
given and right; then the weights, as they stand in ``research/analysts/claim_weights.py``. Claims that share a text of
their evidence are always in the same fold. What the check does with changed sentences is in ``bench.support_edits``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy import float64, int64
from numpy.typing import NDArray

from evals.datasets import shapes
from evals.suites.claims import SHAPES
from research.analysts.claim_features import NAMES, features
from research.analysts.claim_words import line, read
from research.analysts.support import SURE, certain
from research.app.systems.checking import evidence

RIDGE = 5.0
"""The penalty on a weight's square, beside the likelihood of all claims; chosen by the figures on unseen folds."""
FOLDS = 10
STEPS = 60
Vector = NDArray[float64]


class Claims(NamedTuple):
    """One set: a row of features a claim, its label, what is certain of it, and which claims belong together.

    ``certain`` is the check's confidence where it does not weigh: standing, clashing, not to be compared; else NaN.
    """

    name: str
    counted: Vector
    label: Vector
    certain: Vector
    group: NDArray[int64]


def claims_of(path: Path) -> Claims:
    """Return a set of claims, counted."""
    loaded = shapes.load(path, SHAPES)
    counted, sure, texts = [], [], []
    for case in loaded.cases:
        shown = evidence([document for name in case.question.corpora for document in loaded.corpora[name]])
        claim, lines = line(case.question.text), tuple(piece for text in shown for piece in read(text))
        told = certain(case.question.text, shown)
        counted.append(features(claim, lines) if claim.terms and lines else (0.0,) * len(NAMES))
        sure.append(np.nan if told is None else told.confidence)
        texts.append((case.question.text, *shown[:3]))
    labels = [float(case.gold.label == "supported") for case in loaded.cases]
    return Claims(path.stem, np.array(counted), np.array(labels), np.array(sure), grouped(texts))


def grouped(texts: Sequence[Sequence[str]]) -> NDArray[int64]:
    """Return a number for each row, the same for rows that share a text, or are linked by others that do."""
    parent = list(range(len(texts)))

    def root(row: int) -> int:
        while parent[row] != row:
            row = parent[row]
        return row

    first: dict[str, int] = {}
    for row, own in enumerate(texts):
        for text in own:
            if len(text) > 40:
                parent[root(row)] = root(first.setdefault(text, row))
    return np.array([root(row) for row in range(len(texts))])


def fitted(sets: Sequence[tuple[Claims, NDArray[np.bool_]]]) -> Vector:
    """Return the weights, the bias first, by Newton's method; labels are balanced within each set's chosen rows.

    What is certain is left out of the fit, for it is never weighed.
    """
    rows = [
        (own.counted[at], own.label[at], _balanced(own.label[at]))
        for own, chosen in sets
        for at in [_open(own, chosen)]
    ]
    counted = np.vstack([np.column_stack([np.ones(len(part)), part]) for part, _, _ in rows])
    label, weight = np.concatenate([part for _, part, _ in rows]), np.concatenate([part for _, _, part in rows])
    penalty = np.diag([0.0] + [RIDGE] * len(NAMES))
    weights = np.zeros(counted.shape[1])
    for _ in range(STEPS):
        likely = 1 / (1 + np.exp(-counted @ weights))
        slope = counted.T @ (weight * (label - likely)) - penalty @ weights
        curve = (counted * (weight * likely * (1 - likely))[:, None]).T @ counted + penalty
        step = np.linalg.solve(curve, slope)
        weights = weights + step
        if float(np.abs(step).max()) < 1e-8:
            break
    return weights


def _open(own: Claims, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return chosen & np.isnan(own.certain)


def _balanced(label: Vector) -> Vector:
    share = label.mean() if len(label) else 0.5
    return np.where(label == 1, 0.5 / share, 0.5 / (1 - share))


def confidences(own: Claims, weights: Vector) -> Vector:
    """Return the check's confidence with these weights."""
    likely = 1 / (1 + np.exp(-(weights[0] + own.counted @ weights[1:])))
    return np.where(np.isnan(own.certain), likely, own.certain)


def macro_f1(label: Vector, said: NDArray[np.bool_]) -> float:
    """Return the mean of the F1 of both labels, in per cent."""
    figures = []
    for one in (True, False):
        right = ((label == 1) == one) & (said == one)
        figures.append(2 * right.sum() / max(1, ((label == 1) == one).sum() + (said == one).sum()))
    return 100 * float(np.mean(figures))


def unseen(sets: Sequence[Claims], seed: int) -> list[Vector]:
    """Return the confidences of each set's claims, of weights that were fitted on the other folds of all sets."""
    rng = np.random.default_rng(seed)
    folds = []
    for own in sets:
        groups = np.unique(own.group)
        number = dict(zip(groups.tolist(), (rng.permutation(len(groups)) % FOLDS).tolist(), strict=True))
        folds.append(np.array([number[group] for group in own.group.tolist()]))
    found = [np.zeros(len(own.label)) for own in sets]
    for fold in range(FOLDS):
        weights = fitted([(own, folds[at] != fold) for at, own in enumerate(sets)])
        for at, own in enumerate(sets):
            found[at][folds[at] == fold] = confidences(own, weights)[folds[at] == fold]
    return found


def main() -> None:
    """Fit, and print the figures and the constants."""
    parser = argparse.ArgumentParser(prog="python -m bench.support", description=__doc__)
    parser.add_argument("data", nargs="+", type=Path, help="folders or files of claims")
    sets = [claims_of(path) for path in parser.parse_args().data]
    everything = [(own, np.ones(len(own.label), dtype=bool)) for own in sets]
    weights = fitted(everything)
    tries = [unseen(sets, seed) for seed in range(3)]
    print(f"{'macro-F1':24}{'claims':>8}{'fitted':>8}{'folds':>8}{'set left out':>14}")
    for at, own in enumerate(sets):
        others = [pair for pair in everything if pair[0] is not own]
        alone = macro_f1(own.label, confidences(own, fitted(others)) >= 0.5) if others else float("nan")
        folds = float(np.mean([macro_f1(own.label, found[at] >= 0.5) for found in tries]))
        same = macro_f1(own.label, confidences(own, weights) >= 0.5)
        print(f"{own.name:24}{len(own.label):8}{same:8.1f}{folds:8.1f}{alone:14.1f}")
    _certain(sets)
    _thresholds(sets, tries[0])
    print(f"BIAS = {weights[0]:.3f}\nWEIGHTS: Mapping[str, float] = {{")
    print("\n".join(f'    "{name}": {value:.3f},' for name, value in zip(NAMES, weights[1:], strict=True)) + "\n}")


def _certain(sets: Sequence[Claims]) -> None:
    """Print how often what needs no weighing is right: what stands in its evidence, and what clashes with it."""
    for own in sets:
        stands, clashes = own.certain >= SURE, own.certain <= 1 - SURE
        held, denied = int((own.label[stands] == 1).sum()), int((own.label[clashes] == 0).sum())
        print(f"{own.name:24}stands: right {held} of {stands.sum()}, clashes: right {denied} of {clashes.sum()}")


def _thresholds(sets: Sequence[Claims], found: Sequence[Vector]) -> None:
    """Print how often each side is right, and how many claims get a verdict, by where the lines are drawn."""
    for margin in (0.05, 0.1, 0.15, 0.2, 0.25):
        for own, likely in zip(sets, found, strict=True):
            high, low = likely >= 0.5 + margin, likely <= 0.5 - margin
            right = (high & (own.label == 1)) | (low & (own.label == 0))
            given = (high | low).sum()
            share, good = 100 * given / len(likely), 100 * right.sum() / max(1, given)
            print(f"margin {margin:.2f} {own.name:20} given {share:5.1f}  right {good:5.1f}")


if __name__ == "__main__":
    main()
