"""Macro-F1 and AUROC against scikit-learn, also under weights, and how doubt is counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, roc_auc_score

from evals.records import Case, Gold, Outcome, Score
from evals.scorers.claims import (
    AUROC,
    CHECKED_ACCURACY,
    CHECKED_RATE,
    LABELS,
    MACRO_F1,
    RATIONALE_RECALL,
    auroc,
    macro_f1,
)
from research.records import Question, VerdictName

LABEL = st.sampled_from(LABELS)


def case(label: str = "supported", rationale: tuple[str, ...] = ()) -> Case:
    """A labelled claim."""
    return Case(id="1", question=Question(text="claim"), gold=Gold(label=label, rationale=rationale))


@given(
    st.lists(st.tuples(LABEL, LABEL, st.integers(0, 3)), min_size=1, max_size=30).filter(
        lambda r: any(w for *_, w in r)
    )
)
def test_macro_f1_is_that_of_scikit_learn(rows: list[tuple[str, str, int]]) -> None:
    """Weights count cases: the figure is scikit-learn's on the cases repeated as often as they weigh."""
    scores = [Score(value=float(gold == said), gold=gold, said=said) for gold, said, _ in rows]
    weights = np.array([[1.0] * len(rows), [float(weight) for *_, weight in rows]])
    repeated = [(gold, said) for gold, said, weight in rows for _ in range(weight)]
    plain = [(gold, said) for gold, said, _ in rows]
    wanted = [f1_score(*zip(*pairs, strict=True), average="macro") for pairs in (plain, repeated)]
    assert macro_f1(scores, weights) == pytest.approx(wanted)


@given(
    st.lists(st.tuples(LABEL, st.integers(0, 6), st.integers(0, 3)), min_size=2, max_size=30).filter(
        lambda rows: {label for label, _, weight in rows if weight} == set(LABELS)
    )
)
def test_auroc_is_that_of_scikit_learn(rows: list[tuple[str, int, int]]) -> None:
    """Also with ties, which count half, and with cases that weigh more than others."""
    scores = [Score(value=confidence / 6, gold=label) for label, confidence, _ in rows]
    weights = np.array([[1.0] * len(rows), [float(weight) for *_, weight in rows]])
    positive, confidences = [label == "supported" for label, *_ in rows], [score.value for score in scores]
    wanted = [roc_auc_score(positive, confidences, sample_weight=row) for row in weights]
    assert auroc(scores, weights) == pytest.approx(wanted)


def test_auroc_of_one_label_is_no_figure() -> None:
    """Without both labels there is nothing to rank; that is NaN and not 0 or a half."""
    scores = [Score(value=0.3, gold="supported"), Score(value=0.9, gold="unsupported")]
    assert np.isnan(auroc(scores, np.array([[1.0, 0.0]]))).all()
    assert auroc(scores, np.ones((1, 2))).tolist() == [0.0]


@pytest.mark.parametrize(
    ("verdict", "confidence", "said"),
    [
        ("supported", 0.1, "supported"),
        ("unsupported", 0.9, "unsupported"),
        ("could not check", 0.5, "supported"),
        ("could not check", 0.49, "unsupported"),
        (None, 0.7, "supported"),
    ],
)
def test_a_choice_is_forced(verdict: VerdictName | None, confidence: float, said: str) -> None:
    """A verdict stands; without one the confidence decides, at a half."""
    found = MACRO_F1.judge(case("supported"), Outcome(verdict=verdict, confidence=confidence))
    assert found == Score(value=float(said == "supported"), gold="supported", said=said)


def test_doubt_without_confidence_is_unscored_and_never_a_wrong_answer() -> None:
    """``could not check`` without a confidence is counted as unscored; a system without verdicts is not scored."""
    doubt = Outcome(verdict="could not check")
    for metric in (MACRO_F1, AUROC):
        found = metric.judge(case(), doubt)
        assert found is not None and found.value is None and found.why
        assert metric.judge(case(), Outcome()) is None
        assert metric.judge(case(label=""), Outcome(verdict="supported", confidence=1.0)) is None
    assert AUROC.judge(case(), Outcome(verdict="supported")) is None
    assert AUROC.judge(case("unsupported"), Outcome(confidence=0.2)) == Score(value=0.2, gold="unsupported")


def test_checked_accuracy_is_over_what_was_checked() -> None:
    """Doubt lowers the rate of checking and not its accuracy."""
    doubt, right, wrong = (Outcome(verdict=v) for v in ("could not check", "supported", "unsupported"))
    assert [CHECKED_RATE.judge(case(), outcome) for outcome in (doubt, right, wrong)] == [
        Score(value=0.0),
        Score(value=1.0),
        Score(value=1.0),
    ]
    assert [CHECKED_ACCURACY.judge(case(), outcome) for outcome in (doubt, right, wrong)] == [
        None,
        Score(value=1.0),
        Score(value=0.0),
    ]
    assert CHECKED_RATE.judge(case(), Outcome(confidence=0.9)) is None


def test_rationale_recall_is_over_the_gold() -> None:
    """Naming more than the gold costs nothing here, naming less does; without gold or naming there is no score."""
    asked = case(rationale=("s1", "s2"))
    assert RATIONALE_RECALL.judge(asked, Outcome(rationale=("s2", "s3", "s4"))) == Score(value=0.5)
    assert RATIONALE_RECALL.judge(asked, Outcome(rationale=())) == Score(value=0.0)
    assert RATIONALE_RECALL.judge(asked, Outcome()) is None
    assert RATIONALE_RECALL.judge(case(), Outcome(rationale=("s1",))) is None
