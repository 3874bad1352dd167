"""Part of ``tools.fakes.openai_server``: HTTP/1.1 on asyncio streams, and the shapes of chat answers.

One :class:`Exchange` is one request and its answer on a kept-alive connection. Token counts are o200k, by the public
package ``bpe_openai``, so they do not rest on the counter they are used to test.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Iterator, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from tools.fakes.persona import Answer

LARGEST_BODY = 32 << 20


class HttpFault(Exception):
    """A request that cannot be served; ``status`` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Exchange:
    """One request, and the ways to answer it."""

    def __init__(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.query = ""
        self._body = body
        self._reader = reader
        self._writer = writer

    @staticmethod
    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange | None:
        """Return the connection's next request, or ``None`` when the client closed it."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        method, target, _ = f"{first}  ".split(" ", 2)
        length = int(headers.get("content-length", "0"))
        body = await reader.readexactly(min(length, LARGEST_BODY))
        exchange = Exchange(method, target.partition("?")[0], headers, body, reader, writer)
        exchange.query = target.partition("?")[2]
        return exchange

    def json(self) -> dict[str, Any]:
        try:
            value = json.loads(self._body)
        except ValueError:
            raise HttpFault(400, "the body is not JSON") from None
        if not isinstance(value, dict):
            raise HttpFault(400, "the body is not a JSON object")
        return value

    def hung_up(self) -> bool:
        """Return whether the client closed its side, so that nobody reads an answer."""
        return self._reader.at_eof() or self._writer.is_closing()

    async def until_hung_up(self) -> None:
        """Wait until the client closes its side."""
        await self._reader.read()

    async def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    def reset(self) -> None:
        """Break the connection off, so that the client sees a reset and not an end."""
        connection = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def send(
        self, status: int, body: bytes, media: str, headers: Mapping[str, str] | None = None, *, cut: bool = False
    ) -> None:
        extra = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        extra += f"Content-Type: {media}\r\nContent-Length: {len(body)}\r\n"
        head = f"HTTP/1.1 {status} {_reason(status)}\r\n{extra}\r\n"
        self._writer.write(head.encode() + (body[: len(body) // 2] if cut else body))
        await self._writer.drain()
        if cut:
            self._writer.close()
            raise ConnectionResetError

    async def send_json(self, status: int, value: Any, *, cut: bool = False) -> None:
        await self.send(status, json.dumps(value).encode(), "application/json", cut=cut)

    async def send_error(self, status: int, message: str, code: str, headers: Mapping[str, str] | None = None) -> None:
        body = {"error": {"message": message, "type": code, "param": None, "code": code}}
        await self.send(status, json.dumps(body).encode(), "application/json", headers)

    async def begin_events(self) -> None:
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        self._writer.write(head.encode())
        await self._writer.drain()

    async def send_event(self, data: str) -> None:
        line = f"data: {data}\n\n".encode()
        self._writer.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        await self._writer.drain()

    async def end_events(self) -> None:
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else "Unknown"


@lru_cache(maxsize=1)
def _encoding() -> Any:
    import bpe_openai

    return bpe_openai.get_encoding("o200k_base")


def count_tokens(text: str) -> int:
    """Return the number of o200k tokens of ``text``."""
    return len(_encoding().encode_ordinary(text))


def count_prompt(body: Mapping[str, Any]) -> int:
    """Return the prompt tokens of a chat request: contents, calls, tools, schema, 3 a message, 3 for the answer."""
    total = 3
    for message in body["messages"]:
        total += 3 + count_tokens(message.get("role", "")) + count_tokens(_content(message))
        for call in message.get("tool_calls") or []:
            total += count_tokens(call["function"]["name"]) + count_tokens(call["function"]["arguments"])
    for tool in body.get("tools") or []:
        total += count_tokens(json.dumps(tool["function"]))
    schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
    return total + (count_tokens(json.dumps(schema)) if schema else 0)


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def cut_answer(answer: Answer, limit: int | None) -> tuple[dict[str, Any], str, int]:
    """Return the wire message within ``limit`` tokens, the finish reason, and the tokens used.

    A call that passes the limit is cut in the middle of its arguments; thinking counts, too.
    """
    calls = answer.get("tool_calls") or []
    if calls:
        wire: list[dict[str, Any]] = [
            {"id": f"call_{n}", "type": "function", "function": {"name": c["name"], "arguments": _arguments(c)}}
            for n, c in enumerate(calls, 1)
        ]
        used = sum(5 + count_tokens(_arguments(call)) for call in calls)
        if limit is None or used <= limit:
            return {"role": "assistant", "content": None, "tool_calls": wire, "refusal": None}, "tool_calls", used
        cut = [call | {"function": _halved(call["function"])} for call in wire]
        return {"role": "assistant", "content": None, "tool_calls": cut, "refusal": None}, "length", limit
    if "refusal" in answer or "thinking" in answer:
        return _wordless(answer, limit)
    text = answer.get("text")
    text = json.dumps(answer.get("json"), ensure_ascii=False) if text is None else text
    tokens = _encoding().encode_ordinary(text)
    finish = answer.get("finish", "stop")
    if limit is not None and len(tokens) > limit:
        tokens, finish = tokens[:limit], "length"
        text = _encoding().decode(tokens, errors="ignore")
    return {"role": "assistant", "content": text, "refusal": None}, finish, len(tokens)


def _halved(function: Mapping[str, str]) -> dict[str, str]:
    return {**function, "arguments": function["arguments"][: len(function["arguments"]) // 2]}


def _wordless(answer: Answer, limit: int | None) -> tuple[dict[str, Any], str, int]:
    """Return an answer without content: only a refusal, or only thinking, which may use up all there is."""
    said = answer.get("refusal") or answer["thinking"]
    used = count_tokens(said)
    message = {"role": "assistant", "content": None, "refusal": answer.get("refusal")}
    if "thinking" in answer:
        message["reasoning_content"] = said
    whole = limit is None or used <= limit
    return message, "stop" if whole else "length", used if whole or limit is None else limit


def _arguments(call: Mapping[str, Any]) -> str:
    arguments = call["arguments"]
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def completion(
    body: Mapping[str, Any], number: int, message: Mapping[str, Any], finish: str, usage: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a whole ``chat.completion`` object."""
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    return _envelope(body, number, "chat.completion") | {"choices": [choice], "usage": usage}


def sse_events(
    body: Mapping[str, Any], number: int, message: Mapping[str, Any], finish: str, usage: Mapping[str, Any]
) -> list[str]:
    """Return the data lines of a streamed answer, the usage chunk where it was asked for, and ``[DONE]``."""
    chunk = _envelope(body, number, "chat.completion.chunk")
    deltas = [{"role": "assistant", "content": ""}, *_deltas(message)]
    events = [chunk | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    events.append(chunk | {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append(chunk | {"choices": [], "usage": usage})
    return [*(json.dumps(event) for event in events), "[DONE]"]


def _deltas(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for index, call in enumerate(message.get("tool_calls") or []):
        yield {"tool_calls": [{"index": index, **call}]}
    text = message.get("content") or ""
    for start in range(0, len(text), 16):
        yield {"content": text[start : start + 16]}


def _envelope(body: Mapping[str, Any], number: int, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{number}", "object": kind, "created": 0, "model": body["model"]}
