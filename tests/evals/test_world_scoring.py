"""The suite ``world`` end to end: what a perfect system, a silent one and one that prints everything score."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pytest

from evals.locating import located
from evals.records import Case, Citation, CitedSentence, Outcome
from evals.suite import Loaded, Request, documents_by_id
from evals.suites.world import SUITE


@pytest.fixture(scope="module", params=["invented", "peps_rst", "eips_md"])
def world(request: pytest.FixtureRequest) -> Loaded:
    """A world of each kind."""
    if request.param == "invented":
        return SUITE.load(Request(None, 1))
    shared = request.getfixturevalue("shared_data")
    return SUITE.load(Request(shared / "worlds" / f"{request.param}.tar.gz", 1, 90))


def scores(world: Loaded, system) -> dict[str, float]:
    """The mean of each metric that applied, over all cases."""
    found: dict[str, list[float]] = {}
    for case in world.cases:
        outcome = located(system(world, case), world.corpora, case.question)
        for name, score in SUITE.judge(case, outcome).items():
            assert score.value is not None, (name, score.why)
            found.setdefault(name, []).append(score.value)
    return {name: fmean(values) for name, values in found.items()}


def oracle(world: Loaded, case: Case) -> Outcome:
    """Answers with the gold, quotes the first place of every fact, and says nothing that is not in its quotes."""
    if not case.gold.answerable:
        return Outcome(answer="I did not find this.", abstained=True, sentences=(), ranked=())
    firsts = {span.fact: span for span in reversed(case.gold.spans)}.values()
    documents = documents_by_id(world.corpora, case.question.corpora)
    quotes = [Citation(document=s.document, quote=documents[s.document].text[s.start : s.end]) for s in firsts]
    sentences = [CitedSentence(text=quote.quote, citations=(place,)) for place, quote in enumerate(quotes)]
    ranked = tuple(dict.fromkeys(quote.document for quote in quotes))
    answer = ", ".join(part[0] for part in case.gold.answers)
    return Outcome(
        answer=f"{answer}.", abstained=False, sentences=tuple(sentences), citations=tuple(quotes), ranked=ranked
    )


def silent(world: Loaded, case: Case) -> Outcome:
    """Never answers."""
    return Outcome(answer="I did not find this.", abstained=True, sentences=(), ranked=())


def everything(world: Loaded, case: Case) -> Outcome:
    """Prints and cites the beginning of one page after the other: all it has, but for the length of a test."""
    pages = world.corpora["world"][:: max(1, len(world.corpora["world"]) // 30)]
    citations = tuple(Citation(document=page.id, quote=page.text[:2000]) for page in pages)
    sentences = tuple(CitedSentence(text=page.text[:200], citations=(place,)) for place, page in enumerate(pages))
    text = " ".join(page.text[:2000] for page in pages)
    return Outcome(
        answer=text, abstained=False, sentences=sentences, citations=citations, ranked=tuple(page.id for page in pages)
    )


def test_a_perfect_system_scores_full(world: Loaded) -> None:
    """Gold answers with gold spans: 1 on all that is good, 0 unsupported, nothing unscored."""
    found = scores(world, oracle)
    full = ("answer_accuracy", "citation_precision", "citation_recall", "quotes_verbatim", "abstention_accuracy",
            "refused", "answered", "evidence_recall")  # fmt: skip
    assert {name: found[name] for name in full} == dict.fromkeys(full, 1.0)
    assert found["unsupported_rate"] == 0.0


def test_a_silent_system_refuses_rightly_and_answers_nothing(world: Loaded) -> None:
    """Abstaining always is right on the unanswerable alone."""
    found = scores(world, silent)
    assert (found["answer_accuracy"], found["refused"], found["answered"]) == (0.0, 1.0, 0.0)
    assert found["abstention_accuracy"] < 0.2 and found["evidence_recall"] == 0.0


def test_printing_everything_is_no_answer(world: Loaded) -> None:
    """A system that prints and cites all it has is seldom right, cites imprecisely, and refuses nothing."""
    found = scores(world, everything)
    assert found["answer_accuracy"] < 0.15 and found["citation_precision"] < 0.1
    assert found["citation_recall"] < 0.6 and found["refused"] == 0.0


def test_the_wrong_side_is_wrong(world: Loaded) -> None:
    """Whoever gives the other side of a comparison, or the outdated or planted value, has no point."""
    wrong = [case for case in world.cases if case.gold.wrong]
    assert len(wrong) > 9
    for case in wrong:
        outcome = Outcome(answer=f"{case.gold.wrong[0]}.", abstained=False)
        assert SUITE.judge(case, outcome)["answer_accuracy"].value == 0.0, case.question.text


def test_a_list_with_a_part_missing_is_wrong(world: Loaded) -> None:
    """All parts of a list are needed."""
    for case in world.cases:
        if case.group == "list":
            some = ", ".join(part[0] for part in case.gold.answers[1:])
            assert SUITE.judge(case, Outcome(answer=some, abstained=False))["answer_accuracy"].value == 0.0


def test_a_case_without_data_needs_none(tmp_path: Path) -> None:
    """The suite loads with no file at all, and its cases name the corpus ``world``."""
    loaded = SUITE.load(Request(None, 2, 40))
    assert all(case.question.corpora == ("world",) for case in loaded.cases) and list(loaded.corpora) == ["world"]
