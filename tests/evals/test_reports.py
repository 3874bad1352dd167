"""The judge-free metrics of reports, what of a prompt a report touches, and the loader of report prompts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.race import DIMENSIONS, rubric
from evals.records import Case, Gold, Outcome, Score
from evals.scorers.coverage import CLAIM_COVERAGE, parts
from evals.scorers.reports import (
    CITATIONS_PER_CLAIM,
    CITATIONS_RESOLVE,
    DUPLICATE_SOURCES,
    SOURCES,
    UNCITED_RATE,
    WORDS,
    factual,
)
from evals.suite import Metric, Request
from evals.suites.reports import SUITE
from research.errors import UsageFault
from research.records import Question

FREE = (CITATIONS_RESOLVE, UNCITED_RATE, DUPLICATE_SOURCES, SOURCES, CITATIONS_PER_CLAIM, WORDS, CLAIM_COVERAGE)


def case(prompt: str = "What did the Orrin dam cost in 1931?") -> Case:
    """A case with that prompt."""
    return Case(id="1", question=Question(text=prompt), gold=Gold())


def score(metric: Metric, report: str, prompt: str = "What did the Orrin dam cost in 1931?") -> Score:
    """The score of a report; it must apply."""
    found = metric.judge(case(prompt), Outcome(report=report))
    assert found is not None
    return found


def test_the_worked_row_of_the_suite_holds() -> None:
    """What the suite's docstring works out is what its metrics say."""
    report = (
        "The dam was built in 1931 [1]. It holds 40 million cubic metres [3].\n\n## Sources\n\n"
        "1. [The dam](https://a.example/dam)\n2. [Dam, once more](https://a.example/dam?utm_source=x#top)\n"
    )
    wanted = {CITATIONS_RESOLVE: 0.5, UNCITED_RATE: 0, DUPLICATE_SOURCES: 0.5, SOURCES: 1, CITATIONS_PER_CLAIM: 1}
    assert {metric: score(metric, report).value for metric in wanted} == wanted


def test_a_system_without_a_report_is_not_scored() -> None:
    """An outcome that has no report has no entry for any of the metrics."""
    assert not [metric.name for metric in FREE if metric.judge(case(), Outcome(answer="1931")) is not None]


def test_nothing_to_judge_is_unscored_and_never_zero() -> None:
    """Without marks, claims, sources or parts of a prompt there is no value, and a reason."""
    for metric in (CITATIONS_RESOLVE, UNCITED_RATE, DUPLICATE_SOURCES, CITATIONS_PER_CLAIM):
        found = score(metric, "So it goes.")
        assert found.value is None and found.why
    found = score(CLAIM_COVERAGE, "So it goes.", "tell me more")
    assert found.value is None and found.why


@pytest.mark.parametrize(
    ("sentence", "is_factual"),
    [
        ("It cost 3 million.", True),
        ("The dam was designed by Maria Holt.", True),
        ("It is called “the wall”.", True),
        ("水库建于1931年。", True),
        ("据《财富报告》估计。", True),
        ("This matters a great deal.", False),
        ("However, much remains to be done.", False),
        ("What did it cost in 1931?", False),
        ("In 1931 the following was said:", False),
        ("这一点很重要。", False),
    ],
)
def test_factual_is_what_the_module_says(sentence: str, is_factual: bool) -> None:
    """Numbers, names and quotations make a sentence factual; questions and announcements are not."""
    assert factual(sentence) is is_factual


def test_uncited_counts_factual_sentences_alone() -> None:
    """Of two factual sentences one is cited; a sentence of opinion does not count."""
    assert score(UNCITED_RATE, "It cost 3 crowns [1]. It opened in 1931. That was bold.").value == 0.5


@pytest.mark.parametrize(
    ("entries", "share", "distinct"),
    [
        ("1. [A thing](https://a.example/x)\n2. [Other](https://b.example/)", 0.0, 2),
        ("1. [A thing](https://a.example/x)\n2. [Other](HTTPS://A.example:443/x/?utm_source=y)", 0.5, 1),
        ("1. [Same title](https://a.example/x)\n2. [same  Title](https://b.example/)", 0.5, 1),
        ("1. [Home](https://a.example/x)\n2. [Home](https://b.example/)", 0.0, 2),
        ("1. [A thing](https://a.example/x)\n1. [A thing](https://a.example/x)", 0.0, 1),
    ],
)
def test_duplicate_sources_are_known_by_url_and_title(entries: str, share: float, distinct: int) -> None:
    """One canonical URL or one title of some length is one source; a list that is printed twice is not a duplicate."""
    report = f"It rose by 3 [1].\n\n## Sources\n{entries}\n"
    assert (score(DUPLICATE_SOURCES, report).value, score(SOURCES, report).value) == (share, distinct)


def test_links_are_the_sources_of_a_report_without_a_list() -> None:
    """Each linked page counts once, and none is a duplicate."""
    report = (
        "It rose by 3 ([a](https://a.example/x)). It fell by 4 ([a](https://a.example/x#y), [b](https://b.example))."
    )
    assert (score(DUPLICATE_SOURCES, report).value, score(SOURCES, report).value) == (0.0, 2)


def test_words_counts_chinese_by_characters() -> None:
    """Latin words and Chinese characters of the body are counted; marks, headings and references are not."""
    assert score(WORDS, "# A title\n\nIt rose [1].\n\n水库很大。\n\n## Sources\n1. https://a.example\n").value == 6


def test_claim_coverage_is_a_floor_by_words() -> None:
    """Numbers, names and questions count when they are mentioned at all, and not when they are missing."""
    prompt = 'Compare the dam of "Port Orrin" with the Ness Weir after 1931. What did the builders earn each week?'
    assert {words for _, words in parts(prompt)} >= {"Port Orrin", "Ness Weir", "1931"}
    full = score(CLAIM_COVERAGE, "Port Orrin and Ness Weir in 1931: builders earned 4 crowns a week.", prompt).value
    half = score(CLAIM_COVERAGE, "Port Orrin is a town. In 1931 it rained.", prompt).value
    none = score(CLAIM_COVERAGE, "So it goes.", prompt).value
    assert full == 1.0 and none == 0.0 and half is not None and 0 < half < 1


def test_repeating_the_prompt_covers_nothing() -> None:
    """A report that has the prompt for its title and first paragraph says nothing of its own with that."""
    prompt = "Compare the Port Orrin dam with the Ness Weir after 1931. Name 3 costs."
    report = f"# {prompt}\n\n{prompt}\n\nIt rained.\n"
    assert score(CLAIM_COVERAGE, report, prompt).value == 0.0
    assert score(WORDS, report, prompt).value == 2
    assert score(UNCITED_RATE, report, prompt).value is None


def test_enumerations_of_a_chinese_prompt_are_parts() -> None:
    """Items joined by 、 are parts, and mentioned when half of their pairs of characters are."""
    prompt = "比较各公司的融资情况、信誉度、增长幅度"
    assert len(parts(prompt)) == 3
    assert score(CLAIM_COVERAGE, "公司的信誉度很高，增长幅度为百分之三。", prompt).value == pytest.approx(2 / 3)


@given(st.text(max_size=400), st.text(max_size=200))
def test_scores_stay_in_their_range(report: str, prompt: str) -> None:
    """Whatever the texts, shares are between 0 and 1 and amounts are not negative."""
    for metric in FREE:
        found = metric.judge(case(prompt), Outcome(report=report))
        assert found is not None
        assert found.value is None or (found.value >= 0 and (metric.summary is not None or found.value <= 1))


def test_a_report_that_cites_less_scores_lower() -> None:
    """Removing marks raises the uncited rate; pointing them nowhere lowers the share that resolves."""
    good = "It rose by 3 [1]. It fell by 4 [2].\n\n## Sources\n1. https://a.example\n2. https://b.example\n"
    bare, lost = good.replace(" [2].", "."), good.replace(" [2].", " [9].")
    assert score(UNCITED_RATE, bare).value == 0.5 and score(UNCITED_RATE, good).value == 0
    assert score(CITATIONS_RESOLVE, lost).value == 0.5 and score(CITATIONS_RESOLVE, good).value == 1


def test_the_sample_loads_with_its_corpus() -> None:
    """Three prompts with four dimensions, asked of the sample's own documents."""
    loaded = SUITE.load(Request(None, 0))
    assert len(loaded.cases) == 3 and [len(documents) for documents in loaded.corpora.values()] == [8]
    for entry in loaded.cases:
        assert tuple(rubric(entry)) == DIMENSIONS and entry.question.corpora == tuple(loaded.corpora)
        assert not entry.question.web


def test_the_published_prompts_load(shared_data: Path) -> None:
    """All 100 prompts of DeepResearch Bench load with their criteria and are asked of the web."""
    loaded = SUITE.load(Request(shared_data / "reports" / "deep-research-bench", 0))
    assert len(loaded.cases) == 100 and loaded.corpora == {}
    assert {entry.group for entry in loaded.cases} == {"en", "zh"} and all(entry.question.web for entry in loaded.cases)
    weights = [sum(d.weight for d in rubric(entry).values()) for entry in loaded.cases]
    assert weights == pytest.approx([1.0] * 100)


def row() -> dict[str, object]:
    """The criteria of one prompt."""
    criteria = {name: [{"criterion": "c", "explanation": "e", "weight": 1.0}] for name in DIMENSIONS}
    return {"id": 1, "prompt": "p", "dimension_weight": dict.fromkeys(DIMENSIONS, 0.25), "criterions": criteria}


def written(folder: Path, criteria: object, *, query: Mapping[str, object] | None = None) -> Path:
    """A folder with one prompt and one row of criteria."""
    (folder / "query.jsonl").write_text(json.dumps(query or {"id": 1, "prompt": "p", "language": "en"}) + "\n")
    (folder / "criteria.jsonl").write_text(json.dumps(criteria) + "\n")
    return folder


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda r: {**r, "prompt": "another"}, "criteria.jsonl, line 1"),
        (lambda r: {**r, "dimension_weight": dict.fromkeys(DIMENSIONS, 0.5)}, "criteria.jsonl, line 1"),
        (lambda r: {**r, "dimension_weight": {"insight": 1.0}}, "same dimensions"),
        (lambda r: {**r, "criterions": {**r["criterions"], "insight": []}}, "insight must be"),
        (lambda r: {k: v for k, v in r.items() if k != "criterions"}, "criteria.jsonl, line 1"),
        (lambda r: {**r, "id": 2}, "query.jsonl, line 1"),
    ],
)
def test_a_spoilt_row_is_named(tmp_path: Path, spoil: Callable[[dict[str, object]], object], says: str) -> None:
    """File and line, and what is wrong, before anything is run."""
    with pytest.raises(UsageFault, match=says):
        SUITE.load(Request(written(tmp_path, spoil(row())), 0))


def test_a_reference_report_is_taken_along(tmp_path: Path) -> None:
    """With ``reference.jsonl`` in the folder the case carries the report it is compared with."""
    folder = written(tmp_path, row())
    (folder / "reference.jsonl").write_text(json.dumps({"id": 1, "prompt": "p", "article": "The best."}) + "\n")
    loaded = SUITE.load(Request(folder, 0))
    assert loaded.cases[0].gold.criteria["reference"] == "The best." and loaded.notes


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"id": 1, "prompt": "p", "article": "a"}] * 2, r'reference.jsonl, line 2: "id" 1 is taken already'),
        ([{"id": 1, "prompt": "other", "article": "a"}], r"reference.jsonl, line 1: the prompt of 1 is another one"),
        (
            [{"id": 1, "prompt": "p", "article": "a"}, {"id": 9, "prompt": "p", "article": "a"}],
            r"reference.jsonl, line 2: .*of 9, which is no prompt",
        ),
        ([{"id": 1, "article": "a"}], r'reference.jsonl, line 1: "prompt" is missing'),
    ],
)
def test_a_spoilt_reference_is_named(tmp_path: Path, rows: list[dict[str, object]], says: str) -> None:
    """A reference that is there twice, of another prompt, or of none, is an error with file and line."""
    folder = written(tmp_path, row())
    (folder / "reference.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(UsageFault, match=says):
        SUITE.load(Request(folder, 0))


def test_judged_scores_reach_the_suite() -> None:
    """What the judge left in the outcome is what the suite's metrics return; without a judge they do not apply."""
    judged = {"race": Score(value=0.4), "fact_effective": Score(value=None, why="no")}
    found = SUITE.judge(case(), Outcome(report="It rose by 3.", judged=judged))
    assert (found["race"], found["fact_effective"]) == (judged["race"], judged["fact_effective"])
    assert not [name for name in SUITE.judge(case(), Outcome(report="It rose.")) if name.startswith(("race", "fact"))]
