"""The systems that stop a run half-way and resume it: real stops over real stores, and what they would notice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from scene import DOCUMENTS, QUESTION

from evals.records import Document, Outcome
from research import app
from research.app.systems import open_system
from research.app.systems.resuming import PlayedModel, call_changes, calls_of, report_changes
from research.budget import Amount
from research.errors import EffectFailed
from research.options import RunOptions
from research.ports import Entry
from research.records import Question, build, encode
from research.report import UsageFacts
from research.requests import ModelReply, ModelRequest, request_key
from research.settings import Settings, load
from tools.fakes.openai_server import OpenAIServer
from tools.fakes.scripted import ScriptedModel

NOTES = tuple(Document(id=f"note {name}", text=text, suffix=".md") for name, text in DOCUMENTS.items())
ASKED = Question(text=QUESTION, corpora=("the notes",))


def settings(home: Path) -> Settings:
    """Settings with nothing of the user's, over ``home``."""
    return load({"home": str(home), "embedder": "hashing"}, {})


async def answer(name: str, tmp_path: Path, options: RunOptions) -> Outcome:
    """What the system ``name`` makes of the one question, its runs in ``tmp_path/evals``."""
    user, home = settings(tmp_path / "user"), tmp_path / "evals"
    async with open_system(name, {"the notes": NOTES}, user, options, home=home, say=lambda line: None) as system:
        return await system(ASKED)


async def both(tmp_path: Path, outcome: Outcome) -> tuple[Sequence[Entry], Sequence[Entry]]:
    """The calls of the undisturbed run and those of the other run, which was taken over once."""
    own = settings(tmp_path / "evals")
    (other,) = [row for row in app.runs(own) if row.id != outcome.run]
    assert (other.status, other.fence) == ("done", 2)
    return await calls_of(outcome.run, own), await calls_of(other.id, own)


async def test_a_run_without_a_model_is_stopped_half_way_and_resumed(tmp_path: Path) -> None:
    """A second run is left after half of its calls and finished by another life, with the same calls and report."""
    outcome = await answer("extractive-resumed", tmp_path, settings(tmp_path).options())
    assert outcome.resumed == "" and outcome.answer
    calm, stopped = await both(tmp_path, outcome)
    assert len(calm) > 1
    assert sorted(entry.intent.key for entry in calm) == sorted(entry.intent.key for entry in stopped)


async def test_a_run_with_a_model_pays_for_nothing_by_being_resumed(tmp_path: Path) -> None:
    """The stopped run's model is played from the journal: the server is asked no more than once for each call."""
    async with OpenAIServer() as server:
        options = msgspec.structs.replace(
            settings(tmp_path).options(), model="openai:persona", base_url=server.base_url
        )
        outcome = await answer("workflow-resumed", tmp_path, options)
        received = len(server.requests)
    assert outcome.resumed == ""
    calm, stopped = await both(tmp_path, outcome)
    asked = [entry for entry in calm if entry.intent.kind == "model"]
    assert received == len(asked) > 3
    assert len(stopped) == len(calm)


async def entries(tmp_path: Path) -> tuple[Sequence[Entry], UsageFacts]:
    """The calls of a finished run, and the usage its report tells."""
    outcome = await answer("extractive", tmp_path, settings(tmp_path).options())
    own = settings(tmp_path / "evals")
    return await calls_of(outcome.run, own), app.show(outcome.run, own).usage


async def test_a_call_paid_twice_is_noticed(tmp_path: Path) -> None:
    """A second answer to one request is named, and so is what it cost beyond the undisturbed run."""
    calm, told = await entries(tmp_path)
    assert call_changes(calm, calm, told) == []
    doubled = [*calm, msgspec.structs.replace(calm[0], seq=calm[-1].seq + 1)]
    assert call_changes(calm, doubled, msgspec.structs.replace(told, calls=told.calls + 1)) == [
        "1 of its calls, paid twice",
        f"what was paid: {len(calm)} answers for 0 tokens and $0.00 undisturbed, "
        f"{len(calm) + 1} answers for 0 tokens and $0.00 resumed",
    ]


async def test_usage_that_the_rows_do_not_bear_out_is_noticed(tmp_path: Path) -> None:
    """A report that forgets what an earlier life spent is named, though the calls are the same."""
    calm, told = await entries(tmp_path)
    (change,) = call_changes(calm, calm, msgspec.structs.replace(told, calls=told.calls - 1))
    assert change.startswith("the usage it tells")
    assert calm[0].outcome is not None
    spent = msgspec.structs.replace(calm[0].outcome, charged=Amount(tokens=9, calls=1))
    (paid, said) = call_changes(calm, [msgspec.structs.replace(calm[0], outcome=spent), *calm[1:]], told)
    assert "for 9 tokens" in paid and said.startswith("the usage it tells")


async def test_a_report_that_differs_is_noticed(tmp_path: Path) -> None:
    """Each field that differs is named; the run's name and its times are no difference."""
    outcome = await answer("extractive", tmp_path, settings(tmp_path).options())
    report = app.show(outcome.run, settings(tmp_path / "evals"))
    seconds = msgspec.structs.replace(report.usage, seconds=99.0)
    sources = tuple(msgspec.structs.replace(source, retrieved="later") for source in report.sources)
    other = msgspec.structs.replace(report, run="another", usage=seconds, sources=sources)
    assert sources and report_changes(report, other) == []
    changed = msgspec.structs.replace(report, answer="Something else.", status="partial", sources=())
    assert report_changes(report, changed) == ["the report's status", "the report's answer", "the report's sources"]


def request(words: str) -> ModelRequest:
    """A request to the reader."""
    return ModelRequest(model="m", role="reader", messages=(), max_tokens=10, schema={"title": words})


async def test_a_played_model_says_what_was_said_and_nothing_else() -> None:
    """A recorded failure fails again, then the recorded answer comes, and it stays; an unknown request fails."""
    model = PlayedModel(ScriptedModel(), [row("one", "failed"), row("one", "answered"), row("two", "refused")])
    said: list[object] = []
    for words in ("one", "one", "one", "two"):
        try:
            said.append((await model.complete(request(words), max_tokens=10, timeout=None)).text)
        except EffectFailed as failure:
            said.append((str(failure), failure.retryable))
    unknown = "the undisturbed run did not ask the reader this"
    assert said == [("the line broke", True), "what it said", "what it said", (unknown, False)]


def row(words: str, status: str) -> Entry:
    """A row of the reader's call about ``words``."""
    payload = encode({"message": "the line broke", "retryable": True, "currency": ""})
    if status == "answered":
        payload = encode(ModelReply(text="what it said", stop="end"))
    amount = {"tokens": 0, "nano_usd": 0, "calls": 1}
    named = {"run": "r", "branch": "b", "kind": "model", "key": request_key(request(words)), "request": "{}"}
    intent = {**named, "occurrence": 0, "attempt": 1, "bound": amount, "elapsed": 0.0}
    outcome = {"status": status, "payload": payload, "charged": amount, "elapsed": 0.0, "priced": True}
    return build(Entry, {"seq": 1, "intent": intent, "outcome": outcome})
