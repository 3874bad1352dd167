"""Figures over cases with their 95 % intervals, and differences between two systems on the same cases.

The case is the unit: the epochs of one case are averaged (or weighted to one case together) and drawn together, so that
repeating a case narrows no interval. Methods:

- a mean of values that are all 0 or 1: Wilson's score interval (Wilson 1927);
- any other mean: percentile bootstrap over cases, 10,000 resamples;
- any other summary, such as macro-F1: the same with 2,000 resamples, in which the summary is computed anew;
- the p-value of a difference: a two-sided permutation test that swaps the systems within a case, with every possible
  swap when there are at most 10,000 of them, else with as many drawn as the bootstrap has resamples.

Everything drawn comes from one seed. What is a case's score is in ``evals.scorers``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from evals.records import Estimate, Score
from evals.suite import Metric, Summary
from research.records import Record

RESAMPLES = 10_000
RESAMPLES_OF_SUMMARIES = 2_000
Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""

_BATCH = 2_000_000
"""Weights in memory at once."""

Floats = NDArray[float64]
Figure = Callable[[Floats], Floats]
"""Weights of cases (resamples, cases) to one figure for each row."""


class Difference(Record):
    """After minus before, over the ``n`` cases that both judged, with its 95 % interval and p-value.

    ``wins`` are cases in which after is better as the metric counts (more, where neither way is better); ``None`` for
    metrics that are not means of cases. ``low``, ``high`` and ``p`` are ``None`` with fewer than 2 cases.
    """

    before: float
    after: float
    difference: float
    low: float | None
    high: float | None
    n: int
    p: float | None = None
    wins: int | None = None
    losses: int | None = None
    ties: int | None = None
    method: str = ""


def estimate(
    metric: Metric, scores: Sequence[Score], *, seed: int, clusters: Sequence[str] | None = None
) -> Estimate | None:
    """Return the figure over ``scores`` with its interval, or ``None`` when there is none to be had.

    ``clusters`` are the case ids of the scores (one each), by which epochs are kept together; without them every score
    is a case of its own. ``n`` counts cases with a judged score and ``unscored`` those with a score that could not be
    judged. There is no figure when nothing was judged, or for AUROC with one label alone.
    """
    cases = list(clusters) if clusters is not None else [str(place) for place in range(len(scores))]
    rows = [(case, score) for case, score in zip(cases, scores, strict=True) if score.value is not None]
    unscored = len({case for case, score in zip(cases, scores, strict=True) if score.value is None})
    order = {case: place for place, case in enumerate(dict.fromkeys(case for case, _ in rows))}
    if not rows:
        return None
    places = np.array([order[case] for case, _ in rows])
    judged = [score for _, score in rows]
    figure = _figure(metric.summary, judged, places)
    mean = float(figure(np.ones((1, len(order))))[0])
    if np.isnan(mean):
        return None
    low, high, method = _interval(metric, judged, places, figure, seed)
    return Estimate(mean=mean, low=low, high=high, n=len(order), unscored=unscored, method=method)


def ratio(parts: Sequence[float], wholes: Sequence[float], *, seed: int) -> Estimate | None:
    """Return the sum of ``parts`` over the sum of ``wholes`` (one of each a case), ``None`` when the latter is 0.

    A resample without any whole has no ratio and is left out of the interval.
    """
    above, below = np.array(parts, dtype=float64), np.array(wholes, dtype=float64)
    if not below.sum():
        return None

    def figure(weights: Floats) -> Floats:
        whole = weights @ below
        shares: Floats = np.full(len(weights), np.nan)
        np.divide(weights @ above, whole, out=shares, where=whole > 0)
        return shares

    n = len(parts)
    low, high = _percentiles(_resampled(figure, n, RESAMPLES, seed)) if n > 1 else (None, None)
    method = f"bootstrap ({RESAMPLES:,})" if low is not None else ""
    return Estimate(mean=float(above.sum() / below.sum()), low=low, high=high, n=n, method=method)


def amount(scores: Sequence[Score], weights: Floats) -> Floats:
    """Return the weighted mean of the values: the ``Summary`` of metrics that are amounts, such as tokens.

    An amount is never taken for a proportion, though it be 0 or 1 in every case.
    """
    values = np.array([score.value for score in scores], dtype=float64)
    return np.asarray(weights @ values / weights.sum(axis=1), dtype=float64)


def wilson(hits: float, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a proportion ``hits / n``."""
    share, room = hits / n, Z * Z / n
    middle = (share + room / 2) / (1 + room)
    half = Z * np.sqrt(share * (1 - share) / n + room / (4 * n)) / (1 + room)
    low = 0.0 if hits == 0 else max(0.0, float(middle - half))
    return low, 1.0 if hits == n else min(1.0, float(middle + half))


def _interval(
    metric: Metric, scores: Sequence[Score], places: NDArray[np.intp], figure: Figure, seed: int
) -> tuple[float | None, float | None, str]:
    n = int(places.max()) + 1
    if n < 2:
        return None, None, ""
    if metric.summary is None:
        means = _case_means(scores, places)
        if np.isin(means, (0.0, 1.0)).all():
            return *wilson(float(means.sum()), n), "Wilson"
    low, high = _percentiles(_resampled(figure, n, _resamples(metric), seed))
    if low is not None and low == high and metric.summary is not amount and 0 <= low <= 1:
        return *wilson(low * n, n), "Wilson (every resample gave the same)"
    return low, high, f"bootstrap ({_resamples(metric):,})" if low is not None else ""


def _resamples(metric: Metric) -> int:
    return RESAMPLES if metric.summary is None else RESAMPLES_OF_SUMMARIES


def _case_means(scores: Sequence[Score], places: NDArray[np.intp]) -> Floats:
    values = np.array([score.value for score in scores], dtype=float64)
    return np.asarray(np.bincount(places, weights=values) / np.bincount(places), dtype=float64)


def _figure(summary: Summary | None, scores: Sequence[Score], places: NDArray[np.intp]) -> Figure:
    """Return the metric as a function of the weights of cases; a case's weight is shared out among its epochs."""
    if summary is None:
        means = _case_means(scores, places)
        return lambda weights: np.asarray(weights @ means / weights.sum(axis=1), dtype=float64)
    share = 1 / np.bincount(places)[places]
    return lambda weights: summary(scores, weights[:, places] * share)


def _resampled(figure: Figure, n: int, resamples: int, seed: int) -> Floats:
    random = np.random.default_rng([seed % 2**64, 0])
    found = []
    for size in _batches(resamples, n):
        drawn = random.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(float64)
        found.append(figure(weights))
    return np.concatenate(found)


def _batches(rows: int, width: int) -> Iterator[int]:
    most = max(1, _BATCH // width)
    while rows > 0:
        yield min(rows, most)
        rows -= most


def _percentiles(figures: Floats) -> tuple[float | None, float | None]:
    """Return the 2.5 % and 97.5 % points; resamples without a figure (one label alone) are left out."""
    usable = figures[~np.isnan(figures)]
    if not len(usable):
        return None, None
    low, high = np.percentile(usable, [2.5, 97.5])
    return float(low), float(high)


def paired(
    metric: Metric, before: Mapping[str, Sequence[Score]], after: Mapping[str, Sequence[Score]], *, seed: int
) -> Difference | None:
    """Return how ``after`` differs from ``before`` on the cases that both judged, or ``None`` when there are none.

    Both hold the scores of each case's epochs by case id; the order of the cases does not matter.
    """
    old, new = (
        {case: [s for s in rows if s.value is not None] for case, rows in one.items()} for one in (before, after)
    )
    shared = sorted(case for case, rows in old.items() if rows and new.get(case))
    n = len(shared)
    if not n:
        return None
    kept = [*((at, score) for at, case in enumerate(shared) for score in old[case])]
    kept += [(n + at, score) for at, case in enumerate(shared) for score in new[case]]
    places, scores = np.array([place for place, _ in kept]), [score for _, score in kept]
    both = _figure(metric.summary, scores, places)
    first, second = (float(both(_halves(*pair))[0]) for pair in ((np.ones((1, n)), None), (None, np.ones((1, n)))))
    if np.isnan(second - first):
        return None
    low, high, p = _tested(metric, both, n, abs(second - first), seed) if n > 1 else (None, None, None)
    wins, losses, ties = _tally(metric, _case_means(scores, places))
    return Difference(
        before=first,
        after=second,
        difference=second - first,
        low=low,
        high=high,
        n=n,
        p=p,
        wins=wins,
        losses=losses,
        ties=ties,
        method=f"paired bootstrap ({_resamples(metric):,}), permutation test" if n > 1 else "",
    )


def _halves(before: Floats | None, after: Floats | None) -> Floats:
    """Return weights over the cases of before and then those of after; a side that is ``None`` weighs nothing."""
    whole = before if before is not None else after
    empty = np.zeros_like(whole)
    return np.hstack([empty if before is None else before, empty if after is None else after])


def _tested(
    metric: Metric, both: Figure, n: int, seen: float, seed: int
) -> tuple[float | None, float | None, float | None]:
    """Return the interval and the p-value of a difference whose size is ``seen``."""

    def difference(weights: Floats) -> Floats:
        return both(_halves(None, weights)) - both(_halves(weights, None))

    def swapped(swaps: Floats) -> Floats:
        return both(np.hstack([swaps, 1 - swaps])) - both(np.hstack([1 - swaps, swaps]))

    low, high = _percentiles(_resampled(difference, n, _resamples(metric), seed))
    every = 2**n <= RESAMPLES
    sizes = np.abs(np.concatenate([swapped(swaps) for swaps in _swaps(n, every, _resamples(metric), seed)]))
    as_large = int((sizes >= seen * (1 - 1e-9) - 1e-12).sum())
    return low, high, as_large / len(sizes) if every else (as_large + 1) / (len(sizes) + 1)


def _swaps(n: int, every: bool, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield rows of 0 and 1, one number a case: every row there is, or ``resamples`` drawn ones."""
    if every:
        yield ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(float64)
        return
    random = np.random.default_rng([seed % 2**64, 1])
    for size in _batches(resamples, n):
        yield random.integers(2, size=(size, n)).astype(float64)


def _tally(metric: Metric, means: Floats) -> tuple[int | None, int | None, int | None]:
    if metric.summary not in (None, amount):
        return None, None, None
    before, after = np.split(means, 2)
    gain = (before - after) if metric.better == "lower" else (after - before)
    ties = np.isclose(gain, 0.0, rtol=0.0, atol=1e-12)
    return int((~ties & (gain > 0)).sum()), int((~ties & (gain < 0)).sum()), int(ties.sum())
