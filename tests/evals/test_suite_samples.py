"""The shipped samples of five suites: that they load, are made well, and are scored as the docstrings say."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from evals.datasets.shapes import SAMPLES
from evals.records import Case, Citation, CitedSentence, Outcome, Score
from evals.suite import Loaded, Request
from evals.suites import suite
from research.errors import UsageFault
from research.records import build, plain
from research.words import terms

NAMES = ("multihop", "retrieval", "claims", "plans", "abstain")


def sample(name: str) -> Loaded:
    """The sample of a suite."""
    return suite(name).load(Request(data=None, seed=0))


def judged(name: str, id: str, outcome: Outcome) -> dict[str, Score]:
    """The scores of an outcome of one case of a sample."""
    case = next(case for case in sample(name).cases if case.id == id)
    return suite(name).judge(case, outcome)


def value(score: Score) -> float:
    """The value of a score that has one."""
    assert score.value is not None
    return round(score.value, 2)


@pytest.mark.parametrize(
    ("name", "cases", "documents"),
    [("multihop", 12, 51), ("retrieval", 10, 30), ("claims", 18, 21), ("plans", 5, 0), ("abstain", 12, 12)],
)
def test_a_sample_loads_and_is_complete(name: str, cases: int, documents: int) -> None:
    """The counts of the docstrings hold, ids are unique, and every gold document is in the case's own corpora."""
    loaded = sample(name)
    assert len({case.id for case in loaded.cases}) == len(loaded.cases) == cases
    assert sum(len(corpus) for corpus in loaded.corpora.values()) == documents
    for case in loaded.cases:
        there = {document.id for corpus in case.question.corpora for document in loaded.corpora[corpus]}
        assert set(case.gold.grades) <= there and set(case.gold.rationale) <= there
        assert build(Case, plain(case)) == case
    assert loaded.digest() == sample(name).digest()


def test_answers_of_the_multihop_sample_stand_in_their_gold_passages() -> None:
    """A question of several hops needs at least two passages, and its answer, unless yes or no, is in one of them."""
    loaded = sample("multihop")
    texts = {d.id: f"{d.title}\n{d.text}" for d in loaded.corpora["passages"]}
    for case in loaded.cases:
        gold = [texts[id] for id in case.gold.grades]
        assert len(gold) >= 2
        wordings = case.gold.answers[0]
        assert wordings == ("no",) or any(wording in text for wording in wordings for text in gold), case.id
        assert all(any(wrong in text for text in gold) or wrong == "bronze" for wrong in case.gold.wrong), case.id
        if case.group == "bridge":
            assert not any(wording in case.question.text for wording in wordings), case.id


def test_the_hops_of_the_multihop_sample_lead_to_one_another() -> None:
    """In a bridge question one gold passage names the title of the other, as the question does not."""
    loaded = sample("multihop")
    documents = {d.id: d for d in loaded.corpora["passages"]}
    for case in loaded.cases:
        if case.group == "bridge":
            first, second = (documents[id] for id in case.gold.grades)
            named = second.title in first.text or first.title in second.text or first.title in case.question.text
            assert named, case.id


def test_the_claims_sample_has_both_labels_and_every_kind_of_change() -> None:
    """Neither answer is right most of the time, and a claim that is not supported shares most of its words."""
    loaded = sample("claims")
    labels = Counter(case.gold.label for case in loaded.cases)
    assert abs(labels["supported"] - labels["unsupported"]) <= 4
    kinds = {case.group for case in loaded.cases}
    assert {"number", "negation", "name", "paraphrase", "added", "two references"} <= kinds
    changed = [c for c in loaded.cases if c.gold.label == "unsupported" and c.group in {"number", "negation", "name"}]
    for case in changed:
        text = " ".join(document.text for document in loaded.corpora[case.id])
        words = set(terms(case.question.text))
        assert len(words & set(terms(text))) / len(words) >= 0.5, case.id


def test_the_abstain_sample_asks_about_what_its_passages_are_about() -> None:
    """An unanswerable question names what a passage is about, so that it cannot be told by its words alone."""
    loaded = sample("abstain")
    assert Counter(case.gold.answerable for case in loaded.cases) == {True: 6, False: 6}
    titles = [set(terms(document.title)) for document in loaded.corpora["passages"]]
    for case in loaded.cases:
        if not case.gold.answerable:
            assert any(len(title & set(terms(case.question.text))) >= len(title) / 2 for title in titles), case.id


def test_nothing_of_the_public_sets_is_shipped(shared_data: Path) -> None:
    """No text of a sample stands in the data that may not be passed on."""
    public = "".join(path.read_text(encoding="utf-8") for path in sorted(shared_data.glob("*/*/*.jsonl")))
    for name in NAMES:
        for corpus in sample(name).corpora.values():
            assert not [d.id for d in corpus if json.dumps(d.text)[1:60] in public]


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_says_that_it_is_invented(name: str) -> None:
    """Each folder of samples has its licence."""
    assert "CC0-1.0" in (SAMPLES / name / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_data_of_another_suite_is_refused_with_the_known_shapes(name: str) -> None:
    """A folder that this suite cannot read is named before anything is run."""
    other = "plans" if name != "plans" else "claims"
    with pytest.raises(UsageFault, match="has none of the shapes this suite can read"):
        suite(name).load(Request(data=SAMPLES / other, seed=0))


def test_the_multihop_suite_refuses_what_retrieval_leaves_out(tmp_path: Path) -> None:
    """A query without judgements is an error for the one suite and a note for the other."""
    for file in (SAMPLES / "retrieval").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with (tmp_path / "queries.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"_id": "q99", "text": "and this?"}\n')
    request = Request(data=tmp_path, seed=0)
    assert any("1 query without" in note for note in suite("retrieval").load(request).notes)
    with pytest.raises(UsageFault, match=r"queries.jsonl, line 11: q99"):
        suite("multihop").load(request)


def test_the_worked_row_of_multihop_is_right() -> None:
    """The figures of the docstring, for a ranking and for an answer."""
    case = sample("multihop").cases[0]
    first, second = case.gold.grades
    ranking = judged("multihop", case.id, Outcome(ranked=(first, "p40", "p41", second)))
    figures = {name: value(ranking[name]) for name in ("recall@2", "recall@5", "all_recall@5", "ndcg@10")}
    assert figures == {"recall@2": 0.5, "recall@5": 1.0, "all_recall@5": 1.0, "ndcg@10": 0.88}
    assert "answer_accuracy" not in ranking and "evidence_recall" not in ranking
    answer = judged("multihop", case.id, Outcome(answer="She was born in Skerrow.", abstained=False))
    assert value(answer["answer_accuracy"]) == 1.0
    assert (value(answer["exact_match"]), value(answer["answer_f1"])) == (0.0, 0.33)


def test_naming_both_sides_of_a_comparison_does_not_answer_it() -> None:
    """The sample's wrong wordings reach the scorer."""
    both = judged("multihop", "q09", Outcome(answer="Mount Korrin and Mount Sarrow are mountains.", abstained=False))
    right = judged("multihop", "q09", Outcome(answer="Mount Korrin is higher.", abstained=False))
    assert (value(both["answer_accuracy"]), value(right["answer_accuracy"])) == (0.0, 1.0)


def test_the_worked_row_of_retrieval_is_right() -> None:
    """Grades of 2 and 1 count as the docstring says."""
    case = sample("retrieval").cases[0]
    best, lesser = sorted(case.gold.grades, key=lambda id: -case.gold.grades[id])
    scores = judged("retrieval", case.id, Outcome(ranked=(lesser, "n30", best)))
    assert (value(scores["recall@5"]), value(scores["ndcg@10"])) == (1.0, 0.76)


def test_the_worked_row_of_claims_is_right() -> None:
    """A right verdict counts everywhere, one that could not be reached where the docstring says."""
    right = judged("claims", "c02", Outcome(verdict="unsupported", confidence=0.1))
    assert [value(right[name]) for name in ("macro_f1", "checked_rate", "checked_accuracy")] == [1.0, 1.0, 1.0]
    unsure = judged("claims", "c02", Outcome(verdict="could not check", confidence=0.6))
    assert (value(unsure["macro_f1"]), value(unsure["checked_rate"])) == (0.0, 0.0)
    assert "checked_accuracy" not in unsure and "rationale_recall" not in unsure


def test_the_worked_row_of_plans_is_right() -> None:
    """Two of four parts and pages, and a width of two."""
    parts = ("Which cities are on the river Ilvane?", "What is the population of Dunmarrow?")
    scores = judged("plans", "f1", Outcome(parts=parts, queries=parts))
    assert [value(scores[name]) for name in ("part_recall", "page_recall", "plan_width")] == [0.5, 0.5, 2.0]


def test_the_worked_row_of_abstain_is_right() -> None:
    """Declining an unanswerable question is right, answering it is not, and evidence is not asked for."""
    nothing = judged("abstain", "u1", Outcome(answer="Nothing was found.", abstained=True, sentences=()))
    said = CitedSentence(text="67.", citations=(0,))
    answer = judged(
        "abstain",
        "u1",
        Outcome(answer="67.", abstained=False, sentences=(said,), citations=(Citation(document="x", quote="67"),)),
    )
    assert [value(nothing[name]) for name in ("abstention_accuracy", "refused")] == [1.0, 1.0]
    assert [value(answer[name]) for name in ("abstention_accuracy", "refused")] == [0.0, 0.0]
    assert not {"answered", "evidence_recall"} & (set(nothing) | set(answer))
