"""The two ways to an MCP server, bounded: a process with an environment of its own, and HTTP to one host.

Each yields the pair of streams that a client of the package ``mcp`` is made over. What is asked is in
``tools.mcp_search``.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import httpx2
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from research.errors import EffectFailed
from tools.reaping import reaped
from tools.tls import web_tls

LONGEST = 2_000_000
"""Bytes of all that a server says to one query."""
GRACE = 1.0
"""Seconds that a process has to end once its standard input is closed."""


@asynccontextmanager
async def over_process(command: Sequence[str], environment: Mapping[str, str], name: str) -> AsyncIterator[Any]:
    """Start a command and yield the streams to and from it. It has no other variables than ``environment``.

    It and all that it started are killed at the end. Raises ``EffectFailed`` when it cannot be started.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *(shutil.which(command[0]) or command[0], *command[1:]),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=dict(environment),
            limit=LONGEST,
            start_new_session=True,
        )
    except OSError as error:
        raise EffectFailed(f"{name} cannot be started: {command[0]}: {error.strerror or error}") from None
    heard, inbox = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outbox, said = anyio.create_memory_object_stream[SessionMessage](0)
    try:
        async with heard, inbox, outbox, said, anyio.create_task_group() as tasks:
            tasks.start_soon(_hear, process, heard, name)
            tasks.start_soon(_say, process, said)
            yield inbox, outbox
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)


async def _hear(process: Process, heard: Any, name: str) -> None:
    """Hand on each line that is a message; the end closes the stream, which fails what waits for it."""
    assert process.stdout is not None
    left = LONGEST
    async with heard:
        with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            while line := await _line(process.stdout, name):
                left -= len(line)
                if left < 0:
                    raise _too_much(name)
                with suppress(ValueError):  # a line that is no message is none of ours, such as a log
                    await heard.send(SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False)))


async def _line(pipe: asyncio.StreamReader, name: str) -> bytes:
    try:
        return await pipe.readline()
    except ValueError:  # it is longer than the pipe's limit
        raise _too_much(name) from None


def _too_much(name: str) -> EffectFailed:
    return EffectFailed(f"{name} sent more than {LONGEST:,} bytes")


async def _say(process: Process, said: Any) -> None:
    assert process.stdin is not None
    with suppress(OSError, anyio.ClosedResourceError):
        async for one in said:
            process.stdin.write(one.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
            await process.stdin.drain()


async def _end(process: Process) -> None:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE):
            await reaped(process)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await reaped(process)


@asynccontextmanager
async def over_http(url: str, seconds: float) -> AsyncIterator[Any]:
    """Yield the streams to and from the server at ``url``: no proxy, no variables, no redirect to another host.

    ``seconds`` is the caller's own limit; the connection's comes after it.
    """
    wire = _BoundedWire(verify=web_tls(), trust_env=False)
    asked = {"Accept-Encoding": "identity"}
    async with (
        httpx2.AsyncClient(transport=wire, trust_env=False, timeout=seconds + GRACE, headers=asked) as client,
        streamable_http_client(url, http_client=client, max_sse_event_size=LONGEST) as streams,
    ):
        yield streams


class _BoundedWire(httpx2.AsyncHTTPTransport):
    """HTTP whose answers end at :data:`LONGEST` bytes and are never unpacked."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            raise httpx2.ReadError("it sent an encoding that was not asked for", request=request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Bounded(response.stream, request)
        return response


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, request: httpx2.Request) -> None:
        self._stream = stream
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = LONGEST
        async for piece in self._stream:
            left -= len(piece)
            if left < 0:
                raise httpx2.ReadError(f"it sent more than {LONGEST:,} bytes", request=self._request)
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
