"""Asking and resuming: own the run, open its stores, work the graph, leave a status that is true."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from research.access import World
from research.analysts import Bounds
from research.app.caching import answers_of
from research.app.hands import HANDS, Hands
from research.app.importing import lean_imports
from research.app.known_models import known_models
from research.app.last_good import go_back
from research.app.making import check_made, made
from research.app.orders import Obedience, refuse_cancelled, was_cancelled
from research.app.plans import plan_in
from research.app.records import Home, find_run, stored_run
from research.app.searching import limits
from research.app.secrets import refuse_secrets
from research.app.stored import readable
from research.app.stores import Stores
from research.app.world import NONE_OPENED, Judgement, Opened, check_options, check_price
from research.cancellation import Stopping
from research.errors import NotTheOwner, ResearchError, StoreProblem, UsageFault
from research.forked import Given
from research.gate import Gate
from research.options import RunOptions
from research.ports import Answers, Journal, Listener
from research.records import Clarification, Event, Failure, Question, RunStatus, build, encode
from research.report import Report
from research.settings import Settings, prepare_home
from tools.orders import OrderBook
from tools.ownership import RunLock
from tools.run_records import RunRecords
from tools.run_store import RunRow, damaged


@dataclass(frozen=True)
class RunHandle:
    """A running run, for whoever must be able to stop it."""

    id: str
    stop: Callable[[], None]
    in_flight: Callable[[], int]


async def ask(
    text: str,
    options: RunOptions,
    settings: Settings,
    *,
    listen: Listener,
    on_start: Callable[[RunHandle], None],
    plan: Path | None = None,
    opened: Opened = NONE_OPENED,
    hands: Hands = HANDS,
) -> Report:
    """Begin a run and work on it until it has published; corpora in ``opened`` are used as they are.

    ``plan`` is a file with the plan to be worked: none is made then. Raises ``NeedsApproval`` or ``NeedsAnswer`` when
    it waits for a person, ``Stopping`` when it was asked to stop, and any other ``ResearchError`` when it cannot go on;
    what was paid for stays recorded in each case.
    """
    check_options(options, settings, opened)
    question = Question(text=text, corpora=options.corpora, web=options.web)
    given = Given(plan=plan_in(plan, question, options.branches)) if plan else None
    return await begin_run(
        question, options, settings, listen=listen, on_start=on_start, opened=opened, hands=hands, given=given
    )


async def begin_run(
    question: Question,
    options: RunOptions,
    settings: Settings,
    *,
    listen: Listener,
    on_start: Callable[[RunHandle], None],
    opened: Opened = NONE_OPENED,
    hands: Hands = HANDS,
    given: Given | None = None,
) -> Report:
    """Begin a run with checked options and work on it; ``given`` is what it begins with. Raises as ``ask``."""
    refuse_secrets(settings, question, options, given)
    prepare_home(settings.home)
    judgement = hands.judgement(options, settings)
    now = hands.clock.now()
    run, home = hands.name_run(now), Home(settings)
    with (
        RunLock(home.locks, run) as lock,
        hands.files.of(home, hands.clock) as files,
        answers_of(run, options, settings, listen) as answers,
    ):
        stores = await files.begin(
            run,
            created=now,
            question=encode(question),
            options=encode(options),
            made=encode(made()),
            mark=lock.mark,
            origin=encode(given.origin) if given and given.origin else "",
            records=[*([("given", "given", given)] if given else ()), *known_models(options, judgement)],
        )
        if given and given.origin:
            listen(Event(run=run, kind="forked", detail=given.origin.spoken))
        worker = _Worker(settings, options, question, judgement, hands, listen, on_start, opened, 0.0, answers)
        return await worker.work(hands.stores(stores), files.orders(run))


async def resume(
    run: str | None,
    settings: Settings,
    *,
    approve: bool | None,
    answer: Clarification | None = None,
    listen: Listener,
    on_start: Callable[[RunHandle], None],
    take_over: bool = False,
    from_journal: bool = False,
    hands: Hands = HANDS,
) -> Report:
    """Go on with a run (``None``: the last one) from where it was left; a finished run gives its report again.

    ``approve`` answers a plan that waits, ``answer`` a question that the run asks before it plans.
    ``take_over`` takes it from a process that hangs, which can then write nothing more. ``from_journal`` makes a
    damaged run whole first, and works the graph again from its start over what is left of the journal.
    """
    home = Home(settings)
    if from_journal:
        run = await go_back(run, settings, take_over=take_over, listen=listen)
    name = find_run(settings, run).id
    with RunLock(home.locks, name, take_over=take_over) as lock:
        row = stored_run(home, name)  # read under the lock: who held it before may have gone on until it let go
        options, question = stored_words(row)
        stored = home.record(row.id, "report", "report")
        report = build(Report, stored) if stored is not None else None
        if report is not None and row.status in (report.status, "cancelled"):
            return report
        if row.status == "cancelled":
            raise UsageFault(was_cancelled(row.id))
        program = made()
        changed = check_made(row.id, row.made, program, anew=from_journal)
        if changed:
            listen(Event(run=row.id, kind="notice", detail=changed))
        check_price(options, settings)
        judgement = hands.judgement(options, settings)
        with (
            hands.files.of(home, hands.clock) as files,
            answers_of(row.id, options, settings, listen) as answers,
        ):
            orders = files.orders(row.id)
            before = max((order.seq for order in await orders.every()), default=0)
            await _whole(row, files.read(row.id), lock.marked)
            stores = await files.take_over(row.id, lock.mark, made=encode(program) if from_journal else "")
            await refuse_cancelled(orders, stores.journal, row.elapsed)
            seen = (listen, on_start, NONE_OPENED, row.elapsed, answers)
            worker = _Worker(settings, options, question, judgement, hands, *seen)
            return await worker.work(hands.stores(stores), orders, approve, before, answer)


async def _whole(row: RunRow, stores: Stores, marked: int) -> None:
    """Raise ``StoreProblem`` when a row of the run's calls or records is not what was written, or is missing."""
    if not row.whole or marked > row.calls:
        raise damaged(Path("runs.db"), f"a row of calls ({row.calls} of at least {marked} were found)", row.id)
    await stores.journal.entries()
    if isinstance(stores.records, RunRecords):
        await stores.records.check()


def stored_words(row: RunRow) -> tuple[RunOptions, Question]:
    """Return what a run was begun with."""
    with readable(row.id):
        return build(RunOptions, msgspec.json.decode(row.options)), build(Question, msgspec.json.decode(row.question))


async def _reindexed(world: World) -> tuple[Failure, ...]:
    """Note which index of each corpus the run began with, and its label, and name those that were replaced since."""
    corpora = world.corpora
    words = [(("corpus", name, corpus.generation), ("label", name, corpus.label)) for name, corpus in corpora.items()]
    await world.records.put([record for pair in words for record in pair])
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
    answers: Answers | None = None

    async def work(
        self,
        stores: Stores,
        orders: OrderBook,
        approve: bool | None = None,
        ordered: int = 0,
        answer: Clarification | None = None,
    ) -> Report:
        """Work on the run; ``ordered`` is the number of the last order of its earlier lives."""
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
            paces=self.hands.paces,
            limits=limits(self.settings),
            answers=self.answers,
            scanner=self.settings.scanner(),
        )
        obedience = Obedience(orders, gate, ordered)
        self.on_start(RunHandle(id=journal.run, stop=gate.stop, in_flight=gate.in_flight))
        if self.judgement.notice:
            self.listen(Event(run=journal.run, kind="notice", detail=self.judgement.notice))
        try:
            async with obedience.watching(self.hands.clock, self.hands.look_every):
                report = await self._engage(gate, stores, approve, answer)
        except NotTheOwner:
            raise
        except ResearchError as error:
            await self._leave(journal, gate, error, cancelled=obedience.cancelled)
            raise
        await journal.finish(report.status, report.exit_code, gate.elapsed())
        return report

    async def _engage(self, gate: Gate, stores: Stores, approve: bool | None, answer: Clarification | None) -> Report:
        """Open the world and the graph over this gate, and work until the run has published."""
        with lean_imports():
            from graphs.context import RunContext
            from graphs.runs import Engine
        world_of_run = self.hands.world(self.options, self.settings, self.judgement, stores, self.opened)
        async with world_of_run as (world, losses):
            losses += await _reindexed(world)
            losses += tuple([build(Failure, loss) for loss in await world.records.every("loss")])
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
                with readable(gate.run):
                    return await Engine(stores.checkpoints).work(context, self.question, approve, answer)
            finally:
                await gate.drain()

    @staticmethod
    async def _leave(journal: Journal, gate: Gate, error: ResearchError, *, cancelled: bool) -> None:
        """Record why the run stopped here, if the store still takes it; the rows before are safe either way."""
        status: RunStatus = "failed"
        if isinstance(error, Stopping):
            status = "cancelled" if cancelled else "interrupted"
        elif error.exit_code == 5:
            status = "waiting"
        with contextlib.suppress(StoreProblem, NotTheOwner):
            await journal.finish(status, error.exit_code, gate.elapsed())
