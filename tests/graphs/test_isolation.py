"""Who is shown what was read outside: no planner, no sibling; told by a mark that each page carries."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from parts import checkpoints

from graphs.context import RunContext
from graphs.runs import Engine
from research.access import World
from research.analysts import Bounds
from research.analysts.extractive import ExtractiveAnalyst
from research.analysts.language import LanguageAnalyst
from research.budget import Caps
from research.forked import Ended
from research.gate import Gate
from research.options import RunOptions
from research.ports import Page
from research.records import Hit, Question, build, ident
from research.report import Report
from research.requests import ROLES, FetchRequest, ModelRequest
from tools.fakes.hostile import Greed, HostileModel
from tools.fakes.scripted import ManualClock, MemoryJournal, MemoryLibrary, MemoryRecords

MARK = re.compile(r"canary-[0-9a-f]{12}")
QUESTION = "How is a budget reserved? Who holds the lock of a run?"


def mark_of(query: str) -> str:
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


async def worked(
    folder: Path, greed: Greed, mode: Literal["workflow", "hybrid", "agent"]
) -> tuple[Report, MemoryJournal, MemoryRecords]:
    """Run a question with a model of that greed in every role."""
    clock, journal, pages, records = ManualClock(), MemoryJournal(), OwnPages(), MemoryRecords()
    model = HostileModel(
        greed, rng=random.Random(0), clock=clock, price=None, counter=lambda request: len(msgspec.json.encode(request))
    )
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


def asked(journal: MemoryJournal) -> list[tuple[str, ModelRequest]]:
    """Return each request to a model, with its branch."""
    rows = [row.intent for row in journal.rows if row.intent.kind == "model"]
    return [(row.branch, msgspec.json.decode(row.request, type=ModelRequest)) for row in rows]


async def read(records: MemoryRecords) -> dict[str, set[str]]:
    """Return the marks of what each branch's own searches could find, by the queries that it says it asked."""
    ended = [build(Ended, row).outcome for row in await records.every("outcome")]
    return {outcome.task: {mark_of(query) for query in outcome.asked} for outcome in ended}


@pytest.mark.parametrize("mode", ["workflow", "hybrid", "agent"])
@pytest.mark.parametrize("greed", ["sensible", "endless"])
async def test_no_planner_and_no_sibling_is_shown_a_page(
    tmp_path: Path, greed: Greed, mode: Literal["workflow", "hybrid", "agent"]
) -> None:
    """A planner's prompts hold no word of any page; a branch's hold only what its own searches found."""
    report, journal, records = await worked(tmp_path, greed, mode)
    own, shown = await read(records), 0
    assert len(own) > 1 and report.branches
    for branch, request in asked(journal):
        marks = set(MARK.findall("\n".join(message.content for message in request.messages)))
        if request.role == "planner" and branch == "plan":
            assert not marks
        if branch in own:
            assert marks <= own[branch]
            shown += len(marks)
    assert shown > 0
    assert any(branch == "plan" for branch, _ in asked(journal))
