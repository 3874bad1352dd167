"""Nothing that was paid for is lost: runs, indexes and exports cut off everywhere, and gone on with.

``python -m bench.kill [A B C D E F] [--sample N] [--seed S] [--workers 2]`` makes the sweeps (all by default) and
prints a line for each; ``A=40`` makes 40 cases of one. It exits 1 when a case broke a promise, and names the case.

- A: kill -9 at each event of the reference run (``bench.reference``), then resume.
- B: kill -9 at an event, and again at an event of the resume, then resume.
- C: kill -9 after random milliseconds, with the real clients against servers on loopback, then resume.
- D: five kills in one run, then resume.
- E: kill -9 while a folder is indexed, and while a report is written.
- F: SIGTERM and SIGINT at each event, SIGINT twice at 100 of them, then resume.

What must hold is in ``bench.kill_judging`` and ``bench.kill_stores``. A kill ends a process, not a machine: what
a disk loses with the power is not shown by this.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

from bench.kill_judging import Verdict
from bench.kill_lives import SIGNALS, Case, ScriptedRun
from bench.kill_stores import ExportRun, IndexRun
from bench.kill_teeth import BROKEN, JOURNALS, broken_hands, index_with_orphan, write_torn
from bench.kill_wire import WireRun, warm, wire_hands
from bench.reference import reference_hands

PAIRS, TIMES, FIVES, INDEXES, EXPORTS, TWICE = 1_000, 500, 200, 120, 300, 100


class Sweep(NamedTuple):
    """One line of the output: what is cut off (``open`` in a folder of its own makes it ready), and the cases."""

    letter: str
    what: str
    open: Callable[[Path], Any]
    cases: Sequence[Any]


class Tried(NamedTuple):
    """One case and its verdict."""

    case: Any
    verdict: Verdict


def sweeps(letter: str, events: int, number: int | None, seed: int, broken: str = "") -> Iterator[Sweep]:
    """Yield the sweeps of a letter for a run of ``events`` events, cut down to ``number`` cases each when given."""
    journal = broken in JOURNALS
    scripted = partial(ScriptedRun, make=broken_hands(broken, reference_hands)) if journal else ScriptedRun
    wire = partial(WireRun, make=broken_hands(broken, wire_hands)) if journal else WireRun
    folder = partial(IndexRun, make=index_with_orphan) if broken == "index" else IndexRun
    export = partial(ExportRun, write=write_torn) if broken == "exports" else ExportRun
    rng = random.Random(f"{letter} {seed}")
    every = range(1, events + 1)
    if letter == "A":
        cases = spread([Case("A", (at,)) for at in every], number)
        yield Sweep("A", "crash points", scripted, cases)
    elif letter == "B":
        firsts = [rng.randrange(1, events) for _ in range(number or PAIRS)]
        pairs = [Case("B", (at, rng.randint(1, events - at))) for at in firsts]
        yield Sweep("B", "double crashes", scripted, pairs)
    elif letter == "C":
        yield Sweep("C", "random times over the wire", wire, _seeds(rng, number or TIMES))
    elif letter == "D":
        fives = [Case("D", tuple(rng.randint(1, events // 5) for _ in range(5))) for _ in range(number or FIVES)]
        yield Sweep("D", "runs killed five times", scripted, fives)
    elif letter == "E":
        yield Sweep("E", "killed indexes", folder, _seeds(rng, number or INDEXES))
        yield Sweep("E", "killed exports", export, _seeds(rng, number or EXPORTS))
    else:
        for by in SIGNALS:
            all_of_it = None if len(SIGNALS[by]) == 1 else TWICE
            most = -(-number // len(SIGNALS)) if number else all_of_it
            cases = spread([Case("F", (at,), by) for at in every], most)
            yield Sweep("F", f"points of {by}", scripted, cases)


def _seeds(rng: random.Random, number: int) -> list[int]:
    """Return seeds, even and odd in turn."""
    return [2 * rng.randrange(10**6) + place % 2 for place in range(number)]


def spread(cases: Sequence[Case], number: int | None) -> Sequence[Case]:
    """Return ``number`` of the cases, evenly spread, the first and the last among them."""
    if number is None or number >= len(cases):
        return cases
    return [cases[round(place * (len(cases) - 1) / max(1, number - 1))] for place in range(number)]


def tried(sweep: Sweep, workers: int, folder: Path) -> list[Tried]:
    """Try every case, divided among ``workers`` forked processes, each with a folder of its own.

    What a worker that ended early had not tried is missing from what is returned.
    """
    context = multiprocessing.get_context("fork")
    pipes: list[Connection[Any, Any]] = []
    processes = []
    for worker in range(min(workers, len(sweep.cases))):
        reader, writer = context.Pipe(duplex=False)
        own = Path(tempfile.mkdtemp(dir=folder))
        processes.append(context.Process(target=_work, args=(sweep, sweep.cases[worker::workers], own, writer)))
        processes[-1].start()
        writer.close()
        pipes.append(reader)
    found: list[Tried] = []
    while pipes:
        for pipe in wait(pipes):
            try:
                found.append(pipe.recv())
                _progress(f"{sweep.letter}  {len(found)} of {len(sweep.cases)} {sweep.what}")
            except EOFError:
                pipes.remove(pipe)  # type: ignore[arg-type]
    _progress("")
    for process in processes:
        process.join()
    return found


def _progress(text: str) -> None:
    """Say on a terminal how far it is."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _work(sweep: Sweep, cases: Sequence[Any], folder: Path, pipe: Connection[Any, Any]) -> None:
    """Be a worker."""
    subject = sweep.open(folder)
    for case in cases:
        pipe.send(Tried(case, subject.attempt(case)))
    if isinstance(subject, WireRun):
        subject.close()


def line(sweep: Sweep, found: Sequence[Tried], seconds: float) -> str:
    """Return what one sweep showed."""
    verdicts = [one.verdict for one in found]

    def total(name: str) -> int:
        return sum(getattr(verdict, name) for verdict in verdicts)

    drafts = f"; {total('drafts')} unnamed drafts left" if total("drafts") else ""
    head = f"{sweep.letter}  {len(found)} {sweep.what}"
    if sweep.letter == "E":
        return f"{head}: {total('lost')} lost, {total('equal')} whole and equal{drafts}; {seconds:.0f} s"
    most = max((verdict.at_once for verdict in verdicts), default=0)
    in_branch = max((verdict.at_once_in_a_branch for verdict in verdicts), default=0)
    flight = f"in flight and charged: {total('in_flight')} (at most {most} at once, {in_branch} in a branch)"
    cuts = f" ({total('cuts')} cuts)" if total("cuts") != len(found) else ""
    return (
        f"{head}{cuts}: {total('lost')} steps lost, {total('repeated')} recorded calls repeated, "
        f"{total('equal')} reports equal; {flight}{drafts}; {seconds:.0f} s"
    )


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.kill", description=__doc__.split("\n\n")[0])
    parser.add_argument("sweeps", nargs="*", default=list("ABCDEF"), help="letters, each with =N for N cases of it")
    parser.add_argument("--sample", type=int, help="cases of each sweep that has no number of its own")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is drawn")
    parser.add_argument("--workers", type=int, default=2, help="processes that try cases at once")
    parser.add_argument("--broken", choices=BROKEN, default="", help="break a promise, to see that it is noticed")
    chosen = parser.parse_args()
    if any(name.partition("=")[0] not in set("ABCDEF") for name in chosen.sweeps):
        parser.error("the sweeps are A, B, C, D, E and F")
    return chosen


def main() -> None:
    """Make the sweeps that were asked for, print their lines and leave with 1 when a promise was broken."""
    chosen = arguments()
    warm()
    importlib.import_module("chromadb.errors")
    points = doubles = lost = repeated = broken = 0
    with tempfile.TemporaryDirectory(prefix="kill-") as name:
        first = Path(name, "first")
        first.mkdir()
        events = ScriptedRun(first).expected.events
        for asked in chosen.sweeps:
            letter, _, number = asked.partition("=")
            for sweep in sweeps(letter, events, int(number) if number else chosen.sample, chosen.seed, chosen.broken):
                began = time.perf_counter()
                found = tried(sweep, chosen.workers, Path(name))
                print(line(sweep, found, time.perf_counter() - began), flush=True)
                broken += _told(sweep, found, chosen.seed)
                cut = sum(one.verdict.cuts > 0 for one in found)
                points, doubles = (points, doubles + cut) if letter == "B" else (points + cut, doubles)
                lost += sum(one.verdict.lost for one in found)
                repeated += sum(one.verdict.repeated for one in found)
    print(
        f"{points:,} crash points, {doubles:,} double crashes: {lost} steps lost, {repeated} recorded calls repeated",
        flush=True,
    )
    sys.exit(1 if broken else 0)


def _told(sweep: Sweep, found: Sequence[Tried], seed: int) -> int:
    """Name each case that broke a promise, and say how many were not tried; return how many both are."""
    failures = [one for one in found if one.verdict.problems]
    for one in failures:
        print(f"BROKEN {one.case} (--seed {seed}):", *one.verdict.problems, sep="\n   ", flush=True)
    untried = len(sweep.cases) - len(found)
    if untried:
        print(f"BROKEN {sweep.letter}: {untried} {sweep.what} were not tried, as a worker ended early", flush=True)
    return len(failures) + untried


if __name__ == "__main__":
    main()
