"""The reference run over the wire: the real clients against servers on loopback, killed after random milliseconds.

The servers are a process of their own, whose logs are the witness; the run's process is killed by its parent, wherever
it is. Its clock is the real one, but the date that is shown stands still, so that two reports can be equal.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from bench.far_side import PAGES, SUBJECTS, planned
from bench.kill_judging import Call, Expected, Life, Verdict, begun, expected_of, journal_of, judge
from bench.lives import Work, live
from bench.reference import OPTIONS, RUN, MakeHands, begin, go_on
from bench.watched import Events
from research.app.hands import Hands
from research.options import RunOptions
from research.report import Report
from tools.clock import SystemClock
from tools.fakes.openai_server import OpenAIServer
from tools.fakes.persona import answer_to
from tools.fakes.scripted import EPOCH
from tools.fakes.web_server import WebServer, html_page
from tools.tokens import prompt_bound

LATENCY = 0.01
"""Seconds before each answer of the servers, so that a kill finds calls on their way."""
PATIENCE = 60.0


class StillClock(SystemClock):
    """Real seconds, and a date that stands still."""

    def now(self) -> str:
        return EPOCH.isoformat().replace("+00:00", "Z")


class Servers:
    """Model, search and pages in a forked process, which ends with its parent. One log file for each."""

    def __init__(self, folder: Path) -> None:
        self.model_log, self.web_log = folder / "model.log", folder / "web.log"
        reader, writer = os.pipe()
        waiter, self._life = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(reader)
            os.close(self._life)
            try:
                asyncio.run(self._serve(writer, waiter))
            finally:
                os._exit(0)
        os.close(writer)
        os.close(waiter)
        with os.fdopen(reader) as pipe:
            self.model_url, self.web_url = pipe.readline().split()

    async def _serve(self, writer: int, waiter: int) -> None:
        pages = {
            f"/{subject}/{number}": html_page(f"On {subject}, part {number}", [paragraph(subject, number)])
            for subject in SUBJECTS
            for number in range(PAGES)
        }
        server = OpenAIServer(answer=played, latency=LATENCY, watch=lambda facts: self._note(server, facts))
        with WebServer(pages, delay=LATENCY, log=self.web_log) as web:
            async with server:
                os.write(writer, f"{server.base_url} {web.url}\n".encode())
                os.close(writer)
                await asyncio.to_thread(os.read, waiter, 1)

    def _note(self, server: OpenAIServer, facts: Mapping[str, Any]) -> None:
        if facts["event"] == "received":
            line = model_name((m["role"], m["content"]) for m in server.requests[facts["n"] - 1]["messages"])
            with self.model_log.open("a", encoding="utf-8") as log:
                log.write(f"{line}\n")

    def sent(self) -> list[str]:
        """Return what arrived so far, in each server's order."""
        models = self.model_log.read_text(encoding="utf-8").splitlines() if self.model_log.exists() else []
        pages = self.web_log.read_text(encoding="utf-8").splitlines() if self.web_log.exists() else []
        paths = (json.loads(line)["path"] for line in pages)
        return [*models, *(web_name(path) for path in paths if path != ROBOTS)]

    def forget(self) -> None:
        """Empty the logs."""
        for log in (self.model_log, self.web_log):
            if log.exists():
                os.truncate(log, 0)

    def close(self) -> None:
        """End the servers."""
        os.close(self._life)
        os.waitpid(self._pid, 0)


ROBOTS = "/robots.txt"
"""Asked for by each process that fetches, before the page: no call of the journal."""


def paragraph(subject: str, number: int) -> str:
    """Return a page's text; it shares no word with another subject's queries."""
    return f"{subject.capitalize()} protect every program, says part {number} and gives reasons at some length."


def played(body: dict[str, Any]) -> Mapping[str, Any]:
    """Answer as the reference run's far side does: its plan, and one sentence a branch in the report."""
    answer = answer_to(body)
    data = answer.get("json")
    if not isinstance(data, dict):
        return answer
    if "tasks" in data:
        return {"json": planned()}
    if "sections" in data:
        sentences = data["sections"][0]["sentences"]
        data["sections"][0]["sentences"] = sentences[:: max(1, len(sentences) // len(SUBJECTS))][: len(SUBJECTS)]
    return {"json": data}


def model_name(messages: Iterable[tuple[str, str]]) -> str:
    """Return how a model request is named in the log: by its messages, which the wire leaves as they are."""
    return "model " + hashlib.sha256(json.dumps([list(pair) for pair in messages]).encode()).hexdigest()[:16]


def web_name(path: str) -> str:
    """Return how a search or a page is named in the log."""
    where = urlsplit(path)
    return f"search {parse_qs(where.query)['q'][0]}" if where.path == "/search" else f"fetch {where.path}"


def sent_as(call: Call) -> str:
    """Return how the servers name a call of the journal."""
    request = json.loads(call.request)
    if call.kind == "model":
        return model_name((message["role"], message["content"]) for message in request["messages"])
    return f"search {request['query']}" if call.kind == "search" else f"fetch {urlsplit(request['url']).path}"


def wire_hands(log: Path, events: Events) -> Hands:
    """Return the shipped hands with a fixed name and date."""
    return Hands(clock=StillClock(), name_run=lambda now: RUN)


class WireRun:
    """The reference run against servers of its own, in ``folder``. ``make`` makes the hands of each case's lives."""

    def __init__(self, folder: Path, make: MakeHands = wire_hands) -> None:
        self._make: MakeHands = wire_hands
        self._servers = Servers(folder)
        self._home = folder / "home"
        self._options: RunOptions = msgspec.structs.replace(
            OPTIONS,
            searx=self._servers.web_url,
            allow_hosts=(urlsplit(self._servers.web_url).netloc,),
            model="openai:persona",
            base_url=self._servers.model_url,
        )
        self.expected: Expected = self._undisturbed()
        self._make = make

    def _undisturbed(self) -> Expected:
        self._live(self._begin, PATIENCE)  # warms the servers
        self._clear()
        began = time.perf_counter()
        whole = self._live(self._begin, PATIENCE)
        return expected_of(whole, self._home, time.perf_counter() - began)

    def attempt(self, seed: int) -> Verdict:
        """Kill the run after a random part of the time that it takes, go on with it, and judge it."""
        part, seconds = random.Random(seed).random(), self.expected.seconds
        while True:
            self._clear()
            began = time.perf_counter()
            first = self._live(self._begin, part * seconds)
            if first.ended.code != 0:
                break
            seconds = time.perf_counter() - began  # the machine was slower when the time was taken
        again = self._go_on if begun(self._home) else self._begin
        return judge(arrived([first, self._live(again)]), self.expected, self._home)

    async def _begin(self, events: Events) -> Report:
        return await begin(self._home, self._home, events, self._options, make=self._make)

    async def _go_on(self, events: Events) -> Report:
        return await go_on(self._home, self._home, events, make=self._make)

    def _live(self, work: Work, timeout: float = PATIENCE) -> Life:
        before = Counter(self._servers.sent())
        ended = live(work, Events(), timeout)
        sent = Counter(self._servers.sent()) - before
        return Life(ended, tuple(sent.elements()), tuple((sent_as(call), call) for call in journal_of(self._home)))

    def _clear(self) -> None:
        shutil.rmtree(self._home, ignore_errors=True)
        self._servers.forget()

    def close(self) -> None:
        """End the servers."""
        self._servers.close()


def arrived(lives: Sequence[Life]) -> list[Life]:
    """Return the lives with what was on its way when the first was killed, and arrived later, counted to the first."""
    first, last = lives
    early = Counter(first.sent)
    open_ = [name for name, call in first.calls if not call.status and not early[name]]
    late = Counter(name for name in open_ if Counter(last.sent)[name] > 1)
    return [
        first._replace(sent=(*first.sent, *late)),
        last._replace(sent=tuple((Counter(last.sent) - late).elements())),
    ]


def warm() -> None:
    """Import what each life would import, and read the tokens' vocabulary, before anything is forked."""
    for name in ("graphs.runs", "langchain.chat_models", "langchain_openai", "tools.parse", "tools.safe_fetch"):
        importlib.import_module(name)
    importlib.import_module("tools.searxng")
    prompt_bound("openai:persona")
