"""How the gate keeps a provider's pace: waits cost nothing, are shared, end with the deadline, and do not stampede."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from research.app.hands import HANDS
from research.budget import Caps
from research.cancellation import Stopping
from research.effects import ModelEffect
from research.errors import EffectFailed, OutOfBudget
from research.gate import LIMITED_ATTEMPTS, Gate
from research.pacing import MINUTE, Limit, Paces
from research.requests import Message, ModelReply, ModelRequest, Reply, TokenCount
from tools.fakes.scripted import ManualClock, MemoryJournal, Script, ScriptedModel

ANSWER = ModelReply(text="yes", stop="end", usage=TokenCount(prompt=10, completion=5))
TWO = {"scripted": Limit(requests=2)}


class Patient(ManualClock):
    """Virtual time that moves on only when nobody has done anything for many turns of the loop."""

    turns = 0

    def _tick(self) -> None:
        self.turns += 1
        if self.turns % 100:
            asyncio.get_running_loop().call_soon(self._tick)
        else:
            super()._tick()


class Timed(ScriptedModel):
    """A model that notes when it was asked, on the clock it is given, and takes its time."""

    def __init__(self, clock: ManualClock, replies: Sequence[Script]) -> None:
        super().__init__(replies)
        self._clock = clock
        self.hours: list[float] = []

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        self.hours.append(self._clock.monotonic())
        for _ in range(20):
            await turn()
        return await super().complete(request, max_tokens=max_tokens, timeout=timeout)


class Bench:
    """One run over a clock, a model and lanes that others may share."""

    def __init__(
        self,
        clock: ManualClock,
        model: ScriptedModel,
        *,
        paces: Paces | None = None,
        limits: dict[str, Limit] | None = None,
        seconds: float | None = None,
    ) -> None:
        self.journal = MemoryJournal()
        self.model = model
        self.gate = Gate(
            journal=self.journal, clock=clock, caps=Caps(seconds=seconds), paces=paces, limits=limits or {}
        )

    async def ask(self, what: str, branch: str = "b") -> Reply:
        message = Message(role="user", content=what)
        request = ModelRequest(model=self.model.name, role="reader", messages=(message,), max_tokens=100)
        return await self.gate.call(ModelEffect(request, self.model), branch=branch, budget=self.gate.root)


async def turn() -> None:
    """Give every other task a chance to go on; no time passes."""
    passed = asyncio.Event()
    asyncio.get_running_loop().call_soon(passed.set)
    await passed.wait()


async def test_calls_above_the_limit_wait_and_cost_nothing_meanwhile() -> None:
    """Of five calls two go at once, two a minute later, and the last after two; rows are written after the wait."""
    clock = Patient()
    model = Timed(clock, [ANSWER] * 5)
    bench = Bench(clock, model, limits=TWO)
    await asyncio.gather(*(bench.ask(f"{number}") for number in range(5)))
    assert model.hours == [0.0, 0.0, MINUTE, MINUTE, 2 * MINUTE]
    assert [row.intent.elapsed for row in bench.journal.rows] == model.hours


async def test_two_runs_in_one_process_share_the_limit() -> None:
    """What one run sends counts for the other: together no more than two a minute."""
    clock, paces = Patient(), Paces()
    model = Timed(clock, [ANSWER] * 4)
    runs = [Bench(clock, model, paces=paces, limits=TWO) for _ in range(2)]
    await asyncio.gather(*(run.ask(f"{number}") for number in range(2) for run in runs))
    assert model.hours == [0.0, 0.0, MINUTE, MINUTE]


async def test_a_turn_that_comes_after_the_deadline_is_not_waited_for() -> None:
    """It is refused at once, for seconds, and its place is free for others."""
    clock = Patient()
    bench = Bench(clock, Timed(clock, [ANSWER] * 3), limits=TWO, seconds=50.0)
    await asyncio.gather(bench.ask("1"), bench.ask("2"))
    with pytest.raises(OutOfBudget, match="after the time is over") as caught:
        await bench.ask("3")
    assert caught.value.currency == "seconds"
    assert clock.slept == []
    assert len(bench.journal.rows) == 2


async def test_stopping_ends_the_wait_for_a_turn() -> None:
    """Ctrl-C is not kept waiting by a provider's limit, and nothing more is sent."""
    clock = Patient()
    model = Timed(clock, [ANSWER] * 3)
    bench = Bench(clock, model, limits=TWO)
    await asyncio.gather(bench.ask("1"), bench.ask("2"))
    asked = asyncio.create_task(bench.ask("3"))
    await turn()
    bench.gate.stop()
    with pytest.raises(Stopping):
        await asked
    assert len(model.hours) == 2


async def test_all_branches_limited_at_once_do_not_stampede() -> None:
    """Four 429 that ask for 20 s hold the whole provider, and the calls come back one after another."""
    clock = Patient()
    limited = EffectFailed("429", retryable=True, retry_after=20.0, limited=True)
    model = Timed(clock, [limited] * 4 + [ANSWER] * 5)
    bench = Bench(clock, model)
    asked = [asyncio.create_task(bench.ask(f"{number}", branch=f"b{number}")) for number in range(4)]
    while sum(row.outcome is not None for row in bench.journal.rows) < 4:
        await turn()
    late = asyncio.create_task(bench.ask("late", branch="late"))
    await asyncio.gather(*asked, late)
    assert model.hours[:4] == [0.0] * 4
    back = model.hours[4:]
    assert min(back) == 20.0
    assert len(set(back)) == 5


async def test_a_wait_that_is_asked_for_is_kept_in_full_up_to_the_deadline() -> None:
    """Ten minutes are waited where an hour is left; without a deadline nobody waits so long."""
    limited = EffectFailed("429", retryable=True, retry_after=600.0, limited=True)
    clock = Patient()
    bench = Bench(clock, Timed(clock, [limited, ANSWER]), seconds=3600.0)
    assert await bench.ask("a") == ANSWER
    assert clock.monotonic() == 600.0
    clock = Patient()
    with pytest.raises(EffectFailed, match="429"):
        await Bench(clock, Timed(clock, [limited, ANSWER])).ask("a")
    assert clock.slept == []


async def test_a_provider_that_stays_busy_is_given_up() -> None:
    """A call that is only too much at once has more tries than a broken one, and still an end."""
    clock = Patient()
    limited = EffectFailed("429", retryable=True, limited=True)
    model = Timed(clock, [limited] * 20)
    with pytest.raises(EffectFailed, match="429"):
        await Bench(clock, model).ask("a")
    assert len(model.hours) == LIMITED_ATTEMPTS
    assert model.hours == sorted(set(model.hours))


async def test_one_call_that_is_always_refused_holds_the_others_for_moments_only() -> None:
    """Its own pauses grow, without a word from the provider; a call of another branch goes two seconds later."""
    clock = Patient()
    limited = EffectFailed("429", retryable=True, limited=True)
    model = Timed(clock, [limited] * 5 + [ANSWER] * 2)
    bench = Bench(clock, model)
    refused = asyncio.create_task(bench.ask("refused", branch="a"))
    while sum(row.outcome is not None for row in bench.journal.rows) < 5:
        await turn()
    await bench.ask("other", branch="b")
    await refused
    *_, last, other, again = model.hours
    assert last < other <= last + 2.5
    assert again >= last + 8.0


def test_runs_of_one_process_share_their_lanes_and_a_copy_with_another_clock_does_not() -> None:
    """Lanes hold moments of one clock, so hands that are given another clock have lanes of their own."""
    assert replace(HANDS, clock=ManualClock()).paces is not HANDS.paces
