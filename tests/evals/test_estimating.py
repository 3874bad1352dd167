"""Intervals against scipy, epochs that narrow nothing, and paired differences against counted permutations."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap
from sklearn.metrics import f1_score

from evals.estimating import Difference, estimate, paired, ratio, wilson
from evals.records import Case, Outcome, Score
from evals.scorers.claims import AUROC, MACRO_F1
from evals.scorers.costs import TOKENS
from evals.suite import Metric


def nothing(case: Case, outcome: Outcome) -> Score | None:
    """A judge that is never asked."""
    return None


MEAN = Metric("mean", nothing, "a mean")
LOWER = Metric("lower", nothing, "a mean", better="lower")


def scores(*values: float | None) -> list[Score]:
    """Scores with these values."""
    return [Score(value=value) for value in values]


def by_case(*values: float | None) -> dict[str, list[Score]]:
    """One score a case."""
    return {f"c{place}": [Score(value=value)] for place, value in enumerate(values)}


def difference(
    metric: Metric, before: dict[str, list[Score]], after: dict[str, list[Score]], seed: int = 1
) -> Difference:
    """The paired difference, which there is."""
    found = paired(metric, before, after, seed=seed)
    assert found is not None
    return found


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_that_of_scipy(counts: tuple[int, int]) -> None:
    """For every number of hits the interval equals scipy's."""
    hits, n = counts
    wanted = binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits, n) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def test_shares_of_cases_get_wilson_and_amounts_never() -> None:
    """Values that are all 0 or 1 are a proportion; tokens that happen to be so are not."""
    found = estimate(MEAN, scores(1, 1, 1, 0), seed=1)
    assert found is not None and (found.mean, found.n, found.method) == (0.75, 4, "Wilson")
    assert (found.low, found.high) == pytest.approx(wilson(3, 4))
    free = estimate(TOKENS, scores(0, 0, 0), seed=1)
    assert free is not None and (free.mean, free.low, free.high) == (0.0, 0.0, 0.0)
    assert free.method == "bootstrap (2,000)"


def test_the_bootstrap_agrees_with_scipy() -> None:
    """The percentile interval of a mean is scipy's but for the drawing, and named with its resamples."""
    values = np.random.default_rng(5).beta(2, 3, size=80)
    found = estimate(MEAN, scores(*map(float, values)), seed=3)
    wanted = bootstrap((values,), np.mean, n_resamples=10_000, method="percentile", rng=7).confidence_interval
    assert found is not None and found.low is not None and found.high is not None
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=0.004)
    assert found.method == "bootstrap (10,000)"


def test_one_seed_gives_one_interval() -> None:
    """The same seed gives the same figures, another seed others."""
    values = scores(*np.random.default_rng(8).random(60).tolist())
    assert estimate(MEAN, values, seed=1) == estimate(MEAN, values, seed=1)
    assert len({str(estimate(MEAN, values, seed=seed)) for seed in (1, 2, -1)}) == 3


def test_unscored_is_counted_and_is_not_zero() -> None:
    """A score that could not be judged lowers no mean and is counted; with nothing judged there is no figure."""
    found = estimate(MEAN, scores(1.0, None, 0.5), seed=1)
    assert found is not None and (found.mean, found.n, found.unscored) == (0.75, 2, 1)
    assert estimate(MEAN, scores(None, None), seed=1) is None
    assert estimate(MEAN, [], seed=1) is None


def test_one_case_has_no_interval() -> None:
    """With fewer than 2 cases the bounds are ``None``, and no method is named."""
    one = estimate(MEAN, scores(1.0), seed=1)
    again = estimate(MEAN, scores(1.0, 1.0, 1.0), seed=1, clusters=["a", "a", "a"])
    for found in (one, again):
        assert found is not None and (found.low, found.high, found.n, found.method) == (None, None, 1, "")


def test_repeating_cases_in_epochs_narrows_nothing() -> None:
    """Cases are resampled, not rows: ten equal epochs give the interval of one, for means and for summaries."""
    values = [0.1, 0.4, 0.2, 0.9, 0.35, 0.6, 0.75, 0.3]
    names = [f"c{place}" for place in range(len(values))]
    for metric in (MEAN, TOKENS):
        once = estimate(metric, scores(*values), seed=1, clusters=names)
        often = estimate(metric, scores(*values * 10), seed=1, clusters=names * 10)
        assert once is not None and often is not None and often.n == once.n == 8
        assert (often.mean, often.low, often.high) == pytest.approx((once.mean, once.low, once.high))
    zeros = estimate(MEAN, scores(*[1.0, 0.0] * 10), seed=1, clusters=["a", "b"] * 10)
    assert zeros is not None and (zeros.n, zeros.low, zeros.high) == pytest.approx((2, *wilson(1, 2)))


def test_a_case_weighs_the_same_with_more_epochs() -> None:
    """A case that was judged three times counts as one, in means and in summaries."""
    for metric in (MEAN, TOKENS):
        found = estimate(metric, scores(1.0, 1.0, 1.0, 0.2), seed=1, clusters=["a", "a", "a", "b"])
        assert found is not None and found.mean == pytest.approx(0.6)


def test_epochs_in_any_order_stay_with_their_case() -> None:
    """Rows are told apart by case id, not by place."""
    rows = scores(0.0, 0.5, 1.0, 0.5)
    found = estimate(MEAN, rows, seed=1, clusters=["a", "b", "a", "b"])
    assert found is not None and (found.mean, found.n) == (0.5, 2)
    assert found.method == "Wilson (every resample gave the same)"


def labelled(pairs: list[tuple[str, str]]) -> list[Score]:
    """Scores with gold and said."""
    return [Score(value=float(gold == said), gold=gold, said=said) for gold, said in pairs]


def test_a_summary_is_computed_anew_in_every_resample() -> None:
    """Macro-F1's interval is around macro-F1, not around the share of right answers."""
    pairs = [("supported", "supported")] * 45 + [("unsupported", "supported")] * 4 + [("unsupported", "unsupported")]
    found = estimate(MACRO_F1, labelled(pairs), seed=1)
    gold, said = zip(*pairs, strict=True)
    assert found is not None and found.low is not None and found.high is not None
    assert found.mean == pytest.approx(f1_score(gold, said, average="macro"))
    assert found.low < found.mean < found.high < 0.95
    assert found.method == "bootstrap (2,000)"


def test_auroc_needs_both_labels() -> None:
    """With one label alone there is no figure, rather than a number that means nothing."""
    one = [Score(value=0.3, gold="supported"), Score(value=0.9, gold="supported")]
    assert estimate(AUROC, one, seed=1) is None
    both = estimate(AUROC, [*one, Score(value=0.1, gold="unsupported")], seed=1)
    assert both is not None and (both.mean, both.high) == (1.0, 1.0)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=8))
def test_the_p_value_counts_every_swap(pairs: list[tuple[int, int]]) -> None:
    """For few cases the p-value is the share of all sign flips with a difference at least as large."""
    before, after = zip(*pairs, strict=True)
    found = difference(MEAN, by_case(*before), by_case(*after))
    gains = [b - a for a, b in pairs]
    sizes = [
        abs(sum(g * s for g, s in zip(gains, signs, strict=True))) for signs in product((1, -1), repeat=len(gains))
    ]
    assert found.p == pytest.approx(sum(size >= abs(sum(gains)) for size in sizes) / len(sizes))
    assert found.difference == pytest.approx(sum(gains) / len(gains))
    assert (found.wins, found.losses, found.ties) == (
        sum(g > 0 for g in gains),
        sum(g < 0 for g in gains),
        sum(g == 0 for g in gains),
    )


def test_cases_are_paired_by_name() -> None:
    """A constant gain on very different cases is certain, because each case is compared with itself."""
    values = list(np.random.default_rng(1).random(40))
    before = by_case(*values)
    after = dict(reversed(by_case(*(value + 0.01 for value in values)).items()))
    found = difference(MEAN, before, after)
    assert (found.difference, found.low, found.high) == pytest.approx((0.01, 0.01, 0.01))
    assert found.p is not None and found.p < 0.001
    assert (found.wins, found.losses, found.ties, found.n) == (40, 0, 0, 40)


def test_only_cases_that_both_judged_are_compared() -> None:
    """Cases of one side and unscored ones are left out of both sides."""
    before = {"a": scores(0.0), "b": scores(1.0), "c": scores(None), "d": scores(0.0)}
    after = {"a": scores(1.0), "b": scores(1.0), "c": scores(1.0), "e": scores(0.0)}
    found = difference(MEAN, before, after)
    assert (found.n, found.before, found.after, found.difference) == (2, 0.5, 1.0, 0.5)
    assert paired(MEAN, {"a": scores(1.0)}, {"b": scores(1.0)}, seed=1) is None
    one = difference(MEAN, {"a": scores(0.0)}, {"a": scores(1.0)})
    assert (one.difference, one.low, one.high, one.p) == (1.0, None, None, None)


def test_less_is_a_win_where_less_is_better() -> None:
    """Wins are counted as the metric counts; the difference stays after minus before."""
    found = difference(LOWER, by_case(0.5, 0.5, 0.5), by_case(0.2, 0.5, 0.9))
    assert (found.wins, found.losses, found.ties) == (1, 1, 1)
    assert found.difference == pytest.approx(0.1 / 3)
    tokens = difference(TOKENS, by_case(10, 20), by_case(5, 20))
    assert (tokens.wins, tokens.losses, tokens.ties) == (1, 0, 1)


def test_no_difference_has_no_significance() -> None:
    """A system compared with itself differs by nothing, with p 1."""
    values = by_case(*np.random.default_rng(1).random(30).tolist())
    found = difference(MEAN, values, values)
    assert (found.difference, found.low, found.high, found.p) == pytest.approx((0.0, 0.0, 0.0, 1.0))


def test_a_test_with_drawn_swaps_is_calibrated() -> None:
    """Of 200 comparisons without a difference about one in twenty is called significant at 5 %."""
    random = np.random.default_rng(3)
    small = 0
    for seed in range(200):
        first, second = random.random(20).tolist(), random.random(20).tolist()
        p = difference(MEAN, by_case(*first), by_case(*second), seed).p
        small += p is not None and p <= 0.05
    assert 3 <= small <= 18


def test_summaries_are_compared_by_resampling_pairs() -> None:
    """The difference in macro-F1 is that of the two figures, its interval is around it, and no wins are counted."""
    gold = ["supported", "unsupported"] * 20
    good = {f"c{i}": labelled([(label, label)]) for i, label in enumerate(gold)}
    poor = {f"c{i}": labelled([(label, "supported" if i % 3 else label)]) for i, label in enumerate(gold)}
    found = difference(MACRO_F1, poor, good)
    wanted = f1_score(gold, [rows[0].said for rows in poor.values()], average="macro")
    assert (found.before, found.after) == pytest.approx((wanted, 1.0))
    assert found.low is not None and found.high is not None and 0 < found.low < found.difference < found.high
    assert found.p is not None and found.p < 0.01
    assert (found.wins, found.losses, found.ties) == (None, None, None)


def test_a_perfect_figure_is_not_a_certain_one() -> None:
    """When every resample gives the same AUROC or macro-F1, its interval still has the width that few cases deserve."""
    sure = [Score(value=0.9, gold="supported"), Score(value=0.1, gold="unsupported")] * 5
    found = estimate(AUROC, sure, seed=0)
    assert found is not None and found.mean == found.high == 1.0
    assert found.low is not None and found.low == pytest.approx(wilson(10, 10)[0])
    amounts = estimate(TOKENS, [Score(value=0.0)] * 10, seed=0)
    assert amounts is not None and (amounts.low, amounts.high) == (0.0, 0.0)


def test_a_ratio_resamples_cases() -> None:
    """Tokens per right answer: the sums over one another, with an interval; nothing right has none."""
    found = ratio([100.0, 300.0, 100.0, 300.0], [1.0, 0.0, 1.0, 1.0], seed=0)
    assert found is not None and found.mean == pytest.approx(800 / 3) and found.n == 4
    assert found.low is not None and found.high is not None and found.low < found.mean < found.high
    assert ratio([5.0], [0.0], seed=0) is None
    alone = ratio([5.0], [1.0], seed=0)
    assert alone is not None and (alone.low, alone.high) == (None, None)
