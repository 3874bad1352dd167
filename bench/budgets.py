"""Whole runs with random caps and models that spend all they can: no cap is passed, and each run ends in a report.

``python -m bench.budgets [--runs N] [--seed S]`` prints one line, and exits 1 when a promise was broken. The graph, the
gate and the stores are the real ones, time is virtual; the models (``tools.fakes.hostile``) keep to the ``max_tokens``
they are given and count for themselves what they were sent and what they answered. Of each run it is asked

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
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple, get_args

import msgspec

from research.access import World
from research.analysts.extractive import ExtractiveAnalyst
from research.analysts.language import LanguageAnalyst
from research.app.hands import Hands
from research.app.running import ask
from research.app.stores import Stores
from research.app.world import Judgement, Opened
from research.budget import NANO, Caps
from research.errors import EffectFailed, ResearchError
from research.options import RunOptions
from research.ports import Page, Price
from research.records import Event, Failure, Hit, ident
from research.report import CapFacts, Report, UsageFacts
from research.requests import FetchRequest, Role
from research.settings import Settings, load
from tools.fakes.hostile import GREEDS, Greed, HostileModel
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


class Case(NamedTuple):
    """One run to be made."""

    number: int
    greed: Greed
    options: RunOptions
    price: Price
    failing: float


class Ended(NamedTuple):
    """How one run ended: its report or what was raised, what the far side counted, and what was refused."""

    case: Case
    report: Report | None
    error: str
    tokens: int
    nano_usd: float
    calls: int
    last: float
    refused: int
    planned: dict[str, str]


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
    settings = msgspec.structs.replace(load({"home": str(home)}, {}), prices={model.name: case.price})
    try:
        report = await ask(
            QUESTION, case.options, settings, listen=listen, on_start=nothing, hands=_hands(case, model, web, clock)
        )
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


def _hands(case: Case, model: HostileModel, web: Web, clock: ManualClock) -> Hands:
    def judgement(options: RunOptions, settings: Settings) -> Judgement:
        analyst = LanguageAnalyst(ExtractiveAnalyst(), model.name)
        return Judgement(analyst=analyst, models=dict.fromkeys(get_args(Role), model), lapses=analyst.lapses)

    @asynccontextmanager
    async def world(
        options: RunOptions, settings: Settings, judgement: Judgement, stores: Stores, opened: Opened
    ) -> AsyncIterator[tuple[World, tuple[Failure, ...]]]:
        yield (
            World(
                library=stores.library,
                records=stores.records,
                models=judgement.models,
                searches=(web,),
                fetch=web,
            ),
            (),
        )

    return Hands(clock=clock, name_run=lambda now: f"run-{case.number:05}", judgement=judgement, world=world)


def broken(ended: Ended) -> list[str]:
    """Return which promises the run broke, each in a few words."""
    report, caps = ended.report, ended.case.options.caps
    if report is None:
        return [f"no report: {ended.error}"]
    return [*_passed(ended, caps, report), *_understated(ended, report), *_untold(ended, report)]


def _passed(ended: Ended, caps: Caps, report: Report) -> list[str]:
    seen = {"tokens": ended.tokens, "nano_usd": ended.nano_usd, "calls": ended.calls}
    found = []
    for currency, count in seen.items():
        cap = getattr(caps, currency)
        if cap is not None and count > cap:
            found.append(f"{count} {currency} above the cap of {cap}, by the far side's count")
    if caps.seconds is not None and ended.last >= caps.seconds:
        found.append(f"a call began at {ended.last} s, after the deadline of {caps.seconds} s")
    found += _above(report.usage, "the run")
    for branch in report.branches:
        found += _above(branch.usage, branch.task)
    return found


def _above(usage: UsageFacts, what: str) -> list[str]:
    caps: CapFacts = usage.caps
    pairs = {"tokens": (usage.tokens, caps.tokens), "calls": (usage.calls, caps.calls), "usd": (usage.usd, caps.usd)}
    return [
        f"{what}: {used} {name} in the report, cap {cap}"
        for name, (used, cap) in pairs.items()
        if cap is not None and used is not None and used > cap
    ]


def _understated(ended: Ended, report: Report) -> list[str]:
    told = {
        "tokens": report.usage.tokens,
        "nano_usd": round((report.usage.usd or 0.0) * NANO),
        "calls": report.usage.calls,
    }
    seen = {"tokens": ended.tokens, "nano_usd": ended.nano_usd, "calls": ended.calls}
    return [f"{told[name]} {name} told, {seen[name]} seen" for name in told if told[name] + 1e-6 < seen[name]]


def _untold(ended: Ended, report: Report) -> list[str]:
    """Return what was cut and is not told."""
    found = []
    named = {skipped.what for skipped in report.skipped}
    if ended.refused and report.status == "done":
        found.append(f"{ended.refused} calls refused, and called done")
    cut = [branch.task for branch in report.branches if branch.outcome == "out of budget"]
    known = {branch.task for branch in report.branches}
    found += [f"cut and not named: {task}" for task in cut if task not in named]
    found += [f"not begun and not named: {task}" for task in ended.planned.values() if task not in known | named]
    if (cut or report.skipped) and report.status == "done":
        found.append("something was skipped, and called done")
    return found


def sweep(runs: int, seed: int) -> tuple[list[Ended], list[str]]:
    """Make ``runs`` runs, and return how they ended and every promise that was broken."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        ended = asyncio.run(_all(runs, seed, Path(folder)))
    faults = [f"run {one.case.number} ({one.case.greed}): {fault}" for one in ended for fault in broken(one)]
    return ended, faults


async def _all(runs: int, seed: int, folder: Path) -> list[Ended]:
    return [await play(case_of(number, seed), folder / "home", seed) for number in range(runs)]


def tokens_above(ended: Sequence[Ended]) -> int:
    """Return how many tokens the far side counted above the caps, in all runs together."""
    caps = [(one.tokens, one.case.options.caps.tokens) for one in ended]
    return sum(max(0, tokens - cap) for tokens, cap in caps if cap is not None)


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
