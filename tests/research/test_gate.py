"""The gate: reserved before, recorded around, charged after; recorded answers are used again and never sent again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.budget import Amount, Budget, Caps
from research.cancellation import Stopping
from research.effects import FetchEffect, ModelEffect, SearchEffect
from research.errors import EffectFailed, Fatal, OutOfBudget
from research.gate import Gate
from research.ports import Entry, Intent, Page, Price
from research.records import Event, Hit
from research.requests import FetchRequest, Message, ModelReply, ModelRequest, Reply, SearchRequest, TokenCount
from tools.fakes.scripted import (
    ManualClock,
    MemoryJournal,
    MemoryLibrary,
    Script,
    ScriptedFetch,
    ScriptedModel,
    ScriptedSearch,
)

HIT = Hit(handle="h-1", title="T", score=1.0, url="https://a.example/")
NO_CAPS = Caps()
PRICE = Price(prompt=1_000, completion=2_000)


def asking(text: str, max_tokens: int = 100) -> ModelRequest:
    return ModelRequest(
        model="scripted:model", role="reader", messages=(Message(role="user", content=text),), max_tokens=max_tokens
    )


def reply(prompt: int, completion: int) -> ModelReply:
    return ModelReply(text="yes", stop="end", usage=TokenCount(prompt=prompt, completion=completion))


class Slow(ScriptedSearch):
    """A search that says when it was asked and answers when it is told to."""

    def __init__(self, results: dict[str, Sequence[Hit]]) -> None:
        super().__init__(results)
        self.started = asyncio.Event()
        self.may_end = asyncio.Event()

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        self.started.set()
        await self.may_end.wait()
        return [HIT]


class Bench:
    """A gate over memory, with a scripted model and search."""

    def __init__(
        self,
        *,
        caps: Caps = NO_CAPS,
        replies: Sequence[Script] = (),
        entries: Sequence[Entry] = (),
        price: Price | None = PRICE,
        journal: MemoryJournal | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.journal = journal or MemoryJournal()
        self.model = ScriptedModel(replies, price=price)
        self.web: ScriptedSearch = ScriptedSearch({"q": [HIT]})
        self.events: list[Event] = []
        self.gate = Gate(
            journal=self.journal,
            clock=self.clock,
            caps=caps,
            entries=entries,
            listen=self.events.append,
            rng=random.Random(1),
        )

    async def ask(self, text: str, *, max_tokens: int = 100, branch: str = "b", budget: Budget | None = None) -> Reply:
        effect = ModelEffect(asking(text, max_tokens), self.model)
        return await self.gate.call(effect, branch=branch, budget=budget or self.gate.root)

    async def search(self, query: str = "q", branch: str = "b") -> Reply:
        effect = SearchEffect(SearchRequest(provider="scripted", query=query), self.web)
        return await self.gate.call(effect, branch=branch, budget=self.gate.root)


async def test_usage_is_charged_as_reported_and_never_above_the_bound() -> None:
    """Honest usage is charged exactly; missing, zero, negative and absurd usage at the bound."""
    absurd = [
        reply(10, 5),
        ModelReply(text="", stop="end"),
        reply(0, 5),
        reply(10, -1),
        reply(10, 10**9),
        reply(10**9, 1),
    ]
    bench = Bench(replies=absurd)
    spent = []
    for number in range(len(absurd)):
        before = bench.gate.root.spent.tokens
        await bench.ask(f"question {number}")
        spent.append(bench.gate.root.spent.tokens - before)
    bound = bench.model.count(asking("question 0")) + 100
    assert spent == [15, bound, bound, bound, bound, bound]


async def test_max_tokens_is_lowered_to_what_is_left_and_then_refused() -> None:
    """A call gets what the budget has; with less than a useful answer left it is not sent."""
    prompt = Bench().model.count(asking("a", 1_000))
    bench = Bench(caps=Caps(tokens=2 * prompt + 300), replies=[reply(prompt, 200), reply(prompt, 1)])
    await bench.ask("a", max_tokens=1_000)
    assert bench.model.limits == [prompt + 300]
    with pytest.raises(OutOfBudget, match="needs at least"):
        await bench.ask("b" * 200, max_tokens=1_000)
    assert len(bench.model.asked) == 1
    assert bench.journal.rows[-1].outcome is not None
    assert bench.journal.rows[-1].outcome.status == "refused"


async def test_money_is_a_wall_too() -> None:
    """The bound is priced, and max_tokens is lowered until it fits what is left."""
    prompt = Bench().model.count(asking("a", 1_000))
    bench = Bench(caps=Caps(nano_usd=prompt * 1_000 + 100 * 2_000), replies=[reply(prompt, 100)])
    await bench.ask("a", max_tokens=1_000)
    assert bench.model.limits == [100]
    assert bench.gate.root.spent.nano_usd == prompt * 1_000 + 100 * 2_000
    with pytest.raises(OutOfBudget) as caught:
        await bench.ask("b")
    assert caught.value.currency == "usd"


async def test_an_unknown_price_is_said() -> None:
    """Without a price the money of the run is unknown, and not zero."""
    bench = Bench(replies=[reply(10, 5)], price=None)
    await bench.ask("a")
    assert bench.gate.usage().nano_usd is None


async def test_the_same_request_is_paid_once_by_twins_and_later_askers() -> None:
    """Two branches that ask at the same moment get one call's answer, and so does a third one later."""
    bench = Bench()
    answers = await asyncio.gather(bench.search(branch="a"), bench.search(branch="b"))
    assert answers[0] == answers[1] == await bench.search(branch="c")
    assert bench.web.asked == ["q"]
    assert bench.gate.usage().calls == 1


async def test_a_resumed_run_uses_recorded_answers_and_pays_only_for_new_ones() -> None:
    """After a crash the recorded answer comes back unsent, at its recorded cost."""
    first = Bench(replies=[reply(10, 5)])
    answer = await first.ask("a")
    second = Bench(replies=[reply(10, 7)], entries=await first.journal.entries(), journal=first.journal)
    assert await second.ask("a") == answer
    assert second.model.asked == []
    await second.ask("b")
    assert second.gate.root.spent.tokens == 15 + 17


async def test_a_call_in_flight_at_the_crash_stays_charged_and_is_sent_again() -> None:
    """An intent without outcome costs its bound, and the request may be sent once more within what is left."""
    intent = Intent(
        run="run-1", branch="b", kind="search", key="k", occurrence=0, attempt=1, bound=Amount(calls=1), elapsed=3.0,
        request="{}",
    )  # fmt: skip
    bench = Bench(caps=Caps(calls=2), entries=[Entry(seq=0, intent=intent, outcome=None)])
    await bench.search()
    with pytest.raises(OutOfBudget):
        await bench.search("another")
    assert bench.gate.elapsed() == 3.0


async def test_a_refusal_is_replayed_to_the_branch_that_got_it() -> None:
    """A resumed branch is refused again where it was refused, so that it takes the same path."""
    first = Bench(caps=Caps(calls=0))
    with pytest.raises(OutOfBudget):
        await first.search()
    second = Bench(caps=Caps(calls=5), entries=await first.journal.entries(), journal=first.journal)
    with pytest.raises(OutOfBudget):
        await second.search()
    await second.search(branch="other")
    assert second.web.asked == ["q"]


async def test_passing_failures_are_retried_as_the_far_side_asks() -> None:
    """A rate limit waits for its Retry-After, a broken connection backs off; each attempt is a call."""
    failures: list[Script] = [
        EffectFailed("429", retryable=True, retry_after=7.0),
        EffectFailed("connection reset", retryable=True),
        reply(10, 5),
    ]
    bench = Bench(replies=failures)
    await bench.ask("a")
    assert bench.clock.slept[0] == 7.0
    assert 1.0 <= bench.clock.slept[1] <= 2.0
    assert bench.gate.usage().calls == 3
    assert bench.gate.usage().tokens == 15


async def test_a_failure_that_will_not_pass_is_not_retried() -> None:
    """A wrong key is one call, and the next life of the run may try again."""
    bench = Bench(replies=[EffectFailed("401"), reply(10, 5)])
    with pytest.raises(EffectFailed, match="401"):
        await bench.ask("a")
    assert bench.clock.slept == []
    again = Bench(replies=[reply(10, 5)], entries=await bench.journal.entries())
    assert await again.ask("a") == reply(10, 5)


async def test_a_missing_page_is_remembered_across_lives() -> None:
    """A page that was gone is part of what the run saw: it is not asked for again."""
    bench = Bench()
    fetch = ScriptedFetch({})
    effect = FetchEffect(FetchRequest(handle="h-1", url="https://a.example/"), fetch, MemoryLibrary())
    with pytest.raises(EffectFailed, match="404"):
        await bench.gate.call(effect, branch="b", budget=bench.gate.root)
    again = Bench(entries=await bench.journal.entries())
    with pytest.raises(EffectFailed, match="404"):
        await again.gate.call(effect, branch="b", budget=again.gate.root)
    assert len(fetch.asked) == 1


async def test_a_page_is_in_the_library_before_its_answer_is_recorded() -> None:
    """The journal never points to a text that is not there."""
    bench = Bench()
    library = MemoryLibrary()
    page = Page(url="https://a.example/", title="T", text="A budget is a wall.")
    effect = FetchEffect(FetchRequest(handle="h-1", url=page.url), ScriptedFetch({page.url: page}), library)
    answered = await bench.gate.call(effect, branch="b", budget=bench.gate.root)
    assert await library.text(answered.source.id) == page.text  # type: ignore[union-attr]


async def test_no_call_is_started_after_the_deadline() -> None:
    """Seconds are a deadline of the run's own time, earlier lives included."""
    bench = Bench(caps=Caps(seconds=10.0))
    bench.clock.advance(10.5)
    with pytest.raises(OutOfBudget) as caught:
        await bench.search()
    assert caught.value.currency == "seconds"
    assert bench.web.asked == []


async def test_a_call_cut_off_by_the_deadline_is_a_matter_of_the_budget() -> None:
    """A call that is under way when the time ends is charged at its bound, and the branch is out of budget."""

    class Endless(ScriptedModel):
        """A model that answers after the deadline."""

        async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
            assert timeout == 10.0
            bench.clock.advance(10.0)
            raise EffectFailed("no answer within 10 s", charged=True)

    bench = Bench(caps=Caps(seconds=10.0))
    bench.model = Endless()
    with pytest.raises(OutOfBudget) as caught:
        await bench.ask("a")
    assert caught.value.currency == "seconds"
    assert bench.gate.root.spent.tokens == bench.model.count(asking("a")) + 100
    assert bench.gate.root.held == Amount()


async def test_retries_end_at_the_deadline() -> None:
    """A pause that would pass the deadline is not begun: the branch is out of time, and the failure is named."""
    bench = Bench(caps=Caps(seconds=5.0), replies=[EffectFailed("429", retryable=True, retry_after=30.0)])
    with pytest.raises(OutOfBudget, match="429") as caught:
        await bench.ask("a")
    assert caught.value.currency == "seconds"
    assert bench.clock.slept == []


async def test_a_stopped_gate_starts_nothing_and_records_what_flies() -> None:
    """After stop, calls in flight end and are recorded; new ones are not sent."""
    bench = Bench()
    bench.web = slow = Slow({})
    flying = asyncio.create_task(bench.search())
    await slow.started.wait()
    bench.gate.stop()
    with pytest.raises(Stopping):
        await bench.search("other")
    slow.may_end.set()
    await bench.gate.drain()
    await flying
    assert [row.outcome is not None for row in bench.journal.rows] == [True]


async def test_a_cancelled_branch_does_not_cancel_what_is_being_paid_for() -> None:
    """The caller goes, the call goes on and its answer is recorded."""
    bench = Bench()
    bench.web = slow = Slow({})
    caller = asyncio.create_task(bench.search())
    await slow.started.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    slow.may_end.set()
    await bench.gate.drain()
    assert bench.journal.rows[0].outcome is not None


async def test_a_twin_whose_first_asker_cannot_pay_asks_on_its_own_budget() -> None:
    """One branch's empty purse does not refuse another branch's call."""
    bench = Bench(replies=[reply(10, 5)])
    poor = bench.gate.root.carve("poor", Caps(calls=0))
    rich = bench.gate.root.carve("rich", Caps())
    asked = await asyncio.gather(
        bench.ask("a", branch="poor", budget=poor), bench.ask("a", branch="rich", budget=rich), return_exceptions=True
    )
    assert isinstance(asked[0], OutOfBudget)
    assert asked[1] == reply(10, 5)


async def test_a_journal_that_refuses_stops_the_call() -> None:
    """No row, no call: an effect that cannot be recorded is not sent, and its reservation is released as charged."""

    class Full(MemoryJournal):
        """A journal on a full disk."""

        async def intend(self, intent: Intent) -> int:
            raise Fatal("disk full")

    bench = Bench(journal=Full())
    with pytest.raises(Fatal, match="disk full"):
        await bench.search()
    assert bench.web.asked == []
    assert bench.gate.root.held == Amount()


@given(
    cap=st.integers(0, 4_000),
    calls=st.lists(st.tuples(st.integers(1, 400), st.integers(1, 60), st.integers(1, 600)), max_size=8),
)
def test_an_honest_model_never_spends_more_than_the_cap(cap: int, calls: list[tuple[int, int, int]]) -> None:
    """Whatever is asked, at once, with answers up to what each was allowed: tokens spent stay within the cap."""

    async def scenario() -> int:
        sent: list[int] = []

        def honest(length: int) -> Callable[[ModelRequest], ModelReply]:
            def answer(request: ModelRequest) -> ModelReply:
                prompt = bench.model.count(request)
                completion = min(length, bench.model.limits[-1])
                sent.append(prompt + completion)
                return reply(prompt, completion)

            return answer

        bench = Bench(caps=Caps(tokens=cap), replies=[honest(length) for *_, length in calls])
        asked = [bench.ask("x" * size + str(n), max_tokens=most) for n, (most, size, _) in enumerate(calls)]
        for ended in await asyncio.gather(*asked, return_exceptions=True):
            assert isinstance(ended, ModelReply | OutOfBudget), ended
        assert bench.gate.root.spent.tokens == sum(sent)
        return sum(sent)

    assert asyncio.run(scenario()) <= cap
