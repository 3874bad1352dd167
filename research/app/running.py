"""Asking and resuming: own the run, open its stores, work the graph, leave a status that is true."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from research.access import World
from research.analysts import Bounds
from research.app.records import Home, find_run, new_run_id
from research.app.world import (
    NONE_OPENED,
    Judgement,
    Opened,
    check_options,
    check_price,
    open_judgement,
    open_world,
)
from research.errors import NotTheOwner, ResearchError, StoreProblem
from research.gate import Gate, Stopping
from research.options import RunOptions
from research.ports import Clock, Listener
from research.records import Event, Failure, Question, RunStatus, build, encode
from research.report import Report
from research.settings import Settings, prepare_home
from tools.clock import SystemClock
from tools.database import Database, make_wal
from tools.journal import SCHEMA, VERSION, RunRow, SqliteJournal
from tools.library import FileLibrary, read_record
from tools.ownership import RunLock


@dataclass(frozen=True)
class RunHandle:
    """A running run, for whoever must be able to stop it."""

    id: str
    stop: Callable[[], None]
    in_flight: Callable[[], int]


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    """Import large libraries without collecting garbage in between, which would slow the import down.

    Once a process: what is garbage at that moment stays for good, which each further run would add to.
    """
    if "graphs.runs" in sys.modules:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


async def ask(
    text: str,
    options: RunOptions,
    settings: Settings,
    *,
    listen: Listener,
    on_start: Callable[[RunHandle], None],
    opened: Opened = NONE_OPENED,
) -> Report:
    """Begin a run and work on it until it has published; corpora in ``opened`` are used as they are.

    Raises ``NeedsApproval`` when it waits for a person, ``Stopping`` when it was asked to stop, and any other
    ``ResearchError`` when it cannot go on; what was paid for stays recorded in each case.
    """
    check_options(options, settings, opened)
    prepare_home(settings.home)
    judgement = open_judgement(options, settings)
    clock = SystemClock()
    run = new_run_id(clock.now())
    question = Question(text=text, corpora=options.corpora, web=options.web)
    home = Home(settings)
    with RunLock(home.locks, run), _database(home) as database:
        journal = await SqliteJournal.begin(
            database, run, created=clock.now(), question=encode(question), options=encode(options)
        )
        worker = _Worker(settings, options, question, judgement, clock, listen, on_start, opened)
        return await worker.work(journal)


async def resume(
    run: str | None,
    settings: Settings,
    *,
    approve: bool | None,
    listen: Listener,
    on_start: Callable[[RunHandle], None],
) -> Report:
    """Go on with a run (``None``: the last one) from where it was left; a finished run gives its report again."""
    home = Home(settings)
    row = find_run(settings, run)
    options, question = _stored(row)
    with RunLock(home.locks, row.id):
        stored = read_record(home.library, row.id, "report", "report")
        if stored is not None and row.status not in ("running", "interrupted"):
            return build(Report, stored)
        check_price(options, settings)
        judgement = open_judgement(options, settings)
        with _database(home) as database:
            journal = await SqliteJournal.take_over(database, row.id)
            worker = _Worker(
                settings, options, question, judgement, SystemClock(), listen, on_start, NONE_OPENED, row.elapsed
            )
            return await worker.work(journal, approve)


def _stored(row: RunRow) -> tuple[RunOptions, Question]:
    return build(RunOptions, msgspec.json.decode(row.options)), build(Question, msgspec.json.decode(row.question))


async def _reindexed(world: World, run: str) -> tuple[Failure, ...]:
    """Note which index of each corpus the run began with, and name those that were replaced since."""
    corpora = world.corpora
    await world.library.put(run, [("corpus", name, corpus.generation) for name, corpus in corpora.items()])
    what = "it was indexed again after the run began, so later passages are from the new index"
    return tuple(
        [
            Failure(where=f"corpus {name}", what=what)
            for name, corpus in corpora.items()
            if await world.library.get(run, "corpus", name) != corpus.generation
        ]
    )


@contextlib.contextmanager
def _database(home: Home) -> Iterator[Database]:
    database = Database(home.journal, SCHEMA, VERSION)
    try:
        yield database
    finally:
        database.close()


@dataclass(frozen=True)
class _Worker:
    """One process's work on one run."""

    settings: Settings
    options: RunOptions
    question: Question
    judgement: Judgement
    clock: Clock
    listen: Listener
    on_start: Callable[[RunHandle], None]
    opened: Opened
    before: float = 0.0

    async def work(self, journal: SqliteJournal, approve: bool | None = None) -> Report:
        gate = Gate(
            journal=journal,
            clock=self.clock,
            caps=self.options.caps,
            entries=await journal.entries(),
            before=self.before,
            listen=self.listen,
            concurrency=self.settings.concurrency,
            rng=random.Random(journal.run),
        )
        self.on_start(RunHandle(id=journal.run, stop=gate.stop, in_flight=gate.in_flight))
        if self.judgement.notice:
            self.listen(Event(run=journal.run, kind="notice", detail=self.judgement.notice))
        try:
            report = await self._engage(gate, approve)
        except NotTheOwner:
            raise
        except ResearchError as error:
            await self._leave(journal, gate, error)
            raise
        await journal.finish(report.status, report.exit_code, gate.elapsed())
        return report

    async def _engage(self, gate: Gate, approve: bool | None) -> Report:
        """Open the world and the graph over this gate, and work until the run has published."""
        with without_collection():
            from graphs.context import RunContext
            from graphs.runs import open_engine
        home = Home(self.settings)
        library = FileLibrary(home.library, self.clock)
        try:
            world_of_run = open_world(self.options, self.settings, self.judgement, library, self.opened)
            async with world_of_run as (world, losses):
                losses += await _reindexed(world, gate.run)
                context = RunContext(
                    gate=gate,
                    world=world,
                    analyst=self.judgement.analyst,
                    options=self.options,
                    bounds=Bounds(branches=self.options.branches, rounds=self.options.rounds),
                    notice=self.judgement.notice,
                    losses=losses,
                    lapses=self.judgement.lapses,
                )
                # Not on the loop: another run of this process may be about to commit to the same file, on the loop.
                await asyncio.to_thread(make_wal, home.checkpoints)
                async with open_engine(home.checkpoints) as engine:
                    try:
                        return await engine.work(context, self.question, approve)
                    finally:
                        await gate.drain()
        finally:
            library.close()

    @staticmethod
    async def _leave(journal: SqliteJournal, gate: Gate, error: ResearchError) -> None:
        """Record why the run stopped here, if the store still takes it; the rows before are safe either way."""
        status: RunStatus = "failed"
        if isinstance(error, Stopping):
            status = "interrupted"
        elif error.exit_code == 5:
            status = "waiting"
        with contextlib.suppress(StoreProblem, NotTheOwner):
            await journal.finish(status, error.exit_code, gate.elapsed())
