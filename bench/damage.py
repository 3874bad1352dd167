"""Damaged stores: whatever is done to a home's files, no command may believe what is not true.

``python -m bench.damage [--cases 500] [--seed 0] [--workers 2] [--case N]``

A case is a copy of a home with two runs (the reference run, killed half-way or finished, and another that is finished),
and one seeded damage to it (``bench.damage_mutations``). Then ``runs``, ``show``, ``verify`` and ``resume`` are done in
forked lives, with ``resume --from-journal`` where the resume was refused, and judged (``bench.damage_judging``). Last,
attack strings are planted in every stored value, under a valid digest (``bench.damage_planted``).

What cannot be seen from inside is not among the damages: all files put back to an older state together.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import multiprocessing
import random
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.damage_judging import OTHER, Looked, Name, Truth, Verdict, judge_end, judge_look, look, refused
from bench.damage_mutations import MUTATIONS, newer, replace
from bench.reference import RUN, Ended, Events, begin, go_on, live, reference_hands, unheard
from research.app.hands import Hands
from research.app.running import resume
from research.records import Record, build
from research.report import Report


class Loaded(Record):
    """The modules that a life had loaded at its end."""

    names: tuple[str, ...]
    exit_code: int = 0


class Scene(NamedTuple):
    """Snapshots of one home, in a folder of its own: ``home`` is where each case's copy lies."""

    folder: Path
    home: Path
    half: Truth
    finished: Truth


class Case(NamedTuple):
    """One damaged home and what became of it."""

    number: int
    what: str
    verdict: Verdict


def other_hands(log: Path, events: Events) -> Hands:
    """Return the hands of the run that nobody interrupts."""
    return dataclasses.replace(reference_hands(log, events), name_run=lambda now: OTHER)


def life(work: Callable[[Events], object], events: Events | None = None) -> Ended:
    """Do ``work`` in a life of its own."""
    return live(work, events or Events(), 60.0)  # type: ignore[arg-type]


def prepare(folder: Path) -> Scene:
    """Make the snapshots: a home at a third of the reference run, at two thirds of it, and at its end."""
    warm(folder / "warm")
    home, log = folder / "home", folder / "log"
    life(lambda events: begin(home, folder / "log-other", events, make=other_hands))
    whole = life(lambda events: begin(folder / "whole", folder / "log-whole", events))
    first, second = Events(at=whole.events // 3), Events(at=whole.events // 3)
    life(lambda _: begin(home, log, first), first)
    _snapshot(folder, "older")
    life(lambda _: go_on(home, log, second), second)
    _snapshot(folder, "half")
    half = _seen(home)
    _checkpointed(folder, "half")
    last = life(lambda events: go_on(home, log, events))
    restore(folder, "half")
    killed = Events(at=last.events)
    life(lambda _: go_on(home, log, killed), killed)
    _snapshot(folder, "finished")
    _checkpointed(folder, "finished")
    finished, end = _seen(home), build(Report, msgspec.json.decode(last.said))
    return Scene(folder, home, _truth(half, end, home), _truth(finished, end, home))


def warm(folder: Path) -> None:
    """Import whatever a life imports, so that each life is quick and an import in it would be noticed."""

    async def loaded(events: Events) -> Loaded:
        await begin(folder / "home", folder / "log", events)
        await go_on(folder / "home", folder / "log", events)
        await look(folder / "home")
        return Loaded(names=tuple(sys.modules))

    folder.mkdir(parents=True)
    for name in msgspec.json.decode(life(loaded).said)["names"]:
        if name not in sys.modules and not name.startswith("__"):
            with contextlib.suppress(ImportError):  # a name that a compiled module gave itself
                importlib.import_module(name)


def _seen(home: Path) -> Looked:
    return build(Looked, msgspec.json.decode(life(lambda _: look(home)).said))


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


def try_case(scene: Scene, number: int, seed: int) -> Case:
    """Damage a home as ``seed`` and ``number`` say, and judge what its commands do then."""
    rng = random.Random(f"{seed}/{number}")
    state = rng.choice(("half", "finished"))
    restore(scene.folder, rng.choice((state, f"{state}, closed")))
    mutate = MUTATIONS[number % len(MUTATIONS)]
    what = mutate(rng, scene.home, scene.folder / "snapshots" / "older" / "home")
    replaced = mutate in (replace, newer) and f"{what}".startswith("runs.db ")
    return Case(number, f"{state}: {what}", judge(scene, state, untouched=replaced))


def judge(scene: Scene, state: str, *, untouched: bool = False) -> Verdict:
    """Do what a user would do with the home as it is now, and say what became of it.

    ``untouched``: a file that is refused must stay as it is.
    """
    truth = scene.finished if state == "finished" else scene.half
    home, log = scene.home, scene.folder / "log"
    before = _runs_bytes(home)
    wrong = judge_look(life(lambda _: look(home)), truth, finished=state == "finished", cited=_cited(scene, truth))
    resumed = life(lambda events: go_on(home, log, events))
    equal, faults = judge_end(resumed, truth, "resume")
    wrong += faults
    if not refused(resumed):
        wrong += _afterwards(scene)
        return _verdict("unharmed" if equal else "healed", wrong)
    healed = life(lambda events: go_on(home, log, events, from_journal=True))
    equal, faults = judge_end(healed, truth, "resume --from-journal")
    wrong += faults
    if not refused(healed):
        wrong += _afterwards(scene)
        return _verdict("healed", wrong, resumed.said, healed.said[:300])
    if "is finished and whole" in healed.said:
        wrong.append(f"resume was refused ({resumed.said}) and from the journal nothing is wrong")
    if untouched and before != _runs_bytes(home):
        wrong.append("a file that was refused was overwritten")
    return _verdict("refused", wrong, resumed.said, healed.said)


def _afterwards(scene: Scene) -> list[str]:
    """Look once more when a report has come: the list is true again, and the other run is whole or can be made so."""
    truth, home, log = scene.finished, scene.home, scene.folder / "log-other"
    ended = life(lambda _: look(home))
    if ended.code or not ended.said.startswith("{"):
        return [f"looking afterwards ended with {ended.code}: {ended.said[-900:]}"]
    looked = build(Looked, msgspec.json.decode(ended.said))
    if looked.runs is None:
        return []
    wrong = []
    status = {run: row.status for run, row in looked.runs.items() if row.whole and run in truth.runs}
    if status.get(RUN, "done") not in ("done", "partial"):
        wrong.append(f"after the report the run is {status[RUN]}")
    if isinstance(looked.shown[OTHER], str):
        ended = life(lambda events: _other(home, log, events))
        other = truth._replace(end=truth.shown[OTHER])
        wrong += judge_end(ended, other, "the other run from its journal")[1]
    return wrong


async def _other(home: Path, log: Path, events: Events) -> Report:
    from bench.reference import settings_of

    hands = other_hands(log, events)
    ways = {"approve": None, "listen": unheard, "on_start": unheard, "hands": hands, "from_journal": True}
    return await resume(OTHER, settings_of(home), **ways)  # type: ignore[arg-type]


def _verdict(name: Name, wrong: Sequence[str], *told: str) -> Verdict:
    return Verdict("SILENTLY WRONG" if wrong else name, tuple(wrong), told)


def _runs_bytes(home: Path) -> bytes:
    return (home / "runs.db").read_bytes() if (home / "runs.db").exists() else b""


def _cited(scene: Scene, truth: Truth) -> dict[str, int]:
    """Return how many texts that each run's report quotes are not as they were."""
    kept = scene.folder / "snapshots" / "finished" / "home" / "library" / "texts"
    found = {}
    for run in (RUN, OTHER):
        sources = {finding.source for finding in truth.end.findings}
        paths = [Path(source[:2]) / f"{source}.txt" for source in sources]
        now = scene.home / "library" / "texts"
        found[run] = sum(not (now / p).exists() or (now / p).read_bytes() != (kept / p).read_bytes() for p in paths)
    return found


def part(numbers: Sequence[int], seed: int) -> list[Case]:
    """Try some of the cases, in one process."""
    with tempfile.TemporaryDirectory(prefix="damage-") as folder:
        scene = prepare(Path(folder))
        return [try_case(scene, number, seed) for number in numbers]


def sweep(cases: int, seed: int, workers: int) -> list[Case]:
    """Try ``cases`` cases in ``workers`` processes."""
    parts = [range(first, cases, workers) for first in range(workers)]
    if workers == 1:
        return part(parts[0], seed)
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        return sorted(case for cases_of in pool.map(partial(part, seed=seed), parts) for case in cases_of)


def main() -> None:
    """Run the cases and print what held; exit code 1 when something did not."""
    parser = argparse.ArgumentParser(prog="python -m bench.damage", description=__doc__)
    parser.add_argument("--cases", type=int, default=500, help="damaged homes [500]")
    parser.add_argument("--seed", type=int, default=0, help="what is damaged, and how [0]")
    parser.add_argument("--workers", type=int, default=2, help="processes [2]")
    parser.add_argument("--case", type=int, help="only this case, and tell what became of it")
    parser.add_argument("--tell", action="store_true", help="tell of every case what was said")
    asked = parser.parse_args()
    tried = part([asked.case], asked.seed) if asked.case is not None else sweep(asked.cases, asked.seed, asked.workers)
    counts = Counter(case.verdict.name for case in tried)
    for case in tried:
        if case.verdict.wrong or asked.case is not None:
            print(f"--seed {asked.seed} --case {case.number}: {case.what}: {case.verdict.name}", *case.verdict.wrong)
        if asked.tell or asked.case is not None:
            print(case.number, case.what, case.verdict.name, *case.verdict.told, sep="\n  ")
    print(
        f"{len(tried)} damaged stores: {counts['SILENTLY WRONG']} silently wrong "
        f"({counts['refused']} refused, {counts['unharmed']} unharmed, {counts['healed']} healed)"
    )
    raise SystemExit(bool(counts["SILENTLY WRONG"]))


if __name__ == "__main__":
    main()
