"""How calls to one provider are spread over time: its limits a minute, and waiting where it asks for it. Arithmetic.

Each provider has a lane, which the branches of a run and all runs of one process share. Who enters a lane is told when
its call may be sent: never more calls or tokens in any 60 seconds than the user allows, in the order of asking. A
provider that says "too many requests" holds its whole lane; what waited is then let go one by one, some tenths of a
second apart, so that not all come back at once. Time is told by the caller; waiting is done in ``research.waiting``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from research.records import Record

MINUTE = 60.0
GAP = 0.1
"""Seconds between two calls that a hold is lifted for, on average; each gap is drawn from half to one and a half."""


class Limit(Record):
    """The most that one provider may be sent in a minute; ``None`` is no limit. Tokens count prompt and answer.

    ``every`` is the least time between two calls, in seconds, for a provider that asks for that.
    """

    requests: int | None = None
    tokens: int | None = None
    every: float | None = None


@dataclass(eq=False)
class Ticket:
    """One call's place: from ``start`` (monotonic seconds) on it may be sent. ``tokens`` are those it may take."""

    start: float
    tokens: int


class Lane:
    """The calls to one provider in the last minute, and those that wait."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._calls: deque[Ticket] = deque()
        self._held = float("-inf")

    def enter(self, now: float, tokens: int, draw: float) -> Ticket:
        """Give a call its place behind those that came before. ``draw``, from 0 to 1, spreads what a hold let pile up.

        A call that alone is above the limit of tokens is sent when nothing else was for a minute.
        """
        ticket = Ticket(now, tokens)
        self._place(ticket, now, draw)
        return ticket

    def wait(self, ticket: Ticket, now: float, draw: float) -> float:
        """Return the seconds until the call may be sent, none when it may; a hold that came since moves it back."""
        if now < self._held and ticket.start < self._held:
            self.leave(ticket)
            self._place(ticket, now, draw)
        return max(0.0, ticket.start - now)

    def leave(self, ticket: Ticket) -> None:
        """Give up the place of a call that is not sent after all."""
        if ticket in self._calls:
            self._calls.remove(ticket)

    def hold(self, until: float) -> None:
        """Let no call go before ``until``."""
        self._held = max(self._held, until)

    def _place(self, ticket: Ticket, now: float, draw: float) -> None:
        while self._calls and self._calls[0].start <= now - MINUTE:
            self._calls.popleft()
        last = self._calls[-1].start if self._calls else now
        start = now if self.limit == Limit() else max(now, last)
        if now < self._held:
            start = self._held if last < self._held else last + GAP * (0.5 + draw)
        if self.limit.every and self._calls:
            start = max(start, last + self.limit.every)
        ticket.start = self._fitting(start, ticket.tokens)
        self._calls.append(ticket)

    def _fitting(self, start: float, tokens: int) -> float:
        """Return the first moment from ``start`` on at which the minute before has room for one more call."""
        recent = deque(call for call in self._calls if call.start > start - MINUTE)
        used = sum(call.tokens for call in recent)
        while recent and not self._room(len(recent), used + tokens):
            gone = recent.popleft()
            used -= gone.tokens
            start = max(start, gone.start + MINUTE)
        return start

    def _room(self, calls: int, tokens: int) -> bool:
        requests, most = self.limit.requests, self.limit.tokens
        return (requests is None or calls < requests) and (most is None or tokens <= most)


class Paces:
    """The lanes of all providers: one object a process, so that its runs share them."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}

    def lane(self, provider: str, limit: Limit | None = None) -> Lane:
        """Return the provider's lane, from now on under ``limit`` if one is given."""
        lane = self._lanes.setdefault(provider, Lane(Limit()))
        lane.limit = limit or lane.limit
        return lane
