"""robots.txt: whether a host lets programs read a page, and how fast (RFC 9309, read by protego).

One file for each scheme, host and port, fetched over the same judged network as pages, kept for at most a day. What
cannot be had is decided as the RFC says: no file (4xx, or too many redirects) opens everything, a host that fails (5xx,
429) closes everything for a minute. Only the groups for us and for everybody are read, so that a file made to be slow
costs nothing. Waiting between requests is done in ``tools.host_pace``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from protego import Protego

from research import __version__
from research.errors import EffectFailed
from research.ports import Clock
from research.web_rules import AllowUrl, every_url
from tools.addresses import Target, shown
from tools.http_status import retry_after
from tools.judged_network import Answer, JudgedNetwork, redirected
from tools.page_body import read_start

TOKEN = "research"
"""The product token that a robots.txt names us by."""
USER_AGENT = f"{TOKEN}/{__version__}"

LONGEST = 500_000
"""Bytes of a file that are read; the rest of a longer one is not (RFC 9309, 2.5 asks for 500 KiB or more)."""
REDIRECTS = 5
KEPT_SECONDS = 24 * 3600.0
FAILED_SECONDS = 60.0
MOST_DELAY = 10.0
"""Seconds: a longer Crawl-delay is taken as this."""
MOST_FILES = 1_000
SECONDS = 10.0
"""For one file with its redirects; a host that takes longer has failed."""

HEADERS: Sequence[tuple[str, str]] = (
    ("User-Agent", USER_AGENT),
    ("Accept", "text/plain"),
    ("Accept-Encoding", "gzip, identity"),
)


class Rules(NamedTuple):
    """What one robots.txt says; ``closed`` is why nothing may be read whatever it says, ``until`` when it is old."""

    file: Protego | None
    until: float
    closed: str = ""
    after: float | None = None

    def delay(self) -> float:
        """Return the seconds that are to lie between two requests."""
        return min(MOST_DELAY, (self.file.crawl_delay(TOKEN) if self.file else None) or 0.0)


class Robots:
    """The robots.txt files that a process has asked for. ``clock`` says when one is too old."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rules: dict[Target, Rules] = {}
        self._turns: dict[Target, asyncio.Lock] = {}

    async def check(self, network: JudgedNetwork, url: str, target: Target, allow_url: AllowUrl = every_url) -> float:
        """Return the seconds that the host wants between two requests. Raises ``EffectFailed`` when ``url`` is closed.

        The first for a host asks for the file, others wait for it. ``allow_url`` judges each redirect of the file.
        """
        async with self._turns.setdefault(target, asyncio.Lock()):
            rules = self._rules.get(target)
            if rules is None or rules.until <= self._clock.monotonic():
                rules = await self._ask(network, target, allow_url)
                self._keep(target, rules)
        if rules.closed:
            raise EffectFailed(f"{shown(url)} {rules.closed}", retryable=True, retry_after=rules.after)
        if rules.file is not None and not rules.file.can_fetch(url, TOKEN):
            raise EffectFailed(f"{shown(url)} is closed to programs by its robots.txt")
        return rules.delay()

    def _keep(self, target: Target, rules: Rules) -> None:
        self._rules.pop(target, None)
        self._rules[target] = rules
        for old in list(self._rules)[:-MOST_FILES]:
            del self._rules[old]
            self._turns.pop(old, None)

    async def _ask(self, network: JudgedNetwork, target: Target, allow_url: AllowUrl) -> Rules:
        start = f"{target.scheme}://{target.authority}/robots.txt"
        try:
            async with asyncio.timeout(SECONDS):
                return await self._follow(network, start, allow_url)
        except TimeoutError:
            return self._failed(f"gave no answer within {SECONDS:g} s")

    async def _follow(self, network: JudgedNetwork, start: str, allow_url: AllowUrl) -> Rules:
        """Return the rules at ``start`` or where it leads. What fails there fails for the page, too, and is raised."""
        url = start
        for _ in range(REDIRECTS + 1):
            async with network.get(url, HEADERS) as answer:
                onward = redirected(url, answer.status, answer.headers)
                if onward is None:
                    return await self._read(answer)
                allow_url(onward)
                url = onward
        return Rules(None, self._clock.monotonic() + KEPT_SECONDS)

    async def _read(self, answer: Answer) -> Rules:
        if answer.status >= 500 or answer.status == 429:
            return self._failed(f"answered {answer.status}", retry_after(answer.headers))
        until = self._clock.monotonic() + KEPT_SECONDS
        if not 200 <= answer.status < 300:
            return Rules(None, until)
        text = (await read_start(answer, LONGEST)).decode("utf-8-sig", "replace")
        return Rules(await asyncio.to_thread(read_robots, text), until)

    def _failed(self, how: str, after: float | None = None) -> Rules:
        closed = f"is not read, because its host's robots.txt {how}"
        return Rules(None, self._clock.monotonic() + FAILED_SECONDS, closed, after)


def read_robots(text: str) -> Protego:
    """Return the rules of a file. Blocking: half a megabyte takes some tenths of a second."""
    return Protego.parse("\n".join(_ours(text)))


def _ours(text: str) -> Iterator[str]:
    """Yield the lines of a file with one name for all other programs.

    Protego gives each rule to each name above it, and a file of many names and many rules would take it hours.
    """
    named_other = False
    for line in text.splitlines():
        field, colon, value = line.partition("#")[0].partition(":")
        if not (colon and field.strip().lower() in ("user-agent", "useragent", "user agent")):
            named_other = named_other and not line.partition("#")[0].strip()
            yield line
        elif value.strip() == "*" or value.strip().lower() == TOKEN:
            yield line
        elif not named_other:
            named_other = True
            yield "User-agent: other-programs"
