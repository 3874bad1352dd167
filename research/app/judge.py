"""The model that judges reports: its calls go through a gate of their own, into the journal of the eval home.

The judge's run is named by what is judged, so that an eval that was stopped, or is run again on the same outcomes, pays
for no answer of the judge twice. What is asked, and how answers are read, is in ``evals.judging``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from math import ceil

import msgspec

from evals.judging import by_question, judging, same_model_warning
from evals.records import Case, Corpora, Spec, System
from research.access import Access, World
from research.app.records import Home
from research.app.world import check_price, open_judgement
from research.budget import Caps
from research.errors import UnknownName
from research.gate import Gate
from research.options import RunOptions
from research.records import Question, build, encode, ident
from research.requests import Message
from research.settings import Settings
from tools.clock import SystemClock
from tools.database import Database
from tools.journal import SCHEMA, VERSION, SqliteJournal
from tools.library import FileLibrary
from tools.ownership import RunLock

LONGEST_VERDICT = 4_000
"""Tokens of one answer of the judge."""

MOST_STATEMENTS = 40
"""Cited statements of one report whose sources the judge is asked about, drawn by the seed."""


@asynccontextmanager
async def judged(
    system: System,
    cases: Sequence[Case],
    corpora: Corpora,
    spec: Spec,
    settings: Settings,
    say: Callable[[str], None],
) -> AsyncIterator[System]:
    """Yield ``system`` followed by the judge. ``settings`` are those of the eval home.

    The judge as a whole is held to the caps of a case times the number of cases. Raises ``UsageFault`` when its price
    is not known and money is capped.
    """
    judge = spec.options["judge"]
    options = build(RunOptions, msgspec.json.decode(spec.options["run"]))
    warning = same_model_warning(judge, options.model or "")
    if warning:
        say(f"warning: {warning}")
    url = spec.options["judge_url"] or None
    caps = times(options.caps, len(cases) * spec.epochs)
    options = msgspec.structs.replace(options, model=judge, base_url=url, caps=caps)
    check_price(options, settings)
    home, run = Home(settings), ident("judge", spec.digest, spec.suite, spec.system, judge, url, spec.seed)
    library = FileLibrary(home.library, SystemClock())
    with (
        RunLock(home.locks, run),
        closing(library),
        closing(Database(home.journal, SCHEMA, VERSION)) as database,
    ):
        journal = await _journal(database, run, options, spec)
        gate = Gate(
            journal=journal,
            clock=SystemClock(),
            caps=options.caps,
            entries=await journal.entries(),
            concurrency=settings.concurrency,
        )
        world = World(library=library, models=open_judgement(options, settings).models)
        access = Access("checker", name="judge", gate=gate, budget=gate.root, world=world)

        async def ask(prompt: str) -> str:
            messages = [Message(role="user", content=prompt)]
            return (await access.ask_model("checker", messages, max_tokens=LONGEST_VERDICT)).text

        known = by_question(cases)
        try:
            yield judging(system, known, ask, judge=judge, seed=spec.seed, corpora=corpora, most=MOST_STATEMENTS)
        finally:
            await gate.drain()
            used = gate.usage()
            await journal.finish("done", 0, gate.elapsed())
            say(f"the judge {judge} has used {used.calls:,} calls and {used.tokens:,} tokens")


async def _journal(database: Database, run: str, options: RunOptions, spec: Spec) -> SqliteJournal:
    """Take over the judge's run, or begin it."""
    try:
        return await SqliteJournal.take_over(database, run)
    except UnknownName:
        question = Question(text=f"judge {spec.system} on {spec.suite}")
        return await SqliteJournal.begin(
            database, run, created=SystemClock().now(), question=encode(question), options=encode(options)
        )


def times(caps: Caps, cases: int) -> Caps:
    """Return the caps of ``cases`` cases together; seconds add up too, for the judge answers one after another."""
    return Caps(
        tokens=None if caps.tokens is None else caps.tokens * cases,
        nano_usd=None if caps.nano_usd is None else caps.nano_usd * cases,
        calls=None if caps.calls is None else caps.calls * cases,
        seconds=None if caps.seconds is None else float(ceil(caps.seconds * cases)),
    )
