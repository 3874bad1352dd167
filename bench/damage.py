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
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.damage_judging import OTHER, Looked, Name, Truth, Verdict, judge_end, judge_look, look, refused
from bench.damage_mutations import MUTATIONS, newer, replace
from bench.damage_planted import PLACES, Planted, try_attacks, watched, witnessed
from bench.reference import RUN, Ended, Events, Work, begin, go_on, live, reference_hands, settings_of, unheard
from research.app.hands import Hands
from research.app.running import resume
from research.records import Record, build
from research.report import Report

ATTACKS = Path(__file__).resolve().parents[2] / "shared" / "data" / "attacks" / "own-serialisation.jsonl"


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


class Case(NamedTuple):
    """One damaged home and what became of it."""

    number: int
    what: str
    verdict: Verdict


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


def try_case(scene: Scene, number: int, seed: int) -> Case:
    """Damage a home as ``seed`` and ``number`` say, and judge what its commands do then."""
    rng = random.Random(f"{seed}/{number}")
    state = rng.choice(("half", "finished"))
    restore(scene.folder, rng.choice((state, f"{state}, closed")))
    mutate = MUTATIONS[number % len(MUTATIONS)]
    what = mutate(rng, scene.home, scene.folder / "snapshots" / "older" / "home")
    replaced = mutate in (replace, newer) and f"{what}".startswith("runs.db ")
    (scene.folder / "seen").write_text("", encoding="utf-8")
    verdict = judge(scene, state, untouched=replaced)
    ran = sorted(witnessed(scene.folder / "seen") - scene.usual)
    return Case(number, f"{state}: {what}", Verdict("CODE RAN", tuple(ran)) if ran else verdict)


def judge(scene: Scene, state: str, *, untouched: bool = False) -> Verdict:
    """Do what a user would do with the home as it is now, and say what became of it.

    ``untouched``: a file that is refused must stay as it is.
    """
    truth = scene.finished if state == "finished" else scene.half
    home, log = scene.home, scene.folder / "log"
    before = _runs_bytes(home)
    wrong = judge_look(
        life(scene.folder, lambda _: look(home)), truth, finished=state == "finished", cited=_cited(scene, truth)
    )
    resumed = life(scene.folder, lambda events: go_on(home, log, events))
    equal, faults = judge_end(resumed, truth, "resume")
    wrong += faults
    if not refused(resumed):
        wrong += _afterwards(scene)
        return _verdict("unharmed" if equal else "healed", wrong)
    healed = life(scene.folder, lambda events: go_on(home, log, events, from_journal=True))
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
    ended = life(scene.folder, lambda _: look(home))
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
        ended = life(scene.folder, lambda events: _other(home, log, events))
        other = truth._replace(end=truth.shown[OTHER])
        wrong += judge_end(ended, other, "the other run from its journal")[1]
    return wrong


async def _other(home: Path, log: Path, events: Events) -> Report:
    hands = other_hands(log, events)
    settings, quiet = settings_of(home), unheard
    return await resume(OTHER, settings, approve=None, listen=quiet, on_start=quiet, hands=hands, from_journal=True)


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
    if not cases:
        return []
    parts = [range(first, cases, workers) for first in range(workers)]
    if workers == 1:
        return part(parts[0], seed)
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        return sorted(case for cases_of in pool.map(partial(part, seed=seed), parts) for case in cases_of)


def planted(path: Path, each: int = len(PLACES)) -> list[Planted]:
    """Plant the attacks of a file in a home killed half-way, each in ``each`` places."""
    attacks = [msgspec.json.decode(line)["payload"] for line in path.read_bytes().splitlines()]
    with tempfile.TemporaryDirectory(prefix="damage-") as folder:
        scene = prepare(Path(folder))
        return try_attacks(attacks, partial(restore, scene.folder, "half"), scene.home, scene.folder / "log", each=each)


def summary(tried: Sequence[Case], attacked: Sequence[Planted]) -> str:
    """Return the line that says what held."""
    counts = Counter(case.verdict.name for case in tried)
    ran = counts["CODE RAN"] + sum(bool(attack.wrong) for attack in attacked)
    told = ", ".join(f"{counts[name]} {name}" for name in ("refused", "unharmed", "healed"))
    return f"{len(tried)} damaged stores: {counts['SILENTLY WRONG']} silently wrong, {ran} code run ({told})"


def main() -> None:
    """Run the cases and print what held; exit code 1 when something did not."""
    parser = argparse.ArgumentParser(prog="python -m bench.damage", description=__doc__)
    parser.add_argument("--cases", type=int, default=500, help="damaged homes [500]")
    parser.add_argument("--seed", type=int, default=0, help="what is damaged, and how [0]")
    parser.add_argument("--workers", type=int, default=2, help="processes [2]")
    parser.add_argument("--attacks", type=Path, default=ATTACKS, help="JSON lines with payloads to plant")
    parser.add_argument("--case", type=int, help="only this case, and tell what became of it")
    parser.add_argument("--tell", action="store_true", help="tell of every case what was said")
    parser.add_argument("--each", type=int, default=len(PLACES), help="places that each attack is planted in [all]")
    asked = parser.parse_args()
    one = asked.case is not None
    tried = part([asked.case], asked.seed) if one else sweep(asked.cases, asked.seed, asked.workers)
    attacked = planted(asked.attacks, asked.each) if asked.attacks.exists() and not one else []
    for case in tried:
        if asked.tell or one:
            print(f"{case.number}: {case.what}: {case.verdict.name}", *case.verdict.told, sep="\n  ")
        if case.verdict.wrong:
            print(f"--seed {asked.seed} --case {case.number}: {case.what}: {case.verdict.name}", *case.verdict.wrong)
    for attack in attacked:
        if attack.wrong:
            print(f"{attack.attack!r} in {attack.place}:", *attack.wrong)
    if not one:
        print(
            f"{len(attacked)} attacks planted under a valid digest" if attacked else f"no {asked.attacks}: none planted"
        )
    print(summary(tried, attacked))
    raise SystemExit(any(case.verdict.wrong for case in tried) or any(attack.wrong for attack in attacked))


if __name__ == "__main__":
    main()
