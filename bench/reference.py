"""The reference run: a planner, four branches of two searches and three pages each, a writer and a checker.

The graph, the gate and the stores are the real ones; the far side is scripted (``bench.far_side``). Time is virtual and
the run's name is fixed: two runs that nothing disturbed give the same bytes. It is led through lives (``bench.lives``)
whose events are counted (``bench.watched``). What is done to the lives, and what must hold after it, is in the benches
that use this: ``bench.kill``, ``bench.damage``, ``bench.owner``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from bench.far_side import SUBJECTS
from bench.scripted import ReferenceClock, scripted_hands
from bench.watched import (
    Events,
    WatchedCheckpoints,
    WatchedFarSide,
    WatchedJournal,
    WatchedLibrary,
    WatchedRecords,
)
from research.app.hands import Hands
from research.app.running import RunHandle, ask, resume
from research.app.stores import Stores
from research.budget import Caps
from research.options import RunOptions
from research.records import encode
from research.report import Report
from research.settings import Settings, load

RUN = "reference"
QUESTION = "How do walls, journals, locks and fences keep a run whole?"
OPTIONS = RunOptions(
    web=True,
    searx="http://search.example",
    model="scripted:reference",
    mode="workflow",
    branches=len(SUBJECTS),
    rounds=1,
    caps=Caps(tokens=10_000_000, calls=1_000),
)


def reference_hands(log: Path, events: Events) -> Hands:
    """Return the hands of one life: virtual time, the watched far side, and the real stores with events around them."""
    clock = ReferenceClock()
    far = WatchedFarSide(log, clock, events)

    def watched(stores: Stores) -> Stores:
        events.happen("owned")
        return Stores(
            journal=WatchedJournal(stores.journal, events),
            records=WatchedRecords(stores.records, events),
            checkpoints=WatchedCheckpoints(stores.checkpoints, events),
            library=WatchedLibrary(stores.library, events),
        )

    return scripted_hands(clock=clock, run=RUN, model=far, web=far, stores=watched)


MakeHands = Callable[[Path, Events], Hands]
"""Makes the hands of one life from the far side's log and the events that are counted."""


def settings_of(home: Path) -> Settings:
    """Return settings with nothing of the user's, over ``home``."""
    return load({"home": str(home)}, {})


def unheard(event: object) -> None:
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


def essence(report: Report, home: Path) -> str:
    """Return a report as JSON without what a kill may raise (usage) and without where ``home`` is."""
    zero = msgspec.structs.replace(report.usage, tokens=0, calls=0, usd=None, seconds=0.0)
    branches = tuple(msgspec.structs.replace(branch, usage=zero) for branch in report.branches)
    return encode(msgspec.structs.replace(report, usage=zero, branches=branches, roles=())).replace(str(home), "HOME")
