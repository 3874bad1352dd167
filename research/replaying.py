"""A gate that sends nothing: it answers each call with what the journal of a finished run says became of it.

Effects are sized where they were too large to be sent, and no deadline is kept: what the time cut off is in the record.
What was spent is what the journal says up to the report. Whether the report that comes of it is the stored one is
asked by ``research.app.replaying``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from research.budget import Budget, Caps
from research.effects import Effect
from research.errors import BranchCancelled, EffectFailed, Fatal, OutOfBudget, ResearchError
from research.forked import Ended
from research.gate import ATTEMPTS, LIMITED_ATTEMPTS, REPLIES, WINDOW, Gate
from research.ledger import Ledger
from research.ports import Clock, Entry, Journal, Outcome, Page, Price
from research.progress import spoken
from research.records import Hit, Label, Record, Usage
from research.report import CacheFacts, Report
from research.requests import (
    FetchRequest,
    ModelReply,
    ModelRequest,
    Reply,
    Request,
    RetrieveRequest,
    request_key,
)
from research.routing import RoleUsage

HALF_A_MILLISECOND = 0.0005
"""A report tells its seconds with three decimals."""


class Unrecorded(Fatal):
    """The replay came to a call that the run never made: it took another way."""


class _Detail(Record):
    """The payload of a call that failed or was refused."""

    message: str
    retryable: bool
    currency: str


class ReplayGate(Gate):
    """One per replay. ``ended`` says how each branch ended, ``stored`` is the report that the run has."""

    def __init__(
        self,
        *,
        journal: Journal,
        clock: Clock,
        caps: Caps,
        entries: Sequence[Entry],
        stored: Report,
        ended: Mapping[str, Ended],
    ) -> None:
        super().__init__(journal=journal, clock=clock, caps=caps)
        self._stored = stored
        self._ended = ended
        self._spent = Ledger([entry for entry in entries if self._before_report(entry)])
        self._rows: dict[tuple[str, str], list[Entry]] = {}
        self._ends: dict[str, Outcome] = {}
        self._settled: set[int] = set()
        self._reached = 0.0
        self._used: set[str] = set()
        for entry in entries:
            self._take_in(entry)

    def _before_report(self, entry: Entry) -> bool:
        end = entry.outcome.elapsed if entry.outcome else entry.intent.elapsed
        return end <= self._stored.usage.seconds + HALF_A_MILLISECOND

    def _take_in(self, entry: Entry) -> None:
        key = entry.intent.key
        if entry.intent.kind == "retrieve":  # a corpus may have been indexed again while the run was interrupted
            key = _key(msgspec.json.decode(entry.intent.request, type=RetrieveRequest))
        self._rows.setdefault((entry.intent.branch, key), []).append(entry)
        known, outcome = self._ends.get(key), entry.outcome
        # For the others that asked the same: they share an answer and a failure, and ask themselves after a refusal.
        if outcome is not None and outcome.status != "refused" and (known is None or known.status != "answered"):
            self._ends[key] = outcome

    @property
    def replayed(self) -> int:
        """How many recorded answers were used; one that several branches share counts once."""
        return len(self._used)

    def elapsed(self) -> float:
        """Return the second of the run up to which its calls have been replayed."""
        return self._reached

    def usage(self, branch: str | None = None) -> Usage:
        """Return what the journal says was spent up to the report; the run's seconds are those of the report."""
        return self._spent.usage(branch, self._stored.usage.seconds if branch is None else None)

    def roles(self) -> tuple[RoleUsage, ...]:
        """Return what the journal says each role used, up to the report."""
        return self._spent.roles()

    def cached(self) -> CacheFacts:
        """Return how many answers the journal says were taken from the cache, up to the report."""
        return CacheFacts(answered=self._spent.cached, asked=self._spent.answered)

    async def call(self, effect: Effect, *, branch: str, budget: Budget) -> Reply:
        """Return the recorded answer, or raise what was raised. Raises ``Unrecorded`` where there is no record."""
        key = _key(effect.request)
        rows = self._rows.get((branch, key), [])
        self._settle(rows, budget)
        ended = [entry.outcome for entry in rows if entry.outcome is not None]
        outcome = ended[-1] if ended else self._ends.get(key)
        if outcome is None or (ended and rows[-1].outcome is None):
            raise self._unanswered(effect, branch, budget)
        if outcome.status == "answered":
            self._used.add(key)
            return msgspec.json.decode(outcome.payload, type=REPLIES[effect.request.kind])
        detail = msgspec.json.decode(outcome.payload, type=_Detail)
        if outcome.status == "refused":
            raise OutOfBudget(detail.message, currency=detail.currency)
        failure = EffectFailed(detail.message, retryable=detail.retryable, too_long=detail.currency == WINDOW)
        if ended and detail.retryable and self._ended_early(rows[-1], budget):
            raise self._cut(branch, budget, detail.message) or failure
        raise failure

    def _settle(self, rows: list[Entry], budget: Budget) -> None:
        """Charge the rows of a call, once: what is left decides how many branches are begun."""
        for entry in rows:
            charged = entry.outcome.charged if entry.outcome else entry.intent.bound
            self._reached = max(self._reached, entry.outcome.elapsed if entry.outcome else entry.intent.elapsed)
            if entry.seq not in self._settled:
                self._settled.add(entry.seq)
                budget.reserve(charged)
                budget.settle(charged, charged)

    def _unanswered(self, effect: Effect, branch: str, budget: Budget) -> ResearchError:
        """Return why a call without an outcome came to nothing."""
        effect.size(Caps())  # raises where the prompt was too long to be sent, of which no row is written
        asked = spoken(effect.request)
        return self._cut(branch, budget, effect.lane) or Unrecorded(f"the run never made the call “{asked}” ({branch})")

    @staticmethod
    def _ended_early(last: Entry, budget: Budget) -> bool:
        """Return whether a call that failed was not tried as often as it may be, or failed when its time was over."""
        deadline = budget.deadline()
        late = deadline is not None and last.outcome is not None and last.outcome.elapsed >= deadline
        return late or last.intent.attempt not in (ATTEMPTS, LIMITED_ATTEMPTS)

    def _cut(self, branch: str, budget: Budget, what: str) -> OutOfBudget | BranchCancelled | None:
        """Return what ended a call from outside, as the record of its branch, or the report, tells it.

        Of two reasons the record tells the first: what ended later is taken to have run out of time, where it had any.
        """
        ended = self._ended.get(branch)
        told = [ended.limit] if ended else [loss.why for loss in self._stored.skipped]
        again = f"no time is left to try again after “{what}”"
        waits = f"{what} allows the next call only after the time is over"
        for why in ("the time ran out during a call", again, waits):
            said = f"{budget.spoken}: {why}"
            if any(said in one for one in told):
                return OutOfBudget(said, currency="seconds")
        if ended is not None and ended.outcome.outcome == "cancelled":
            return BranchCancelled(ended.limit)
        if budget.deadline() is not None and (ended is None or ended.limit):
            return OutOfBudget(f"{budget.spoken}: {again}", currency="seconds")
        return None


def _key(request: Request) -> str:
    """Return the key of a request, the same for each index of a corpus: the run used them one after another."""
    if isinstance(request, RetrieveRequest):
        request = msgspec.structs.replace(request, generation="")
    return request_key(request)


class RecordedModel:
    """A model of which only the words are left: name, window, price and the count of tokens. It answers nothing."""

    def __init__(self, name: str, *, window: int, price: Price | None, counter: Callable[[ModelRequest], int]) -> None:
        self.name = name
        self.window = window
        self.price = price
        self.count = counter

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        raise Unrecorded(f"a replay sends nothing to {self.name}")


class RecordedSearch:
    """A search provider of which only the name is left."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        raise Unrecorded(f"a replay sends nothing to {self.name}")


class RecordedFetch:
    """The way to pages, closed."""

    async def fetch(self, request: FetchRequest, *, timeout: float | None) -> Page:
        raise Unrecorded(f"a replay fetches nothing from {request.url}")


class RecordedCorpus:
    """A corpus of which only name and label are left."""

    generation = ""

    def __init__(self, name: str, label: Label) -> None:
        self.name = name
        self.label = label

    async def retrieve(self, query: str, limit: int) -> Sequence[Hit]:
        raise Unrecorded(f"a replay retrieves nothing from {self.name}")
