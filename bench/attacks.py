"""Every published attack text in every place a page has, through real runs; after each, every invariant is checked.

``python -m bench.attacks [--sample N] [--seed S] [--data FOLDER]`` prints how many cases and runs there were, and how
often each invariant was broken; it exits 1 on a break, or when a case never reached a run. A run is whole: search and
fetch over loopback sockets, the parser's child processes, the stores, the graph (``bench.attack_runs``). Its model
obeys every word it is shown (``tools.fakes.worst_case``). Where the machine allows it, all of it happens in a network
of its own, in which private and metadata addresses answer, and must not be asked (``bench.canaries``). Runs in their
thousands, with other models, are in ``bench.worst_case``.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from bench.attack_pages import Attack, attacks
from bench.attack_runs import AttackRuns
from bench.canaries import INSIDE, Canaries, enclosed
from bench.invariants import INVARIANTS
from bench.witnesses import SECRETS

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "attacks"
SEED = 1


def sample(lines: Sequence[Attack], number: int, seed: int) -> list[Attack]:
    """Return ``number`` of the lines at random, some of every file among them."""
    families: dict[str, list[Attack]] = {}
    for line in lines:
        families.setdefault(line.id.partition("/")[0], []).append(line)
    rng = random.Random(seed)
    for family in families.values():
        rng.shuffle(family)
    turns = [line for turn in range(len(lines)) for family in families.values() for line in family[turn : turn + 1]]
    return turns[:number]


def sweep(lines: Sequence[Attack], seed: int, canaries: Canaries | None) -> AttackRuns:
    """Make the runs over ``lines``, in pages and in names of files."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        runs = AttackRuns(Path(folder), seed, canaries)
        runs.on_the_web(lines)
        runs.in_files([line for line in lines if not line.address])
    return runs


def summary(runs: AttackRuns, lines: int, seconds: float, enclosed: bool) -> str:
    """Return a line for all cases, and one for each invariant."""
    broken = {run for run, _, _ in runs.breaks}
    breaks = Counter(id for id, _ in {(id, run) for run, id, _ in runs.breaks})
    where = "in a network of its own, with canaries" if enclosed else "without canaries: no network namespace here"
    return "\n".join(
        [
            f"{len(runs.reached):,} cases of {lines:,} attacks in {runs.runs:,} runs: {len(broken)} runs broke an "
            f"invariant, {len(runs.missed)} cases reached no run ({seconds:.0f} s; {where})",
            *(f"  {one.id:4} {breaks[one.id]:6} breaks  {one.says}" for one in INVARIANTS),
        ]
    )


def main() -> int:
    """Run and print; 1 when an invariant was broken, or a case reached no run."""
    parser = argparse.ArgumentParser(prog="python -m bench.attacks", description=__doc__.split("\n\n")[0])
    parser.add_argument("--sample", type=int, help="attacks, of every kind [all]")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder with the attacks as JSON lines")
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not given.data.is_dir():
        print(f"there are no attacks at {given.data}: name their folder with --data", file=sys.stderr)
        return 2
    if not given.enclosed and (code := enclosed("bench.attacks", sys.argv[1:])) is not None:
        return code
    os.environ.update(SECRETS)
    lines = attacks(given.data)
    lines = lines if given.sample is None else sample(lines, given.sample, given.seed)
    begun = time.monotonic()
    with Canaries() if given.enclosed else nullcontext() as canaries:
        if canaries is not None and not canaries.tried():
            print("the canaries did not notice a connection, so their silence would mean nothing", file=sys.stderr)
            return 2
        runs = sweep(lines, given.seed, canaries)
    for run, id, what in runs.breaks:
        print(f"{run} breaks {id}: {what[:300]}", file=sys.stderr)
    for case in sorted(runs.missed):
        print(f"reached no run: {case}", file=sys.stderr)
    print(summary(runs, len(lines), time.monotonic() - begun, given.enclosed))
    return int(bool(runs.breaks or runs.missed))


if __name__ == "__main__":
    sys.exit(main())
