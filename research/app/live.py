"""The cited pages of a run, asked for again: is each still there, and does every quote still stand in it?

Pages go through ``research.app.pages`` under every rule of fetching, with the hosts that the run itself was allowed.
What comes back is compared and dropped: nothing of the run and nothing in the library changes. Whether the quotes stand
in the stored copies is told by ``research.app.records``.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Literal

import msgspec

from research.app.pages import open_fetch
from research.app.records import VerifyResult, find_run, show, verify
from research.app.stored import readable
from research.citations import locate
from research.clean import clean_text
from research.errors import EffectFailed
from research.options import RunOptions
from research.ports import Clock, Fetch, Page
from research.records import Record, build, ident
from research.report import ReportFinding, ReportSource
from research.requests import FetchRequest
from research.settings import Settings
from research.urls import canonical_url
from tools.clock import SystemClock

AT_ONCE = 4
"""Pages asked for at the same time."""
SECONDS = 120.0
"""Seconds that one check may take in all."""

LiveState = Literal["alive", "changed", "moved", "gone", "could not check", "local"]
"""``alive``: the text is the stored one; ``moved``: another address answers for it, with this or another text;
``gone``: 404, 410 or a page that says so; ``local``: the user's own, not on the web or not to be told to it."""


class LiveSource(Record):
    """What became of one cited page. ``lost`` are the findings whose quote no longer stands in it.

    ``now_at`` is the address that answered, where it is not the cited one; ``why`` is what kept it unchecked.
    """

    source: str
    url: str
    title: str
    state: LiveState
    quotes: int
    standing: int = 0
    lost: tuple[str, ...] = ()
    now_at: str = ""
    why: str = ""

    @property
    def holds(self) -> bool:
        """Whether every quote is known to stand where it was cited from."""
        return self.state == "local" or self.standing == self.quotes


class LiveResult(Record):
    """The check of a run's quotes against its stored copies, and against the pages as they are now."""

    run: str
    stored: VerifyResult
    sources: tuple[LiveSource, ...]

    @property
    def exit_code(self) -> int:
        """1 when a stored copy lacks its quote, 3 when a page is gone, unread or without one, else 0."""
        if self.stored.broken:
            return 1
        return 0 if all(source.holds for source in self.sources) else 3


async def verify_live(run: str | None, settings: Settings, *, seconds: float = SECONDS) -> LiveResult:
    """Ask for every cited page of a run again. Raises what ``verify`` raises; a page that fails has its reason."""
    row = find_run(settings, run)
    stored, report = verify(row.id, settings), show(row.id, settings)
    with readable(row.id):
        options = build(RunOptions, msgspec.json.decode(row.options))
    async with AsyncExitStack() as stack:
        fetch, _ = await open_fetch(options, stack)
        looking = _Looking(fetch, SystemClock(), seconds)
        looks = [looking.at(source, _quotes(report.findings, source.id)) for source in report.sources]
        return LiveResult(run=report.run, stored=stored, sources=tuple(await asyncio.gather(*looks)))


def _quotes(findings: Sequence[ReportFinding], source: str) -> list[ReportFinding]:
    return [finding for finding in findings if finding.source == source]


class _Looking:
    """One look at several pages, under one bound of time and of pages at once."""

    def __init__(self, fetch: Fetch, clock: Clock, seconds: float) -> None:
        self._fetch = fetch
        self._clock = clock
        self._seconds = seconds
        self._until = clock.monotonic() + seconds
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def at(self, source: ReportSource, quotes: Sequence[ReportFinding]) -> LiveSource:
        """Return what became of one source."""
        before = LiveSource(
            source=source.id, url=source.url, title=source.title, state="could not check", quotes=len(quotes)
        )
        why = _not_on_the_web(source)
        if why:
            return msgspec.structs.replace(before, state="local", why=why)
        try:
            async with self._turns, asyncio.timeout(max(0.0, self._until - self._clock.monotonic())):
                page = await self._fetch.fetch(
                    FetchRequest(handle=ident("h", source.url), url=source.url), timeout=None
                )
        except TimeoutError:
            return msgspec.structs.replace(before, why=f"no answer within the {self._seconds:g} s for all pages")
        except EffectFailed as failure:
            lost = tuple(quote.id for quote in quotes) if failure.gone else ()
            state: LiveState = "gone" if failure.gone else "could not check"
            return msgspec.structs.replace(before, state=state, lost=lost, why=str(failure))
        return _compared(before, page, quotes)


def _not_on_the_web(source: ReportSource) -> str:
    """Return why a source is not asked for, empty when it is."""
    if not source.url.startswith(("http://", "https://")):
        return "a document of yours: `research verify` checks its stored copy"
    return "a private source: its address is not told to the web" if source.label == "private" else ""


def _compared(before: LiveSource, page: Page, quotes: Sequence[ReportFinding]) -> LiveSource:
    """Return what a page that answered has of what was quoted from it."""
    text = clean_text(page.text)
    same = hashlib.sha256(text.encode()).hexdigest() == before.source
    lost = () if same else tuple(quote.id for quote in quotes if locate(quote.quote, text) is None)
    elsewhere = _elsewhere(before.url, page.url)
    return msgspec.structs.replace(
        before,
        state="moved" if elsewhere else "alive" if same else "changed",
        standing=len(quotes) - len(lost),
        lost=lost,
        now_at=elsewhere,
    )


def _elsewhere(cited: str, answered: str) -> str:
    """Return the address that answered when it is another page's than the cited one."""
    try:
        return "" if canonical_url(answered) == canonical_url(cited) else clean_text(answered)
    except ValueError:
        return clean_text(answered)
