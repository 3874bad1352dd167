"""One judgement of an analyst as a run of its own: its calls go through the gate, into the journal of the eval home.

For systems that measure a single step (a plan, a check) with its budget, without the graph around it.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec

from evals.records import Outcome
from research.access import Access, Holder, World
from research.analysts import Analyst
from research.app.hands import HANDS
from research.app.making import made
from research.app.records import Home, new_run_id
from research.app.stores import run_files
from research.app.world import check_price, open_judgement
from research.errors import EffectFailed, ResearchError
from research.gate import Gate
from research.options import RunOptions
from research.records import Event, Question, encode
from research.settings import Settings, prepare_home
from tools.clock import SystemClock
from tools.ownership import RunLock


@dataclass
class Work:
    """An analyst at work on one case, and what its gate says of it."""

    analyst: Analyst
    access: Access
    gate: Gate
    options: RunOptions
    lapses: Sequence[str] = ()
    trouble: list[str] = field(default_factory=list)

    def raise_trouble(self) -> None:
        """Raise ``EffectFailed`` when a call failed or was refused: then no answer is not a judgement."""
        if self.trouble:
            raise EffectFailed(f"the model could not be asked: {self.trouble[-1]}")

    def noted(self, outcome: Outcome) -> Outcome:
        """Return the outcome with what its run used, and under which name it stands in the eval home."""
        return msgspec.structs.replace(
            outcome,
            run=self.gate.run,
            usage=self.gate.usage(),
            caps=self.options.caps,
            seconds=self.gate.elapsed(),
            skipped=tuple(f"the model's {lapse}: done by the extractive analyst" for lapse in self.lapses),
        )


@dataclass(frozen=True)
class Gated:
    """Where and with what such runs are done; ``settings`` has the eval home."""

    settings: Settings
    options: RunOptions

    @asynccontextmanager
    async def run(self, question: Question, holder: Holder) -> AsyncIterator[Work]:
        """Begin a run, hand out its analyst, and record how it ended."""
        check_price(self.options, self.settings)
        prepare_home(self.settings.home)
        home, clock = Home(self.settings), SystemClock()
        run = new_run_id(clock.now())
        judgement = open_judgement(self.options, self.settings)
        with RunLock(home.locks, run) as lock, run_files(home, clock) as files:
            stores = await files.begin(
                run,
                created=clock.now(),
                question=encode(question),
                options=encode(self.options),
                made=encode(made()),
                mark=lock.mark,
            )
            journal = stores.journal
            trouble: list[str] = []

            def listen(event: Event) -> None:
                if event.kind in ("call.failed", "call.refused"):
                    trouble.append(event.detail)

            gate = Gate(
                journal=journal,
                clock=clock,
                caps=self.options.caps,
                listen=listen,
                concurrency=self.settings.concurrency,
                rng=random.Random(run),
                paces=HANDS.paces,
                limits=self.settings.pace,
                scanner=self.settings.scanner(),
            )
            world = World(library=stores.library, records=stores.records, models=judgement.models)
            access = Access(holder, name=holder, gate=gate, budget=gate.root, world=world)
            work = Work(judgement.analyst, access, gate, self.options, judgement.lapses, trouble)
            try:
                yield work
            except ResearchError as error:
                await gate.drain()
                await journal.finish("failed", error.exit_code, gate.elapsed())
                raise
            await journal.finish("done", 0, gate.elapsed())
