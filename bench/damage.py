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
import multiprocessing
import random
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
from bench.damage_planted import PLACES, Planted, try_attacks, witnessed
from bench.damage_scene import Scene, life, other_hands, prepare, restore
from bench.reference import RUN, go_on, settings_of, unheard
from bench.watched import Events
from research.app.running import resume
from research.records import build
from research.report import Report

ATTACKS = Path(__file__).resolve().parents[2] / "shared" / "data" / "attacks" / "own-serialisation.jsonl"


class Case(NamedTuple):
    """One damaged home and what became of it."""

    number: int
    what: str
    verdict: Verdict


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
