"""What the program adds to the calls it makes: start to first model call, and wall time over the chain of calls.

``python -m bench.orchestration [RUNS]`` runs the real command against loopback servers with fixed delays: a model
(0.4 s and 5 ms a token), a search and pages (0.15 s each). The chain is the longest path of calls that waited for one
another, read off the servers' own clocks: from the last call backwards, each time to the call that ended last before.
Prints medians and, for a ratio that holds on a busy machine, the wall time of ``import langgraph`` beside them.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tools.fakes.openai_server import OpenAIServer
from tools.fakes.web_server import Logged, WebServer, html_page

LATENCY, PER_TOKEN, WEB = 0.4, 0.005, 0.15
QUESTION = "How is a budget reserved? What does the journal keep? Who holds the lock of a run?"
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
"""The caller's, but for the variable that would have every module compiled again in each run."""
SUBJECTS = ("budget reserved before a call", "journal rows kept", "lock held by the owner of a run")


class Call(NamedTuple):
    """One call as a server saw it, in seconds of the bench's clock."""

    begun: float
    ended: float


class TimedWeb(WebServer):
    """The loopback web, noting when each request came; its answer takes ``WEB`` seconds."""

    def __init__(self, pages: dict[str, Any]) -> None:
        self.calls: list[Call] = []
        super().__init__(pages, delay=WEB)

    def note(self, entry: Logged) -> None:
        begun = time.perf_counter()
        self.calls.append(Call(begun, begun + WEB))
        super().note(entry)


class TimedModel:
    """Watches the model server's log and pairs each request with its answer."""

    def __init__(self) -> None:
        self.begun: dict[int, float] = {}
        self.calls: list[Call] = []

    def watch(self, line: dict[str, Any]) -> None:
        if line["event"] == "received":
            self.begun[line["n"]] = line["arrived"]
        else:
            self.calls.append(Call(self.begun[line["n"]], time.perf_counter()))


@contextmanager
def model_server(timed: TimedModel) -> Iterator[OpenAIServer]:
    """Serve the model from a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = OpenAIServer(latency=LATENCY, per_token=PER_TOKEN, watch=timed.watch)
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def chain(calls: Sequence[Call]) -> list[Call]:
    """Return the longest path of calls that waited for one another, first to last."""
    path = [max(calls, key=lambda call: call.ended)]
    while before := [call for call in calls if call.ended <= path[0].begun]:
        path.insert(0, max(before, key=lambda call: call.ended))
    return path


class Figures(NamedTuple):
    """One run, in seconds: process start to the first model call, the rest of its wall time, the chain of calls."""

    start: float
    rest: float
    chain: float
    length: int
    calls: int


def pages() -> dict[str, Any]:
    """Return eighteen pages about the question's three subjects."""
    text = "It is written before the call is sent, and it is settled after the answer has come back. "
    return {
        f"/{number}.html": html_page(f"Page {number}", [f"The {subject} is told on page {number}. {text}" * 6])
        for number, subject in enumerate(SUBJECTS * 6)
    }


def once() -> Figures:
    """Run the command once."""
    timed = TimedModel()
    with tempfile.TemporaryDirectory() as home, TimedWeb(pages()) as web, model_server(timed) as model:
        arguments = ["ask", QUESTION, "--web", "--searx", web.url, "--allow-host", web.host, "--rounds", "1"]
        arguments += ["--model", "openai:persona", "--base-url", model.base_url, "--quiet", "--mode", "workflow"]
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "research", "--home", str(Path(home)), *arguments],
            env=ENVIRONMENT,
            capture_output=True,
            check=True,
        )
        ended = time.perf_counter()
        calls = [*timed.calls, *web.calls]
    path = chain(calls)
    first = min(call.begun for call in timed.calls)
    return Figures(first - begun, ended - first, sum(call.ended - call.begun for call in path), len(path), len(calls))


def importing() -> float:
    """Return the wall time of a process that only imports langgraph and the client, for comparison."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import langgraph.graph, langchain_openai"], check=True, env=ENVIRONMENT)
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    once()
    figures, imports = [], []
    for _ in range(runs):
        figures.append(once())
        imports.append(importing())
    start = statistics.median(f.start for f in figures)
    print(f"medians of {runs} runs, {figures[0].calls} calls, {figures[0].length} of them in the chain")
    print(f"start to first model call   {start:6.2f} s")
    libraries = statistics.median(imports)
    print(f"  importing the libraries   {libraries:6.2f} s   ratio {start / libraries:.2f}")
    print(f"chain of calls              {statistics.median(f.chain for f in figures):6.2f} s")
    print(f"wall time after the start   {statistics.median(f.rest for f in figures):6.2f} s")
    print(f"(wall - start) / chain      {statistics.median(f.rest / f.chain for f in figures):6.3f}")


if __name__ == "__main__":
    main()
