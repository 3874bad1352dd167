"""Whole runs with random caps and models that spend all they can: no cap is passed, and each run ends in a report.

``python -m bench.budgets [--runs N] [--seed S]`` prints one line, and exits 1 when a promise was broken. The graph, the
gate and the stores are the real ones, time is virtual; the models (``tools.fakes.hostile``) keep to the ``max_tokens``
they are given and count for themselves what they were sent and what they answered. Of each run it is asked
(``bench.budgets_judging``)

- that it ended in a report;
- that tokens, money and calls, as the far side counted them and as the report says, are within the run's caps, and no
  call began after the deadline; what a branch is said to have used, within the branch's caps;
- that the report says no less than the far side counted;
- that a run in which a call was refused, or a task not started, is not called done, and that each such task is named.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.budgets_judging import Case, Ended, broken, tokens_above
from bench.scripted import scripted_hands
from research.app.running import ask
from research.budget import Caps
from research.errors import EffectFailed, ResearchError
from research.options import RunOptions
from research.ports import Page, Price
from research.records import Event, Hit, ident
from research.requests import FetchRequest
from research.settings import load
from tools.fakes.hostile import GREEDS, HostileModel
from tools.fakes.scripted import ManualClock
from tools.tokens import prompt_bound

QUESTION = "How is a budget reserved? Compare the wall and the lock of a run, and say why each is kept."
PRICES = (Price(prompt=150.0, completion=600.0), Price(prompt=0.3, completion=0.7), Price(prompt=3_000, completion=1))
RUNS, SEED = 400, 1


class Web:
    """A search that always finds more pages, and the pages; some fail. Counts its calls."""

    name = "web"

    def __init__(self, rng: random.Random, clock: ManualClock, failing: float) -> None:
        self.calls = 0
        self.begun: list[float] = []
        self._rng = rng
        self._clock = clock
        self._failing = failing

    async def _called(self) -> None:
        self.calls += 1
        self.begun.append(self._clock.monotonic())
        await self._clock.sleep(self._rng.random())
        if self._rng.random() < self._failing:
            raise EffectFailed("the server said 503", retryable=self._rng.random() < 0.5)

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        await self._called()
        urls = [f"https://{hashlib.sha256(query.encode()).hexdigest()[:8]}.example/{n}" for n in range(limit)]
        return [Hit(handle=ident("h", url), title=query, score=1.0, url=url, snippet=query) for url in urls]

    async def fetch(self, request: FetchRequest, *, timeout: float | None) -> Page:
        await self._called()
        told = f"At {request.url} a budget is a wall, and every call is reserved in the budget before it is sent. "
        return Page(url=request.url, title="On walls", text=told + "The lock of a run is held by its owner. " * 30)


def case_of(number: int, seed: int) -> Case:
    """Return the run of that number: its model's kind in turn, all else at random."""
    rng = random.Random(f"{seed}-{number}")
    options = RunOptions(
        web=True,
        searx="http://search.example",
        model=HostileModel.name,
        mode=rng.choice(["auto", "workflow", "hybrid", "agent"]),
        branches=rng.randint(1, 6),
        rounds=rng.randint(1, 4),
        caps=_caps(rng, 1.0, least=1),
        branch_caps=_caps(rng, 0.4, least=0),
    )
    failing = rng.choice([0.0, 0.0, 0.3])
    return Case(number, GREEDS[number % len(GREEDS)], options, rng.choice(PRICES), failing)


def _caps(rng: random.Random, share: float, *, least: int) -> Caps:
    """Return caps of random kinds, at least ``least`` of them, each from far too small to generous."""
    kinds = [kind for kind in ("tokens", "nano_usd", "calls", "seconds") if rng.random() < 0.5 * share]
    if len(kinds) < least:
        kinds = [rng.choice(["tokens", "nano_usd", "calls"])]
    size = 10 ** rng.uniform(0, 3)
    return Caps(
        tokens=int(100 * size) if "tokens" in kinds else None,
        nano_usd=int(20_000 * size) if "nano_usd" in kinds else None,
        calls=int(1 + size / 8) if "calls" in kinds else None,
        seconds=round(size / 20, 3) if "seconds" in kinds else None,
    )


async def play(case: Case, home: Path, seed: int) -> Ended:
    """Make one run in ``home`` and say how it ended."""
    rng, clock = random.Random(f"{seed}-{case.number}-far"), ManualClock()
    counter = prompt_bound("openai:gpt-4o")
    model = HostileModel(case.greed, rng=rng, clock=clock, price=case.price, counter=counter)
    web = Web(rng, clock, case.failing)
    refused: list[Event] = []
    planned: dict[str, str] = {}

    def listen(event: Event) -> None:
        if event.kind == "call.refused":
            refused.append(event)
        if event.kind == "branch.planned":
            planned[event.branch] = event.detail

    def nothing(_: object) -> None:
        pass

    report, error = None, ""
    hands = scripted_hands(clock=clock, run=f"run-{case.number:05}", model=model, web=web)
    settings = msgspec.structs.replace(load({"home": str(home)}, {}), prices={model.name: case.price})
    try:
        report = await ask(QUESTION, case.options, settings, listen=listen, on_start=nothing, hands=hands)
    except ResearchError as fault:
        error = f"{type(fault).__name__}: {fault}"
    return Ended(
        case=case,
        report=report,
        error=error,
        tokens=model.tokens,
        nano_usd=model.nano_usd,
        calls=model.calls + web.calls,
        last=max([0.0, *model.begun, *web.begun]),
        refused=len(refused),
        planned=planned,
    )


def sweep(runs: int, seed: int) -> tuple[list[Ended], list[str]]:
    """Make ``runs`` runs, and return how they ended and every promise that was broken."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        ended = asyncio.run(_all(runs, seed, Path(folder)))
    faults = [f"run {one.case.number} ({one.case.greed}): {fault}" for one in ended for fault in broken(one)]
    return ended, faults


async def _all(runs: int, seed: int, folder: Path) -> list[Ended]:
    return [await play(case_of(number, seed), folder / "home", seed) for number in range(runs)]


def summary(ended: Sequence[Ended], seed: int) -> str:
    """Return the one line: runs, tokens above their caps, reports, and how the runs ended."""
    reports = [one.report for one in ended if one.report is not None]
    ends = Counter(report.status for report in reports)
    told = ", ".join(f"{number} {status}" for status, number in sorted(ends.items()))
    return (
        f"{len(ended)} budget runs: {tokens_above(ended)} tokens above the cap, {len(reports)} reports "
        f"({told}; {sum(one.calls for one in ended):,} calls, {sum(one.tokens for one in ended):,} tokens; seed {seed})"
    )


def main() -> int:
    """Run and print; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.budgets", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    ended, faults = sweep(given.runs, given.seed)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(summary(ended, given.seed))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
