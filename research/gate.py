"""THE GATE: the one place through which every call leaves the process.

::

    a recorded or flying answer is used again, else, up to three times:
    refuse what holds a secret -> pace -> size and reserve -> intent row -> send -> outcome row -> settle -> event

From this seam follow budgets, resume, de-duplication, the audit trail, live progress and the cost of everything.
Nothing else retries, nothing else counts. Calls fly in tasks that the gate owns: cancelling a branch does not cancel a
call that is being paid for; :meth:`Gate.drain` waits for those in flight and starts no more. What an effect is, is in
``research.effects``; who may use it, in ``research.access``; how a call waits, in ``research.waiting``; what ends a run
or a branch early, in ``research.cancellation``; what listeners hear, in ``research.progress``.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence

import msgspec

from research.budget import Amount, Budget, Caps
from research.cancellation import Cancellation, Look
from research.effects import Effect, worth_keeping
from research.errors import BranchCancelled, EffectFailed, OutOfBudget
from research.exhaustion import exhausted
from research.ledger import Ledger
from research.pacing import Limit, Paces
from research.ports import Answers, Clock, Entry, Intent, Journal, Listener, Outcome
from research.progress import Progress, spoken
from research.records import Usage, encode
from research.report import CacheFacts
from research.requests import FetchReply, HitsReply, ModelReply, ModelRequest, Reply, Request, request_key
from research.routing import RoleUsage
from research.scanner import NO_SECRETS, Scanner
from research.waiting import NO_LIMITS, Waiting
from research.withholding import cleaned, refusal, told

ATTEMPTS = 3
LIMITED_ATTEMPTS = 6
"""For a call that was only too much at once."""
NOTHING = Amount()
WINDOW = "window"
"""What was too small for a prompt, where a provider says so: no cap of ours."""
REPLIES: dict[str, type[ModelReply | HitsReply | FetchReply]] = {
    "model": ModelReply,
    "search": HitsReply,
    "retrieve": HitsReply,
    "fetch": FetchReply,
}


class Gate:
    """One per run and process; ``entries`` are the journal's rows from earlier lives, ``before`` their seconds."""

    def __init__(
        self,
        *,
        journal: Journal,
        clock: Clock,
        caps: Caps,
        entries: Sequence[Entry] = (),
        before: float = 0.0,
        listen: Listener | None = None,
        concurrency: int = 8,
        rng: random.Random | None = None,
        paces: Paces | None = None,
        limits: Mapping[str, Limit] = NO_LIMITS,
        answers: Answers | None = None,
        scanner: Scanner = NO_SECRETS,
    ) -> None:
        self.run = journal.run
        self._journal = journal
        self._clock = clock
        self._slots = asyncio.Semaphore(concurrency)
        self._ledger = Ledger(entries)
        self._answers = answers
        self._scanner = scanner
        self._before = max(before, self._ledger.elapsed)
        self._started = clock.monotonic()
        self._flying: dict[str, asyncio.Task[Reply]] = {}
        self._cancellation = Cancellation()
        self._waiting = Waiting(
            paces or Paces(),
            limits,
            clock=clock,
            elapsed=self.elapsed,
            rng=rng or random.Random(0),
            cancellation=self._cancellation,
            tell=self.tell,
        )
        self._progress = Progress(self.run, listen, ledger=self._ledger, caps=caps, elapsed=self.elapsed)
        self.root = Budget("run", caps, spent=self._ledger.total())

    def elapsed(self) -> float:
        """Return the seconds this run has been worked on, over all its lives."""
        return self._before + self._clock.monotonic() - self._started

    def now(self) -> str:
        """Return the time of the run's clock, ISO 8601 UTC."""
        return self._clock.now()

    def open(self, branch: str, caps: Caps, *, opened: float) -> Budget:
        """Carve a branch's budget out of the run's; what the branch spent in earlier lives is already counted.

        ``opened`` is when the branch began, in seconds of the run: a resumed branch keeps its deadline.
        """
        return self.root.carve(branch, caps, spent=self._ledger.spent(branch), opened=opened)

    def close(self, branch: str) -> None:
        """End a branch's budget: what it did not spend goes back to the run."""
        self.root.close(branch)

    def usage(self, branch: str | None = None) -> Usage:
        """Return what a branch, or with ``None`` the whole run, has used so far."""
        return self._ledger.usage(branch, self.elapsed() if branch is None else None)

    def roles(self) -> tuple[RoleUsage, ...]:
        """Return what each role used of each model so far, and each other kind of call."""
        return self._ledger.roles()

    def cached(self) -> CacheFacts:
        """Return how many of the answers of models were taken from the cache of earlier runs."""
        return CacheFacts(answered=self._ledger.cached, asked=self._ledger.answered)

    def tell(self, kind: str, branch: str = "", detail: str = "") -> None:
        """Send one event to the listener; at the end of a branch, a round and the run also what was spent."""
        self._progress.tell(kind, branch, self._scanner.clean(detail))

    def in_flight(self) -> int:
        """Return how many calls are being worked on."""
        return len(self._flying)

    def heed(self, look: Look) -> None:
        """Have ``look`` awaited before each call is sent."""
        self._cancellation.heed(look)

    def stop(self, why: str = "the run was asked to stop", *, final: bool = False) -> None:
        """Start no more calls; those in flight go on. The first reason is told, or the one that is ``final``."""
        self._cancellation.stop(why, final=final)

    def cancel(self, branch: str) -> None:
        """Start no more calls for one branch; those in flight go on, and so do the other branches."""
        self._cancellation.cancel(branch)

    async def drain(self) -> None:
        """Wait until every call in flight has been recorded."""
        self.stop()
        if flying := list(self._flying.values()):
            await asyncio.wait(flying)  # not gathered: being cancelled must not cancel what is being paid for

    async def call(self, effect: Effect, *, branch: str, budget: Budget) -> Reply:
        """Return the answer to ``effect.request``, from the journal, from a twin in flight, or from the world.

        Raises ``OutOfBudget`` when a cap would be passed, ``BranchCancelled`` when the user cancelled the branch,
        ``EffectFailed`` when the call failed for good, and ``Stopping``, ``NotTheOwner`` or ``StoreProblem``, which
        end the run in this process.
        """
        key = request_key(effect.request)
        while True:
            known = self._recorded(branch, key, effect.request)
            if known is not None:
                self.tell("call.reused", branch, spoken(effect.request))
                return known
            task = self._flying.get(key)
            if task is None:
                task = asyncio.create_task(self._fly(effect, key, branch, budget))
                task.add_done_callback(_retrieve)
                self._flying[key] = task
                return await asyncio.shield(task)
            try:
                return await asyncio.shield(task)
            except (OutOfBudget, BranchCancelled):
                continue  # the twin that asked first could not pay or was cancelled; this branch asks for itself

    def _recorded(self, branch: str, key: str, request: Request) -> Reply | None:
        payload = self._ledger.answers.get(key)
        if payload is not None:
            return cleaned(self._scanner, msgspec.json.decode(payload, type=REPLIES[request.kind]))
        outcome = self._ledger.refused.get((branch, key)) or self._ledger.failed.get(key)
        if outcome is None:
            return None
        detail = msgspec.json.decode(outcome.payload)
        if outcome.status == "refused":
            raise OutOfBudget(detail["message"], currency=detail["currency"])
        raise EffectFailed(detail["message"], too_long=detail["currency"] == WINDOW)

    async def _fly(self, effect: Effect, key: str, branch: str, budget: Budget) -> Reply:
        try:
            await self._withheld(effect, key, branch)
            kept = await self._kept(effect, key, branch, budget)
            if kept is not None:
                return kept
            attempt = 1
            while True:
                try:
                    return await self._attempt(effect, key, branch, budget, attempt)
                except EffectFailed as failure:
                    if not failure.retryable or attempt >= (LIMITED_ATTEMPTS if failure.limited else ATTEMPTS):
                        raise
                    await self._waiting.pause(effect, failure, attempt, branch, budget)
                attempt += 1
        finally:
            del self._flying[key]

    async def _withheld(self, effect: Effect, key: str, branch: str) -> None:
        """Record a call that is never sent, for it would carry a secret, and raise ``EffectFailed``."""
        why = refusal(self._scanner, effect.request)
        if not why:
            return
        await self._cancellation.check(branch)
        intent = self._intent(effect, key, branch, 1)
        payload = encode({"message": why, "retryable": False, "currency": ""})
        await self._conclude(await self._journal.intend(intent), intent, "failed", payload, NOTHING, True)
        self.tell("call.refused", branch, why)
        raise EffectFailed(why)

    async def _kept(self, effect: Effect, key: str, branch: str, budget: Budget) -> Reply | None:
        """Return an earlier run's answer to an equal request, recorded as a call of this run that cost nothing."""
        request = effect.request
        if self._answers is None or not isinstance(request, ModelRequest) or self._time_is_up(budget):
            return None
        found = await self._answers.find(request)
        if found is None:
            return None
        reply = cleaned(self._scanner, found)
        await self._cancellation.check(branch)
        intent = self._intent(effect, key, branch, 1)
        await self._conclude(await self._journal.intend(intent), intent, "answered", encode(reply), NOTHING, True)
        self.tell("call.cached", branch, spoken(request))
        return reply

    async def _keep(self, request: Request, reply: Reply) -> None:
        """Keep an answer for later runs, if it is one that they could use as it is."""
        if self._answers is None or not isinstance(request, ModelRequest) or not isinstance(reply, ModelReply):
            return
        if worth_keeping(request, reply):
            await self._answers.keep(request, reply)

    async def _attempt(self, effect: Effect, key: str, branch: str, budget: Budget, attempt: int) -> Reply:
        turn = self._waiting.queue(effect, branch, budget)
        try:
            while True:
                await turn.come()
                async with self._slots:
                    if turn.passed():
                        continue
                    intent = await self._reserved(effect, key, branch, budget, attempt)
                    turn.sent()
                    reply = await self._paid(effect, intent, budget)
                    turn.took(effect.charge(reply, intent.bound).tokens)
                    return reply
        finally:
            turn.leave()

    async def _reserved(self, effect: Effect, key: str, branch: str, budget: Budget, attempt: int) -> Intent:
        """Return the row of a call for which its bound is held. Raises ``OutOfBudget``, which is recorded."""
        await self._cancellation.check(branch)
        intent = self._intent(effect, key, branch, attempt)
        try:
            self._time_left(effect, budget)
            bound = effect.size(budget.left())
            budget.reserve(bound)
        except OutOfBudget as refusal:
            await self._refuse(await self._journal.intend(intent), intent, refusal)
            raise
        return msgspec.structs.replace(intent, bound=bound)

    def _intent(self, effect: Effect, key: str, branch: str, attempt: int) -> Intent:
        return Intent(
            run=self.run,
            branch=branch,
            kind=effect.request.kind,
            key=key,
            occurrence=self._ledger.occurrence(branch, key),
            attempt=attempt,
            bound=NOTHING,
            elapsed=self.elapsed(),
            request=self._scanner.clean(encode(effect.request)),
        )

    def _time_left(self, effect: Effect, budget: Budget) -> float:
        deadline = budget.deadline()
        left = effect.patience if deadline is None else min(effect.patience, deadline - self.elapsed())
        if left <= 0:
            raise OutOfBudget(f"{budget.spoken}: the time is used up", currency="seconds")
        return left

    def _time_is_up(self, budget: Budget) -> bool:
        deadline = budget.deadline()
        return deadline is not None and self.elapsed() >= deadline

    async def _refuse(self, seq: int, intent: Intent, refusal: OutOfBudget) -> None:
        payload = encode({"message": str(refusal), "retryable": False, "currency": refusal.currency})
        await self._conclude(seq, intent, "refused", payload, NOTHING, True)
        self.tell("call.refused", intent.branch, str(refusal))

    async def _paid(self, effect: Effect, intent: Intent, budget: Budget) -> Reply:
        """Send one reserved call. Whatever ends it without an outcome row leaves it charged at its bound."""
        bound = actual = intent.bound
        try:
            seq = await self._journal.intend(intent)
            try:
                timeout = self._time_left(effect, budget)
            except OutOfBudget as refusal:  # the deadline came while the row was written
                await self._refuse(seq, intent, refusal)
                actual = NOTHING
                raise
            self.tell("call.sent", intent.branch, spoken(effect.request))
            try:
                reply = await self._within(effect, bound, timeout)
            except EffectFailed as failure:
                charged = bound if failure.charged else Amount(calls=bound.calls)
                # What one branch's deadline cut off says nothing about the call: another branch may try it again.
                cut_off = timeout < effect.patience and self._time_is_up(budget)
                shortage = exhausted(failure)
                again = failure.retryable or cut_off or shortage is not None
                detail = {"message": str(failure), "retryable": again, "currency": WINDOW if failure.too_long else ""}
                await self._conclude(seq, intent, "failed", encode(detail), charged, effect.priced)
                actual = charged
                self.tell("call.failed", intent.branch, f"{spoken(effect.request)}: {failure}")
                if cut_off:
                    raise OutOfBudget(f"{budget.spoken}: the time ran out during a call", currency="seconds") from None
                if shortage is not None:
                    raise shortage from failure
                raise
            charged = effect.charge(reply, bound)
            await self._conclude(seq, intent, "answered", encode(reply), charged, effect.priced)
            actual = charged
            self.tell("call.answered", intent.branch, spoken(effect.request))
            await self._keep(effect.request, reply)
            return reply
        finally:
            budget.settle(bound, actual)

    async def _within(self, effect: Effect, bound: Amount, timeout: float) -> Reply:
        try:
            async with asyncio.timeout(timeout):
                return cleaned(self._scanner, await effect.send(bound, timeout))
        except EffectFailed as failure:
            raise told(self._scanner, failure) from None
        except TimeoutError:
            raise EffectFailed(f"no answer within {timeout:.1f} s", charged=True) from None

    async def _conclude(
        self, seq: int, intent: Intent, status: str, payload: str, charged: Amount, priced: bool
    ) -> None:
        outcome = msgspec.convert(
            {
                "status": status,
                "payload": payload,
                "charged": msgspec.structs.asdict(charged),
                "elapsed": self.elapsed(),
                "priced": priced,
            },
            Outcome,
        )
        await self._journal.conclude(seq, outcome)
        self._ledger.add(intent, outcome)


def _retrieve(task: asyncio.Task[Reply]) -> None:
    """Look at a finished task's exception, so that an abandoned call does not warn at exit."""
    if not task.cancelled():
        task.exception()
