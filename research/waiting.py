"""How a call waits: for its provider's turn, and between two tries. Nothing is reserved or written down meanwhile.

When a turn comes is arithmetic in ``research.pacing``; that calls wait at all, and how often they are tried, is decided
in ``research.gate``. No wait goes past a branch's deadline, and an order to end cuts it short.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType

from research.budget import Budget
from research.cancellation import Cancellation
from research.effects import Effect
from research.errors import EffectFailed, OutOfBudget
from research.pacing import Limit, Paces
from research.ports import Clock
from research.progress import spoken

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
"""Seconds; longer for a call that may itself take longer, and for a provider's limits all that a deadline leaves."""
UNTOLD = 2.0
"""Seconds, at most, that others wait where a provider does not say how long; the call that it refused waits longer."""
WORTH_TELLING = 1.0
"""Seconds."""
NO_LIMITS: Mapping[str, Limit] = MappingProxyType({})


class Waiting:
    """One per gate. ``elapsed`` returns the seconds the run has been worked on, in which deadlines are told."""

    def __init__(
        self,
        paces: Paces,
        limits: Mapping[str, Limit],
        *,
        clock: Clock,
        elapsed: Callable[[], float],
        rng: random.Random,
        cancellation: Cancellation,
        tell: Callable[[str, str, str], None],
    ) -> None:
        self._paces = paces
        self._limits = limits
        self._clock = clock
        self._elapsed = elapsed
        self._rng = rng
        self._cancellation = cancellation
        self._tell = tell

    def queue(self, effect: Effect, branch: str, budget: Budget) -> Turn:
        """Return a new call's place among those to its provider."""
        return Turn(self, effect, branch, budget)

    async def pause(self, effect: Effect, failure: EffectFailed, attempt: int, branch: str, budget: Budget) -> None:
        """Wait before another try, as the far side asked or exponentially with full jitter.

        A provider that was sent too much, or says when to come back, is left alone by all branches meanwhile. Raises
        ``failure`` where waiting so long is not worth it, ``OutOfBudget`` where the deadline does not allow it,
        and what ends the run or the branch.
        """
        backoff = FIRST_PAUSE * 2 ** (attempt - 1) * (1 + self._rng.random())
        wait = backoff if failure.retry_after is None else failure.retry_after
        if wait > max(LONGEST_PAUSE, effect.patience) and not (effect.lane and budget.deadline() is not None):
            raise failure
        self._within(budget, wait, f"no time is left to try again after “{failure}”")
        await self._cancellation.check(branch)  # nobody is told of another try that will not be made
        self._tell("call.retried", branch, f"{spoken(effect.request)}: {failure}")
        told = failure.retry_after is not None
        if effect.lane and (failure.limited or told):
            held = wait if told else min(wait, UNTOLD)
            self._paces.lane(effect.lane).hold(self._clock.monotonic() + held)
        if not (effect.lane and told):
            await self._cancellation.sleep(self._clock, wait, branch)

    def _within(self, budget: Budget, wait: float, why: str) -> None:
        deadline = budget.deadline()
        if deadline is not None and self._elapsed() + wait >= deadline:
            raise OutOfBudget(f"{budget.spoken}: {why}", currency="seconds")


class Turn:
    """One call's place among the calls to its provider; ``leave`` gives it up unless the call was sent."""

    def __init__(self, waiting: Waiting, effect: Effect, branch: str, budget: Budget) -> None:
        self._waiting = waiting
        self._effect = effect
        self._branch = branch
        self._budget = budget
        self._lane = waiting._paces.lane(effect.lane, waiting._limits.get(effect.lane))
        self._ticket = self._lane.enter(waiting._clock.monotonic(), effect.tokens, waiting._rng.random())
        self._sent = False

    async def come(self) -> None:
        """Wait for the turn. Raises ``OutOfBudget``, ``Stopping`` and ``BranchCancelled``."""
        waiting, effect = self._waiting, self._effect
        while (wait := self._left()) > 0:
            waiting._within(self._budget, wait, f"{effect.lane} allows the next call only after the time is over")
            if wait >= WORTH_TELLING:
                said = f"{spoken(effect.request)}: {wait:.0f} s, for its turn at {effect.lane}"
                waiting._tell("call.waits", self._branch, said)
            await waiting._cancellation.sleep(waiting._clock, wait, self._branch)
            await waiting._cancellation.check(self._branch)

    def passed(self) -> bool:
        """Return whether the turn has gone by, because the provider asked for a pause meanwhile."""
        return self._left() > 0

    def sent(self) -> None:
        """Count the call from now on."""
        self._sent = True

    def took(self, tokens: int) -> None:
        """Count the tokens that the call took in place of those that it might have taken."""
        self._ticket.tokens = tokens

    def leave(self) -> None:
        """Give the place up, unless the call was sent."""
        if not self._sent:
            self._lane.leave(self._ticket)

    def _left(self) -> float:
        return self._lane.wait(self._ticket, self._waiting._clock.monotonic(), self._waiting._rng.random())
