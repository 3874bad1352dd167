"""The in-process fakes keep the contracts of the ports they stand in for."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from research.budget import Amount
from research.errors import EffectFailed, SourceDamaged, StoreProblem
from research.ports import Clock, Intent, Outcome, Page
from research.records import Hit
from research.requests import FetchRequest, Message, ModelReply, ModelRequest
from tools.fakes.scripted import (
    ManualClock,
    MemoryJournal,
    MemoryLibrary,
    MemoryRecords,
    ScriptedFetch,
    ScriptedModel,
    ScriptedSearch,
    replied,
)

REQUEST = ModelRequest(model="m", role="reader", messages=(Message(role="user", content="hi"),), max_tokens=9)


async def test_sleepers_wake_in_the_order_of_their_hours() -> None:
    """Virtual time passes in the order of what is due, whoever went to sleep first, and takes no real time."""
    clock, woken = ManualClock(), list[tuple[str, float]]()
    assert isinstance(clock, Clock)
    nap = clock.sleep

    async def sleeper(name: str, *naps: float) -> None:
        for seconds in naps:
            await nap(seconds)
            woken.append((name, clock.monotonic()))

    begun = asyncio.get_running_loop().time()
    await asyncio.gather(sleeper("long", 3600), sleeper("twice", 1, 1), sleeper("none", 0))
    assert woken == [("none", 0), ("twice", 1), ("twice", 2), ("long", 3600)]
    assert asyncio.get_running_loop().time() - begun < 1
    assert clock.now() == "2026-01-01T01:00:00Z"


async def test_a_cancelled_sleeper_holds_nobody_up() -> None:
    """Who is cancelled while asleep is gone; the others still wake."""
    clock = ManualClock()
    nap = clock.sleep
    first, second = asyncio.create_task(nap(1)), asyncio.create_task(nap(2))
    await asyncio.wait([first, second], timeout=0)
    first.cancel()
    await second
    assert clock.monotonic() == 2


async def test_a_model_follows_its_script_and_then_fails() -> None:
    """Replies, failures and functions are served in order; after the last the model fails and never repeats."""
    model = ScriptedModel([replied({"n": 1}), EffectFailed("down"), lambda r: ModelReply(text=r.role, stop="end")])
    assert (await model.complete(REQUEST, max_tokens=5, timeout=None)).data == {"n": 1}
    with pytest.raises(EffectFailed, match="down"):
        await model.complete(REQUEST, max_tokens=6, timeout=None)
    assert (await model.complete(REQUEST, max_tokens=7, timeout=None)).text == "reader"
    with pytest.raises(EffectFailed, match="no answer number 4"):
        await model.complete(REQUEST, max_tokens=8, timeout=None)
    assert model.limits == [5, 6, 7, 8]
    assert model.count(REQUEST) > 2


async def test_search_and_fetch_answer_from_their_tables() -> None:
    """A known query gets its first hits, an unknown one none; a known page is returned, an unknown one fails."""
    hits = [Hit(handle=f"h-{n}", title="t", score=1.0, url=f"http://x/{n}") for n in range(3)]
    search = ScriptedSearch({"q": hits, "broken": EffectFailed("down")})
    assert await search.search("q", 2, timeout=None) == hits[:2]
    assert await search.search("other", 2, timeout=None) == []
    with pytest.raises(EffectFailed):
        await search.search("broken", 2, timeout=None)
    page = Page(url="http://x/1", title="t", text="text")
    fetch = ScriptedFetch({page.url: page})
    assert await fetch.fetch(FetchRequest(handle="h-1", url=page.url), timeout=None) == page
    with pytest.raises(EffectFailed, match="404"):
        await fetch.fetch(FetchRequest(handle="h-2", url="http://x/2"), timeout=None)


async def test_the_journal_keeps_rows_in_order() -> None:
    """An intent is a row without an outcome until it is concluded."""
    journal = MemoryJournal("r")
    facts: dict[str, Any] = {
        "run": "r",
        "branch": "b",
        "kind": "model",
        "key": "k",
        "occurrence": 0,
        "attempt": 1,
        "elapsed": 0.0,
    }
    intent = Intent(**facts, bound=Amount(tokens=9), request="{}")
    first, second = await journal.intend(intent), await journal.intend(intent)
    outcome = Outcome(status="answered", payload="{}", charged=Amount(tokens=3), elapsed=1.0)
    await journal.conclude(second, outcome)
    assert [(row.seq, row.outcome) for row in await journal.entries()] == [(first, None), (second, outcome)]
    await journal.finish("done", 0, 1.0)
    assert journal.finished == ("done", 0, 1.0)


async def test_the_library_addresses_clean_texts_by_content() -> None:
    """The stored text is the normalised one, its id its hash; the same text is one source, whatever page it was on."""
    library = MemoryLibrary()
    source = await library.keep(Page(url="a", title="A", text="\ufeffone\r\ntwo\x00\u202e"), "public")
    again = await library.keep(Page(url="b", title="B", text="one\ntwo"), "public")
    assert await library.text(source.id) == "one\ntwo"
    assert source.id == hashlib.sha256(b"one\ntwo").hexdigest() == again.id
    assert await library.source(source.id) == again
    assert await library.source(source.id, "a") == source
    with pytest.raises(SourceDamaged):
        await library.text("0" * 64)
    library.texts[source.id] = "changed"
    with pytest.raises(SourceDamaged, match="damaged"):
        await library.text(source.id)


async def test_records_are_kept_once_and_come_back_as_json() -> None:
    """Storing a record again changes nothing, and one that was never stored is an error."""
    records = MemoryRecords()
    hit = Hit(handle="h-1", title="t", score=1.0)
    await records.put([("hit", "h-1", hit)])
    await records.put([("hit", "h-1", Hit(handle="h-1", title="other", score=2.0))])
    stored = await records.get("hit", "h-1")
    assert isinstance(stored, dict)
    assert stored["title"] == "t"
    assert await records.every("hit") == [stored]
    with pytest.raises(StoreProblem):
        await records.get("plan", "h-1")
