"""One run's scripted parts, for the tests of the graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from graphs.context import RunContext
from graphs.runs import Engine
from research.access import World
from research.analysts import Analyst, Bounds
from research.analysts.extractive import ExtractiveAnalyst
from research.errors import EffectFailed
from research.gate import Gate
from research.options import RunOptions
from research.ports import Page
from research.records import Event, Hit, Question, ident
from research.report import Report
from tools.checkpoint_rows import CheckpointRows
from tools.database import Database
from tools.fakes.scripted import ManualClock, MemoryJournal, MemoryLibrary, MemoryRecords, ScriptedFetch
from tools.run_store import SCHEMA, VERSION
from tools.seal import Seal

FACTS = {
    "https://a.example/walls": "A budget is a wall. Every call is reserved in the budget before it is sent.",
    "https://b.example/journal": "The journal keeps one row before each call. The journal keeps one row after it.",
    "https://c.example/lock": "Each run has one owner. The owner holds a lock for the run.",
}


class AnySearch:
    """A search that finds every page for every query; a query that holds a word of ``failing`` fails."""

    name = "any"

    def __init__(self, failing: str = "") -> None:
        self.asked: list[str] = []
        self._failing = failing

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        self.asked.append(query)
        if self._failing and self._failing in query.lower():
            raise EffectFailed("the search service said 503")
        return [Hit(handle=ident("h", url), title=url, score=1.0, url=url) for url in FACTS][:limit]


class Setup:
    """One run's parts; ``work`` runs the graph over a checkpoint file."""

    def __init__(
        self,
        folder: Path,
        *,
        options: RunOptions | None = None,
        analyst: Analyst | None = None,
        pages: Mapping[str, Page | EffectFailed] | None = None,
        failing: str = "",
        journal: MemoryJournal | None = None,
        library: MemoryLibrary | None = None,
        records: MemoryRecords | None = None,
        history: bool = False,
    ) -> None:
        self.folder = folder
        self.options = options or RunOptions(web=True, rounds=1)
        self.analyst = analyst or ExtractiveAnalyst()
        self.journal = journal or MemoryJournal()
        self.library = library or MemoryLibrary()
        self.records = records or MemoryRecords()
        self.history = history
        self.seconds = 0.0
        self.events: list[Event] = []
        self.search = AnySearch(failing)
        known = {url: Page(url=url, title=url, text=text) for url, text in FACTS.items()}
        self.fetch = ScriptedFetch(pages if pages is not None else known)

    async def work(self, text: str, approve: bool | None = None) -> Report:
        gate = Gate(
            journal=self.journal,
            clock=ManualClock(self.seconds),
            listen=self.events.append,
            caps=self.options.caps,
            entries=await self.journal.entries(),
        )
        context = RunContext(
            gate=gate,
            world=World(library=self.library, records=self.records, searches=(self.search,), fetch=self.fetch),
            analyst=self.analyst,
            options=self.options,
            bounds=Bounds(branches=self.options.branches, rounds=self.options.rounds),
        )
        with checkpoints(self.folder, history=self.history) as store:
            return await Engine(store).work(context, Question(text=text, web=True), approve)


@contextmanager
def checkpoints(folder: Path, *, history: bool = False) -> Iterator[CheckpointRows]:
    """The checkpoints of runs that have no row of their own, in ``folder``."""
    with closing(Database(folder / "runs.db", SCHEMA, VERSION)) as database:
        yield CheckpointRows(database, Seal(bytes(32)), 1, history=history)


TWO = "How is a budget reserved? Who holds the lock of a run?"
