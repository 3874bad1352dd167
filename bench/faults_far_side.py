"""Part of ``bench.faults``: the far side of its runs, a web, the detour of one step, failing servers."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from bench.faults_cases import Address, Case, Place
from research.ports import ChatModel, Page, Price
from research.records import Hit, ident
from research.requests import FetchRequest, ModelReply, ModelRequest
from tools.chat_models import open_model
from tools.fakes.openai_server import OpenAIServer
from tools.fakes.persona import Answer
from tools.tokens import prompt_bound

MODEL = "openai:gpt-4o-mini"
KEY = "q7.51Hd93kQpZ7vLm2xTn8w"
"""Like no key that is known by its looks."""
QUESTION = "How are walls, journals, locks and branches kept?"
TOPICS = ("walls", "journals", "locks", "branches")
AIMED = "journals"
"""The branch that goes wrong is the one whose task is about this."""


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
    """Sends the calls of one step to another server than the rest; fulfils ``research.ports.ChatModel``."""

    name = MODEL
    price: Price | None = None

    def __init__(self, right: ChatModel, wrong: ChatModel, aimed: Callable[[ModelRequest], bool]) -> None:
        self.window = right.window
        self._right = right
        self._wrong = wrong
        self._aimed = aimed

    def count(self, request: ModelRequest) -> int:
        return self._right.count(request)

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        model = self._wrong if self._aimed(request) else self._right
        return await model.complete(request, max_tokens=max_tokens, timeout=timeout)


def aimed_at(place: Place) -> Callable[[ModelRequest], bool]:
    """Return which requests are those of the step that goes wrong."""

    def aimed(request: ModelRequest) -> bool:
        if place == "branch":
            return request.role == "reader" and f"Find out about {AIMED}" in request.messages[1].content
        return request.role == place

    return aimed


def opened(base_url: str) -> ChatModel:
    """Return the real client of a server."""
    return open_model(MODEL, base_url=base_url, api_key=KEY, window=128_000, counter=prompt_bound(MODEL))


@asynccontextmanager
async def wrong_server(case: Case, folder: Path) -> AsyncIterator[tuple[str, OpenAIServer | None]]:
    """Open what goes wrong: its address, and the server if there is one."""
    async with AsyncExitStack() as stack:
        if case.address is not None:
            yield await _address(case.address, stack, folder), None
            return
        times = case.times
        options: dict[str, Any] = {"lacking": case.lacking}
        if case.wire is not None:
            options |= {"faults": [case.wire] * times} if times else {"every": (1, case.wire)}
        if case.answer is not None:
            options |= {"script": [case.answer] * times} if times else {"answer": _always(case.answer)}
        server = await stack.enter_async_context(OpenAIServer(**options))
        yield server.base_url, server


def _always(answer: Answer) -> Callable[[dict[str, Any]], Answer]:
    return lambda body: answer


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
