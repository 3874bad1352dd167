"""A loopback server that speaks the OpenAI chat-completions wire format, for tests and benches with real clients.

``POST /v1/chat/completions`` (whole or streamed, tools, ``response_format``, usage, token limits), ``GET /v1/models``
and ``POST /v1/embeddings``. What it answers is in ``tools.fakes.persona``; delays, a script of answers and faults are
options, and a log says durably which requests arrived and which were answered in full::

    python -m tools.fakes.openai_server --port 0 --log FILE --latency 0.4 --per-token 0.005

prints ``port N``; in a test it is ``async with OpenAIServer() as server: server.base_url``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from tools.fakes.faults import WireFault
from tools.fakes.faults import serve as serve_fault
from tools.fakes.persona import Answer, answer_to, embedding
from tools.fakes.wire import Exchange, HttpFault, completion, count_prompt, count_tokens, cut_answer, sse_events

Fault = Literal["429", "500", "cut", "garbage", "quota", "hang"]
Ability = Literal["response_format", "tools"]
ERRORS: dict[str, tuple[int, dict[str, str], str]] = {
    "429": (429, {"Retry-After": "2"}, "rate_limit_exceeded"),
    "500": (500, {}, "server_error"),
    "quota": (429, {}, "insufficient_quota"),
}


class OpenAIServer:
    """The server as an async context manager. ``requests`` holds the bodies of chat requests in order of arrival.

    ``script`` answers the first requests, one each; then ``answer`` does, by default the persona. ``faults`` are served
    to the first requests (``None`` is no fault); ``every=(k, fault)`` spoils each k-th request, ``spoil`` those that it
    names a fault for. Of what is ``lacking`` a request is refused with status 400, as a server does that does not know
    it. ``details`` are told with the usage of each answer. Seconds: ``latency`` per request, ``per_token`` per token of
    the answer, both from its arrival. ``watch`` sees each line of the log before the server goes on.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        log: Path | None = None,
        latency: float = 0.0,
        per_token: float = 0.0,
        script: Sequence[Answer] = (),
        answer: Callable[[dict[str, Any]], Answer] = answer_to,
        faults: Sequence[Fault | WireFault | None] = (),
        every: tuple[int, Fault | WireFault] | None = None,
        spoil: Callable[[dict[str, Any]], Fault | None] | None = None,
        lacking: Sequence[Ability] = (),
        details: Mapping[str, Any] = MappingProxyType({}),
        watch: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.port = port
        self.requests: list[dict[str, Any]] = []
        self.connections = 0
        self._log = log
        self._latency = latency
        self._per_token = per_token
        self._script = list(script)
        self._playing = answer
        self._faults = list(faults)
        self._every = every
        self._spoiling = spoil
        self._lacking = lacking
        self._details = details
        self._watch = watch
        self._numbers = itertools.count(1)
        self._clients: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> OpenAIServer:
        count_tokens("ready")  # loads the vocabulary before anybody waits for an answer
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        self.connections += 1
        try:
            while (exchange := await Exchange.read(reader, writer)) is not None:
                await self._route(exchange)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, or the server is closing
        finally:
            self._clients.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _route(self, exchange: Exchange) -> None:
        try:
            if (exchange.method, exchange.path) == ("POST", "/v1/chat/completions"):
                await self._chat(exchange, exchange.json())
            elif (exchange.method, exchange.path) == ("POST", "/v1/embeddings"):
                await exchange.send_json(200, _embeddings(exchange.json()))
            elif (exchange.method, exchange.path) == ("GET", "/v1/models"):
                model = {"id": "persona", "object": "model", "created": 0, "owned_by": "loopback"}
                await exchange.send_json(200, {"object": "list", "data": [model]})
            else:
                raise HttpFault(404, f"no route {exchange.method} {exchange.path}")
        except HttpFault as fault:
            await exchange.send_error(fault.status, str(fault), "invalid_request_error")

    async def _chat(self, exchange: Exchange, body: dict[str, Any]) -> None:
        if not body.get("model") or not isinstance(body.get("messages"), list) or not body["messages"]:
            raise HttpFault(400, "model and messages are required")
        unknown = next((name for name in self._lacking if body.get(name)), None)
        arrived = time.perf_counter()
        number = next(self._numbers)
        self.requests.append(body)
        limit = _limit(body)
        facts: dict[str, Any] = {"n": number, "key": request_hash(body), "max_tokens": limit, "arrived": arrived}
        facts["prompt_tokens"] = count_prompt(body)
        self._write(facts | {"event": "received", "completion_tokens": None})
        if unknown:
            raise HttpFault(400, f"'{unknown}' is not supported by this model")
        fault = self._fault(number, body)
        if isinstance(fault, str) and fault != "cut":
            await self._spoil(exchange, fault)
            self._write(facts | {"event": f"fault {fault}", "completion_tokens": None})
            return
        answer, finish, used = cut_answer(self._answer(body), limit)
        seconds = self._latency + (0 if body.get("stream") else self._per_token * used)
        await self._pause(exchange, arrived + seconds - time.perf_counter())
        usage: dict[str, Any] = {"prompt_tokens": facts["prompt_tokens"], "completion_tokens": used}
        usage |= {"total_tokens": sum(usage.values()), **self._details}
        if isinstance(fault, WireFault):
            self._write(facts | {"event": f"fault {fault.name}", "completion_tokens": used})
            await serve_fault(fault, exchange, completion(body, number, answer, finish, usage))
            return
        if body.get("stream"):
            await self._stream(exchange, sse_events(body, number, answer, finish, usage))
        else:
            await exchange.send_json(200, completion(body, number, answer, finish, usage), cut=fault == "cut")
        self._write(facts | {"event": "fault cut" if fault else "answered", "completion_tokens": used})

    def _answer(self, body: dict[str, Any]) -> Answer:
        return self._script.pop(0) if self._script else self._playing(body)

    async def _stream(self, exchange: Exchange, events: Sequence[str]) -> None:
        await exchange.begin_events()
        for event in events:
            await self._pause(exchange, self._per_token * 4)
            await exchange.send_event(event)
        await exchange.end_events()

    async def _pause(self, exchange: Exchange, seconds: float) -> None:
        """Take time to answer, and notice a client that hung up meanwhile: it got no answer."""
        if seconds > 0:
            await asyncio.sleep(seconds)
        if exchange.hung_up():
            raise ConnectionResetError

    async def _spoil(self, exchange: Exchange, fault: Fault) -> None:
        if fault == "hang":
            await asyncio.Event().wait()
        if fault == "garbage":
            await exchange.send(200, b"<html>not JSON</html>", "application/json")
            return
        status, headers, code = ERRORS[fault]
        await exchange.send_error(status, f"fault {fault}", code, headers)

    def _fault(self, number: int, body: dict[str, Any]) -> Fault | WireFault | None:
        if self._faults:
            return self._faults.pop(0)
        if self._spoiling is not None:
            return self._spoiling(body)
        return self._every[1] if self._every and number % self._every[0] == 0 else None

    def _write(self, line: dict[str, Any]) -> None:
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
                log.flush()
                os.fsync(log.fileno())
        if self._watch is not None:
            self._watch(line)


def request_hash(body: dict[str, Any]) -> str:
    """Return the SHA-256 (hex) of what a chat request asks: messages, model, tools and response format."""
    asked = {key: body.get(key) for key in ("messages", "model", "tools", "response_format")}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _limit(body: dict[str, Any]) -> int | None:
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise HttpFault(400, "max_tokens must be a positive integer")
    return limit


def _embeddings(body: dict[str, Any]) -> dict[str, Any]:
    texts = body.get("input")
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise HttpFault(400, "input must be a string or a list of strings")
    size, encoded = int(body.get("dimensions") or 256), body.get("encoding_format") == "base64"
    rows = [
        {"object": "embedding", "index": n, "embedding": embedding(text, size, encoded)} for n, text in enumerate(texts)
    ]
    words = sum(len(text.split()) for text in texts)
    usage = {"prompt_tokens": words, "total_tokens": words}
    return {"object": "list", "model": body.get("model", "persona"), "data": rows, "usage": usage}


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.fakes.openai_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, help="append one JSON line per request received and answered")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds per request")
    parser.add_argument("--per-token", type=float, default=0.0, help="seconds per token of the answer")
    parser.add_argument("--script", type=Path, help='JSON list of answers: {"text"}, {"json"} or {"tool_calls"}')
    parser.add_argument("--every", type=int, help="spoil each k-th request …")
    parser.add_argument("--fault", choices=["429", "500", "cut", "garbage", "quota", "hang"], default="500")
    return parser.parse_args(arguments)


async def serve(arguments: Sequence[str]) -> None:
    """Serve until cancelled; prints ``port N`` when ready."""
    options = _options(arguments)
    script = [] if options.script is None else json.loads(await asyncio.to_thread(options.script.read_text))
    every = (options.every, options.fault) if options.every else None
    server = OpenAIServer(
        port=options.port,
        log=options.log,
        latency=options.latency,
        per_token=options.per_token,
        script=script,
        every=every,
    )
    async with server:
        sys.stdout.write(f"port {server.port}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(sys.argv[1:]))
