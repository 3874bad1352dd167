"""Answers of earlier runs at the gate: free, recorded as the run's own, and kept only where they are worth it."""

from __future__ import annotations

import random

import pytest

from research.budget import Amount, Caps
from research.effects import ModelEffect, worth_keeping
from research.errors import EffectFailed, OutOfBudget
from research.gate import Gate
from research.ports import Price
from research.reply_json import fits
from research.report import CacheFacts
from research.requests import Message, ModelReply, ModelRequest, Reply, TokenCount, ToolCall
from tools.fakes.scripted import ManualClock, MemoryJournal, Script, ScriptedModel

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "sizes": {"type": "array", "items": {"type": "integer"}}},
    "required": ["name", "sizes"],
}
WHOLE = ModelReply(text="yes", stop="end", usage=TokenCount(prompt=30, completion=5))


class MemoryAnswers:
    """Answers by request."""

    def __init__(self) -> None:
        self.kept: dict[ModelRequest, ModelReply] = {}
        self.looked = 0

    async def find(self, request: ModelRequest) -> ModelReply | None:
        self.looked += 1
        return next((reply for asked, reply in self.kept.items() if asked == request), None)

    async def keep(self, request: ModelRequest, reply: ModelReply) -> None:
        self.kept[request] = reply


def asking(text: str = "a") -> ModelRequest:
    """A request without a schema, whose hash is that of its values."""
    return ModelRequest(
        model="scripted:model", role="reader", messages=(Message(role="user", content=text),), max_tokens=100
    )


class Scene:
    """One run's gate over answers that several runs share."""

    def __init__(self, answers: MemoryAnswers, *replies: Script, caps: Caps | None = None) -> None:
        self.clock = ManualClock()
        self.journal = MemoryJournal()
        self.model = ScriptedModel(replies, price=Price(prompt=10, completion=20))
        self.gate = Gate(
            journal=self.journal, clock=self.clock, caps=caps or Caps(), rng=random.Random(1), answers=answers
        )

    async def ask(self, text: str = "a") -> Reply:
        return await self.gate.call(ModelEffect(asking(text), self.model), branch="b", budget=self.gate.root)


async def test_a_hit_is_free_and_recorded() -> None:
    """The second run sends nothing, is charged nothing, and has the answer in its own journal."""
    answers = MemoryAnswers()
    first = Scene(answers, WHOLE)
    assert await first.ask() == WHOLE
    second = Scene(answers)
    assert await second.ask() == WHOLE
    assert second.model.asked == []
    assert second.gate.root.spent == Amount()
    assert second.gate.usage().calls == 0 and second.gate.usage().nano_usd == 0
    assert second.gate.cached() == CacheFacts(answered=1, asked=1)
    assert first.gate.cached() == CacheFacts(answered=0, asked=1)
    (entry,) = await second.journal.entries()
    assert entry.outcome is not None and entry.outcome.status == "answered" and entry.intent.bound == Amount()


async def test_a_resumed_run_needs_no_cache() -> None:
    """What was a hit is a recorded answer for the next life, which looks nowhere else and counts it as a hit still."""
    answers = MemoryAnswers()
    await Scene(answers, WHOLE).ask()
    life = Scene(answers)
    await life.ask()
    entries = await life.journal.entries()
    model = ScriptedModel([])
    gate = Gate(journal=MemoryJournal(), clock=ManualClock(), caps=Caps(), entries=entries)
    assert await gate.call(ModelEffect(asking(), model), branch="b", budget=gate.root) == WHOLE
    assert gate.cached() == CacheFacts(answered=1, asked=1) and model.asked == []


async def test_a_hit_needs_no_budget_but_time() -> None:
    """At its cap on calls a run still gets its hits; after its deadline it does not."""
    answers = MemoryAnswers()
    await Scene(answers, WHOLE).ask()
    scene = Scene(answers, WHOLE, caps=Caps(calls=1, seconds=10.0))
    await scene.ask("another")
    assert await scene.ask() == WHOLE
    late = Scene(answers, caps=Caps(seconds=10.0))
    late.clock.advance(11.0)
    with pytest.raises(OutOfBudget, match="time"):
        await late.ask()


@pytest.mark.parametrize(
    "reply",
    [
        EffectFailed("the server said 500"),
        ModelReply(text="half an ans", stop="length"),
        ModelReply(text="I can not", stop="refusal"),
        ModelReply(text="  \n", stop="end"),
    ],
    ids=["an error", "cut", "refused", "empty"],
)
async def test_what_is_of_no_use_is_not_kept(reply: Script) -> None:
    """The next run asks for itself."""
    answers = MemoryAnswers()
    scene = Scene(answers, reply)
    if isinstance(reply, EffectFailed):
        with pytest.raises(EffectFailed):
            await scene.ask()
    else:
        await scene.ask()
    assert answers.kept == {} and answers.looked == 1


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        ({"name": "a", "sizes": [1, 2]}, True),
        ({"name": "a", "sizes": []}, True),
        ({"name": "a"}, False),
        ({"name": 1, "sizes": []}, False),
        ({"name": "a", "sizes": [1, "2"]}, False),
        ({"name": "a", "sizes": [True]}, False),
        ({"name": "a", "sizes": "1"}, False),
        ([], False),
        (None, False),
    ],
)
def test_only_json_of_the_shape_asked_for_is_kept(data: object, kept: bool) -> None:
    """Fields, kinds and items count: an answer that had to be repaired is asked for anew."""
    request = ModelRequest(model="m", role="reader", messages=(), max_tokens=1, schema=SCHEMA)
    assert worth_keeping(request, ModelReply(text="x", stop="end", data=data)) is kept
    assert fits(data, SCHEMA) is kept


def test_a_tool_call_is_an_answer() -> None:
    """A call without text is kept as it is."""
    call = ToolCall(id="1", name="search", arguments={"q": "a"})
    assert worth_keeping(asking(), ModelReply(text="", stop="tools", tool_calls=(call,)))


def test_listed_words_count() -> None:
    """A word that is not in an enumeration does not fit."""
    assert fits("yes", {"type": "string", "enum": ["yes", "no"]})
    assert not fits("maybe", {"type": "string", "enum": ["yes", "no"]})
    assert not fits(0, {"type": "boolean"}) and fits(None, {"type": "null"}) and fits(1, {"type": "number"})
