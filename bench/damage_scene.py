"""The homes that are damaged: snapshots of one with two runs, taken at several points of the first, and lives in them.

What is done to a snapshot is in ``bench.damage_mutations``, what is made of it then in ``bench.damage``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import shutil
import sqlite3
import sys
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.damage_judging import OTHER, Looked, Truth, look
from bench.damage_planted import watched, witnessed
from bench.lives import Ended, Work, live
from bench.reference import begin, go_on, reference_hands
from bench.watched import Events
from research.app.hands import Hands
from research.records import Record, build
from research.report import Report


class Loaded(Record):
    """The modules that a life had loaded at its end."""

    names: tuple[str, ...]
    exit_code: int = 0


class Scene(NamedTuple):
    """Snapshots of one home, in a folder of its own: ``home`` is where each case's copy lies.

    ``usual`` is what the witness sees of lives in a home that is not damaged.
    """

    folder: Path
    home: Path
    half: Truth
    finished: Truth
    usual: frozenset[str]


def other_hands(log: Path, events: Events) -> Hands:
    """Return the hands of the run that nobody interrupts."""
    return dataclasses.replace(reference_hands(log, events), name_run=lambda now: OTHER)


def life(folder: Path, work: Work, events: Events | None = None) -> Ended:
    """Do ``work`` in a life of its own, with a witness of any code that it runs."""
    return live(work, events or Events(), 60.0, drive=partial(watched, seen=folder / "seen"))


def prepare(folder: Path) -> Scene:
    """Make the snapshots: a home at a third of the reference run, at two thirds of it, and at its end."""
    warm(folder / "warm")
    home, log = folder / "home", folder / "log"
    life(folder, lambda events: begin(home, folder / "log-other", events, make=other_hands))
    whole = life(folder, lambda events: begin(folder / "whole", folder / "log-whole", events))
    first, second = Events(at=whole.events // 3), Events(at=whole.events // 3)
    life(folder, lambda _: begin(home, log, first), first)
    _snapshot(folder, "older")
    life(folder, lambda _: go_on(home, log, second), second)
    _snapshot(folder, "half")
    half = _seen(home)
    _checkpointed(folder, "half")
    last = life(folder, lambda events: go_on(home, log, events))
    restore(folder, "half")
    killed = Events(at=last.events)
    life(folder, lambda _: go_on(home, log, killed), killed)
    _snapshot(folder, "finished")
    _checkpointed(folder, "finished")
    finished, end = _seen(home), build(Report, msgspec.json.decode(last.said))
    for state in ("half", "finished"):
        restore(folder, state)
        life(folder, lambda events: go_on(home, log, events, from_journal=True))
    usual = frozenset(witnessed(folder / "seen"))
    return Scene(folder, home, _truth(half, end, home), _truth(finished, end, home), usual)


def warm(folder: Path) -> None:
    """Import whatever a life imports, so that each life is quick and an import in it would be noticed."""

    async def loaded(events: Events) -> Loaded:
        await begin(folder / "home", folder / "log", events)
        await go_on(folder / "home", folder / "log", events)
        await look(folder / "home")
        return Loaded(names=tuple(sys.modules))

    folder.mkdir(parents=True)
    for name in msgspec.json.decode(life(folder, loaded).said)["names"]:
        if name not in sys.modules and not name.startswith("__"):
            with contextlib.suppress(ImportError):  # a name that a compiled module gave itself
                importlib.import_module(name)


def _seen(home: Path) -> Looked:
    return build(Looked, msgspec.json.decode(life(home.parent, lambda _: look(home)).said))


def _truth(looked: Looked, end: Report, home: Path) -> Truth:
    shown = {run: report for run, report in looked.shown.items() if isinstance(report, Report)}
    return Truth(runs=looked.runs or {}, shown=shown, end=end, home=home)


def _snapshot(folder: Path, name: str) -> None:
    shutil.copytree(folder / "home", folder / "snapshots" / name / "home")
    shutil.copy2(folder / "log", folder / "snapshots" / name / "log")


def _checkpointed(folder: Path, name: str) -> None:
    """Take a snapshot in which SQLite has moved everything from the -wal to the file itself."""
    with contextlib.closing(sqlite3.connect(folder / "home" / "runs.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    _snapshot(folder, f"{name}, closed")


def restore(folder: Path, name: str) -> None:
    """Put a snapshot where the home is."""
    shutil.rmtree(folder / "home", ignore_errors=True)
    shutil.copytree(folder / "snapshots" / name / "home", folder / "home")
    shutil.copy2(folder / "snapshots" / name / "log", folder / "log")
