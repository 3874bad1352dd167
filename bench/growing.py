"""Runs of any length: a scripted far side that plans as many branches as are asked for, and answers for all of them.

Two shapes. ``wide``: one round of many branches. ``deep``: two branches a round, and as many rounds as it takes: its
tasks are to be gone into deeply, so that the model is asked after each round what else there is to do. A
branch asks four queries in two rounds and fetches twelve pages; in each round one to six calls to the model read them,
the fewer the more branches there are, and one judges: 20 to 30 calls. The graph, the gate and the stores are the real
ones. What is measured is in ``bench.growth``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.scripted import ByteModel, ReferenceClock, scripted_hands
from bench.watched import WatchedRecords
from graphs.reading import AT_ONCE
from research.app.hands import Hands
from research.app.stores import Stores
from research.cancellation import Stopping
from research.options import RunOptions
from research.ports import Page
from research.records import Hit, ident
from research.requests import FetchRequest, ModelReply, ModelRequest
from tools.fakes.persona import answer_to, blocks

RUN = "growth"
QUESTION = "What is known of each of the subjects?"
ROUND_BRANCHES = 2
OTHER_CALLS = 5
"""The plan; the report's outline, its two sections and its answer, whose every sentence stands in a quote."""
PAGES = 6
SEARCH_ROUNDS = 2
QUERIES = 2
SENTENCES = 12
SERVER = "http://127.0.0.1:9/v1"
"""Stands in the options, so that the real command can resume the run; nothing listens there and nothing is sent."""


def options_for(shape: str, calls: int) -> RunOptions:
    """Return options whose run makes about ``calls`` calls."""
    branches = min(range(1, calls), key=lambda width: abs(OTHER_CALLS + width * branch_calls(width) - calls))
    rounds = max(1, round((calls - OTHER_CALLS) / (ROUND_BRANCHES * branch_calls(ROUND_BRANCHES) + 1)))
    width, depth = (branches, 1) if shape == "wide" else (ROUND_BRANCHES, rounds)
    server = {"model": "openai:growth", "base_url": SERVER, "searx": SERVER, "web": True}
    return RunOptions(mode="workflow", branches=width, rounds=depth, **server)


def branch_calls(width: int) -> int:
    """Return the calls of a branch that has ``width - 1`` others beside it."""
    readings = math.ceil(PAGES / math.ceil(PAGES * width / AT_ONCE))
    return SEARCH_ROUNDS * (QUERIES + PAGES + readings + 1)


class LongClock(ReferenceClock):
    """Virtual time that keeps no list of what was slept, which would be counted as the run's own memory."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self.slept.clear()


class GrowingFarSide(ByteModel):
    """Model, search and pages about numbered subjects. ``called`` is told of each call; each takes half a second."""

    name = "openai:growth"
    window = 10_000_000

    def __init__(self, clock: LongClock, width: int, called: Callable[[], None]) -> None:
        self._clock = clock
        self._width = width
        self._called = called

    async def _pass(self) -> None:
        self._called()
        await self._clock.sleep(0.5)

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        await self._pass()
        prompt = "\n".join(message.content for message in request.messages)
        data = self._planned(prompt) if request.role == "planner" else _played(prompt, request)
        return self.reply(request, data, max_tokens)

    def _planned(self, prompt: str) -> dict[str, Any]:
        """Plan the next subjects; how many there were is told by the prompt itself."""
        done = len(blocks(prompt, "done"))
        width = ROUND_BRANCHES if done else self._width
        effort = "deep" if self._width == ROUND_BRANCHES else "normal"
        tasks = [_task(number, effort) for number in range(done, done + width)]
        return {"rationale": "one task a subject", "tasks": tasks}

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        await self._pass()
        subject = query.split()[1]
        first = PAGES if "further" in query else 0
        urls = [f"https://subject{subject}.example/{number}" for number in range(first, first + PAGES)]
        return [Hit(handle=ident("h", url), title=f"Page {url}", score=1.0, url=url) for url in urls][:limit]

    async def fetch(self, request: FetchRequest, *, timeout: float | None) -> Page:
        await self._pass()
        subject, number = request.url.removeprefix("https://subject").split(".example/")
        told = [f"Of subject {subject}, page {number} tells in sentence {n} what is known." for n in range(SENTENCES)]
        return Page(url=request.url, title=f"Subject {subject}, page {number}", text="\n\n".join(told))


def _task(number: int, effort: str) -> dict[str, Any]:
    queries = [f"subject {number} known", f"subject {number} told"]
    task = {"objective": f"What is known of subject {number}?", "queries": queries, "source": "web", "wanted": ""}
    return task | {"effort": effort}


def _played(prompt: str, request: ModelRequest) -> Any:
    """Answer as the loopback model does, but ask for a second round of searches in each branch."""
    shape = {"type": "json_schema", "json_schema": {"schema": request.schema}}
    data = answer_to({"messages": [{"content": prompt}], "response_format": shape})["json"]
    if "enough" in data and "further" not in prompt:
        subject = blocks(prompt, "task")[0][1].split("subject ")[1].split("?")[0]
        queries = [f"subject {subject} further", f"subject {subject} told further"]
        return {"enough": False, "missing": "what else is known", "queries": queries}
    return data


class StoppingRecords(WatchedRecords):
    """The records of a run that is stopped when all its calls are made and only its report is not written yet."""

    async def put(self, records: Sequence[tuple[str, str, object]]) -> None:
        if any(kind == "report" for kind, _, _ in records):
            raise Stopping("stopped before publishing")
        await self._records.put(records)


def growing_hands(options: RunOptions, called: Callable[[], None], opened: Callable[[Stores], Stores]) -> Hands:
    """Return hands in virtual time; ``called`` hears of each call, ``opened`` gets the open stores."""
    clock = LongClock()
    far = GrowingFarSide(clock, options.branches, called)

    return scripted_hands(clock=clock, run=RUN, model=far, web=far, stores=opened)


def process_facts() -> dict[str, int]:
    """Return this process's memory and its peak, in KiB, and its open handles (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    words = {
        name: rest.split()[0] for name, _, rest in (line.partition(":") for line in status.splitlines()) if rest.split()
    }
    handles = len(list(Path("/proc/self/fd").iterdir())) - 1
    return {"rss": int(words["VmRSS"]), "peak": int(words["VmHWM"]), "handles": handles}


def stamps() -> tuple[float, float]:
    """Return wall and processor time, in seconds."""
    return time.perf_counter(), time.process_time()
