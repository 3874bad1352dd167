"""Part of ``tools.fakes.openai_server``: answers that are wrong below the level of words.

A :class:`WireFault` is an HTTP status with headers and a body, or a way to break the connection or the body of a right
answer. What is wrong with an answer's words is in the server's script.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, get_args

import msgspec

from research.records import Record
from tools.fakes.wire import Exchange

Transport = Literal[
    "reset before headers",
    "reset after headers",
    "reset mid-body",
    "accept then silence",
    "headers then silence",
    "1 byte per second",
    "body never ends (chunked)",
    "content-length longer than body",
    "content-length shorter than body",
    "chunk size garbage",
    "gzip header on plain body",
    "truncated gzip",
    "200 with html body",
    "200 with empty body",
    "204",
    "200 with error object inside",
    "redirect 307 to another host",
    "duplicate response for one request",
    "response of another request (id swapped)",
    "server closes keep-alive between requests",
    "100 MB json body",
    "invalid utf-8",
    "utf-8 BOM",
    "utf-16 body",
    "NaN and Infinity in json",
    "duplicate json keys",
    "depth 100000 json",
]
TRANSPORTS: tuple[Transport, ...] = get_args(Transport)
HUGE = 100 << 20
CANARY = "canary-7f3a19"
"""Stands in every error's words: it may be told as the reason of a loss, and may never be content."""


class WireFault(Record):
    """``status`` with ``headers`` and ``body`` (an object, or text that is HTML), or else a ``transport``."""

    name: str
    status: int = 0
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    body: Any = None
    transport: Transport | None = None


async def serve(fault: WireFault, exchange: Exchange, right: Mapping[str, Any]) -> None:
    """Answer with the fault; ``right`` is what the right answer would have been."""
    if fault.transport is not None:
        await BREAKS[fault.transport](exchange, json.dumps(right).encode())
        return
    said = f"{CANARY} for {exchange.headers.get('authorization', 'nobody')}"
    body = fault.body if fault.body is not None else {"error": {"message": said, "type": "fault", "code": None}}
    if isinstance(body, str):
        await exchange.send(fault.status, f"{body} {said}".encode(), "text/html", fault.headers)
    else:
        told = json.dumps(_echoing(body, said)).encode()
        await exchange.send(fault.status, told, "application/json", fault.headers)


def _echoing(body: Any, said: str) -> Any:
    """Return the body with the key in its message, as careless servers send it."""
    if not isinstance(body, dict) or not isinstance(body.get("error"), dict):
        return body
    error = body["error"]
    return {**body, "error": {**error, "message": f"{error.get('message', '')} {said}".strip()}}


Break = Callable[[Exchange, bytes], Awaitable[None]]
OK = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def _whole(body: bytes, extra: str = "") -> bytes:
    return f"{OK}{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _sent(make: Callable[[bytes], bytes], *, reset: bool = False, close: bool = True) -> Break:
    """Return a break that sends the bytes that ``make`` makes of a right body, then ends the connection or keeps it."""

    async def send(exchange: Exchange, body: bytes) -> None:
        await exchange.write(make(body))
        if reset:
            exchange.reset()
        if close:
            raise ConnectionResetError

    return send


def _then_silent(make: Callable[[bytes], bytes]) -> Break:
    async def send(exchange: Exchange, body: bytes) -> None:
        await exchange.write(make(body))
        await exchange.until_hung_up()
        raise ConnectionResetError

    return send


async def _slowly(exchange: Exchange, body: bytes) -> None:
    for byte in _whole(body):
        await exchange.write(bytes([byte]))
        await asyncio.sleep(1)


async def _endlessly(exchange: Exchange, body: bytes) -> None:
    await exchange.write(f"{OK}Transfer-Encoding: chunked\r\n\r\n".encode())
    while True:
        await exchange.write(b"1000\r\n" + b" " * 4096 + b"\r\n")
        await asyncio.sleep(0.01)


async def _hugely(exchange: Exchange, body: bytes) -> None:
    await exchange.write(f"{OK}Content-Length: {HUGE + len(body)}\r\n\r\n".encode())
    for _ in range(HUGE >> 20):
        await exchange.write(b" " * (1 << 20))
    await exchange.write(body)


def _other(body: bytes) -> bytes:
    """An answer to a question that nobody asked."""
    answer = json.loads(body)
    answer["id"] = "chatcmpl-of-somebody-else"
    answer["choices"][0]["message"] = {"role": "assistant", "content": f'{{"weather": "{CANARY}"}}', "refusal": None}
    return json.dumps(answer).encode()


def _renamed(body: bytes, old: str, new: str) -> bytes:
    return body.decode().replace(old, new, 1).encode()


def _error_inside(_: bytes) -> bytes:
    return json.dumps({"error": {"message": CANARY, "code": 502}}).encode()


def _no_numbers(body: bytes) -> bytes:
    answer = json.loads(body)
    answer["usage"] = {"prompt_tokens": float("nan"), "completion_tokens": float("inf"), "total_tokens": float("-inf")}
    return json.dumps(answer).encode()


def _redirected(_: bytes) -> bytes:
    there = b"Location: http://127.0.0.2:9/v1/chat/completions\r\n"
    return b"HTTP/1.1 307 Temporary Redirect\r\n" + there + b"Content-Length: 0\r\n\r\n"


GZIP = "Content-Encoding: gzip\r\n"
BREAKS: Mapping[Transport, Break] = {
    "reset before headers": _sent(lambda _: b"", reset=True),
    "reset after headers": _sent(lambda body: _whole(body)[: -len(body)], reset=True),
    "reset mid-body": _sent(lambda body: _whole(body)[: -len(body) // 2], reset=True),
    "accept then silence": _then_silent(lambda _: b""),
    "headers then silence": _then_silent(lambda body: _whole(body)[: -len(body)]),
    "1 byte per second": _slowly,
    "body never ends (chunked)": _endlessly,
    "content-length longer than body": _sent(lambda body: _whole(body + b" " * 50)[:-50]),
    "content-length shorter than body": _sent(lambda body: _whole(body[: len(body) // 2]) + body[len(body) // 2 :]),
    "chunk size garbage": _sent(lambda body: f"{OK}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode() + body),
    "gzip header on plain body": _sent(lambda body: _whole(body, GZIP), close=False),
    "truncated gzip": _sent(lambda body: _whole(gzip.compress(body)[:-12], GZIP), close=False),
    "200 with html body": _sent(lambda _: _whole(f"<html>{CANARY}</html>".encode()), close=False),
    "200 with empty body": _sent(lambda _: _whole(b""), close=False),
    "204": _sent(lambda _: b"HTTP/1.1 204 No Content\r\n\r\n", close=False),
    "200 with error object inside": _sent(lambda body: _whole(_error_inside(body)), close=False),
    "redirect 307 to another host": _sent(_redirected, close=False),
    "duplicate response for one request": _sent(lambda body: _whole(body) * 2, close=False),
    "response of another request (id swapped)": _sent(lambda body: _whole(_other(body)), close=False),
    "server closes keep-alive between requests": _sent(_whole),
    "100 MB json body": _hugely,
    "invalid utf-8": _sent(lambda body: _whole(body.replace(b'"stop"', b'"st\xff\xfep"')), close=False),
    "utf-8 BOM": _sent(lambda body: _whole(b"\xef\xbb\xbf" + body), close=False),
    "utf-16 body": _sent(lambda body: _whole(body.decode().encode("utf-16")), close=False),
    "NaN and Infinity in json": _sent(lambda body: _whole(_no_numbers(body)), close=False),
    "duplicate json keys": _sent(
        lambda body: _whole(_renamed(body, '"choices":', '"choices": [], "choices":')), close=False
    ),
    "depth 100000 json": _sent(lambda _: _whole(b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), close=False),
}
