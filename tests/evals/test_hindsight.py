"""The triage's choices against the best mode in hindsight."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.hindsight import ORDER, Spent, best_mode, look_back
from evals.records import Outcome, Score, Scored
from evals.suites.modes import SUITE
from research.errors import UsageFault
from research.records import Usage


def ran(case: str, quality: float | None, tokens: int = 100, calls: int = 1, epoch: int = 1) -> Scored:
    """A run that ended; ``None``: its quality could not be judged."""
    outcome = Outcome(usage=Usage(tokens=tokens, calls=calls), seconds=tokens / 100)
    return Scored(case=case, group="", outcome=outcome, scores={"answer_accuracy": Score(value=quality)}, epoch=epoch)


def failed(case: str) -> Scored:
    """A run that ended in an error."""
    return Scored(case=case, group="", outcome=None, scores={}, error="the model is down")


def test_the_worked_row_of_the_suite_holds() -> None:
    """The hybrid is best; choosing the workflow loses the answer and saves 5,000 tokens, the agent wastes 21,000."""
    runs = {"workflow": [ran("a", 0, 4_000)], "hybrid": [ran("a", 1, 9_000)], "agent": [ran("a", 1, 30_000)]}
    cheap = look_back(runs, {"a": "workflow"}, {"a": "Who?"})
    dear = look_back(runs, {"a": "agent"}, {"a": "Who?"})
    assert (cheap.quality_regret, cheap.token_regret) == (1, -5_000)
    assert (dear.quality_regret, dear.token_regret) == (0, 21_000)
    assert [(c.case, c.question, c.chosen, c.best) for c in cheap.badly] == [("a", "Who?", "workflow", "hybrid")]
    assert cheap.badly[0].reason == "workflow had quality 0.00 for 4,000 tokens, hybrid quality 1.00 for 9,000 tokens"
    assert dear.badly[0].reason == "hybrid was as good and took 21,000 tokens less" and not dear.well


@pytest.mark.parametrize(
    ("figures", "best"),
    [
        ({"workflow": (0.5, 1, 1), "hybrid": (0.6, 9, 9), "agent": (0.4, 1, 1)}, "hybrid"),
        ({"workflow": (1, 9, 1), "hybrid": (1, 8, 9), "agent": (1, 9, 1)}, "hybrid"),
        ({"workflow": (1, 9, 3), "hybrid": (1, 9, 2), "agent": (1, 9, 3)}, "hybrid"),
        ({"agent": (1, 9, 3), "hybrid": (1, 9, 3), "workflow": (1, 9, 3)}, "workflow"),
    ],
)
def test_quality_then_tokens_then_calls_then_simplicity_decide(
    figures: dict[str, tuple[float, int, int]], best: str
) -> None:
    """The order of the module's docstring, one rule after the other."""
    assert best_mode({mode: Spent(quality=q, tokens=t, calls=c) for mode, (q, t, c) in figures.items()}) == best


def test_figures_by_mode_and_the_table() -> None:
    """Means by mode, of the triage's choices and of the best in hindsight, in rows ready for a table."""
    runs = {
        "agent": [ran("a", 1, 300), ran("b", 1, 300)],
        "workflow": [ran("a", 1, 100), ran("b", 0, 100)],
    }
    found = look_back(runs, {"a": "agent", "b": "agent"}, {})
    assert found.rows() == [
        ("mode", "quality", "tokens", "calls", "seconds", "failures"),
        ("workflow", "0.500", "100", "1.0", "1.0", "0"),
        ("agent", "1.000", "300", "1.0", "3.0", "0"),
        ("triage's choice", "1.000", "300", "1.0", "3.0", "0"),
        ("best in hindsight", "1.000", "200", "1.0", "2.0", "0"),
    ]
    assert [choice.case for choice in found.well] == ["b"] and [choice.case for choice in found.badly] == ["a"]
    assert (found.quality_regret, found.token_regret) == (0, 100)


def test_a_failed_run_gave_nothing_at_an_unknown_price() -> None:
    """It has quality 0 and counts as a failure, and its price does not pass for 0 tokens."""
    runs = {"workflow": [ran("a", 0, 100), ran("b", 1, 100)], "agent": [failed("a"), failed("b")]}
    found = look_back(runs, {"a": "agent", "b": "workflow"}, {})
    assert found.modes["agent"] == Spent(quality=0, failures=2)
    assert found.rows()[2] == ("agent", "0.000", "unknown", "unknown", "unknown", "2")
    assert [(choice.case, choice.best) for choice in found.badly] == [("a", "workflow")]
    assert found.badly[0].tokens is None and found.token_regret == 0


def test_a_case_that_could_not_be_judged_is_left_out_and_named() -> None:
    """An unscored case in one mode is compared in none; a case the triage did not choose for has no regret."""
    runs = {
        "workflow": [ran("a", None), ran("b", 1), ran("c", 1)],
        "agent": [ran("a", 1), ran("b", 1), ran("c", 1)],
    }
    found = look_back(runs, {"a": "agent", "b": "workflow"}, {})
    assert found.left_out == ("a", "c")
    assert [choice.case for choice in found.well] == ["b"]
    assert found.well[0].reason == "as good as agent, and not dearer"


def test_without_choices_there_is_no_regret() -> None:
    """Modes can be compared when the triage was not asked; then nothing is said of it."""
    found = look_back({"workflow": [ran("a", 1)]}, {}, {})
    assert (found.quality_regret, found.token_regret, found.triage, found.best) == (None, None, None, None)
    assert len(found.rows()) == 2


def test_epochs_are_averaged_by_case() -> None:
    """Two epochs of a case are one figure for it."""
    runs = {
        "workflow": [ran("a", 0, 100), ran("a", 1, 200, epoch=2)],
        "agent": [ran("a", 1, 300), ran("a", 1, 300, epoch=2)],
    }
    found = look_back(runs, {"a": "workflow"}, {})
    assert (found.modes["workflow"].quality, found.modes["workflow"].tokens, found.quality_regret) == (0.5, 150, 0.5)


def test_a_case_without_an_answer_goes_by_abstention() -> None:
    """Where ``answer_accuracy`` does not apply the next quality does."""

    def declined(value: float) -> Scored:
        return Scored(case="a", group="", outcome=Outcome(), scores={"abstention_accuracy": Score(value=value)})

    found = look_back({"workflow": [declined(1)], "agent": [declined(0)]}, {"a": "agent"}, {})
    assert found.quality_regret == 1 and found.left_out == ()


def test_the_triages_own_reason_is_shown() -> None:
    """What the triage said stands beside what came of it."""
    found = look_back({"workflow": [ran("a", 1)]}, {"a": "workflow"}, {}, reasons={"a": "one fact"})
    assert found.well[0].reason == "the only mode that ran; the triage's reason: one fact"


def test_modes_on_different_cases_are_not_compared() -> None:
    """Different cases, a choice that did not run, and no run at all are errors with a sentence."""
    with pytest.raises(UsageFault, match="different cases"):
        look_back({"workflow": [ran("a", 1)], "agent": [ran("b", 1)]}, {}, {})
    with pytest.raises(UsageFault, match="did not run"):
        look_back({"workflow": [ran("a", 1)]}, {"a": "agent"}, {})
    with pytest.raises(UsageFault, match="no run"):
        look_back({}, {}, {})


SCORED = st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 1_000), st.integers(0, 9))


@given(st.lists(st.tuples(SCORED, SCORED, SCORED, st.sampled_from(ORDER)), min_size=1, max_size=8))
def test_hindsight_is_never_worse(cases: list[tuple[tuple[float, int, int], ...]]) -> None:
    """Regret in quality is never negative, nor is that in tokens where quality is equal; every case is listed once."""
    runs = {mode: [ran(str(at), *case[place]) for at, case in enumerate(cases)] for place, mode in enumerate(ORDER)}
    chosen = {str(at): str(case[3]) for at, case in enumerate(cases)}
    found = look_back(runs, chosen, {})
    choices = (*found.well, *found.badly)
    assert sorted(choice.case for choice in choices) == sorted(chosen)
    assert all(choice.quality > 0 or (choice.quality == 0 and (choice.tokens or 0) >= 0) for choice in choices)
    assert found.best is not None
    assert found.best.quality >= max(mode.quality for mode in found.modes.values()) - 1e-9


def test_the_suite_measures_quality_and_price() -> None:
    """What hindsight needs is among the suite's metrics."""
    names = {metric.name for metric in SUITE.metrics}
    assert {"answer_accuracy", "evidence_recall", "unsupported_rate", "tokens", "calls", "usd", "seconds"} <= names


def test_a_mode_that_gave_and_cost_the_same_is_no_worse() -> None:
    """Choosing the hybrid where the workflow did exactly the same is not held against the triage."""
    runs = {"workflow": [ran("a", 1, 100)], "hybrid": [ran("a", 1, 100)]}
    found = look_back(runs, {"a": "hybrid"}, {})
    assert [choice.best for choice in found.well] == ["hybrid"] and not found.badly


def test_a_case_that_one_epoch_could_not_judge_is_left_out() -> None:
    """Half of a case's epochs is not the case."""
    runs = {
        "workflow": [ran("a", 1), ran("a", None, epoch=2), ran("b", 1)],
        "agent": [ran("a", 1), ran("a", 1, epoch=2), ran("b", 1)],
    }
    found = look_back(runs, {"a": "workflow", "b": "workflow"}, {})
    assert found.left_out == ("a",) and len(found.well) == 1


def test_of_equals_the_one_that_fails_less_is_best() -> None:
    """Failures come before the price."""
    figures = {
        "workflow": Spent(quality=0.5, tokens=10, calls=1, failures=1),
        "agent": Spent(quality=0.5, tokens=90, calls=9),
    }
    assert best_mode(figures) == "agent"


def test_a_case_that_only_the_second_mode_ran_is_refused() -> None:
    """Modes are compared on the same cases, whichever has more."""
    with pytest.raises(UsageFault, match="different cases"):
        look_back({"workflow": [ran("a", 1)], "agent": [ran("a", 1), ran("b", 1)]}, {}, {})


def test_the_worst_choices_come_first() -> None:
    """What lost most quality is read first, then what wasted most tokens."""
    runs = {
        "workflow": [ran("a", 1, 100), ran("b", 0.5, 100), ran("c", 1, 100)],
        "agent": [ran("a", 0, 100), ran("b", 0, 100), ran("c", 1, 900)],
    }
    found = look_back(runs, dict.fromkeys("abc", "agent"), {})
    assert [choice.case for choice in found.badly] == ["a", "b", "c"]
