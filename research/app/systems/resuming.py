"""A run that is stopped half-way and resumed, beside the undisturbed run of the same case: what differs between them.

The second run is a real one: real stores, real retrievals, stopped by ``RunHandle.stop`` when half of the calls of the
undisturbed run have been answered, and gone on with by ``resume``. Only its language model is played, from the answers
that the undisturbed run has in its journal: so a case costs no more with a model than without being resumed, and what
differs is due to the resume and not to a model's mood.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from research.access import World
from research.app.hands import Hands
from research.app.records import Home
from research.app.running import RunHandle, ask, resume
from research.app.stores import Stores, run_files
from research.app.world import Judgement, Opened, open_judgement, open_world
from research.budget import Amount
from research.cancellation import Stopping
from research.errors import EffectFailed
from research.ledger import Ledger
from research.money import dollars
from research.options import RunOptions
from research.ports import ChatModel, Entry, Outcome
from research.records import Event, Failure, encode
from research.report import Report, UsageFacts
from research.requests import ModelReply, ModelRequest, request_key
from research.settings import Settings
from tools.clock import SystemClock
from tools.journal import SqliteJournal
from tools.run_store import RunStore

ZERO = UsageFacts(tokens=0, usd=None, calls=0, seconds=0.0)


async def resuming_changes(report: Report, options: RunOptions, settings: Settings, opened: Opened) -> str:
    """Run the case of ``report`` again, stop it half-way, resume it, and return what that changed; "" for nothing.

    One call flies at a time until the stop, so that a half is a half. A run that makes no call has no half: there the
    finished run is resumed.
    """
    calm = await calls_of(report.run, settings)
    stop = _StopAt(sum(_answered(entry) for entry in calm))
    hands = _hands(calm, opened)
    slow = msgspec.structs.replace(settings, concurrency=1)
    changes: list[str] = []
    try:
        await ask(report.question, options, slow, listen=stop.hear, on_start=stop.begin, opened=opened, hands=hands)
        if stop.asked:
            changes.append("the run, which did not stop when it was asked to")
    except Stopping:
        pass
    again = await resume(stop.run, settings, approve=None, listen=_silent, on_start=_unstopped, hands=hands)
    changes += report_changes(report, again) + call_changes(calm, await calls_of(stop.run, settings), again.usage)
    return "; ".join(changes)


async def calls_of(run: str, settings: Settings) -> Sequence[Entry]:
    """Return the checked rows of calls of a run that nobody works on. It reads and writes nothing."""
    with run_files(Home(settings), SystemClock()) as files:
        return await SqliteJournal(RunStore(files.database, files.seal, run, fence=0)).entries()


def report_changes(report: Report, again: Report) -> list[str]:
    """Name the fields of a report that differ, but for the run's name, times and usage (see :func:`call_changes`)."""
    one, other = _essence(report), _essence(again)
    fields = [name for name in Report.__struct_fields__ if encode(getattr(one, name)) != encode(getattr(other, name))]
    return [f"the report's {name}" for name in fields]


def _essence(report: Report) -> Report:
    """Return a report without what may differ between two runs: names, times, and what is compared elsewhere."""
    sources = tuple(msgspec.structs.replace(source, retrieved="") for source in report.sources)
    branches = tuple(msgspec.structs.replace(branch, usage=ZERO) for branch in report.branches)
    return msgspec.structs.replace(report, run="", usage=ZERO, branches=branches, sources=sources)


def call_changes(calm: Sequence[Entry], stopped: Sequence[Entry], told: UsageFacts) -> list[str]:
    """Name what the stopped run paid twice, or more or less than the undisturbed one, or does not tell.

    ``told`` is the usage in the stopped run's report; what it says must be what its rows add up to.
    """
    changes = []
    twice = [key for key, times in Counter(e.intent.key for e in stopped if _answered(e)).items() if times > 1]
    if twice:
        changes.append(f"{len(twice)} of its calls, paid twice")
    if (one := _paid(calm)) != (other := _paid(stopped)):
        changes.append(f"what was paid: {_spoken(*one)} undisturbed, {_spoken(*other)} resumed")
    total = Ledger(stopped).total()
    if (told.tokens, told.calls) != (total.tokens, total.calls):
        changes.append(
            f"the usage it tells, {told.tokens} tokens and {told.calls} calls, "
            f"where its rows say {total.tokens} and {total.calls}"
        )
    return changes


def _paid(entries: Sequence[Entry]) -> tuple[int, Amount]:
    """Return how many answers a run has, and what they cost; what failed or was refused may be tried again."""
    answered = [entry.outcome.charged for entry in entries if entry.outcome and _answered(entry)]
    total = Amount()
    for amount in answered:
        total = total.plus(amount)
    return len(answered), total


def _spoken(answers: int, paid: Amount) -> str:
    return f"{answers} answers for {paid.tokens} tokens and {dollars(paid.nano_usd / 1e9)}"


def _answered(entry: Entry) -> bool:
    return entry.outcome is not None and entry.outcome.status == "answered"


class _StopAt:
    """Asks the run to stop when half of ``calls`` have been answered; with no calls, never."""

    def __init__(self, calls: int) -> None:
        self.run = ""
        self.asked = False
        self._calls = calls
        self._left = calls // 2
        self._handle: RunHandle | None = None

    def begin(self, handle: RunHandle) -> None:
        self.run, self._handle = handle.id, handle
        self._reach()

    def hear(self, event: Event) -> None:
        if event.kind == "call.answered":
            self._left -= 1
            self._reach()

    def _reach(self) -> None:
        if self._left <= 0 < self._calls and self._handle is not None:
            self.asked = True
            self._handle.stop()


class PlayedModel:
    """A model that gives the answers, and the failures, that it has given to the same requests before.

    To a request that has not been made before it fails: then the report differs, which is what is looked for.
    """

    def __init__(self, model: ChatModel, entries: Sequence[Entry]) -> None:
        self.name = model.name
        self.window = model.window
        self.price = model.price
        self._model = model
        self._said: dict[str, deque[Outcome]] = {}
        for entry in entries:
            if entry.intent.kind == "model" and entry.outcome and entry.outcome.status != "refused":
                self._said.setdefault(entry.intent.key, deque()).append(entry.outcome)

    def count(self, request: ModelRequest) -> int:
        """Return the model's own count."""
        return self._model.count(request)

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        """Return the next of the recorded answers; the last one stays."""
        said = self._said.get(request_key(request))
        if not said:
            raise EffectFailed(f"the undisturbed run did not ask the {request.role} this")
        outcome = said.popleft() if len(said) > 1 else said[0]
        if outcome.status == "answered":
            return msgspec.json.decode(outcome.payload, type=ModelReply)
        detail = msgspec.json.decode(outcome.payload)
        charged = outcome.charged.tokens > 0
        raise EffectFailed(detail["message"], retryable=detail["retryable"], charged=charged)


def _hands(calm: Sequence[Entry], held: Opened) -> Hands:
    """Return the real hands, with the model played and the corpora that are open already."""

    def judgement(options: RunOptions, settings: Settings) -> Judgement:
        made = open_judgement(options, settings)
        played = {model.name: PlayedModel(model, calm) for model in made.models.values()}
        return dataclasses.replace(made, models={role: played[model.name] for role, model in made.models.items()})

    @asynccontextmanager
    async def world(
        options: RunOptions, settings: Settings, judgement: Judgement, stores: Stores, opened: Opened
    ) -> AsyncIterator[tuple[World, tuple[Failure, ...]]]:
        async with open_world(options, settings, judgement, stores, {**opened, **held}) as opening:
            yield opening

    return Hands(judgement=judgement, world=world)


def _silent(event: Event) -> None:
    """Tell nobody."""


def _unstopped(handle: RunHandle) -> None:
    """Let the run go on to its end."""
