"""How well documents are ranked, and how many of the needed ones a report cites.

Only documents with a grade of 1 or more are gold. An id that a system repeats counts once, at its first place, and the
places below it move up: nobody gains by repetition. A report cites a document when a quote of it was found there. A
case without gold documents, or a system without a ranking, is not scored. Recall and nDCG equal trec_eval's
``recall.k`` and ``ndcg_cut.k``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from evals.records import Case, Outcome, Score
from evals.suite import Metric


def recall(k: int) -> Metric:
    """Return ``recall@k``: the share of the gold documents that are among the first ``k``."""

    def judge(case: Case, outcome: Outcome) -> Score | None:
        gold = _gold(case)
        if not gold or outcome.ranked is None:
            return None
        return Score(value=len(gold.keys() & set(_first(outcome.ranked, k))) / len(gold))

    return Metric(f"recall@{k}", judge, f"share of the gold documents among the first {k}")


def all_recall(k: int) -> Metric:
    """Return ``all_recall@k``: 1 when every gold document is among the first ``k``, else 0."""

    def judge(case: Case, outcome: Outcome) -> Score | None:
        gold = _gold(case)
        if not gold or outcome.ranked is None:
            return None
        return Score(value=float(gold.keys() <= set(_first(outcome.ranked, k))))

    return Metric(f"all_recall@{k}", judge, f"share of cases with every gold document among the first {k}")


def ndcg(k: int) -> Metric:
    """Return ``ndcg@k`` as trec_eval computes it: a document's gain is its grade, at place ``i`` over log2(i + 1)."""

    def judge(case: Case, outcome: Outcome) -> Score | None:
        gold = _gold(case)
        if not gold or outcome.ranked is None:
            return None
        best = _gain(sorted(gold.values(), reverse=True)[:k])
        return Score(value=_gain(gold.get(id, 0) for id in _first(outcome.ranked, k)) / best)

    return Metric(f"ndcg@{k}", judge, f"normalised discounted cumulative gain of the first {k}, with graded relevance")


def _evidence(case: Case, outcome: Outcome) -> Score | None:
    gold = _gold(case)
    if not gold or outcome.sentences is None:
        return None
    cited = {citation.document for citation in outcome.citations if citation.start >= 0}
    return Score(value=len(gold.keys() & cited) / len(gold))


EVIDENCE_RECALL = Metric(
    "evidence_recall",
    _evidence,
    "share of the gold documents that the report quotes from, verbatim; for systems that cite",
)


def _gold(case: Case) -> dict[str, int]:
    return {id: grade for id, grade in case.gold.grades.items() if grade >= 1}


def _first(ranked: Iterable[str], k: int) -> list[str]:
    return list(dict.fromkeys(ranked))[:k]


def _gain(grades: Iterable[int]) -> float:
    return sum(grade / math.log2(place + 1) for place, grade in enumerate(grades, 1))
