"""How fast one host is asked: few connections at once, a pause between requests, and a host that said "later" is left.

Shared by all runs of a process. Hosts that the user named with ``--allow-host`` are asked as fast as they answer,
unless their own robots.txt or ``Retry-After`` says otherwise. Whether they may be asked at all is in ``tools.robots``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from research.errors import EffectFailed
from research.ports import Clock

CONNECTIONS = 2
INTERVAL = 0.5
"""Seconds between the starts of two requests to one host."""
LONGEST_WAIT = 60.0
"""Seconds: who would have to wait longer is told so instead."""
MOST_HOSTS = 1_000


class _Host:
    """One host: who is being answered, when the next may begin, until when it wants to be left alone."""

    def __init__(self) -> None:
        self.connections = asyncio.Semaphore(CONNECTIONS)
        self.using = 0
        self.next = 0.0
        self.held = 0.0


class HostPace:
    """The pace of every host. Time passes by ``clock``, so that a test waits for nothing."""

    def __init__(self, clock: Clock, *, interval: float = INTERVAL) -> None:
        self._clock = clock
        self._interval = interval
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, host: str, *, free: bool = False, delay: float = 0.0) -> AsyncIterator[None]:
        """Wait until ``host`` may be asked, and keep one of its connections meanwhile.

        ``free``: no more pause than ``delay`` seconds, which the host asks for, and any number of connections. Raises
        ``EffectFailed`` when the wait would be longer than a minute.
        """
        place = self._host(host)
        place.using += 1
        try:
            if free:
                await self._wait(place, host, delay)
                yield
                return
            async with place.connections:
                await self._wait(place, host, max(delay, self._interval))
                yield
        finally:
            place.using -= 1

    def hold(self, host: str, seconds: float) -> None:
        """Leave a host alone for so long, because it asked for that."""
        place = self._host(host)
        place.held = max(place.held, self._clock.monotonic() + seconds)

    async def _wait(self, place: _Host, host: str, pause: float) -> None:
        now = self._clock.monotonic()
        start = max(now, place.next, place.held)
        if start - now > LONGEST_WAIT:
            raise EffectFailed(
                f"{host} asks to be left alone for {start - now:.0f} s", retryable=True, retry_after=start - now
            )
        place.next = start + pause
        if start > now:
            await self._clock.sleep(start - now)
        if place.held > self._clock.monotonic():  # it said "later" to another meanwhile
            await self._wait(place, host, pause)

    def _host(self, name: str) -> _Host:
        place = self._hosts.pop(name, None) or _Host()
        self._hosts[name] = place
        if len(self._hosts) > MOST_HOSTS:
            idle = [old for old, one in self._hosts.items() if one is not place and not one.using]
            for old in idle[: len(self._hosts) - MOST_HOSTS]:
                del self._hosts[old]
        return place
