"""In-process stand-ins for the ports: a scripted model, search and fetch, a clock of virtual time, stores in memory.

They keep the contracts of ``research.ports`` and nothing else; each records what it was asked in ``asked``. A model
behind a real client and a real socket is in ``tools.fakes.openai_server``.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from research.clean import clean_text
from research.errors import EffectFailed, SourceDamaged, StoreProblem
from research.ports import Entry, Intent, Outcome, Page, Price
from research.records import Hit, RunStatus, Source, plain
from research.requests import FetchRequest, ModelReply, ModelRequest, TokenCount

Script = ModelReply | EffectFailed | Callable[[ModelRequest], ModelReply]
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def replied(data: object, *, completion: int = 20, prompt: int = 50) -> ModelReply:
    """Return a whole JSON answer with plausible usage."""
    text = msgspec.json.encode(data).decode()
    return ModelReply(text=text, data=data, stop="end", usage=TokenCount(prompt=prompt, completion=completion))


class ScriptedModel:
    """Answers with the next of ``replies`` (a reply, a failure to raise, or a function); fails when none is left."""

    def __init__(
        self,
        replies: Sequence[Script] = (),
        *,
        name: str = "scripted:model",
        price: Price | None = None,
        window: int = 1_000_000,
    ) -> None:
        self.name = name
        self.price = price
        self.window = window
        self.asked: list[ModelRequest] = []
        self.limits: list[int] = []
        self._replies = list(replies)

    def count(self, request: ModelRequest) -> int:
        """Return the bytes of the request's canonical JSON, which no tokenizer passes."""
        return len(msgspec.json.encode(request))

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        self.asked.append(request)
        self.limits.append(max_tokens)
        if not self._replies:
            raise EffectFailed(f"{self.name}: the script has no answer number {len(self.asked)}")
        reply = self._replies.pop(0)
        if isinstance(reply, EffectFailed):
            raise reply
        return reply if isinstance(reply, ModelReply) else reply(request)


class ScriptedSearch:
    """Answers a query from a table: hits, or a failure to raise. A query that is not in it finds nothing."""

    def __init__(self, results: Mapping[str, Sequence[Hit] | EffectFailed], *, name: str = "scripted") -> None:
        self.name = name
        self.asked: list[str] = []
        self._results = dict(results)

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        self.asked.append(query)
        found = self._results.get(query, ())
        if isinstance(found, EffectFailed):
            raise found
        return list(found)[:limit]


class ScriptedFetch:
    """Returns pages by URL; any other URL fails as a missing page does."""

    def __init__(self, pages: Mapping[str, Page | EffectFailed]) -> None:
        self.asked: list[FetchRequest] = []
        self._pages = dict(pages)

    async def fetch(self, request: FetchRequest, *, timeout: float | None) -> Page:
        self.asked.append(request)
        page = self._pages.get(request.url)
        if page is None:
            raise EffectFailed(f"{request.url}: HTTP 404")
        if isinstance(page, EffectFailed):
            raise page
        return page


class ManualClock:
    """Virtual time: a sleep takes no real time, and sleepers wake in the order of their hours.

    Time stands still while anything else is ready to run, and moves only to the next sleeper's hour or by ``advance``.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self._numbers = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._ticking = False
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self._now

    def now(self) -> str:
        return (EPOCH + timedelta(seconds=self._now)).isoformat().replace("+00:00", "Z")

    def advance(self, seconds: float) -> None:
        """Let time pass without anybody sleeping."""
        self._now += seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._sleepers, (self._now + max(0.0, seconds), next(self._numbers), future))
        if not self._ticking:
            self._ticking = True
            loop.call_soon(self._tick)
        await future

    def _tick(self) -> None:
        """Wake the next sleeper; runs after whatever was ready, so later sleeps that end earlier come first."""
        hour, _, future = heapq.heappop(self._sleepers)
        self._now = max(self._now, hour)
        if not future.done():
            future.set_result(None)
        self._ticking = bool(self._sleepers)
        if self._ticking:
            asyncio.get_running_loop().call_soon(self._tick)


class MemoryJournal:
    """A journal that lives as long as the object; hand its ``entries()`` to a new gate to play a resume."""

    def __init__(self, run: str = "run-1") -> None:
        self.run = run
        self.rows: list[Entry] = []
        self.finished: tuple[RunStatus, int, float] | None = None

    async def entries(self) -> Sequence[Entry]:
        return tuple(self.rows)

    async def intend(self, intent: Intent) -> int:
        self.rows.append(Entry(seq=len(self.rows), intent=intent, outcome=None))
        return len(self.rows) - 1

    async def conclude(self, seq: int, outcome: Outcome) -> None:
        self.rows[seq] = msgspec.structs.replace(self.rows[seq], outcome=outcome)

    async def finish(self, status: RunStatus, exit_code: int, elapsed: float) -> None:
        self.finished = (status, exit_code, elapsed)


class MemoryLibrary:
    """A content-addressed store in memory; ``texts`` maps ids to stored texts."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._sources: dict[str, dict[str, Source]] = {}

    async def keep(self, page: Page, label: Literal["public", "private"]) -> Source:
        text = clean_text(page.text)
        id = hashlib.sha256(text.encode()).hexdigest()
        self.texts.setdefault(id, text)
        source = Source(
            id=id,
            url=page.url,
            title=clean_text(page.title),
            label=label,
            media=page.media,
            published=page.published,
            author=page.author,
            pages=page.pages,
            retrieved=EPOCH.isoformat().replace("+00:00", "Z"),
        )
        return self._sources.setdefault(id, {}).setdefault(page.url, source)

    async def text(self, source: str) -> str:
        text = self.texts.get(source)
        if text is None:
            raise SourceDamaged(f"the library has no text {source[:12]}")
        if hashlib.sha256(text.encode()).hexdigest() != source:
            raise SourceDamaged(f"the stored text {source[:12]} is damaged")
        return text

    async def source(self, source: str, url: str = "") -> Source:
        places = self._sources.get(source)
        if not places:
            raise StoreProblem(f"the library has no source {source[:12]}")
        return places.get(url) or list(places.values())[-1]

    async def ids(self) -> frozenset[str]:
        return frozenset(self._sources)

    def path(self, source: str) -> Path:
        """Return a name only: nothing is on disk."""
        return Path("memory") / f"{source}.txt"


class MemoryRecords:
    """The records of one run in memory."""

    def __init__(self, run: str = "run-1") -> None:
        self.run = run
        self._records: dict[tuple[str, str], object] = {}

    async def put(self, records: Sequence[tuple[str, str, object]]) -> None:
        for kind, id, record in records:
            self._records.setdefault((kind, id), plain(record))

    async def get(self, kind: str, id: str) -> object:
        try:
            return self._records[kind, id]
        except KeyError:
            raise StoreProblem(f"the run {self.run} has no {kind} {id}") from None

    async def every(self, kind: str) -> Sequence[object]:
        found = {id: record for (what, id), record in self._records.items() if what == kind}
        return [found[id] for id in sorted(found)]
