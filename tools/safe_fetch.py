"""The one way to a page: fetched under limits, from public addresses only, and parsed in another process.

Every hop is judged three times: the URL's text, the addresses its name resolves to, and the socket's own peer; and it
is asked of the host's robots.txt and waits for its turn at the host. The connections are in ``tools.judged_network``,
the bytes in ``tools.page_body``; reading them is the injected parser's work; retries are the gate's.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from urllib.parse import urldefrag

from research.errors import EffectFailed
from research.ports import Clock, Page, Parsed, Parser
from research.requests import FetchRequest
from research.web_rules import AllowUrl, every_url
from tools.addresses import Target, read_allowed, shown
from tools.clock import SystemClock
from tools.host_pace import HostPace
from tools.http_status import status_failure
from tools.judged_network import Answer, JudgedNetwork, Resolve, redirected, resolve_name
from tools.page_body import ACCEPTED, HTML, LOADED, MEDIA, FetchLimits, acceptable, bare, read_body, read_start
from tools.page_cache import Kept, PageCache, Pairs
from tools.page_signs import LOOKED_AT, MISSING, page_sign, status_sign
from tools.rendering import Chromium
from tools.robots import USER_AGENT, Robots

BUSY = frozenset({429, 503})
"""Statuses whose ``Retry-After`` is for the whole host."""


REFUSAL_BYTES = 64_000
"""So much of a refusal is looked at for what stands behind it."""
LITTLE = 200
"""Characters: a page of scripts with less text than this may write its text only when they run."""
RENDERED = "text/html; charset=utf-8"


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
        cache: PageCache | None = None,
        browser: Chromium | None = None,
        allow_url: AllowUrl = every_url,
        resolve: Resolve = resolve_name,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._parser = parser
        self._network = JudgedNetwork(read_allowed(allow_hosts), resolve=resolve, tls=tls)
        self._limits = limits or FetchLimits()
        self._manners = manners or Manners(SystemClock())
        self._cache = cache
        self._browser = browser
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
        found = await self._read(url, media, body)
        sign = page_sign(url, found.title, found.text, found.marks) if bare(media) in HTML else ""
        if sign or not found.text.strip():
            raise EffectFailed(f"{shown(url)} {sign or 'has no readable text'}", gone=sign == MISSING)
        return Page(
            url=url,
            title=found.title,
            text=found.text,
            media=bare(media),
            published=found.published,
            author=found.author,
            pages=found.pages,
            hidden=found.hidden,
        )

    async def _read(self, url: str, media: str, body: bytes) -> Parsed:
        """Return what a document says; where that is next to nothing, what its scripts make of it, if they may run."""
        found, problem = None, None
        try:
            found = await self._parser.parse(body, media, name=shown(url))
        except EffectFailed as failure:
            problem = failure
        written = found is not None and len(found.text.strip()) >= LITTLE
        if written or bare(media) not in HTML or b"<script" not in body.lower():
            return _either(found, problem)
        if self._browser is None:
            if problem is not None:
                raise EffectFailed(f"{problem}; --javascript lets its scripts write one") from None
            return _either(found, problem)
        try:
            html = await self._browser.render(url, body, media, self._loaded)
            return await self._parser.parse(html.encode(errors="replace"), RENDERED, name=shown(url))
        except EffectFailed as failure:
            if found is not None:
                return found
            raise EffectFailed(f"{problem}; {failure}") from None

    async def _loaded(self, url: str) -> tuple[str, bytes]:
        """Return media type and body of what a page's script asks for, under every rule of fetching but the pace."""
        try:
            async with asyncio.timeout(self._limits.seconds) as limit:
                _, media, body = await self._follow(url, limit, LOADED)
        except TimeoutError:
            raise EffectFailed(f"{shown(url)} gave nothing within {self._limits.seconds:g} s") from None
        return media, body

    def prepare(self) -> None:
        """Make the connection pool now, and what else the first page would wait for."""
        self._network.prepare()
        if self._cache:
            self._cache.prepare()

    async def aclose(self) -> None:
        """Close the connections that are kept open."""
        await self._network.aclose()

    async def _follow(self, url: str, limit: asyncio.Timeout, kinds: Sequence[str] = MEDIA) -> tuple[str, str, bytes]:
        """Return final URL, media type and decoded body, following redirects one judged hop at a time."""
        for _ in range(self._limits.redirects + 1):
            url = urldefrag(url).url
            self._allow_url(url)
            answer = await self._hop(url, limit, kinds)
            if not isinstance(answer, str):
                return url, *answer
            url = answer
        raise EffectFailed(f"{shown(url)} is refused: more than {self._limits.redirects} redirects")

    async def _hop(self, url: str, limit: asyncio.Timeout, kinds: Sequence[str]) -> str | tuple[str, bytes]:
        """Ask one host once, or the cache: the address it redirects to, or media type and body.

        The URL is judged also when the answer is kept already.
        """
        target = self._network.target(url)

        async def send(extra: Pairs) -> Kept:
            return await self._send(url, target, extra, limit, kinds)

        cache = self._cache if kinds is MEDIA else None
        answer = await (cache.answer(url, self._headers, send) if cache else send(()))
        onward = redirected(url, answer.status, answer.headers)
        return onward if onward is not None else (answer.headers.get("content-type", "text/html"), answer.body)

    async def _send(self, url: str, target: Target, extra: Pairs, limit: asyncio.Timeout, kinds: Sequence[str]) -> Kept:
        """Ask one host once, if its robots.txt lets us, when it is our turn. The wait for that is not counted."""
        robots, pace = self._manners.robots, self._manners.pace
        delay = await robots.check(self._network, url, target, self._allow_url) if robots else 0.0
        free = (target.host, target.port) in self._network.allowed or kinds is LOADED
        loop = asyncio.get_running_loop()
        left = (limit.when() or 0.0) - loop.time()
        limit.reschedule(None)
        async with pace.turn(target.host, free=free, delay=delay):
            limit.reschedule(loop.time() + left)
            async with self._network.get(url, (*self._headers, *extra)) as answer:
                if answer.status in BUSY:
                    failure = status_failure(answer.status, answer.headers, shown(url))
                    pace.hold(target.host, failure.retry_after or 0.0)
                return Kept(answer.status, dict(answer.headers), await self._body(answer, url, extra, kinds))

    async def _body(self, answer: Answer, url: str, extra: Pairs, kinds: Sequence[str]) -> bytes:
        """Return the decoded body, empty where the answer points elsewhere or says that nothing changed."""
        pointing = redirected(url, answer.status, answer.headers) is not None
        if pointing or (answer.status == 304 and extra):
            return b""
        if answer.status != 200:
            raise await _refusal(answer, url)
        acceptable(url, answer.headers, self._limits, kinds)
        return await read_body(answer, url, self._limits)


def _either(found: Parsed | None, problem: EffectFailed | None) -> Parsed:
    """Return what was read, or raise why nothing was."""
    if found is None:
        raise problem or EffectFailed("nothing was read")
    return found


async def _refusal(answer: Answer, url: str) -> EffectFailed:
    """Return the error for an answer that is not a page, with what stands behind it where that can be told."""
    failure = status_failure(answer.status, answer.headers, shown(url))
    if answer.status not in LOOKED_AT:
        return failure
    sign = status_sign(answer.status, answer.headers, await read_start(answer, REFUSAL_BYTES))
    return EffectFailed(f"{failure}: it {sign}") if sign else failure
