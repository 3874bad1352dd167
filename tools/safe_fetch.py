"""The one way to a page: fetched under limits, from public addresses only, and parsed in another process.

Every hop is judged three times: the URL's text, the addresses its name resolves to, and the socket's own peer; and it
is asked of the host's robots.txt and waits for its turn at the host. The connections are in ``tools.judged_network``,
the bytes in ``tools.page_body``; reading them is the injected parser's work; retries are the gate's.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urldefrag

from research.errors import EffectFailed
from research.ports import Clock, Page, Parser
from research.requests import FetchRequest
from research.web_rules import AllowUrl, every_url
from tools.addresses import read_allowed, shown
from tools.clock import SystemClock
from tools.host_pace import HostPace
from tools.http_status import status_failure
from tools.judged_network import Answer, JudgedNetwork, Resolve, redirected, resolve_name
from tools.page_body import ACCEPTED, HTML, FetchLimits, acceptable, bare, read_body, read_start
from tools.page_signs import LOOKED_AT, page_sign, status_sign
from tools.robots import USER_AGENT, Robots

BUSY = frozenset({429, 503})
"""Statuses whose ``Retry-After`` is for the whole host."""


REFUSAL_BYTES = 64_000
"""So much of a refusal is looked at for what stands behind it."""


class Manners:
    """How hosts are treated: by their robots.txt, unless it is ``None``, and at which pace. Runs share one."""

    def __init__(self, clock: Clock, *, robots: bool = True) -> None:
        self.pace = HostPace(clock)
        self.robots = Robots(clock) if robots else None


class SafeFetch:
    """Implements ``research.ports.Fetch``. ``allow_hosts`` are ``HOST:PORT`` strings that open one host and port.

    ``allow_url`` judges the page's address and that of every redirect before anything is sent there.
    """

    def __init__(
        self,
        parser: Parser,
        *,
        allow_hosts: Iterable[str] = (),
        limits: FetchLimits | None = None,
        manners: Manners | None = None,
        allow_url: AllowUrl = every_url,
        resolve: Resolve = resolve_name,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._parser = parser
        self._network = JudgedNetwork(read_allowed(allow_hosts), resolve=resolve, tls=tls)
        self._limits = limits or FetchLimits()
        self._manners = manners or Manners(SystemClock())
        self._allow_url = allow_url
        self._headers = (("User-Agent", USER_AGENT), *ACCEPTED)

    async def fetch(self, request: FetchRequest, *, timeout: float | None) -> Page:
        """Return the page behind a handle. Raises ``EffectFailed``, which says whether asking again may help."""
        seconds = self._limits.seconds if timeout is None else min(timeout, self._limits.seconds)
        try:
            async with asyncio.timeout(timeout), asyncio.timeout(seconds) as limit:
                url, media, body = await self._follow(request.url, limit)
        except TimeoutError:
            raise EffectFailed(f"{shown(request.url)} gave no page within {seconds:g} s", retryable=True) from None
        found = await self._parser.parse(body, media, name=shown(url))
        sign = page_sign(url, found.title, found.text, found.marks) if bare(media) in HTML else ""
        if sign or not found.text.strip():
            raise EffectFailed(f"{shown(url)} {sign or 'has no readable text'}")
        return Page(
            url=url,
            title=found.title,
            text=found.text,
            media=bare(media),
            published=found.published,
            author=found.author,
            pages=found.pages,
        )

    def prepare(self) -> None:
        """Make the connection pool now; its TLS context takes some hundredths of a second."""
        self._network.prepare()

    async def aclose(self) -> None:
        """Close the connections that are kept open."""
        await self._network.aclose()

    async def _follow(self, url: str, limit: asyncio.Timeout) -> tuple[str, str, bytes]:
        """Return final URL, media type and decoded body, following redirects one judged hop at a time."""
        for _ in range(self._limits.redirects + 1):
            url = urldefrag(url).url
            self._allow_url(url)
            answer = await self._hop(url, limit)
            if not isinstance(answer, str):
                return url, *answer
            url = answer
        raise EffectFailed(f"{shown(url)} is refused: more than {self._limits.redirects} redirects")

    async def _hop(self, url: str, limit: asyncio.Timeout) -> str | tuple[str, bytes]:
        """Ask one host once: the address it redirects to, or media type and body."""
        async with self._asked(url, limit) as answer:
            onward = redirected(url, answer)
            if onward is not None:
                return onward
            if answer.status != 200:
                raise await _refusal(answer, url)
            media = acceptable(url, answer.headers, self._limits)
            return media, await read_body(answer, url, self._limits)

    @asynccontextmanager
    async def _asked(self, url: str, limit: asyncio.Timeout) -> AsyncIterator[Answer]:
        """Ask one host once, if its robots.txt lets us, when it is our turn. The wait for that is not counted."""
        target = self._network.target(url)
        delay = await self._manners.robots.check(self._network, url, target) if self._manners.robots else 0.0
        free = (target.host, target.port) in self._network.allowed
        loop = asyncio.get_running_loop()
        left = (limit.when() or 0.0) - loop.time()
        limit.reschedule(None)
        async with self._manners.pace.turn(target.host, free=free, delay=delay):
            limit.reschedule(loop.time() + left)
            async with self._network.get(url, self._headers) as answer:
                if answer.status in BUSY:
                    failure = status_failure(answer.status, answer.headers, shown(url))
                    self._manners.pace.hold(target.host, failure.retry_after or 0.0)
                yield answer


async def _refusal(answer: Answer, url: str) -> EffectFailed:
    """Return the error for an answer that is not a page, with what stands behind it where that can be told."""
    failure = status_failure(answer.status, answer.headers, shown(url))
    if answer.status not in LOOKED_AT:
        return failure
    sign = status_sign(answer.status, answer.headers, await read_start(answer, REFUSAL_BYTES))
    return EffectFailed(f"{failure}: it {sign}") if sign else failure
