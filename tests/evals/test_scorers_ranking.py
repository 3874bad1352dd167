"""Recall, nDCG and evidence recall, against pytrec_eval and against what must not score."""

from __future__ import annotations

import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from evals.records import Case, Citation, CitedSentence, Gold, Outcome
from evals.scorers.ranking import EVIDENCE_RECALL, all_recall, ndcg, recall
from evals.suite import Metric
from research.records import Question

IDS = [f"d{number}" for number in range(12)]
RUNS = st.lists(st.sampled_from(IDS), unique=True, min_size=1, max_size=12)
GRADES = st.dictionaries(st.sampled_from(IDS), st.integers(0, 4), min_size=1).filter(lambda g: max(g.values()) > 0)


def case(grades: dict[str, int]) -> Case:
    """A case whose gold is the grades."""
    return Case(id="q", question=Question(text="?"), gold=Gold(grades=grades))


def value(metric: Metric, grades: dict[str, int], ranked: list[str]) -> float | None:
    """The metric's value for a ranking."""
    score = metric.judge(case(grades), Outcome(ranked=tuple(ranked)))
    return None if score is None else score.value


def reference(grades: dict[str, int], ranked: list[str], measure: str) -> float:
    """What trec_eval says; its rankings are scores, high first."""
    run = {"q": {id: float(len(ranked) - place) for place, id in enumerate(ranked)}}
    found = pytrec_eval.RelevanceEvaluator({"q": grades}, {measure}).evaluate(run)
    return float(found["q"][measure.replace(".", "_")])


@given(GRADES, RUNS, st.sampled_from([1, 2, 3, 5, 10]))
def test_recall_and_ndcg_are_those_of_trec_eval(grades: dict[str, int], ranked: list[str], k: int) -> None:
    """On random graded judgements and rankings, recall@k and ndcg@k equal recall.k and ndcg_cut.k."""
    assert value(recall(k), grades, ranked) == pytest.approx(reference(grades, ranked, f"recall.{k}"))
    assert value(ndcg(k), grades, ranked) == pytest.approx(reference(grades, ranked, f"ndcg_cut.{k}"))


def test_the_cut_is_at_k() -> None:
    """A gold document at place k counts and one at place k + 1 does not."""
    ranked = ["x", "a", "b"]
    assert value(recall(2), {"a": 1, "b": 1}, ranked) == 0.5
    assert value(recall(3), {"a": 1, "b": 1}, ranked) == 1.0
    assert value(all_recall(2), {"a": 1, "b": 1}, ranked) == 0.0
    assert value(all_recall(3), {"a": 1, "b": 1}, ranked) == 1.0


def test_repeating_a_document_gains_nothing() -> None:
    """An id that stands twice counts at its first place alone, in recall and in nDCG."""
    assert value(ndcg(3), {"a": 1, "b": 1}, ["a", "a", "a"]) == value(ndcg(3), {"a": 1, "b": 1}, ["a"])
    assert value(recall(2), {"a": 1, "b": 1}, ["a", "a", "b"]) == 1.0
    assert value(recall(2), {"a": 1}, ["x", "x", "y", "a"]) == 0.0


def test_what_is_not_gold_does_not_score() -> None:
    """Grades of 0 are no gold; without gold or without a ranking there is no score at all, and an empty one is 0."""
    assert value(recall(5), {"a": 1, "b": 0}, ["b"]) == 0.0
    for metric in (recall(5), all_recall(5), ndcg(5)):
        assert value(metric, {"a": 0}, ["a"]) is None
        assert metric.judge(case({"a": 1}), Outcome()) is None
        assert value(metric, {"a": 1}, []) == 0.0


def test_evidence_recall_counts_cited_gold_documents() -> None:
    """Each counts once however often it is cited, and not for a made-up quote; without sentences there is no score."""
    cited = tuple(Citation(document=id, quote="it", start=0, end=2) for id in ("a", "a", "x"))
    cited = (*cited, Citation(document="b", quote="made up"))
    outcome = Outcome(sentences=(CitedSentence(text="s", citations=(0,)),), citations=cited, ranked=("a", "b"))
    score = EVIDENCE_RECALL.judge(case({"a": 1, "b": 2, "x": 0}), outcome)
    assert score is not None and score.value == 0.5
    assert EVIDENCE_RECALL.judge(case({"a": 1}), Outcome(citations=cited, ranked=("a",))) is None
    assert EVIDENCE_RECALL.judge(case({}), outcome) is None


def test_names_carry_k() -> None:
    """The names are those that other tools rely on."""
    assert [m.name for m in (recall(2), all_recall(5), ndcg(10))] == ["recall@2", "all_recall@5", "ndcg@10"]
