"""The model that judges reports: its calls go through a gate of their own, into the journal of the eval home.

The judge's run is named by the eval, so that an eval that was stopped and is retried pays for no answer of the judge
twice, and every new eval begins with the whole budget. What is asked, and how answers are read, is in
``evals.judging``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from math import ceil

import msgspec

from evals.judging import by_question, judging, same_model_warning
from evals.records import Case, Corpora, Outcome, Spec, System
from research.access import Access, World
from research.app.hands import HANDS
from research.app.making import differing, made
from research.app.records import Home, stored_run
from research.app.stores import RunFiles, Stores, run_files
from research.app.systems import system_kind
from research.app.world import check_price, open_judgement
from research.budget import Caps
from research.cancellation import Stopping
from research.errors import NotTheOwner, ResearchError, StoreProblem, UnknownName, WrongVersion
from research.gate import Gate
from research.options import RunOptions
from research.ports import Journal
from research.records import Question, RunStatus, Usage, build, encode, ident
from research.requests import Message
from research.settings import Settings
from tools.clock import SystemClock
from tools.ownership import RunLock
from tools.run_store import Mark

LONGEST_VERDICT = 4_000
"""Tokens of one answer of the judge."""

MOST_STATEMENTS = 40
"""Cited statements of one report whose sources the judge is asked about, drawn by the seed."""


@dataclass(frozen=True)
class Judged:
    """A system with its judge behind it: a ``System``, and what its judge has used so far in this eval."""

    system: System
    gate: Gate

    async def __call__(self, question: Question) -> Outcome:
        return await self.system(question)

    @property
    def usage(self) -> Usage:
        """What the judge has used, with what a retried eval had paid before."""
        return self.gate.usage()


@asynccontextmanager
async def judged(
    system: System,
    cases: Sequence[Case],
    corpora: Corpora,
    spec: Spec,
    settings: Settings,
    say: Callable[[str], None],
) -> AsyncIterator[Judged]:
    """Yield ``system`` followed by the judge. ``settings`` are those of the eval home.

    The judge as a whole is held to the caps of a case times the number of cases. Raises ``UsageFault`` when its price
    is not known and money is capped.
    """
    warning = warning_of(spec)
    if warning:
        say(f"warning: {warning}")
    judge, case_options = spec.options["judge"], build(RunOptions, msgspec.json.decode(spec.options["run"]))
    options = judge_options(judge, spec.options["judge_url"], case_options, len(cases) * spec.epochs)
    check_price(options, settings)
    async with _opened(spec, options, settings) as (gate, access):

        async def ask(prompt: str) -> str:
            messages = [Message(role="user", content=prompt)]
            return (await access.ask_model("checker", messages, max_tokens=LONGEST_VERDICT)).text

        known = by_question(cases)
        whole = judging(system, known, ask, judge=judge, seed=spec.seed, corpora=corpora, most=MOST_STATEMENTS)
        found = Judged(whole, gate)
        try:
            yield found
        finally:
            await gate.drain()
            used = found.usage
            say(f"the judge {judge} has used {used.calls:,} calls and {used.tokens:,} tokens")


def warning_of(spec: Spec) -> str | None:
    """Return the warning that an eval needs whose judge is the system's own model."""
    return same_model_warning(spec.options["judge"], own_model(spec) or "")


def own_model(spec: Spec) -> str | None:
    """Return the model that the system under test writes with; ``None`` for one that uses none."""
    options = build(RunOptions, msgspec.json.decode(spec.options["run"]))
    writer = options.models().get("writer")
    return writer.spec if writer and system_kind(spec.system).needs else None


def judge_run(spec: Spec) -> str:
    """Return the name of the judge's run in the eval home; a retry has the ``nonce`` of the eval it goes on with."""
    judge, url, nonce = spec.options["judge"], spec.options["judge_url"], spec.options.get("nonce", "")
    return ident("judge", nonce, spec.digest, spec.suite, spec.system, own_model(spec), judge, url or None, spec.seed)


@asynccontextmanager
async def _opened(spec: Spec, options: RunOptions, settings: Settings) -> AsyncIterator[tuple[Gate, Access]]:
    """Own the judge's run, hand out its gate and the way to it, and leave a status that is true."""
    home, clock, run = Home(settings), SystemClock(), judge_run(spec)
    with RunLock(home.locks, run) as lock, run_files(home, clock) as files:
        stores = await _stores(files, home, run, options, spec, lock.mark)
        journal = stores.journal
        gate = Gate(
            journal=journal,
            clock=clock,
            caps=options.caps,
            entries=await journal.entries(),
            concurrency=settings.concurrency,
            paces=HANDS.paces,
            limits=settings.pace,
            scanner=settings.scanner(),
        )
        models = open_judgement(options, settings).models
        world = World(library=stores.library, records=stores.records, models=models)
        async with _finished(journal, gate):
            yield gate, Access("checker", name="judge", gate=gate, budget=gate.root, world=world)


@asynccontextmanager
async def _finished(journal: Journal, gate: Gate) -> AsyncIterator[None]:
    """Record how the judge's run ended: a cancelled one was interrupted, as was one that was asked to stop."""
    ended: tuple[RunStatus, int] = ("interrupted", Stopping.exit_code)
    try:
        yield
        ended = ("done", 0)
    except ResearchError as error:
        if not isinstance(error, Stopping):
            ended = ("failed", error.exit_code)
        raise
    finally:
        with suppress(*() if ended[0] == "done" else (StoreProblem, NotTheOwner)):
            await journal.finish(*ended, gate.elapsed())


async def _stores(files: RunFiles, home: Home, run: str, options: RunOptions, spec: Spec, mark: Mark) -> Stores:
    """Take over the judge's run, or begin it. Raises ``WrongVersion`` when another program's judge began it."""
    program = made(judge=True)
    try:
        row = stored_run(home, run)
    except UnknownName:
        question = Question(text=f"judge {spec.system} on {spec.suite}")
        return await files.begin(
            run,
            created=SystemClock().now(),
            question=encode(question),
            options=encode(options),
            made=encode(program),
            mark=mark,
        )
    what = differing(row.made, program)
    if what:
        raise WrongVersion(
            f"refused: this eval was judged by a program that differs from this one in {what}; go on with the version "
            "that began it, or run the suite anew"
        )
    return await files.take_over(run, mark)


def judge_options(judge: str, url: str, options: RunOptions, cases: int) -> RunOptions:
    """Return the options of a judge of so many ``cases``; ``options`` are those of each case."""
    return msgspec.structs.replace(options.with_model(judge, url or None), caps=times(options.caps, cases))


def times(caps: Caps, cases: int) -> Caps:
    """Return the caps of ``cases`` cases together; seconds add up too, for the judge answers one after another."""
    return Caps(
        tokens=None if caps.tokens is None else caps.tokens * cases,
        nano_usd=None if caps.nano_usd is None else caps.nano_usd * cases,
        calls=None if caps.calls is None else caps.calls * cases,
        seconds=None if caps.seconds is None else float(ceil(caps.seconds * cases)),
    )
