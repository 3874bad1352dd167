"""The gate under orders: a cancelled branch sends nothing more, its siblings do not notice, a stop says why."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from research.budget import Caps
from research.cancellation import Stopping
from research.effects import SearchEffect
from research.errors import BranchCancelled, EffectFailed
from research.gate import Gate
from research.records import Hit
from research.requests import HitsReply, Reply, SearchRequest
from tools.fakes.scripted import ManualClock, MemoryJournal

HIT = Hit(handle="h-1", title="T", score=1.0, url="https://a.example/")


class Held:
    """A search that tells when it is asked, answers when it may, and fails the first ``failing`` times."""

    name = "held"

    def __init__(self, *, open: bool = True, failing: int = 0) -> None:
        self.asked: list[str] = []
        self.started = asyncio.Event()
        self.may_end = asyncio.Event()
        self._failing = failing
        if open:
            self.may_end.set()

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        self.asked.append(query)
        self.started.set()
        await self.may_end.wait()
        if len(self.asked) <= self._failing:
            raise EffectFailed("busy", retryable=True, retry_after=50.0)
        return [HIT]


class Bench:
    """A gate over memory with one search."""

    def __init__(self, search: Held) -> None:
        self.clock = ManualClock()
        self.journal = MemoryJournal()
        self.search = search
        self.gate = Gate(journal=self.journal, clock=self.clock, caps=Caps(calls=9), entries=())

    async def ask(self, query: str, branch: str) -> Reply:
        effect = SearchEffect(SearchRequest(provider="held", query=query), self.search)
        return await self.gate.call(effect, branch=branch, budget=self.gate.root)


async def test_a_cancelled_branch_sends_nothing_and_its_sibling_does() -> None:
    """The refused call is neither recorded nor charged; the other branch's call goes through."""
    bench = Bench(Held())
    bench.gate.cancel("a")
    with pytest.raises(BranchCancelled, match="cancelled by the user"):
        await bench.ask("q", "a")
    assert (bench.search.asked, bench.journal.rows, bench.gate.root.spent.calls) == ([], [], 0)
    assert isinstance(await bench.ask("q", "b"), HitsReply)


async def test_a_call_in_flight_is_recorded_and_its_answer_used() -> None:
    """Cancelling does not throw away what is being paid for; an answer that is recorded is still given."""
    bench = Bench(Held(open=False))
    call = asyncio.create_task(bench.ask("q", "a"))
    await bench.search.started.wait()
    bench.gate.cancel("a")
    bench.search.may_end.set()
    assert await call == await bench.ask("q", "a") == HitsReply(hits=(HIT,))
    assert len(bench.search.asked) == 1


async def test_a_sibling_that_waits_for_a_cancelled_twin_asks_for_itself() -> None:
    """Two branches want one answer; the one that asked first is cancelled while it waits to try again."""
    bench = Bench(Held(failing=1))
    first = asyncio.create_task(bench.ask("q", "a"))
    await bench.search.started.wait()
    second = asyncio.create_task(bench.ask("q", "b"))
    bench.gate.cancel("a")
    with pytest.raises(BranchCancelled):
        await first
    assert await second == HitsReply(hits=(HIT,))
    assert [row.intent.branch for row in bench.journal.rows] == ["a", "b"]


async def test_a_cancelled_branch_does_not_wait_as_long_as_a_server_asked() -> None:
    """The pause before another attempt ends with the order: no virtual second passes."""
    bench = Bench(Held(failing=1))

    async def cancel_soon() -> None:
        await bench.search.started.wait()
        bench.gate.cancel("a")

    ended, _ = await asyncio.gather(bench.ask("q", "a"), cancel_soon(), return_exceptions=True)
    assert isinstance(ended, BranchCancelled)
    assert len(bench.search.asked) == 1


async def test_orders_are_looked_for_before_each_call_and_the_first_reason_is_told() -> None:
    """What a look finds counts for the very call it was made for."""
    bench = Bench(Held())
    looks: list[int] = []

    async def look() -> None:
        looks.append(len(looks))
        if len(looks) == 2:
            bench.gate.stop("the run was paused")
            bench.gate.stop("the run was cancelled")

    bench.gate.heed(look)
    await bench.ask("one", "a")
    with pytest.raises(Stopping, match="paused"):
        await bench.ask("two", "a")
    assert bench.search.asked == ["one"]


async def test_a_branch_that_is_cancelled_while_its_call_waits_for_a_turn_sends_nothing() -> None:
    """The order is read after the wait and not before it."""
    held = Held(open=False)
    through = Gate(journal=MemoryJournal(), clock=ManualClock(), caps=Caps(calls=9), entries=(), concurrency=1)

    def ask(query: str, branch: str) -> asyncio.Task[Reply]:
        effect = SearchEffect(SearchRequest(provider="held", query=query), held)
        return asyncio.create_task(through.call(effect, branch=branch, budget=through.root))

    first = ask("one", "a")
    await held.started.wait()
    second = ask("two", "b")
    for _ in range(20):
        passed = asyncio.Event()
        asyncio.get_running_loop().call_soon(passed.set)
        await passed.wait()
    through.cancel("b")
    held.may_end.set()
    assert isinstance(await first, HitsReply)
    with pytest.raises(BranchCancelled):
        await second
    assert held.asked == ["one"]


async def test_a_cancel_that_follows_a_pause_is_what_is_told() -> None:
    """A final reason takes the place of an earlier one, and no later one takes its place."""
    bench = Bench(Held())
    bench.gate.stop("paused")
    bench.gate.stop("cancelled", final=True)
    bench.gate.stop("paused again")
    with pytest.raises(Stopping, match=r"^cancelled$"):
        await bench.ask("one", "b")
