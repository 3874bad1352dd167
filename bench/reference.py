"""The reference run: a planner, four branches of two searches and three pages each, a writer and a checker.

The graph, the gate and the stores are the real ones; the far side (model, search, pages) is scripted and keeps a log
that outlives the process, so that it can say what was sent to it and what it answered. Time is virtual and the run's
name is fixed: two runs that nothing disturbed give the same bytes. A life of the run is a forked process, so that it
can be killed at any of its events without importing everything again. What is done to the lives, and what must hold
after it, is in the benches that use this: ``bench.kill``, ``bench.damage``, ``bench.owner``, ``bench.growth``.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec

from research.access import World
from research.analysts.extractive import ExtractiveAnalyst
from research.analysts.language import LanguageAnalyst
from research.app.hands import Hands
from research.app.running import RunHandle, ask, resume
from research.app.stores import Stores
from research.app.world import Judgement, Opened
from research.budget import Caps
from research.errors import ResearchError
from research.options import RunOptions
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
from research.records import Failure, Hit, Label, RunStatus, Source, encode, ident
from research.report import Report
from research.requests import FetchRequest, ModelReply, ModelRequest, Role, TokenCount, request_key
from research.settings import Settings, load
from tools.fakes.persona import answer_to
from tools.fakes.scripted import EPOCH, ManualClock

RUN = "reference"
QUESTION = "How do walls, journals, locks and fences keep a run whole?"
SUBJECTS = ("walls", "journals", "locks", "fences")
PAGES = 3
OPTIONS = RunOptions(
    web=True,
    searx="http://search.example",
    model="scripted:reference",
    mode="workflow",
    branches=len(SUBJECTS),
    rounds=1,
    caps=Caps(tokens=10_000_000, calls=1_000),
)


class ReferenceClock(ManualClock):
    """Virtual time for whatever waits; the date that is shown stands still, so that it is the same in every life."""

    def now(self) -> str:
        return EPOCH.isoformat().replace("+00:00", "Z")


class FarSide:
    """Model, search and pages of the reference run, with a log of one line for each call and each answer.

    A line is one ``write`` to a file opened for appending, before the answer is given: what was answered before a kill
    is in the log. The clock passes half a second for every call.
    """

    name = "scripted:reference"
    window = 1_000_000
    price = None

    def __init__(self, log: Path, clock: ManualClock) -> None:
        self._log = log
        self._clock = clock

    async def _called(self, key: str) -> None:
        self._write(f"sent {key}")
        await self._clock.sleep(0.5)

    def _write(self, line: str) -> None:
        handle = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, f"{line}\n".encode())
        finally:
            os.close(handle)

    def count(self, request: ModelRequest) -> int:
        """Return the characters of the messages in bytes: the tokens of this model."""
        return sum(len(message.content.encode()) for message in request.messages)

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        key = f"model {request_key(request)[:16]}"
        await self._called(key)
        data = planned() if request.role == "planner" else self._played(request)
        text = encode(data)
        usage = TokenCount(prompt=self.count(request), completion=min(len(text), max_tokens))
        self._write(f"answered {key} {usage.prompt + usage.completion}")
        return ModelReply(text=text, data=data, stop="end", usage=usage)

    def _played(self, request: ModelRequest) -> Any:
        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        shape = {"type": "json_schema", "json_schema": {"schema": request.schema}}
        data = answer_to({"messages": messages, "response_format": shape})["json"]
        if "sections" in data:  # one sentence a branch, so that the checker is asked as often
            sentences = data["sections"][0]["sentences"]
            data["sections"][0]["sentences"] = sentences[:: max(1, len(sentences) // len(SUBJECTS))][: len(SUBJECTS)]
        return data

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        await self._called(f"search {query}")
        subject = next(subject for subject in SUBJECTS if subject in query)
        urls = [f"https://{subject}.example/{number}" for number in range(PAGES)]
        self._write(f"answered search {query} 0")
        return [Hit(handle=ident("h", url), title=url, score=1.0, url=url) for url in urls][:limit]

    async def fetch(self, request: FetchRequest, *, timeout: float | None) -> Page:
        await self._called(f"fetch {request.url}")
        subject, number = request.url.removeprefix("https://").split(".example/")
        text = f"Of {subject} the reference says in its part {number} that they keep a run of the program whole."
        self._write(f"answered fetch {request.url} 0")
        return Page(url=request.url, title=f"On {subject}, part {number}", text=text)


def planned() -> dict[str, Any]:
    """Return the plan: one task a subject, each with two queries of its own."""
    tasks = [
        {
            "objective": f"How do {subject} keep a run of the program whole?",
            "queries": [f"{subject} of a run", f"what {subject} keep whole"],
            "source": "web",
            "wanted": "a statement",
        }
        for subject in SUBJECTS
    ]
    return {"rationale": "one task a subject", "tasks": tasks}


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


def reference_hands(log: Path, events: Events) -> Hands:
    """Return the hands of one life: virtual time, the watched far side, and the real stores with events around them."""
    clock = ReferenceClock()
    far = WatchedFarSide(log, clock, events)

    def judgement(options: RunOptions, settings: Settings) -> Judgement:
        analyst = LanguageAnalyst(ExtractiveAnalyst(), far.name)
        return Judgement(analyst=analyst, models=dict.fromkeys(get_args(Role), far), lapses=analyst.lapses)

    @asynccontextmanager
    async def world(
        options: RunOptions, settings: Settings, judgement: Judgement, stores: Stores, opened: Opened
    ) -> AsyncIterator[tuple[World, tuple[Failure, ...]]]:
        ports: Mapping[str, Any] = {"models": judgement.models, "searches": (far,), "fetch": far}
        yield World(library=stores.library, records=stores.records, **ports), ()

    def watched(stores: Stores) -> Stores:
        events.happen("owned")
        return Stores(
            journal=WatchedJournal(stores.journal, events),
            records=WatchedRecords(stores.records, events),
            checkpoints=WatchedCheckpoints(stores.checkpoints, events),
            library=WatchedLibrary(stores.library, events),
        )

    return Hands(clock=clock, name_run=lambda now: RUN, judgement=judgement, world=world, stores=watched)


MakeHands = Callable[[Path, Events], Hands]
"""Makes the hands of one life from the far side's log and the events that are counted."""


def settings_of(home: Path) -> Settings:
    """Return settings with nothing of the user's, over ``home``."""
    return load({"home": str(home)}, {})


def unheard(_: object) -> None:
    """Take in an event or a handle, and do nothing."""


async def begin(
    home: Path,
    log: Path,
    events: Events,
    options: RunOptions = OPTIONS,
    *,
    on_start: Callable[[RunHandle], None] = unheard,
    make: MakeHands = reference_hands,
) -> Report:
    """Begin the reference run in ``home`` with the hands that ``make`` makes."""
    hands = make(log, events)
    return await ask(QUESTION, options, settings_of(home), listen=unheard, on_start=on_start, hands=hands)


async def go_on(
    home: Path,
    log: Path,
    events: Events,
    *,
    on_start: Callable[[RunHandle], None] = unheard,
    make: MakeHands = reference_hands,
    **how: Any,
) -> Report:
    """Resume the reference run in ``home``; ``how`` is handed to ``resume``."""
    hands = make(log, events)
    return await resume(RUN, settings_of(home), approve=None, listen=unheard, on_start=on_start, hands=hands, **how)


class Ended(NamedTuple):
    """How a life ended: exit code (negative: killed by that signal), what it said, and how many events it had."""

    code: int
    said: str
    events: int


Work = Callable[[Events], Awaitable[Any]]
"""What a life does; what comes of it is a report, or another record with an ``exit_code``."""


async def _awaited(work: Work, events: Events) -> Any:
    return await work(events)


def plainly(work: Work, events: Events) -> Any:
    """Do ``work`` in an event loop of its own, with nothing around it."""
    return asyncio.run(_awaited(work, events))


def live(
    work: Work, events: Events, timeout: float = 120.0, *, drive: Callable[[Work, Events], Any] = plainly
) -> Ended:
    """Do ``work`` in a forked process and return how it ended. The caller must have no threads of its own.

    ``drive`` runs it there; the command line's own way, with its signals, is one.
    """
    return waited(*start(work, events, drive=drive), timeout)


def start(work: Work, events: Events, *, drive: Callable[[Work, Events], Any] = plainly) -> tuple[int, int]:
    """Begin ``work`` in a forked process; return its number and the pipe on which it will say how it ended."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _be(work, events, writer, drive)
    os.close(writer)
    return child, reader


def _be(work: Work, events: Events, writer: int, drive: Callable[[Work, Events], Any]) -> None:
    """Be the child: work, tell the parent, and leave without the parent's exit handlers."""
    code, said = 70, ""
    try:
        report = drive(work, events)
        code, said = report.exit_code, encode(report)
    except ResearchError as error:
        code, said = error.exit_code, f"{type(error).__name__}: {error}"
    finally:  # whatever was raised: a forked process must never return into its parent's code
        said = said or traceback.format_exc()
        with os.fdopen(writer, "w", encoding="utf-8") as pipe:
            pipe.write(f"{events.count}\n{said}")
        sys.stderr.flush()
        os._exit(code)


def waited(child: int, reader: int, timeout: float) -> Ended:
    """Read what the child says and wait for its end; one that hangs past ``timeout`` seconds is killed, code -999."""
    ready, _, _ = select.select([reader], [], [], timeout)  # it says nothing before its end
    if not ready:
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reader, encoding="utf-8") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    count, _, rest = said.partition("\n")
    return Ended(-999 if not ready and code == -signal.SIGKILL else code, rest, int(count or 0))


def essence(report: Report, home: Path) -> str:
    """Return a report as JSON without what a kill may raise (usage) and without where ``home`` is."""
    zero = msgspec.structs.replace(report.usage, tokens=0, calls=0, usd=None, seconds=0.0)
    branches = tuple(msgspec.structs.replace(branch, usage=zero) for branch in report.branches)
    return encode(msgspec.structs.replace(report, usage=zero, branches=branches)).replace(str(home), "HOME")


def logged(log: Path) -> list[list[str]]:
    """Return the far side's log: ``["sent", key…]`` and ``["answered", key…, tokens]`` lines, split at spaces."""
    return [line.split() for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
