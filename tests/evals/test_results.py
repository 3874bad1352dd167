"""What a result counts, what a right answer cost, how two runs are compared, and how tables are written."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from evals.records import Case, Estimate, Outcome, Score, Scored, Spec
from evals.results import ABSENT, PerCorrect, Result, compare, rows, summarise
from evals.scorers.claims import AUROC
from evals.scorers.costs import TOKENS, USD
from evals.suite import Loaded, Metric, Request, Suite
from research.records import Usage, build, plain


def nothing(case: Case, outcome: Outcome) -> Score | None:
    """A judge that is never asked."""
    return None


NO_USAGE = Usage()
ACCURACY = Metric("answer_accuracy", nothing, "right answers")
RECALL = Metric("recall@2", nothing, "recall")


def load(request: Request) -> Loaded:
    """A loader that is never asked."""
    return Loaded((), {})


def suite(*metrics: Metric) -> Suite:
    """A suite of these metrics."""
    return Suite("s", "", "", "", "", ("answer",), "x", load, metrics)


def row(case: str, group: str = "", epoch: int = 1, usage: Usage = NO_USAGE, **scores: float | None) -> Scored:
    """A finished case with scores by metric name."""
    made = {
        name: Score(value=value, why="" if value is not None else "no way to say") for name, value in scores.items()
    }
    return Scored(case=case, group=group, outcome=Outcome(usage=usage, seconds=2.0), scores=made, epoch=epoch)


def failed(case: str) -> Scored:
    """A case that ended in an error."""
    return Scored(case=case, group="g", outcome=None, scores={}, error="it broke")


SPEC = Spec(suite="s", system="x", data=None, seed=7, limit=9)
SUITE = suite(ACCURACY, RECALL, TOKENS)


def test_failed_and_unscored_cases_are_counted_and_change_no_figure() -> None:
    """A failed case has no score, an unscored one is no zero, and both are counted once however many epochs."""
    scored = [
        row("a", answer_accuracy=1.0),
        row("b", answer_accuracy=0.0),
        row("c", answer_accuracy=None),
        row("c", epoch=2, answer_accuracy=None),
        failed("d"),
        failed("d"),
    ]
    result = summarise(SUITE, SPEC, scored, "log.json")
    assert (result.cases, result.unscored, result.failed) == (4, 1, 1)
    assert list(result.metrics) == ["answer_accuracy"]
    found = result.metrics["answer_accuracy"]
    assert (found.mean, found.n, found.unscored) == (0.5, 2, 1)
    assert result.notes == ("answer_accuracy: 1 case unscored: no way to say",)
    assert (result.suite, result.system, result.log, result.seed, result.limit) == ("s", "x", "log.json", 7, 9)
    assert build(Result, plain(result)) == result


def test_what_a_failed_case_left_behind_is_no_score() -> None:
    """Scores, unscored ones and spending of a row with an error stay out of every figure."""
    broken = Scored(
        case="b",
        group="g",
        outcome=Outcome(usage=Usage(tokens=50)),
        scores={"answer_accuracy": Score(value=0.0), "recall@2": Score(value=None, why="cut short")},
        error="it broke",
    )
    found = summarise(SUITE, SPEC, [row("a", answer_accuracy=1.0), broken], "")
    assert (found.metrics["answer_accuracy"].mean, found.unscored, found.usage.tokens) == (1.0, 0, 0)
    assert (found.failed, found.notes, found.groups) == (1, (), {})


def test_epochs_are_kept_with_their_case() -> None:
    """The figure has as many cases as there are, not as many as rows."""
    scored = [
        row(case, epoch=epoch, answer_accuracy=value) for epoch in (1, 2, 3) for case, value in (("a", 1.0), ("b", 0.0))
    ]
    result = summarise(SUITE, SPEC, scored, "")
    assert result.cases == 2
    assert result.metrics["answer_accuracy"] == summarise(SUITE, SPEC, scored[:2], "").metrics["answer_accuracy"]


def test_groups_have_figures_of_their_own() -> None:
    """Each group is summarised like the whole; cases without a group are in the whole alone."""
    scored = [
        row("a", "2hop", answer_accuracy=1.0),
        row("b", "2hop", answer_accuracy=1.0),
        row("c", "list", answer_accuracy=0.0),
    ]
    result = summarise(SUITE, SPEC, [*scored, row("d", answer_accuracy=0.0)], "")
    assert result.metrics["answer_accuracy"].mean == 0.5
    assert {name: figures["answer_accuracy"].mean for name, figures in result.groups.items()} == {
        "2hop": 1.0,
        "list": 0.0,
    }


def means(found: PerCorrect) -> tuple[float | None, ...]:
    """The three figures without their intervals."""
    return tuple(one.mean if one is not None else None for one in (found.tokens, found.calls, found.usd))


def test_what_a_right_answer_cost() -> None:
    """All that the judged cases spent, right and wrong ones, over the right ones; other cases' spending is left out."""
    used = Usage(tokens=100, calls=2, nano_usd=3_000_000_000, seconds=1.0)
    scored = [
        row("a", usage=used, answer_accuracy=1.0),
        row("b", usage=used, answer_accuracy=0.0),
        row("c", usage=used, answer_accuracy=None),
        row("d", usage=used),
    ]
    result = summarise(SUITE, SPEC, scored, "")
    assert result.per_correct is not None
    assert means(result.per_correct) == (200.0, 4.0, 6.0)
    tokens = result.per_correct.tokens
    assert tokens is not None and (tokens.n, tokens.low, tokens.high) == (2, 100.0, 200.0)
    assert result.usage == Usage(tokens=400, calls=8, nano_usd=12_000_000_000, seconds=8.0)


def test_what_no_right_answer_cost_is_unknown() -> None:
    """Nothing right, or no such metric, has no price; an unknown price of one case is an unknown price."""
    used, unknown = Usage(tokens=100, nano_usd=5), Usage(tokens=100, nano_usd=None)
    assert summarise(SUITE, SPEC, [row("a", usage=used, answer_accuracy=0.0)], "").per_correct == PerCorrect()
    assert summarise(suite(RECALL), SPEC, [row("a", usage=used)], "").per_correct is None
    mixed = summarise(
        SUITE, SPEC, [row("a", usage=used, answer_accuracy=1.0), row("b", usage=unknown, answer_accuracy=1.0)], ""
    )
    assert mixed.per_correct is not None and means(mixed.per_correct) == (100.0, 0.0, None)
    assert mixed.usage.nano_usd is None


def test_a_metric_without_a_figure_is_left_out_and_said() -> None:
    """What nothing was judged by is absent, never 0, and a note tells the reason."""
    result = summarise(suite(USD, RECALL), SPEC, [row("a", usd=None), row("b", usd=None)], "")
    assert result.metrics == {}
    assert result.notes == ("usd: 2 cases unscored: no way to say",)


def test_two_runs_are_compared_on_what_both_finished() -> None:
    """Shared cases are paired; the cases of one run alone and those that failed are named."""
    before = [row("a", answer_accuracy=0.0), row("b", answer_accuracy=1.0), row("x", answer_accuracy=1.0), failed("f")]
    after = [
        row("b", answer_accuracy=1.0),
        row("a", answer_accuracy=1.0),
        row("y", answer_accuracy=0.0),
        row("f", answer_accuracy=0.0),
    ]
    found = compare(SUITE, before, after, 1)
    assert (found.suite, found.cases, found.seed) == ("s", 2, 1)
    assert (found.only_before, found.only_after, found.failed) == (("x",), ("y",), ("f",))
    assert list(found.metrics) == ["answer_accuracy"]
    difference = found.metrics["answer_accuracy"]
    assert (difference.before, difference.after, difference.n, difference.wins) == (0.5, 1.0, 2, 1)


def test_a_comparison_is_a_table() -> None:
    """A row for each metric, fractions in per cent with a sign, amounts in their units."""
    before = [row("a", answer_accuracy=0.0, tokens=1000.0), row("b", answer_accuracy=1.0, tokens=3000.0)]
    after = [row("a", answer_accuracy=1.0, tokens=500.0), row("b", answer_accuracy=1.0, tokens=1500.0)]
    head, accuracy, tokens = compare(SUITE, before, after, 1).rows()
    assert head[:5] == ["metric", "before", "after", "difference", "p"]
    assert accuracy[:3] == ["answer_accuracy", "50.0", "100.0"]
    assert accuracy[3] == "+50.0 [+0.0, +100.0]"
    assert accuracy[4:] == ["1.000", "1", "0", "1", "2"]
    assert tokens[:4] == ["tokens", "2,000.0", "1,000.0", "-1,000.0 [-1,500.0, -500.0]"]
    assert all(len(line) == len(head) for line in (accuracy, tokens))


def result(system: str, per_correct: PerCorrect | None = None, **metrics: Estimate) -> Result:
    """A result with these figures."""
    return Result(
        suite="s",
        system=system,
        cases=90,
        unscored=1,
        failed=2,
        metrics=metrics,
        usage=Usage(),
        log="",
        per_correct=per_correct,
        amounts=("tokens",),
    )


def test_results_stand_side_by_side() -> None:
    """Fractions are per cent with their interval, amounts in their units, and what a system lacks is a dash."""
    one = result(
        "workflow",
        PerCorrect(tokens=Estimate(mean=1234.5, low=1000.0, high=1500.0, n=90)),
        recall=Estimate(mean=0.8, low=0.711, high=0.8671, n=88),
        tokens=Estimate(mean=1500.0, low=1000.0, high=2000.0, n=88),
    )
    other = result(
        "agent", None, recall=Estimate(mean=0.5, low=None, high=None, n=1), extra=Estimate(mean=1, low=1, high=1, n=2)
    )
    assert rows([one, other]) == [
        ["", "workflow", "agent"],
        ["recall", "80.0 [71.1, 86.7]", "50.0 of 1"],
        ["tokens", "1,500.0 [1,000.0, 2,000.0]", ABSENT],
        ["extra", ABSENT, "100.0 [100.0, 100.0] of 2"],
        ["tokens per right answer", "1,234.5 [1,000.0, 1,500.0]", ABSENT],
        ["calls per right answer", ABSENT, ABSENT],
        ["usd per right answer", ABSENT, ABSENT],
        ["cases", "90", "90"],
        ["failed", "2", "2"],
        ["unscored", "1", "1"],
    ]


def test_small_amounts_are_not_rounded_away() -> None:
    """A fifth of a cent is not printed as 0.0."""
    cheap = result("x", tokens=Estimate(mean=0.0021, low=0.0, high=0.0042, n=88))
    assert rows([cheap])[1] == ["tokens", "0.0021 [0.0, 0.0042]"]
    assert summarise(suite(TOKENS, RECALL), SPEC, [row("a", tokens=1.0)], "").amounts == ("tokens",)
    assert pytest.approx(0.0021) == cheap.metrics["tokens"].mean


def test_an_unknown_price_leaves_a_case_judged() -> None:
    """``unscored`` counts cases whose quality is not known, and one unknown score of several is enough."""
    unpriced = row("a", answer_accuracy=1.0, usd=None)
    half = row("b", answer_accuracy=1.0, **{"recall@2": None})
    found = summarise(suite(ACCURACY, RECALL, USD), SPEC, [unpriced, half], "")
    assert found.unscored == 1
    assert "usd: 1 case unscored: no way to say" in found.notes


def test_a_system_that_counts_nothing_costs_nothing_known() -> None:
    """An outcome without usage is no free one: it is left out of the cost of a right answer."""
    free = Scored(case="a", group="", outcome=Outcome(), scores={"answer_accuracy": Score(value=1.0)})
    dear = row("b", usage=Usage(tokens=80), answer_accuracy=1.0)
    assert summarise(SUITE, SPEC, [free], "").per_correct == PerCorrect()
    found = summarise(SUITE, SPEC, [free, dear], "").per_correct
    assert found is not None and found.tokens is not None and found.tokens.mean == 80


def test_scores_that_make_no_figure_are_told() -> None:
    """AUROC needs both labels; with one there is no figure, and the result says so."""
    claim = Scored(case="a", group="", outcome=Outcome(), scores={"auroc": Score(value=0.7, gold="supported")})
    found = summarise(suite(AUROC), SPEC, [claim], "")
    assert not found.metrics and found.notes == ("auroc: no figure can be made of the 1 score",)


def test_cases_of_one_name_and_another_question_are_not_compared() -> None:
    """Two data sets may both have a case q1; what was asked decides."""

    def asked(text: str, case: str, value: float) -> Scored:
        return replace(row(case, **{"recall@2": value}), asked=text)

    before = [asked("x", "q1", 0.0), asked("y", "q2", 0.5), asked("z", "q3", 0.5)]
    after = [asked("other", "q1", 1.0), asked("y", "q2", 0.5), asked("z", "q3", 1.0)]
    found = compare(SUITE, before, after, 0)
    assert (found.cases, found.only_before, found.only_after) == (2, ("q1",), ("q1",))
    assert found.metrics["recall@2"].n == 2


def test_a_tiny_p_value_is_not_shown_as_nothing() -> None:
    """A difference in every one of 40 cases has a p below 0.001, which is what the table says."""
    before = [row(f"c{place}", **{"recall@2": 0.0}) for place in range(40)]
    after = [row(f"c{place}", **{"recall@2": 1.0}) for place in range(40)]
    table = compare(SUITE, before, after, 0).rows()
    assert table[1][0] == "recall@2" and table[1][4] == "<0.001"
