"""Secrets at the gate: a call that would carry one is never sent, an answer that holds one is recorded without it."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from research.budget import Caps
from research.effects import Effect, FetchEffect, ModelEffect, SearchEffect
from research.errors import EffectFailed
from research.gate import Gate
from research.ports import Entry
from research.records import Event, Hit
from research.requests import FetchRequest, Message, ModelReply, ModelRequest, Reply, SearchRequest, ToolCall
from research.scanner import NO_SECRETS, Scanner
from research.secret import Secret
from tools.fakes.scripted import ManualClock, MemoryJournal, MemoryLibrary, ScriptedFetch, ScriptedModel, ScriptedSearch

KEY = "sk-canary-7Zq/4+b1f0E9d77aaXw"
SCANNER = Scanner({"OPENAI_API_KEY": Secret(KEY)})
HIT = Hit(handle="h-1", title="T", score=1.0, url="https://a.example/")


class Scene:
    """A gate that knows a key, over ports that count what reached them."""

    def __init__(
        self,
        *,
        entries: Sequence[Entry] = (),
        replies: Sequence[ModelReply | EffectFailed] = (),
        scanner: Scanner = SCANNER,
    ) -> None:
        self.journal = MemoryJournal()
        self.events: list[Event] = []
        self.web = ScriptedSearch({"q": [HIT]})
        self.model = ScriptedModel(replies)
        self.fetch = ScriptedFetch({})
        self.gate = Gate(
            journal=self.journal,
            clock=ManualClock(),
            caps=Caps(),
            entries=entries,
            listen=self.events.append,
            rng=random.Random(1),
            scanner=scanner,
        )

    async def call(self, effect: Effect) -> Reply:
        return await self.gate.call(effect, branch="b", budget=self.gate.root)

    async def ask(self, text: str = "a") -> Reply:
        message = Message(role="user", content=text)
        request = ModelRequest(model="scripted:model", role="reader", messages=(message,), max_tokens=100)
        return await self.call(ModelEffect(request, self.model))

    def written(self) -> str:
        """All that the journal and the listener were given."""
        return f"{self.journal.rows} {self.events}"


def carrying(scene: Scene, kind: str, text: str) -> Effect:
    """A call of a kind whose request holds ``text``."""
    if kind == "search":
        return SearchEffect(SearchRequest(provider="p", query=f"why {text}"), scene.web)
    if kind == "fetch":
        request = FetchRequest(handle="h-1", url=f"https://a.example/?q={text}")
        return FetchEffect(request, scene.fetch, MemoryLibrary())
    messages = (Message(role="user", content=text),)
    return ModelEffect(ModelRequest(model="m", role="reader", messages=messages, max_tokens=100), scene.model)


@pytest.mark.parametrize("kind", ["search", "fetch", "model"])
@pytest.mark.parametrize(
    "form", [KEY, KEY[::-1], KEY.encode().hex(), " ".join(KEY)], ids=["plain", "back", "hex", "cut"]
)
async def test_a_call_that_would_carry_a_key_is_refused_recorded_and_free(kind: str, form: str) -> None:
    """It reaches no port, costs nothing, and its row says why without the key; a resume refuses it again."""
    scene = Scene()
    with pytest.raises(EffectFailed, match="holds the value of OPENAI_API_KEY"):
        await scene.call(carrying(scene, kind, form))
    assert [scene.model.asked, scene.web.asked, scene.fetch.asked] == [[], [], []]
    assert scene.gate.usage().calls == 0
    (row,) = scene.journal.rows
    assert row.outcome is not None and row.outcome.status == "failed"
    assert not SCANNER.found(scene.written())
    again = Scene(entries=scene.journal.rows)
    with pytest.raises(EffectFailed, match="holds the value of OPENAI_API_KEY"):
        await again.call(carrying(again, kind, form))


async def test_an_answer_loses_the_key_and_keeps_the_rest() -> None:
    """Text, parsed data and the arguments of tools are cleaned before they are recorded or returned."""
    reply = ModelReply(
        text=f"The wall is 4 m high. {KEY}",
        stop="end",
        data={"height": 4, "note": KEY.encode().hex(), KEY: ["x"]},
        tool_calls=(ToolCall(id="1", name="search", arguments={"query": f"walls {KEY[::-1]}"}),),
    )
    scene = Scene(replies=[reply])
    got = await scene.ask()
    assert isinstance(got, ModelReply)
    assert got.text == "The wall is 4 m high. [secret]"
    assert got.data["height"] == 4
    assert got.tool_calls[0].arguments == {"query": "walls [secret]"}
    assert not SCANNER.found(scene.written())


async def test_an_answer_that_splits_the_key_over_its_fields_is_dropped() -> None:
    """What cannot be cleaned is a failure that was paid for."""
    scene = Scene(replies=[ModelReply(text="x", stop="end", data=[KEY[:9], KEY[9:]])])
    with pytest.raises(EffectFailed, match="was dropped"):
        await scene.ask()
    assert not SCANNER.found(scene.written())


async def test_a_failure_is_told_without_the_key_that_it_quotes() -> None:
    """Providers quote the key that they refuse."""
    scene = Scene(replies=[EffectFailed(f"Incorrect API key provided: {KEY}")])
    with pytest.raises(EffectFailed) as failure:
        await scene.ask()
    assert str(failure.value) == "Incorrect API key provided: [secret]"
    assert not SCANNER.found(scene.written())


async def test_an_answer_recorded_before_the_key_was_known_is_returned_without_it() -> None:
    """A life with other keys may have recorded what is a secret now."""
    before = Scene(replies=[ModelReply(text=f"as {KEY} says", stop="end")], scanner=NO_SECRETS)
    await before.ask()
    after = Scene(entries=before.journal.rows)
    got = await after.ask()
    assert isinstance(got, ModelReply) and got.text == "as [secret] says"


async def test_what_holds_no_key_passes_unchanged() -> None:
    """Nothing else is touched."""
    reply = ModelReply(text="sk-canary is a name; [secret] is a word", stop="end", data={"a": [1, None]})
    scene = Scene(replies=[reply])
    got = await scene.ask("What is sk-canary?")
    assert isinstance(got, ModelReply) and (got.text, got.data) == (reply.text, reply.data)
