"""A run of hostile models over pages that each carry a mark, in memory and by a virtual clock, for several tests."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
from parts import checkpoints

from graphs.context import RunContext
from graphs.runs import Engine
from research.access import World
from research.analysts import Bounds
from research.analysts.extractive import ExtractiveAnalyst
from research.analysts.language import LanguageAnalyst
from research.budget import Caps
from research.gate import Gate
from research.options import RunOptions
from research.ports import Page
from research.records import Hit, Question, ident
from research.report import Report
from research.requests import ROLES, FetchRequest, ModelReply, ModelRequest, request_key
from tools.fakes.hostile import Greed, HostileModel
from tools.fakes.scripted import ManualClock, MemoryJournal, MemoryLibrary, MemoryRecords

MARK = re.compile(r"canary-[0-9a-f]{12}")
QUESTION = "How is a budget reserved? Who holds the lock of a run?"


def mark_of(query: str) -> str:
    """Return the mark of the page that a query finds."""
    return f"canary-{hashlib.sha256(query.encode()).hexdigest()[:12]}"


class OwnPages:
    """A search that finds for each query one page of its own, and the fetch that reads it."""

    name = "own"

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        url = f"https://{mark_of(query)}.example/"
        return [Hit(handle=ident("h", url), title=f"{mark_of(query)} title", score=1.0, url=url, snippet=query)]

    async def fetch(self, request: FetchRequest, *, timeout: float | None) -> Page:
        mark = MARK.search(request.url)
        assert mark is not None
        text = f"A budget of {mark[0]} is reserved before each call. The owner of a run holds the lock {mark[0]}."
        return Page(url=request.url, title=f"{mark[0]} title", text=text)


class Seeded:
    """A hostile model whose every answer hangs on the seed and the request alone, whoever asks first."""

    name, price, window = "scripted:hostile", None, 128_000

    def __init__(self, greed: Greed, seed: int, clock: ManualClock) -> None:
        self._greed, self._seed, self._clock = greed, seed, clock

    def count(self, request: ModelRequest) -> int:
        return len(msgspec.json.encode(request))

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        rng = random.Random(f"{self._seed} {request_key(request)}")
        model = HostileModel(self._greed, rng=rng, clock=self._clock, price=None, counter=self.count)
        return await model.complete(request, max_tokens=max_tokens, timeout=timeout)


async def worked(
    folder: Path, greed: Greed, mode: Literal["workflow", "hybrid", "agent"], seed: int = 0
) -> tuple[Report, MemoryJournal, MemoryRecords]:
    """Run a question with a model of that greed in every role."""
    clock, journal, pages, records = ManualClock(), MemoryJournal(), OwnPages(), MemoryRecords()
    model = Seeded(greed, seed, clock)
    caps = Caps(calls=120)
    options = RunOptions(web=True, mode=mode, rounds=2, branches=3, model=model.name, caps=caps)
    context = RunContext(
        gate=Gate(journal=journal, clock=clock, caps=caps),
        world=World(
            library=MemoryLibrary(),
            records=records,
            models=dict.fromkeys(ROLES, model),
            searches=(pages,),
            fetch=pages,
        ),
        analyst=LanguageAnalyst(ExtractiveAnalyst()),
        options=options,
        bounds=Bounds(branches=3, rounds=2),
    )
    with checkpoints(folder) as store:
        return await Engine(store).work(context, Question(text=QUESTION, web=True)), journal, records
