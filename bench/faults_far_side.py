"""Part of ``bench.faults``: the far side of its runs, a web, the detour of one step, failing servers."""

from __future__ import annotations

import asyncio
import itertools
import socket
import ssl
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.faults_cases import BRANCHES, Address, Case, Place
from research.ports import ChatModel, Page, Price
from research.records import Hit, ident
from research.requests import FetchRequest, ModelReply, ModelRequest
from tools.chat_models import open_model
from tools.fakes.openai_server import OpenAIServer
from tools.fakes.persona import Answer, answer_to
from tools.tokens import prompt_bound

MODEL = "openai:gpt-4o-mini"
KEY = "q7.51Hd93kQpZ7vLm2xTn8w"
"""Like no key that is known by its looks."""
QUESTION = "How are walls, journals, locks and branches kept?"
TOPICS = ("walls", "journals", "locks", "branches")
AIMED = "journals"
"""The branch that goes wrong is the one whose task is about this."""
ON_ITS_WAY = 0.5
"""Seconds: a call that was sent before the refusal of another was heard comes within them, on a busy machine, too."""


class Web:
    """A search that finds one page a topic, and the pages."""

    name = "web"

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        first = min(TOPICS, key=lambda topic: query.lower().find(topic) % 10_000)
        url = f"https://{first}.example/"
        return [Hit(handle=ident("h", url), title=first, score=1.0, url=url, snippet=f"On {first}.")]

    async def fetch(self, request: FetchRequest, *, timeout: float | None) -> Page:
        topic = request.url.removeprefix("https://").partition(".")[0]
        told = (
            f"All {topic} are kept in good order by their owner. It is said that {topic} outlast the runs they serve. "
        )
        return Page(url=request.url, title=f"On {topic}", text=told)


class Detour:
    """Sends the calls of one step to another server than the rest, and counts all; a ``research.ports.ChatModel``."""

    name = MODEL
    price: Price | None = None

    def __init__(self, right: ChatModel, wrong: ChatModel, aimed: Callable[[ModelRequest], bool]) -> None:
        self.window = right.window
        self.calls = 0
        self._right = right
        self._wrong = wrong
        self._aimed = aimed

    def count(self, request: ModelRequest) -> int:
        return self._right.count(request)

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        self.calls += 1
        model = self._wrong if self._aimed(request) else self._right
        return await model.complete(request, max_tokens=max_tokens, timeout=timeout)


def aimed_at(place: Place) -> Callable[[ModelRequest], bool]:
    """Return which requests are those of the step that goes wrong."""

    def aimed(request: ModelRequest) -> bool:
        if place in ("branch", "agent"):
            role = "reader" if place == "branch" else "researcher"
            return request.role == role and f"Find out about {AIMED}" in request.messages[1].content
        return request.role == ("reader" if place == "branches" else place)

    return aimed


def opened(base_url: str) -> ChatModel:
    """Return the real client of a server."""
    return open_model(MODEL, base_url=base_url, api_key=KEY, window=128_000, counter=prompt_bound(MODEL))


@dataclass
class Seen:
    """What reached the failing server: each request by its hash with its second, and when the first was refused."""

    arrivals: list[tuple[str, float]] = field(default_factory=list)
    refused: float | None = None

    def note(self, line: dict[str, Any]) -> None:
        """Take a line of the server's log."""
        if line["event"] == "received":
            self.arrivals.append((line["key"], line["arrived"]))
        elif self.refused is None and line["event"].startswith("fault"):
            self.refused = line["arrived"]

    def sent(self) -> tuple[int, ...]:
        """Return how often each request came."""
        return tuple(Counter(key for key, _ in self.arrivals).values())

    def soonest(self) -> float | None:
        """Return the least seconds between two tries of one request; ``None`` when none was tried twice."""
        times: dict[str, list[float]] = {}
        for key, arrived in self.arrivals:
            times.setdefault(key, []).append(arrived)
        gaps = [later - first for own in times.values() for first, later in itertools.pairwise(own)]
        return min(gaps, default=None)

    def early(self, pause: float) -> int:
        """Return how many requests came within the ``pause`` of the first refusal, those on their way left out."""
        since = float("inf") if self.refused is None else self.refused
        return sum(since + ON_ITS_WAY < arrived < since + pause for _, arrived in self.arrivals)


@asynccontextmanager
async def wrong_server(case: Case, place: Place, folder: Path) -> AsyncIterator[tuple[str, Seen]]:
    """Open what goes wrong: its address, and what it will have seen. Every branch meets a fault as often as one."""
    async with AsyncExitStack() as stack:
        seen = Seen()
        if case.address is not None:
            yield await _address(case.address, stack, folder), seen
            return
        times = case.times * (BRANCHES if place == "branches" else 1)
        options: dict[str, Any] = {"lacking": case.lacking}
        if case.wire is not None:
            options |= {"faults": [case.wire] * times} if times else {"every": (1, case.wire)}
        if case.answer is not None:
            options |= {"answer": _spoiled(case)}
        server = await stack.enter_async_context(OpenAIServer(watch=seen.note, **options))
        yield server.base_url, seen


def _spoiled(case: Case) -> Callable[[dict[str, Any]], Answer]:
    """Return what answers: as the case says, then, where it does not last, rightly."""
    turns = iter(range(case.times)) if case.times else itertools.count()

    def answer(body: dict[str, Any]) -> Answer:
        right = answer_to(body)
        if case.answer is None or next(turns, None) is None:
            return right
        if not callable(case.answer):
            return case.answer
        return right if "text" in right else case.answer(right)  # an agent that is done calls nothing

    return answer


async def _address(kind: Address, stack: AsyncExitStack, folder: Path) -> str:
    """Return a base URL behind which no right server is."""
    if kind == "dns failure":
        return "http://no-such-host.invalid/v1"
    if kind == "connect timeout":
        return f"http://127.0.0.1:{_deaf(stack)}/v1"
    if kind == "connect refused":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    context = await asyncio.to_thread(_foreign_certificate, folder) if kind == "tls wrong host" else None
    server = await asyncio.start_server(_close, "127.0.0.1", 0, ssl=context)
    await stack.enter_async_context(server)
    return f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


def _deaf(stack: AsyncExitStack) -> int:
    """Return the port of a listener whose queue is full, so that no connection is ever made."""
    listener = stack.enter_context(socket.socket())
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    for _ in range(3):
        caller = stack.enter_context(socket.socket())
        caller.setblocking(False)
        caller.connect_ex(listener.getsockname())
    port: int = listener.getsockname()[1]
    return port


async def _close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


def _foreign_certificate(folder: Path) -> ssl.SSLContext:
    """Return the context of a server whose certificate is for another host, and by nobody who is trusted."""
    name, key = folder / "foreign.pem", folder / "foreign.key"
    if not name.exists():
        subject = ["-subj", "/CN=elsewhere.example", "-days", "2", "-nodes", "-newkey", "rsa:2048"]
        command = ["openssl", "req", "-x509", *subject, "-keyout", str(key), "-out", str(name)]
        subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(name, key)
    return context
