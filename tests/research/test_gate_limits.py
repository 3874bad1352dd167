"""The gate's limits: how many calls at once, when time ends, what earlier lives spent, and how soon it stops."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from research.budget import Amount, Budget, Caps
from research.cancellation import Stopping
from research.effects import ModelEffect, SearchEffect
from research.errors import BranchCancelled, EffectFailed, OutOfBudget, StoreProblem
from research.gate import Gate
from research.ports import Clock, Entry, Intent, Outcome, Search
from research.records import Hit
from research.requests import HitsReply, Message, ModelReply, ModelRequest, Reply, SearchRequest, TokenCount
from tools.clock import SystemClock
from tools.fakes.scripted import ManualClock, MemoryJournal, ScriptedModel, ScriptedSearch

HIT = Hit(handle="h-1", title="T", score=1.0, url="https://a.example/")
FOUND = HitsReply(hits=(HIT,))
REQUEST = ModelRequest(
    model="scripted:model", role="reader", messages=(Message(role="user", content="a"),), max_tokens=100
)
ANSWER = ModelReply(text="yes", stop="end", usage=TokenCount(prompt=10, completion=5))
NO_CAPS = Caps()


def gate(
    *, caps: Caps = NO_CAPS, clock: Clock | None = None, entries: Sequence[Entry] = (), concurrency: int = 8
) -> Gate:
    """Return a gate over a new journal in memory."""
    return Gate(
        journal=MemoryJournal(),
        clock=clock or ManualClock(),
        caps=caps,
        entries=entries,
        concurrency=concurrency,
    )


async def search(
    through: Gate, provider: Search, query: str = "q", branch: str = "b", budget: Budget | None = None
) -> Reply:
    effect = SearchEffect(SearchRequest(provider="scripted", query=query), provider)
    return await through.call(effect, branch=branch, budget=budget or through.root)


def row(seq: int, branch: str) -> Entry:
    """Return an answered search of an earlier life."""
    intent = Intent(
        run="run-1",
        branch=branch,
        kind="search",
        key=f"key-{seq}",
        occurrence=0,
        attempt=1,
        bound=Amount(calls=1),
        elapsed=0.0,
        request="{}",
    )
    return Entry(
        seq=seq,
        intent=intent,
        outcome=Outcome(status="answered", payload='{"hits":[]}', charged=Amount(calls=1), elapsed=1.0),
    )


async def turns(number: int) -> None:
    """Give every other task ``number`` chances to go on."""
    for _ in range(number):
        passed = asyncio.Event()
        asyncio.get_running_loop().call_soon(passed.set)
        await passed.wait()


class Counting(ScriptedSearch):
    """A search that counts how many of its calls are under way."""

    active = 0
    most = 0

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        self.active += 1
        self.most = max(self.most, self.active)
        await turns(20)
        self.active -= 1
        return [HIT]


async def test_no_more_calls_fly_than_there_are_slots() -> None:
    """Twenty calls through two slots: two at a time, and all are answered."""
    web, through = Counting({}), gate(concurrency=2)
    answers = await asyncio.gather(*(search(through, web, f"q{number}") for number in range(20)))
    assert web.most == 2
    assert answers == [FOUND] * 20


class Hanging(ScriptedModel):
    """A model that never answers."""

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        self.asked.append(request)
        await asyncio.Event().wait()
        return ANSWER


async def test_a_call_that_hangs_is_cut_off_by_the_deadline_of_real_time() -> None:
    """It ends as out of budget for seconds, and is charged at its bound: the far side may have done the work."""
    through, model = gate(caps=Caps(seconds=0.05), clock=SystemClock()), Hanging()
    async with asyncio.timeout(10):
        with pytest.raises(OutOfBudget) as caught:
            await through.call(ModelEffect(REQUEST, model), branch="b", budget=through.root)
    assert caught.value.currency == "seconds"
    assert len(model.asked) == 1
    assert through.root.spent == Amount(tokens=model.count(REQUEST) + 100, calls=1)
    assert through.root.held == Amount()


async def test_a_refusal_for_time_is_not_replayed_to_a_life_that_has_time() -> None:
    """Time is given anew by a resume with a larger cap, so what was refused for it is asked again."""
    clock, journal = ManualClock(), MemoryJournal()
    first = Gate(journal=journal, clock=clock, caps=Caps(seconds=10.0))
    clock.advance(10.5)
    web = ScriptedSearch({"q": [HIT]})
    with pytest.raises(OutOfBudget):
        await search(first, web)
    assert journal.rows[0].outcome is not None
    assert journal.rows[0].outcome.status == "refused"
    assert await search(gate(caps=Caps(seconds=100.0), entries=journal.rows), web) == FOUND


async def test_a_branch_goes_on_with_what_an_earlier_life_left_it() -> None:
    """Three of four calls were spent before the crash: one is left, and the next is refused."""
    through = gate(entries=[row(number, "b") for number in range(3)])
    budget, web = through.open("b", Caps(calls=4), opened=0.0), ScriptedSearch({"q": [HIT]})
    assert budget.left().calls == 1
    assert await search(through, web, budget=budget) == FOUND
    with pytest.raises(OutOfBudget) as caught:
        await search(through, web, "another", budget=budget)
    assert caught.value.currency == "calls"
    assert web.asked == ["q"]


async def test_what_another_branch_spent_before_is_not_counted_twice() -> None:
    """The run's cap holds the earlier lives of all branches, a branch's cap its own alone."""
    through = gate(caps=Caps(calls=10), entries=[row(0, "a"), row(1, "a"), row(2, "b")])
    assert through.root.left().calls == 7
    assert through.open("a", Caps(calls=4), opened=0.0).left().calls == 2
    assert through.open("b", Caps(calls=4), opened=0.0).left().calls == 3
    assert through.root.left().calls == 2


async def test_a_resumed_branch_keeps_its_deadline() -> None:
    """The deadline counts from when the branch began, in the run's own seconds, and never passes the run's."""
    through = Gate(journal=MemoryJournal(), clock=ManualClock(), caps=Caps(seconds=60.0), before=50.0)
    assert through.elapsed() == 50.0
    assert through.open("early", Caps(seconds=10.0), opened=45.0).deadline() == 55.0
    assert through.open("late", Caps(seconds=10.0), opened=55.0).deadline() == 60.0
    over = through.open("over", Caps(seconds=10.0), opened=40.0)
    with pytest.raises(OutOfBudget) as caught:
        await search(through, ScriptedSearch({"q": [HIT]}), branch="over", budget=over)
    assert caught.value.currency == "seconds"


class Late(ScriptedSearch):
    """A search whose first answer comes after ten seconds, too late; later ones come at once."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__({"q": [HIT]})
        self._clock = clock

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        found = await super().search(query, limit, timeout=timeout)
        if len(self.asked) == 1:
            self._clock.advance(10.0)
            raise EffectFailed("no answer within 10 s", charged=True)
        return found


@pytest.mark.parametrize("at_once", [True, False])
async def test_one_branch_s_deadline_fails_no_call_of_another_branch(at_once: bool) -> None:
    """The branch with time left sends the call again, whether it waited for the first or comes later."""
    clock = ManualClock()
    through, web = gate(clock=clock), Late(clock)
    short = through.open("short", Caps(seconds=10.0), opened=0.0)
    long = through.open("long", Caps(seconds=100.0), opened=0.0)
    asked = [search(through, web, branch="short", budget=short), search(through, web, branch="long", budget=long)]
    if at_once:
        ended = await asyncio.gather(*asked, return_exceptions=True)
    else:
        ended = [(await asyncio.gather(call, return_exceptions=True))[0] for call in asked]
    assert isinstance(ended[0], OutOfBudget)
    assert ended[1] == FOUND


async def test_a_call_cut_off_by_a_deadline_is_asked_again_in_the_next_life() -> None:
    """What one life's time cut off is no fact about the world either."""
    clock, journal = ManualClock(), MemoryJournal()
    first, web = Gate(journal=journal, clock=clock, caps=Caps(seconds=10.0)), Late(clock)
    with pytest.raises(OutOfBudget):
        await search(first, web)
    assert await search(gate(caps=Caps(seconds=100.0), entries=journal.rows), web) == FOUND


class Standing(ManualClock):
    """A clock on which a sleep never ends by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.asleep.set()
        await asyncio.Event().wait()


@pytest.mark.parametrize("drained", [True, False])
async def test_stopping_ends_a_pause_at_once(drained: bool) -> None:
    """A minute's Retry-After is not waited out once the run was asked to stop, and the call is not sent again."""
    clock = Standing()
    through = gate(clock=clock)
    web = ScriptedSearch({"q": EffectFailed("429", retryable=True, retry_after=60.0)})
    asked = asyncio.create_task(search(through, web))
    async with asyncio.timeout(10):
        await clock.asleep.wait()
        if drained:
            await through.drain()
        else:
            through.stop()
        with pytest.raises(Stopping):
            await asked
    assert clock.slept == [60.0]
    assert web.asked == ["q"]
    assert through.in_flight() == 0


class Breaking(ScriptedSearch):
    """A search that fails, as one does whose connection breaks, when it is told to."""

    def __init__(self) -> None:
        super().__init__({})
        self.begun, self.failing = asyncio.Event(), asyncio.Event()

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        self.begun.set()
        await self.failing.wait()
        raise EffectFailed("the connection broke", retryable=True)


async def test_no_other_try_is_announced_by_a_run_that_is_stopping() -> None:
    """What fails after the first Ctrl-C is not tried again, and nobody is told that it will be."""
    told: list[str] = []
    clock = ManualClock()
    through = Gate(journal=MemoryJournal(), clock=clock, caps=NO_CAPS, listen=lambda event: told.append(event.kind))
    web = Breaking()
    asked = asyncio.create_task(search(through, web))
    await web.begun.wait()
    through.stop()
    web.failing.set()
    with pytest.raises(Stopping):
        await asked
    assert "call.failed" in told
    assert "call.retried" not in told


class Slow(MemoryJournal):
    """A journal whose disk takes ``seconds`` of a clock for each row before a call."""

    def __init__(self, clock: ManualClock, seconds: float) -> None:
        super().__init__()
        self._clock = clock
        self._seconds = seconds

    async def intend(self, intent: Intent) -> int:
        self._clock.advance(self._seconds)
        return await super().intend(intent)


async def test_a_deadline_that_comes_while_the_row_is_written_costs_nothing() -> None:
    """Nothing was sent, so the row gets a refusal as its outcome: a later life does not charge it at its bound."""
    clock = ManualClock()
    journal = Slow(clock, 9.0)
    through = Gate(journal=journal, clock=clock, caps=Caps(seconds=5.0))
    web = ScriptedSearch({"q": [HIT]})
    with pytest.raises(OutOfBudget, match="time is used up"):
        await search(through, web)
    assert web.asked == []
    (only,) = journal.rows
    assert only.outcome is not None
    assert (only.outcome.status, only.outcome.charged, through.root.spent) == ("refused", Amount(), Amount())


async def test_seconds_and_spans_do_not_go_back_with_an_earlier_row() -> None:
    """Calls at once end in any order: run and branch last from the first row to the latest, wherever that stands."""
    late, early = row(1, "b"), row(2, "b")
    late = msgspec.structs.replace(late, outcome=msgspec.structs.replace(late.outcome, elapsed=9.0))
    through = gate(entries=(late, early))
    assert through.elapsed() == 9.0
    assert through.usage("b").seconds == 9.0


async def test_the_seconds_of_a_run_are_the_longer_of_its_row_and_its_calls() -> None:
    """Where the run was killed its row may be older than its last call; where it was left, the other way round."""
    for before, seconds in ((0.25, 1.0), (4.0, 4.0)):
        through = Gate(
            journal=MemoryJournal(), clock=ManualClock(), caps=NO_CAPS, entries=(row(1, "b"),), before=before
        )
        assert through.elapsed() == seconds


async def test_cancelling_a_branch_ends_its_pause_at_once() -> None:
    """A minute's Retry-After is not waited out once the branch was cancelled, and the call is not sent again."""
    clock = Standing()
    through = gate(clock=clock)
    web = ScriptedSearch({"q": EffectFailed("429", retryable=True, retry_after=60.0)})
    asked = asyncio.create_task(search(through, web))
    async with asyncio.timeout(10):
        await clock.asleep.wait()
        through.cancel("b")
        with pytest.raises(BranchCancelled):
            await asked
    assert web.asked == ["q"]


class Full(MemoryJournal):
    """A journal that takes rows before calls and none after them."""

    async def conclude(self, seq: int, outcome: Outcome) -> None:
        raise StoreProblem("the disk is full")


async def test_a_call_whose_outcome_could_not_be_written_stays_charged_at_its_bound() -> None:
    """In this life as in the next, which finds the row before it and none after it."""
    journal = Full()
    through = Gate(journal=journal, clock=ManualClock(), caps=Caps(calls=9))
    with pytest.raises(StoreProblem, match="full"):
        await search(through, ScriptedSearch({"q": [HIT]}))
    assert through.root.spent == through.root.held.plus(Amount(calls=1))
    assert Gate(
        journal=MemoryJournal(), clock=ManualClock(), caps=Caps(calls=9), entries=journal.rows
    ).root.spent == Amount(calls=1)
