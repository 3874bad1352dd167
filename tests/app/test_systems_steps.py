"""Single steps as systems: a claim is checked, a question is planned, with and without a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from evals.records import Document, Outcome
from research import app
from research.analysts.support import support
from research.app.systems import open_system
from research.app.systems.checking import PIECE, PIECES, _quotes, centred, coverage
from research.budget import Caps
from research.errors import EffectFailed, OutOfBudget, UsageFault
from research.options import RunOptions
from research.records import Question
from research.settings import Settings, load
from tools.fakes.openai_server import OpenAIServer

BRIDGE = (
    Document(id="s0", text="The Ilvane Bridge spans the river at Orrin."),
    Document(id="s1", text="It was opened in 1874 by the mayor of Orrin."),
    Document(id="s2", text="Sheep graze on the hills around the town."),
)
RIGHT, WRONG = "The Ilvane Bridge spans the river at Orrin.", "It was opened in 1847 by the mayor of Orrin."


def settings(tmp_path: Path) -> Settings:
    """Settings of a user whose home is new."""
    return load({"home": str(tmp_path / "user")}, {})


async def outcomes(
    name: str, tmp_path: Path, options: RunOptions, texts: Sequence[str], corpus: str = "claim 7"
) -> list[Outcome]:
    """What a system makes of texts over the bridge's passages."""
    corpora = {"claim 7": BRIDGE}
    user = settings(tmp_path)
    async with open_system(name, corpora, user, options, home=tmp_path / "evals", say=lambda line: None) as system:
        return [await system(Question(text=text, corpora=(corpus,) if corpus else ())) for text in texts]


async def test_the_support_check_gives_the_verdict_of_a_report(tmp_path: Path) -> None:
    """The verdict is that of the check itself, and its confidence puts the right claim above the wrong one."""
    right, wrong = await outcomes("support", tmp_path, settings(tmp_path).options(), [RIGHT, WRONG])
    texts = [document.text for document in BRIDGE]
    assert (right.verdict, wrong.verdict) == (support(RIGHT, texts), support(WRONG, texts))
    assert (right.verdict, wrong.verdict) == ("supported", "unsupported")
    assert right.confidence is not None and wrong.confidence is not None
    assert 1 >= right.confidence > 0.5 > 0 <= wrong.confidence < right.confidence
    assert right.rationale is not None and right.rationale[0] == "s0"
    assert wrong.rationale is not None and wrong.rationale[0] == "s1"


async def test_the_baseline_counts_words(tmp_path: Path) -> None:
    """Covered words make a claim supported, whatever its numbers say; no shared word makes confidence 0."""
    wrong, strange = await outcomes("coverage", tmp_path, settings(tmp_path).options(), [WRONG, "Tungsten boils."])
    assert wrong.verdict == "supported"
    assert (strange.verdict, strange.confidence, strange.rationale) == ("unsupported", 0.0, ())


def test_coverage_is_the_share_of_content_words() -> None:
    """Two of three content words give two thirds; a claim of function words gives 0, not an error."""
    assert coverage("salt and water boil", ["Salt water."]) == pytest.approx(2 / 3)
    assert coverage("it is what it is", ["it is"]) == 0.0
    assert (centred(0.0), centred(0.65), centred(1.0)) == (0.0, 0.5, 1.0)


async def test_a_claim_without_passages_is_a_fault(tmp_path: Path) -> None:
    """Nothing to check against is not a verdict."""
    with pytest.raises(UsageFault, match="no documents"):
        await outcomes("support", tmp_path, settings(tmp_path).options(), [RIGHT], corpus="other")


async def test_the_model_checks_through_the_gate(tmp_path: Path) -> None:
    """The verdict is the model's, the run is in the eval home with its calls, and usage is told."""
    user = settings(tmp_path)
    script = [{"json": {"verdicts": [{"number": 1, "reason": "a year differs", "verdict": "unsupported"}]}}]
    async with OpenAIServer(script=script) as server:
        options = msgspec.structs.replace(user.options(), model="openai:persona", base_url=server.base_url)
        (outcome,) = await outcomes("model-check", tmp_path, options, [RIGHT])
        prompt = str(server.requests[0]["messages"])
    assert outcome.verdict == "unsupported"
    assert all(document.text in prompt for document in BRIDGE)
    assert outcome.usage.calls == 1 and outcome.usage.tokens > 0
    (row,) = app.runs(msgspec.structs.replace(user, home=tmp_path / "evals"))
    assert (row.id, row.status) == (outcome.run, "done")


async def test_a_model_that_cannot_be_asked_is_a_failed_case(tmp_path: Path) -> None:
    """A server's failure is not the verdict "could not check"."""
    user = settings(tmp_path)
    async with OpenAIServer(every=(1, "quota")) as server:
        options = msgspec.structs.replace(user.options(), model="openai:persona", base_url=server.base_url)
        with pytest.raises(EffectFailed, match="could not be asked"):
            await outcomes("model-check", tmp_path, options, [RIGHT])
    (row,) = app.runs(msgspec.structs.replace(user, home=tmp_path / "evals"))
    assert row.status == "failed"


def test_a_long_passage_is_shown_in_pieces() -> None:
    """Each piece is a span of its passage that the checker is shown whole, and those nearest to the claim are kept."""
    text = " ".join(f"Sentence number {n} is about sheep and hills." for n in range(900)) + " The mill burned."
    quotes = _quotes("The mill burned.", [Document(id="long", text=text)])
    assert len(quotes) == PIECES
    assert all(len(quote.quote) <= PIECE and text[quote.start : quote.end] == quote.quote for quote in quotes)
    assert any("mill burned" in quote.quote for quote in quotes)
    assert [quote.start for quote in quotes] == sorted(quote.start for quote in quotes)


async def test_a_plan_is_made_without_a_search(tmp_path: Path) -> None:
    """Two questions in one become two parts with queries; nothing is called, and no corpus is needed."""
    text = "Who built the Ilvane Bridge? How long is the Orrin Tunnel?"
    options = msgspec.structs.replace(settings(tmp_path).options(), model="openai:persona")
    for corpus in ("claim 7", ""):
        (outcome,) = await outcomes("planner", tmp_path, options, [text], corpus)
        assert outcome.parts is not None and len(outcome.parts) == 2
        assert outcome.queries and outcome.answer is None
        assert outcome.usage.calls == 0


async def test_a_plan_keeps_to_its_branches(tmp_path: Path) -> None:
    """The width of a plan is that of the options."""
    text = "Who built the bridge? How long is the tunnel? Where is the mill? When did the ford close?"
    options = msgspec.structs.replace(settings(tmp_path).options(), branches=2)
    (outcome,) = await outcomes("planner", tmp_path, options, [text])
    assert outcome.parts is not None and len(outcome.parts) == 2


async def test_the_model_plans_through_the_gate(tmp_path: Path) -> None:
    """Parts and queries are the model's, and its one call is counted."""
    user = settings(tmp_path)
    async with OpenAIServer() as server:
        options = msgspec.structs.replace(user.options(), model="openai:persona", base_url=server.base_url)
        (outcome,) = await outcomes("model-planner", tmp_path, options, ["Who built it? How long is it?"])
        assert len(server.requests) == 1
    assert outcome.parts and outcome.queries
    assert outcome.usage.calls == 1 and outcome.usage.tokens > 0 and outcome.skipped == ()


async def test_a_budget_too_small_to_plan_is_refused(tmp_path: Path) -> None:
    """Nothing is sent, and the case fails with the reason."""
    user = settings(tmp_path)
    async with OpenAIServer() as server:
        options = msgspec.structs.replace(
            user.options(), model="openai:persona", base_url=server.base_url, caps=Caps(tokens=100)
        )
        with pytest.raises(OutOfBudget):
            await outcomes("model-planner", tmp_path, options, ["Who built it?"])
        assert server.requests == []
