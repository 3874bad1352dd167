"""The regression gate: which floors can be given, what breaks them, and that nothing unmeasured is let through."""

from __future__ import annotations

import pytest

from evals.estimating import Difference
from evals.records import Case, Estimate, Outcome, Score
from evals.regression import Floors, breaches, read_floors
from evals.results import Comparison, Result
from evals.scorers.costs import SECONDS, TOKENS
from evals.suite import Loaded, Metric, Request, Suite
from research.errors import UsageFault
from research.records import Usage


def nothing(case: Case, outcome: Outcome) -> Score | None:
    """A judge that is never asked."""
    return None


def load(request: Request) -> Loaded:
    """A loader that is never asked."""
    return Loaded((), {})


METRICS = (
    Metric("recall@5", nothing, "more is better"),
    Metric("unsupported_rate", nothing, "less is better", better="lower"),
    Metric("width", nothing, "no way is better", better="neither"),
    TOKENS,
    SECONDS,
)
SUITE = Suite("s", "", "", "", "", ("answer",), "x", load, METRICS)


def measured(failed: int = 0, **means: float) -> Result:
    """A result with these means; ``recall`` stands for ``recall@5``."""
    figures = {name: Estimate(mean=mean, low=None, high=None, n=3) for name, mean in named(means).items()}
    return Result(
        suite="s",
        system="x",
        cases=4,
        unscored=0,
        failed=failed,
        metrics=figures,
        usage=Usage(),
        log="l",
        amounts=("tokens", "seconds"),
    )


def named(values: dict[str, float]) -> dict[str, float]:
    """The values by metric name."""
    return {"recall@5" if name == "recall" else name: value for name, value in values.items()}


def compared(falls: dict[str, float], cases: int = 3) -> Comparison:
    """A comparison with these differences, after less before."""
    found = {
        name: Difference(
            before=0.5,
            after=0.5 + value,
            difference=value,
            low=None,
            high=None,
            n=cases,
            p=None,
            wins=0,
            losses=0,
            ties=0,
            method="",
        )
        for name, value in named(falls).items()
    }
    return Comparison(suite="s", cases=cases, metrics=found, amounts=("tokens", "seconds"))


def test_floors_and_the_largest_fall_are_read() -> None:
    """METRIC=NUMBER sets a floor, a bare number the fall; a metric's name may hold an equals sign and have blanks."""
    given = ["recall@5=0.65", " seconds = 12 ", "a=b=0.5", "0.05"]
    assert read_floors(given) == Floors(least={"recall@5": 0.65, "seconds": 12.0, "a=b": 0.5}, fall=0.05)
    assert read_floors([]) == Floors(least={})
    assert read_floors(["0"]).fall == 0.0


@pytest.mark.parametrize(
    "given", ["", "recall@5=", "recall@5=high", "=0.5", " =0.5", "nan", "inf", "a=nan", "-0.1", "5"]
)
def test_a_floor_that_is_none_is_refused(given: str) -> None:
    """The sentence shows what was given; a fall of 5 would be 500 points, which nothing can break."""
    with pytest.raises(UsageFault, match="--fail-below takes METRIC=NUMBER"):
        read_floors([given])


@pytest.mark.parametrize(
    ("floor", "says"),
    [
        ("recall@5=0.7", []),
        ("recall@5=0.71", ["recall@5 is 0.7, below 0.71"]),
        ("unsupported_rate=0.1", []),
        ("unsupported_rate=0.09", ["unsupported_rate is 0.1, above 0.09"]),
        ("tokens=400", []),
        ("tokens=399", ["tokens is 400, above 399"]),
        ("ndcg@10=0.1", ["ndcg@10 was not measured by s with x"]),
        ("seconds=1", ["seconds was not measured by s with x"]),
    ],
)
def test_a_floor_holds_in_the_metrics_good_direction(floor: str, says: list[str]) -> None:
    """Reaching it is enough; what is better lower may not be above; what was not measured does not keep it."""
    result = measured(recall=0.7, unsupported_rate=0.1, tokens=400)
    assert breaches(SUITE, result, None, read_floors([floor])) == says


@pytest.mark.parametrize("floor", ["recall@5=70", "unsupported_rate=10", "recall@5=-0.1"])
def test_a_floor_in_per_cent_is_refused_for_a_fraction(floor: str) -> None:
    """A rate of at most "10" would be kept by all that is wrong."""
    with pytest.raises(UsageFault, match="is a fraction from 0 to 1"):
        breaches(SUITE, measured(recall=0.7, unsupported_rate=0.1), None, read_floors([floor]))


def test_failed_cases_are_a_breach() -> None:
    """The figures are over the others, so floors alone would not see them."""
    assert breaches(SUITE, measured(failed=2, recall=1.0), None, Floors(least={})) == ["2 of 4 cases failed"]


@pytest.mark.parametrize(
    ("falls", "says"),
    [
        ({"recall": -0.05}, []),
        ({"recall": -0.06}, ["recall@5 got worse by 0.06, more than 0.05"]),
        ({"recall": 0.5, "unsupported_rate": -0.5}, []),
        ({"unsupported_rate": 0.06}, ["unsupported_rate got worse by 0.06, more than 0.05"]),
        ({"tokens": 900.0, "seconds": 9.0, "width": -3.0}, []),
    ],
)
def test_a_fall_is_of_fractions_in_their_good_direction(falls: dict[str, float], says: list[str]) -> None:
    """Up to the given number is let through; amounts and what has no good direction are not points of quality."""
    assert breaches(SUITE, measured(), compared(falls), Floors(least={}, fall=0.05)) == says


def test_without_a_fall_a_comparison_breaks_nothing() -> None:
    """Two logs may be looked at for their differences alone."""
    assert breaches(SUITE, measured(), compared({"recall": -0.9}), Floors(least={})) == []


def test_what_is_not_measured_any_more_is_a_breach_of_a_fall() -> None:
    """A metric of the first log that the comparison lacks, and two logs without a common case, are not let through."""
    floors = Floors(least={}, fall=0.05)
    lost = breaches(SUITE, measured(), compared({"unsupported_rate": 0.0}), floors, {"recall@5", "tokens", "width"})
    assert lost == ["recall@5 was measured before, and on no case that both have"]
    assert breaches(SUITE, measured(), compared({}, cases=0), floors) == [
        "no case was finished by both, so nothing was compared"
    ]
