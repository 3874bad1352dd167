"""Runs of the reference question: the real command, and several runs in one process, each against a fresh far side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from bench.reference_question_judging import Timing
from bench.reference_question_scene import QUESTION
from tools.fakes.paced_server import Served

ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
"""The caller's, but for the variable that would have every module compiled again in each run."""
LONGEST = 300.0


class Far(NamedTuple):
    """A far side that serves: its addresses and its log."""

    model: str
    web: str
    log: Path

    def served(self) -> list[Served]:
        """Return what was served so far."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [msgspec.json.decode(line, type=Served) for line in lines]


class Ended(NamedTuple):
    """A run of the command that ended: its exit code, its report if there is one, and its times."""

    code: int
    report: Any
    timing: Timing
    said: str

    @property
    def status(self) -> str:
        """The report's status, empty where there is none."""
        return str((self.report or {}).get("status", ""))

    @property
    def named(self) -> list[Any]:
        """What the report says was lost, skipped or not found."""
        report = self.report or {}
        return [*report.get("skipped", ()), *report.get("not_found", ())]

    @property
    def sources(self) -> set[str]:
        """The paths of the pages that the report cites."""
        return {urlsplit(source["url"]).path for source in (self.report or {}).get("sources", ())}


@contextmanager
def far_side(*flags: str) -> Iterator[Far]:
    """Serve in another process."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "served.jsonl"
        command = [sys.executable, "-m", "bench.reference_question_far", "--log", str(log), *flags]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stdin is not None
            model, web = process.stdout.readline().split()
            try:
                yield Far(model, web, log)
            finally:
                process.stdin.close()


def asked(far: Far, *flags: str) -> Ended:
    """Run ``research ask`` in a home of its own."""
    words = ["ask", QUESTION, "--web", "--searx", far.web, "--allow-host", urlsplit(far.web).netloc]
    words += ["--model", "openai:reference", "--base-url", far.model, "--quiet", "--json", *flags]
    with tempfile.TemporaryDirectory() as home:
        begun = time.perf_counter()
        process = subprocess.run(
            [sys.executable, "-m", "research", "--home", home, *words],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        ended = time.perf_counter()
    report = json.loads(process.stdout) if process.stdout.startswith("{") else None
    return Ended(process.returncode, report, Timing(begun, ended, far.served()), process.stderr.strip())


def once(*flags: str, far: Sequence[str] = ()) -> Ended:
    """Run the command with ``flags`` against a far side that was started with ``far``."""
    with far_side(*far) as serving:
        return asked(serving, *flags)


def importing() -> float:
    """Return the wall time of a process that only imports langgraph and the client, for comparison."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import langgraph.graph, langchain_openai"], check=True, env=ENVIRONMENT)
    return time.perf_counter() - begun


class Taken(NamedTuple):
    """What several runs in one process took: model calls, seconds of processor time, MB of memory at the most."""

    calls: int
    own: float
    children: float
    memory: float


def together(runs: int) -> Taken:
    """Work on so many runs at once in one fresh process."""
    with far_side() as far, tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "bench.reference_question_many", str(runs), home, far.model, far.web]
        process = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=LONGEST, check=False)
        if process.returncode:
            raise SystemExit(process.stderr)
        found = json.loads(process.stdout)
        calls = sum(call.kind == "model" for call in far.served())
    wrong = [status for status in found["statuses"] if status != "done"]
    if wrong:
        raise SystemExit(f"{len(wrong)} of {runs} runs ended {wrong[0]}")
    return Taken(calls, found["own_s"], found["children_s"], found["largest_kib"] * 1024 / 1e6)
