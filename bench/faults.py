"""Whole runs whose model goes wrong over the wire: at the planner, at one branch of four or all, at the writer.

``python -m bench.faults [--cases N] [--seed S] [--only WORD] [--file FILE]`` prints a table, and exits 1 when a promise
was broken. The graph, the gate, the stores and the client are the real ones; the model is a loopback server that speaks
OpenAI's format, and beside it stands another that spoils what is sent to it: one step's calls go there. Of each run it
is asked (``bench.faults_judging``)

- that it ended, in time, in a report or in one sentence, and that a run which planning ended can be resumed;
- that a fault which passes leaves no trace, and one that stays is named, with the sources of the other branches whole;
- that nothing was sent again which must not be, nothing sooner than the server asked or more often than the gate
  allows, also when all branches are refused at once, and that every try is counted;
- that no error's words became content, and the key stands nowhere: not in the report, the events or the files.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.faults_cases import BRANCHES, Case, Place, cases_in, every_case
from bench.faults_far_side import KEY, MODEL, QUESTION, Detour, Web, aimed_at, opened, wrong_server
from bench.faults_judging import Ended, broken, essence
from bench.scripted import scripted_hands
from research.app.hands import Hands
from research.app.running import ask, resume
from research.budget import Caps
from research.errors import ResearchError
from research.options import RunOptions
from research.ports import ChatModel
from research.records import Event
from research.report import Report
from research.settings import Settings, load
from tools.clock import SystemClock
from tools.fakes.openai_server import OpenAIServer

PART = 10
"""Characters of the key that may stand nowhere, either."""
PATIENCE = 60
SLOW = 24.0
SLOW_BRANCH = 10.0
"""Seconds of a run and of a branch that end at their deadline."""
AT_ONCE = 4
MEMORY = Path("/dev/shm")
SHOWN: dict[Place, str] = {
    "planner": "planner",
    "branch": "one branch of four",
    "agent": "one agent of four",
    "writer": "writer",
    "branches": "all branches",
}
HEAD = ("what goes wrong", "where", "runs", "as if not", "loss named", "no report, resumed", "most tries", "broken")


@dataclass
class Stage:
    """Where the runs of a sweep happen: the healthy server, and a folder for their homes."""

    healthy: OpenAIServer
    folder: Path
    clean: dict[str, Ended] = field(default_factory=dict)


@dataclass
class Run:
    """One run in a home of its own; what it told and how it ended."""

    number: int
    settings: Settings
    events: list[Event]

    def hands(self, model: ChatModel) -> Hands:
        return scripted_hands(clock=SystemClock(), run=f"run-{self.number:05}", model=model, web=Web())

    async def begin(self, model: ChatModel, options: RunOptions) -> tuple[Report | None, str]:
        """Return the report, or what was said in its place."""
        return await _ended(
            ask(
                QUESTION,
                options,
                self.settings,
                listen=self.events.append,
                on_start=_nothing,
                hands=self.hands(model),
            )
        )

    async def go_on(self, model: ChatModel) -> tuple[Report | None, str]:
        """Resume it; as ``begin``."""
        return await _ended(
            resume(
                None,
                self.settings,
                approve=None,
                listen=self.events.append,
                on_start=_nothing,
                hands=self.hands(model),
            )
        )


async def _ended(work: Coroutine[Any, Any, Report]) -> tuple[Report | None, str]:
    """Wait a second at a time: a bench that was stopped for a while did not hang."""
    task = asyncio.create_task(work)
    for _ in range(PATIENCE):
        await asyncio.wait([task], timeout=1.0)
        if task.done():
            break
    else:
        task.cancel()
        await asyncio.wait([task])
    try:
        return await task, ""
    except ResearchError as fault:
        return None, f"{type(fault).__name__}: {fault}"
    except asyncio.CancelledError:
        return None, "hung"


def _nothing(_: object) -> None:
    pass


def mode_of(place: Place) -> str:
    """Return the mode of the runs that go wrong at ``place``."""
    return "agent" if place == "agent" else "workflow"


def options_of(case: Case, place: Place) -> RunOptions:
    """Return the options of a run; one that ends at a deadline has it near."""
    return RunOptions(
        web=True,
        searx="http://search.example",
        model=MODEL,
        mode=mode_of(place),
        branches=BRANCHES,
        rounds=1,
        caps=Caps(seconds=SLOW if case.slow else PATIENCE * 5),
        branch_caps=Caps(seconds=SLOW_BRANCH) if case.slow else Caps(),
    )


CLEAN = Case("no fault")


async def play(stage: Stage, case: Case, place: Place, number: int) -> Ended:
    """Make one run and say how it ended; a run that planning ended is resumed with the right server."""
    home = stage.folder / f"home-{number:04}"
    run = Run(number, load({"home": str(home)}, {}), [])
    right = opened(stage.healthy.base_url)
    async with wrong_server(case, place, stage.folder) as (address, seen):
        model = Detour(right, opened(address) if case is not CLEAN else right, aimed_at(place))
        began = asyncio.get_running_loop().time()
        report, error = await run.begin(model, options_of(case, place))
        took = asyncio.get_running_loop().time() - began
    again = None
    if report is None and error != "hung":
        again, why = await run.go_on(right)
        error += f"; then {why}" if why else ""
    shown = any(KEY[:PART] in text for text in (repr(run.events), error, repr(report)))
    clean = stage.clean.get(mode_of(place))
    leaks = await asyncio.to_thread(_holding, home, KEY[:PART].encode())
    return Ended(
        case=case,
        place=place,
        clean=clean.report if clean else report,
        report=report,
        error=error,
        resumed=again,
        late=took - SLOW if case.slow else 0.0,
        sent=seen.sent(),
        leaks=(*leaks, *(["what was shown"] if shown else [])),
        soonest=seen.soonest(),
        early=seen.early(0.0 if case.slow else case.pause),  # a wait that no deadline allows holds nobody
        calls=model.calls,
        usual=clean.calls if clean else model.calls,
    )


def _holding(folder: Path, secret: bytes) -> tuple[str, ...]:
    """Return the files below ``folder`` in which ``secret`` stands."""
    return tuple(path.name for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes())


def memory() -> Path | None:
    """Return the folder in memory where there is one: thousands of files are written."""
    return MEMORY if MEMORY.is_dir() else None


async def sweep(chosen: Sequence[tuple[Case, Place]]) -> list[Ended]:
    """Make a clean run, then one for each choice, a few at once."""
    slots = asyncio.Semaphore(AT_ONCE)
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        async with OpenAIServer() as healthy:
            stage = Stage(healthy, Path(folder))
            for number, place in enumerate(("planner", "agent")):
                stage.clean[mode_of(place)] = await play(stage, CLEAN, place, number)

            async def one(number: int, case: Case, place: Place) -> Ended:
                async with slots:
                    return await play(stage, case, place, number)

            return await asyncio.gather(
                *(one(n, case, place) for n, (case, place) in enumerate(chosen, len(stage.clean)))
            )


def chosen_of(cases: Sequence[Case], number: int | None, seed: int, only: str = "") -> list[tuple[Case, Place]]:
    """Return each case at each place, or ``number`` of them at random."""
    every = [(case, place) for case in cases for place in case.places if only in f"{case.name} at the {place}"]
    return every if number is None else random.Random(seed).sample(every, min(number, len(every)))


def table(ended: Sequence[Ended]) -> str:
    """Return a row for each kind of fault and place: how the runs ended, the most tries, and those that broke."""
    rows: dict[tuple[str, Place], list[Ended]] = {}
    for one in ended:
        rows.setdefault((one.case.group, one.place), []).append(one)
    shown = [HEAD, *(_row(group, place, own) for (group, place), own in rows.items())]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in shown)


def _row(group: str, place: Place, ended: Sequence[Ended]) -> tuple[str, ...]:
    whole = sum(one.report is not None and essence(one.report) == essence(one.clean or one.report) for one in ended)
    stopped = sum(one.report is None for one in ended)
    wrong = sum(any(broken(one)) for one in ended)
    tries = max((tries for one in ended for tries in one.sent), default=0)
    numbers = (len(ended), whole, len(ended) - whole - stopped, stopped, tries, wrong)
    return (group, SHOWN[place], *map(str, numbers))


def summary(ended: Sequence[Ended], faults: Sequence[str]) -> str:
    """Return the one line: runs, how they ended, and how many promises were broken."""
    ends = Counter("no report, resumed" if one.report is None else one.report.status for one in ended)
    told = ", ".join(f"{number} {status}" for status, number in sorted(ends.items()))
    return f"{len(ended)} runs with a failing model: {len(faults)} promises broken ({told})"


def main() -> int:
    """Run and print; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument("--cases", type=int, help="so many of the runs, at random [all]")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only runs whose name holds this, for example “at the writer”")
    parser.add_argument("--file", type=Path, help="cases in JSON lines, in place of the bench's own")
    given = parser.parse_args()
    cases = cases_in(given.file) if given.file else every_case()
    ended = asyncio.run(sweep(chosen_of(cases, given.cases, given.seed, given.only)))
    faults = [f"{one.case.name} at the {one.place}: {fault}" for one in ended for fault in broken(one)]
    for fault in faults:
        print(fault, file=sys.stderr)
    print(table(ended))
    print(summary(ended, faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
