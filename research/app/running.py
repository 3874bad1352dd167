"""Asking and resuming: own the run, open its stores, work the graph, leave a status that is true."""

from __future__ import annotations

import contextlib
import gc
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from research.access import World
from research.analysts import Bounds
from research.app.hands import HANDS, Hands
from research.app.records import Home, find_run
from research.app.stores import Stores, run_files
from research.app.world import NONE_OPENED, Judgement, Opened, check_options, check_price
from research.errors import NotTheOwner, ResearchError, StoreProblem
from research.gate import Gate, Stopping
from research.options import RunOptions
from research.ports import Journal, Listener
from research.records import Event, Failure, Question, RunStatus, build, encode
from research.report import Report
from research.settings import Settings, prepare_home
from tools.ownership import RunLock
from tools.run_records import RunRecords
from tools.run_store import RunRow


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
    hands: Hands = HANDS,
) -> Report:
    """Begin a run and work on it until it has published; corpora in ``opened`` are used as they are.

    Raises ``NeedsApproval`` when it waits for a person, ``Stopping`` when it was asked to stop, and any other
    ``ResearchError`` when it cannot go on; what was paid for stays recorded in each case.
    """
    check_options(options, settings, opened)
    prepare_home(settings.home)
    judgement = hands.judgement(options, settings)
    run = hands.name_run(hands.clock.now())
    question = Question(text=text, corpora=options.corpora, web=options.web)
    home = Home(settings)
    with RunLock(home.locks, run) as lock, run_files(home, hands.clock) as files:
        stores = await files.begin(
            run, created=hands.clock.now(), question=encode(question), options=encode(options), mark=lock.mark
        )
        worker = _Worker(settings, options, question, judgement, hands, listen, on_start, opened)
        return await worker.work(hands.stores(stores))


async def resume(
    run: str | None,
    settings: Settings,
    *,
    approve: bool | None,
    listen: Listener,
    on_start: Callable[[RunHandle], None],
    take_over: bool = False,
    hands: Hands = HANDS,
) -> Report:
    """Go on with a run (``None``: the last one) from where it was left; a finished run gives its report again.

    ``take_over`` takes it from a process that hangs, which can then write nothing more.
    """
    home = Home(settings)
    row = find_run(settings, run)
    options, question = _stored(row)
    with RunLock(home.locks, row.id, take_over=take_over) as lock:
        stored = home.record(row.id, "report", "report")
        if stored is not None and row.status not in ("running", "interrupted"):
            return build(Report, stored)
        check_price(options, settings)
        judgement = hands.judgement(options, settings)
        with run_files(home, hands.clock) as files:
            stores = await files.take_over(row.id, lock.mark)
            await _whole(row, stores, lock.marked)
            worker = _Worker(settings, options, question, judgement, hands, listen, on_start, NONE_OPENED, row.elapsed)
            return await worker.work(hands.stores(stores), approve)


async def _whole(row: RunRow, stores: Stores, marked: int) -> None:
    """Raise ``StoreProblem`` when the run has lost calls or records since they were written."""
    if marked > row.calls:
        raise StoreProblem(
            f"runs.db has {row.calls} of at least {marked} rows of calls of the run {row.id}: the latest are missing"
        )
    if isinstance(stores.records, RunRecords):
        await stores.records.check()


def _stored(row: RunRow) -> tuple[RunOptions, Question]:
    return build(RunOptions, msgspec.json.decode(row.options)), build(Question, msgspec.json.decode(row.question))


async def _reindexed(world: World) -> tuple[Failure, ...]:
    """Note which index of each corpus the run began with, and name those that were replaced since."""
    corpora = world.corpora
    await world.records.put([("corpus", name, corpus.generation) for name, corpus in corpora.items()])
    what = "it was indexed again after the run began, so later passages are from the new index"
    return tuple(
        [
            Failure(where=f"corpus {name}", what=what)
            for name, corpus in corpora.items()
            if await world.records.get("corpus", name) != corpus.generation
        ]
    )


@dataclass(frozen=True)
class _Worker:
    """One process's work on one run."""

    settings: Settings
    options: RunOptions
    question: Question
    judgement: Judgement
    hands: Hands
    listen: Listener
    on_start: Callable[[RunHandle], None]
    opened: Opened
    before: float = 0.0

    async def work(self, stores: Stores, approve: bool | None = None) -> Report:
        journal = stores.journal
        gate = Gate(
            journal=journal,
            clock=self.hands.clock,
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
            report = await self._engage(gate, stores, approve)
        except NotTheOwner:
            raise
        except ResearchError as error:
            await self._leave(journal, gate, error)
            raise
        await journal.finish(report.status, report.exit_code, gate.elapsed())
        return report

    async def _engage(self, gate: Gate, stores: Stores, approve: bool | None) -> Report:
        """Open the world and the graph over this gate, and work until the run has published."""
        with without_collection():
            from graphs.context import RunContext
            from graphs.runs import Engine
        world_of_run = self.hands.world(self.options, self.settings, self.judgement, stores, self.opened)
        async with world_of_run as (world, losses):
            losses += await _reindexed(world)
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
            try:
                return await Engine(stores.checkpoints).work(context, self.question, approve)
            finally:
                await gate.drain()

    @staticmethod
    async def _leave(journal: Journal, gate: Gate, error: ResearchError) -> None:
        """Record why the run stopped here, if the store still takes it; the rows before are safe either way."""
        status: RunStatus = "failed"
        if isinstance(error, Stopping):
            status = "interrupted"
        elif error.exit_code == 5:
            status = "waiting"
        with contextlib.suppress(StoreProblem, NotTheOwner):
            await journal.finish(status, error.exit_code, gate.elapsed())
