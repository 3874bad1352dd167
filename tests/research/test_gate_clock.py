"""The gate when time jumps and when the machine runs dry: deadlines hold, nobody waits backwards."""

from __future__ import annotations

import errno

import pytest

from research.budget import Caps
from research.effects import SearchEffect
from research.errors import EffectFailed, Exhausted, OutOfBudget
from research.gate import Gate
from research.records import Hit
from research.requests import Reply, SearchRequest
from tools.fakes.scripted import ManualClock, MemoryJournal, ScriptedSearch

HOUR = 3_600.0


class Suspended(ScriptedSearch):
    """A search during which the machine sleeps for an hour, on a clock that counts it; then it breaks."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__({})
        self._clock = clock

    async def search(self, query: str, limit: int, *, timeout: float | None) -> list[Hit]:
        self.asked.append((query, limit))
        self._clock.advance(HOUR)
        raise EffectFailed("the connection broke", retryable=True)


class Dry(ScriptedSearch):
    """A search that cannot open a socket, because this machine has no handle left."""

    async def search(self, query: str, limit: int, *, timeout: float | None) -> list[Hit]:
        self.asked.append((query, limit))
        try:
            raise OSError(errno.EMFILE, "Too many open files")
        except OSError:
            raise EffectFailed("the server cannot be reached", retryable=True) from None


async def ask(gate: Gate, web: ScriptedSearch, query: str) -> Reply:
    """Search through the gate."""
    effect = SearchEffect(SearchRequest(provider="scripted", query=query), web)
    return await gate.call(effect, branch="b", budget=gate.root)


def opened(clock: ManualClock, journal: MemoryJournal, seconds: float | None = None) -> Gate:
    """A gate over what an earlier one may have recorded."""
    return Gate(journal=journal, clock=clock, caps=Caps(seconds=seconds), entries=tuple(journal.rows))


async def test_an_hour_between_two_calls_ends_the_run_at_its_deadline() -> None:
    """A clock that jumps ahead uses the time up: the next call is refused and nobody waits for less than nothing."""
    clock, web = ManualClock(), ScriptedSearch({"a": [], "b": []})
    gate = opened(clock, MemoryJournal(), seconds=100.0)
    await ask(gate, web, "a")
    clock.advance(HOUR)
    with pytest.raises(OutOfBudget, match="the time is used up"):
        await ask(gate, web, "b")
    assert len(web.asked) == 1
    assert all(seconds >= 0 for seconds in clock.slept)


async def test_an_hour_during_a_call_leaves_no_time_to_try_again() -> None:
    """The call broke while the machine slept: not tried again after the deadline, and no pause is negative."""
    clock = ManualClock()
    web = Suspended(clock)
    with pytest.raises(OutOfBudget):
        await ask(opened(clock, MemoryJournal(), seconds=100.0), web, "a")
    assert len(web.asked) == 1
    assert all(seconds >= 0 for seconds in clock.slept)


async def test_without_a_deadline_a_jump_costs_nothing() -> None:
    """The pauses are those of the back-off, however late it is."""
    clock = ManualClock()
    web = Suspended(clock)
    with pytest.raises(EffectFailed, match="the connection broke"):
        await ask(opened(clock, MemoryJournal()), web, "a")
    assert len(web.asked) == 3
    assert all(0 < seconds <= 60 for seconds in clock.slept)


async def test_a_want_of_handles_ends_the_work_and_is_no_answer() -> None:
    """The call is not taken for failed by the far side: the run ends in this process and asks again in the next."""
    clock, journal = ManualClock(), MemoryJournal()
    dry = Dry({})
    with pytest.raises(Exhausted, match="out of file handles"):
        await ask(opened(clock, journal), dry, "a")
    assert len(dry.asked) == 1
    assert await ask(opened(clock, journal), ScriptedSearch({"a": []}), "a")
