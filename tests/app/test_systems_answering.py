"""The whole pipeline as a system: real indexes, real runs in the eval home, and a model server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scene import DOCUMENTS, QUESTION

from evals.records import CitedSentence, Document, Outcome
from research import app
from research.app.systems import open_system
from research.app.systems.answering import outcome_of
from research.app.systems.materials import Shelved
from research.budget import Caps
from research.errors import EffectFailed, UsageFault
from research.options import RunOptions
from research.records import Disagreement, Mode, Question, Usage
from research.report import Report, ReportFinding, ReportSentence, ReportSource, Skipped, UsageFacts
from research.settings import Settings, load
from tools.fakes.openai_server import OpenAIServer

NOTES = tuple(Document(id=f"note {name}", text=text, suffix=".md") for name, text in DOCUMENTS.items())
CORPORA: Mapping[str, Sequence[Document]] = {"the notes": NOTES}
ASKED = Question(text=QUESTION, corpora=("the notes",))


def settings(home: Path) -> Settings:
    """Settings of a user whose home is new, with a model of known price."""
    flags = {"home": str(home), "embedder": "hashing"}
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text('[prices]\n"openai:persona" = { prompt = 1.0, completion = 2.0 }\n')
    return load(flags, {})


def with_model(user: Settings, server: OpenAIServer, **changes: Any) -> RunOptions:
    """Options that name the model behind a loopback server."""
    return msgspec.structs.replace(user.options(), model="openai:persona", base_url=server.base_url, **changes)


async def answers(name: str, tmp_path: Path, options: RunOptions, *questions: Question) -> list[Outcome]:
    """The outcomes of a system, all questions at once."""
    user = settings(tmp_path / "user")
    async with open_system(name, CORPORA, user, options, home=tmp_path / "evals", say=lambda line: None) as system:
        return await asyncio.gather(*(system(question) for question in questions))


def checked(outcome: Outcome) -> None:
    """Every citation is of a document of the case, and its quote is in that document's own text."""
    texts = {document.id: document.text for document in NOTES}
    for citation in outcome.citations:
        assert citation.quote in texts[citation.document]
        assert (citation.start, citation.end) == (-1, -1)
    assert outcome.sentences is not None
    places = [place for sentence in outcome.sentences for place in sentence.citations]
    assert set(places) <= set(range(len(outcome.citations)))
    named = [outcome.citations[place].document for place in places]
    assert outcome.ranked == tuple(dict.fromkeys(named))


async def test_without_a_model_the_extractive_report_is_the_outcome(tmp_path: Path) -> None:
    """Even where the settings name a model: no call is made, and the answer cites the documents by their ids."""
    user = settings(tmp_path / "user")
    options = msgspec.structs.replace(user.options(), model="openai:persona", base_url="http://127.0.0.1:9/v1")
    (outcome,) = await answers("extractive", tmp_path, options, ASKED)
    checked(outcome)
    assert outcome.ranked and outcome.abstained is False and outcome.answer
    assert outcome.report is not None and outcome.report.startswith("# How is a budget")
    assert (outcome.mode, outcome.status, outcome.usage.tokens) == ("workflow", "done", 0)
    assert outcome.parts and outcome.caps == Caps() and outcome.seconds > 0
    assert outcome.verdict is None and outcome.resumed is None


async def test_what_is_not_there_is_an_abstention(tmp_path: Path) -> None:
    """No sentence of the answer cites anything: the system abstained."""
    question = Question(text="What is the boiling point of tungsten?", corpora=("the notes",))
    (outcome,) = await answers("extractive", tmp_path, settings(tmp_path / "user").options(), question)
    assert outcome.abstained is True
    assert outcome.ranked == () and outcome.citations == ()


async def test_cases_at_once_give_what_they_give_alone(tmp_path: Path) -> None:
    """Twelve runs in one process, over one home, do not disturb one another."""
    texts = [QUESTION, "Who holds the lock of a run?", "What does the journal keep?"]
    questions = [Question(text=text, corpora=("the notes",)) for text in texts]
    options = settings(tmp_path / "user").options()
    alone = [(await answers("extractive", tmp_path, options, question))[0] for question in questions]
    crowd = await answers("extractive", tmp_path, options, *(questions * 4))
    assert len({outcome.run for outcome in crowd}) == 12
    for place, outcome in enumerate(crowd):
        expected = alone[place % 3]
        assert (outcome.answer, outcome.citations) == (expected.answer, expected.citations)


@pytest.mark.parametrize("name", ["workflow", "hybrid", "agent", "auto", "single-agent"])
async def test_each_mode_runs_with_a_model(name: str, tmp_path: Path) -> None:
    """The report is the model's, its mode is the one named, and what it cost is told."""
    user = settings(tmp_path / "user")
    async with OpenAIServer() as server:
        (outcome,) = await answers(name, tmp_path, with_model(user, server), ASKED)
        received = len(server.requests)
    checked(outcome)
    modes = {"auto": {"workflow", "hybrid", "agent"}, "single-agent": {"agent"}}
    assert outcome.mode in modes.get(name, {name})
    assert outcome.usage.tokens > 0 and outcome.usage.nano_usd and outcome.usage.calls >= received > 0
    assert outcome.parts is not None and (len(outcome.parts) == 1 or name != "single-agent")


async def test_a_case_keeps_to_its_budget(tmp_path: Path) -> None:
    """The caps of the options are the case's: the server is asked no more often, and the outcome names the loss."""
    user = settings(tmp_path / "user")
    async with OpenAIServer() as server:
        options = with_model(user, server, caps=Caps(calls=5))
        (outcome,) = await answers("workflow", tmp_path, options, ASKED)
        assert len(server.requests) <= 5
    assert outcome.usage.calls <= 5 and outcome.caps == Caps(calls=5)
    assert outcome.status == "partial" and outcome.skipped


async def test_the_runs_are_in_the_eval_home_alone(tmp_path: Path) -> None:
    """The eval home shows the run's report; the user's own home has no run."""
    user = settings(tmp_path / "user")
    (outcome,) = await answers("extractive", tmp_path, user.options(), ASKED)
    own = msgspec.structs.replace(user, home=tmp_path / "evals")
    assert app.show(outcome.run, own).answer == outcome.answer
    assert app.runs(user) == []


def finding(id: str, source: str) -> ReportFinding:
    """A finding with a quote of its own."""
    return ReportFinding(id=id, statement=id, quote=f"quote {id}", source=source, start=0, end=7, verdict="supported")


def source(id: str) -> ReportSource:
    """A source at an address that ends with its id."""
    return ReportSource(id=id, url=f"file:///{id}", title=id, path=id, label="public")


MADE = Report(
    run="r1",
    status="partial",
    exit_code=3,
    question="Q?",
    mode=Mode(name="hybrid", scores=(), reasons=()),
    analyst="extractive",
    notice="",
    answer="First. Second.",
    sentences=(
        ReportSentence(text="First.", findings=("f3",), verdict="unsupported"),
        ReportSentence(text="Second.", findings=("f1", "f3"), verdict="supported"),
        ReportSentence(text="Below.", findings=("f2",), section="Part"),
    ),
    findings=(finding("f1", "s1"), finding("f2", "s2"), finding("f3", "s3"), finding("f4", "s4")),
    sources=(source("s1"), source("s2"), source("s3"), source("s4")),
    branches=(),
    not_found=(),
    skipped=(Skipped(what="branch 1", why="no budget"), Skipped(what="page 2", why="too large")),
    disagreements=(Disagreement(about="the year", findings=("f1", "f4")),),
    usage=UsageFacts(tokens=7, usd=None, calls=3, seconds=1.5),
)
"""``f4`` is cited by a disagreement alone, ``f2`` by a section alone, and ``s3`` is no document of the case."""


def outcome_of_made(**changes: Any) -> Outcome:
    """The outcome of the report above with changes; the case has all its sources but ``s3``."""
    ids = {f"file:///{id}": f"document {id}" for id in ("s1", "s2", "s4")}
    return outcome_of(msgspec.structs.replace(MADE, **changes), {"c": Shelved(corpus=None, ids=ids)})  # type: ignore[arg-type]


def test_sentences_keep_their_place_verdict_and_citations() -> None:
    """The sentences of a section are no answer, and a citation is the place of its finding."""
    assert outcome_of_made().sentences == (
        CitedSentence(text="First.", citations=(2,), answer=True, verdict="unsupported"),
        CitedSentence(text="Second.", citations=(0, 2), answer=True, verdict="supported"),
        CitedSentence(text="Below.", citations=(1,), answer=False),
    )


def test_the_ranking_is_what_sentences_cite() -> None:
    """In reading order, without what only a disagreement cites and without what is no document of the case."""
    outcome = outcome_of_made()
    assert outcome.ranked == ("document s1", "document s2")
    assert [one.document for one in outcome.citations] == ["document s1", "document s2", "", "document s4"]
    assert outcome.citations[3].quote == "quote f4"


def test_only_a_cited_sentence_of_the_answer_is_no_abstention() -> None:
    """A section below that cites something does not make an answer of sentences that cite nothing."""
    assert outcome_of_made().abstained is False
    bare = ReportSentence(text="Nothing was found.")
    assert outcome_of_made(sentences=(bare, MADE.sentences[2])).abstained is True


def test_losses_and_an_unknown_price_are_told() -> None:
    """Every loss is named, and money that is not known is not 0."""
    outcome = outcome_of_made()
    assert outcome.skipped == ("branch 1: no budget", "page 2: too large")
    assert outcome.usage == Usage(tokens=7, nano_usd=None, calls=3, seconds=1.5)
    priced = outcome_of_made(usage=msgspec.structs.replace(MADE.usage, usd=0.25)).usage
    assert priced is not None and priced.nano_usd == 250_000_000
    assert (outcome.status, outcome.mode, outcome.run) == ("partial", "hybrid", "r1")


async def test_a_run_without_a_working_branch_is_a_failed_case(tmp_path: Path) -> None:
    """A report that failed is no outcome: it raises, so that nothing is scored on it."""
    user = settings(tmp_path / "user")
    (outcome,) = await answers("extractive", tmp_path, user.options(), ASKED)
    report = app.show(outcome.run, msgspec.structs.replace(user, home=tmp_path / "evals"))
    with pytest.raises(EffectFailed, match=outcome.run):
        outcome_of(msgspec.structs.replace(report, status="failed"), {})


async def test_a_corpus_that_the_suite_lacks_is_a_fault(tmp_path: Path) -> None:
    """A question can only name corpora that were loaded."""
    with pytest.raises(UsageFault, match="no documents"):
        await answers(
            "extractive", tmp_path, settings(tmp_path / "user").options(), Question(text="Why?", corpora=("other",))
        )
