"""What happens in one life of a run, counted from outside: each port with an event before and after what it does.

Reading is no event, and the program knows nothing of any: the watched ports are handed in where the true ones would be.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from bench.far_side import FarSide
from research.ports import (
    Checkpoint,
    Checkpoints,
    Entry,
    Intent,
    Journal,
    Library,
    Outcome,
    Page,
    PendingWrite,
    Records,
)
from research.records import Hit, Label, RunStatus, Source
from research.requests import FetchRequest, ModelReply, ModelRequest
from tools.fakes.scripted import ManualClock


class Events:
    """Counts what happens in one life, and does ``act`` when number ``at`` is reached (from 1; 0: never)."""

    def __init__(self, at: int = 0, act: Callable[[], object] = lambda: os.kill(os.getpid(), signal.SIGKILL)) -> None:
        self.count = 0
        self.names: list[str] = []
        self._at = at
        self._act = act

    def happen(self, name: str) -> None:
        """Count one event."""
        self.count += 1
        self.names.append(name)
        if self.count == self._at:
            self._act()

    async def around(self, name: str, work: Awaitable[Any]) -> Any:
        """Count an event before ``work`` and one after it."""
        self.happen(f"before {name}")
        result = await work
        self.happen(f"after {name}")
        return result


class WatchedFarSide(FarSide):
    """The far side, seen from the process that calls it: an event before and after each call."""

    def __init__(self, log: Path, clock: ManualClock, events: Events) -> None:
        super().__init__(log, clock)
        self._events = events

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        work = super().complete(request, max_tokens=max_tokens, timeout=timeout)
        reply: ModelReply = await self._events.around(f"model {request.role}", work)
        return reply

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        hits: Sequence[Hit] = await self._events.around("search", super().search(query, limit, timeout=timeout))
        return hits

    async def fetch(self, request: FetchRequest, *, timeout: float | None) -> Page:
        page: Page = await self._events.around("fetch", super().fetch(request, timeout=timeout))
        return page


class WatchedJournal:
    """A journal with an event before and after each row."""

    def __init__(self, journal: Journal, events: Events) -> None:
        self.run = journal.run
        self._journal = journal
        self._events = events

    async def entries(self) -> Sequence[Entry]:
        return await self._journal.entries()

    async def intend(self, intent: Intent) -> int:
        seq: int = await self._events.around("intent", self._journal.intend(intent))
        return seq

    async def conclude(self, seq: int, outcome: Outcome) -> None:
        await self._events.around("outcome", self._journal.conclude(seq, outcome))

    async def finish(self, status: RunStatus, exit_code: int, elapsed: float) -> None:
        await self._events.around("finish", self._journal.finish(status, exit_code, elapsed))


class WatchedRecords:
    """Records with an event before and after each transaction that writes."""

    def __init__(self, records: Records, events: Events) -> None:
        self.run = records.run
        self._records = records
        self._events = events

    async def put(self, records: Sequence[tuple[str, str, object]]) -> None:
        await self._events.around("records", self._records.put(records))

    async def get(self, kind: str, id: str) -> object:
        return await self._records.get(kind, id)

    async def every(self, kind: str) -> Sequence[object]:
        return await self._records.every(kind)


class WatchedCheckpoints:
    """Checkpoints with an event before and after each transaction that writes."""

    def __init__(self, checkpoints: Checkpoints, events: Events) -> None:
        self._checkpoints = checkpoints
        self._events = events

    async def put(self, row: Checkpoint) -> None:
        await self._events.around("checkpoint", self._checkpoints.put(row))

    async def put_writes(self, rows: Sequence[PendingWrite], *, replace: bool) -> None:
        await self._events.around("writes", self._checkpoints.put_writes(rows, replace=replace))

    async def latest(self, thread: str, ns: str, id: str | None = None) -> Checkpoint | None:
        return await self._checkpoints.latest(thread, ns, id)

    async def writes(self, thread: str, ns: str, checkpoint: str) -> Sequence[PendingWrite]:
        return await self._checkpoints.writes(thread, ns, checkpoint)

    async def every(self, thread: str) -> Sequence[Checkpoint]:
        return await self._checkpoints.every(thread)

    async def threads(self) -> Sequence[str]:
        return await self._checkpoints.threads()

    async def delete(self, thread: str) -> None:
        await self._events.around("delete", self._checkpoints.delete(thread))


class WatchedLibrary:
    """A library with an event before and after each text that is kept."""

    def __init__(self, library: Library, events: Events) -> None:
        self._library = library
        self._events = events

    async def keep(self, page: Page, label: Label) -> Source:
        source: Source = await self._events.around("text", self._library.keep(page, label))
        return source

    async def text(self, source: str) -> str:
        return await self._library.text(source)

    async def source(self, source: str, url: str = "") -> Source:
        return await self._library.source(source, url)

    def path(self, source: str) -> Path:
        return self._library.path(source)
