"""The HTTP clients under the chat models: bounded, unpacked by us, and never sent elsewhere."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from research.errors import EffectFailed
from research.requests import Message, ModelReply, ModelRequest
from tools.chat_models import open_model
from tools.chat_transport import LARGEST
from tools.fakes.faults import WireFault
from tools.fakes.openai_server import OpenAIServer
from tools.tokens import prompt_bound

SPEC = "openai:gpt-4o-mini"
ASKED = ModelRequest(model=SPEC, role="reader", messages=(Message(role="user", content="Hello"),), max_tokens=50)
ANSWER = {
    "id": "c",
    "object": "chat.completion",
    "created": 0,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Good."}, "finish_reason": "stop"}],
}


@asynccontextmanager
async def sending(raw: bytes) -> AsyncIterator[str]:
    """The base URL of a server that answers every request with these bytes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(int(length.partition(b":")[2]))
        writer.write(raw)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def answered(base_url: str) -> ModelReply:
    opened = open_model(SPEC, base_url=base_url, counter=prompt_bound(SPEC))
    return await opened.complete(ASKED, max_tokens=50, timeout=20)


def packed(body: bytes, how: str = "gzip") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: {how}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def test_an_answer_that_comes_twice_is_not_that_to_the_next_request() -> None:
    """What came too much is left behind with its connection; a connection that carried no more is used again."""
    twice = WireFault(name="twice", transport="duplicate response for one request")
    async with OpenAIServer(faults=[twice], script=[{"text": said} for said in ("One.", "Two.", "Three.")]) as server:
        opened = open_model(SPEC, base_url=server.base_url, counter=prompt_bound(SPEC))
        replies = [await opened.complete(ASKED, max_tokens=50, timeout=20) for _ in range(3)]
        assert server.connections == 2
    assert [reply.text for reply in replies] == ["One.", "Two.", "Three."]


async def test_a_packed_answer_is_read() -> None:
    """gzip is unpacked."""
    async with sending(packed(gzip.compress(json.dumps(ANSWER).encode()))) as base_url:
        assert (await answered(base_url)).text == "Good."


@pytest.mark.parametrize("charset", ["utf-16", "zlib", "hex", "rot13", "no-such"])
async def test_an_answer_is_utf8_whatever_it_calls_itself(charset: str) -> None:
    """The name of a codec that the server gives is not obeyed, neither for an answer nor for an error."""
    body = json.dumps(ANSWER).encode()
    head = f"Content-Type: application/json; charset={charset}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with sending(b"HTTP/1.1 200 OK\r\n" + head + body) as base_url:
        assert (await answered(base_url)).text == "Good."
    async with sending(b"HTTP/1.1 400 Bad\r\n" + head + body) as base_url:
        with pytest.raises(EffectFailed, match="HTTP 400"):
            await answered(base_url)


@pytest.mark.parametrize("large", [b" " * (64 << 20), b'{"a": "' + b"a" * (LARGEST + 1)])
async def test_a_packed_bomb_ends_the_call_and_not_the_process(large: bytes) -> None:
    """What unpacks to more than an answer can have is not unpacked, and not asked for again."""
    async with sending(packed(gzip.compress(large))) as base_url:
        with pytest.raises(EffectFailed, match="more came than an answer can have") as caught:
            await answered(base_url)
    assert (caught.value.retryable, caught.value.charged) == (False, True)


async def test_another_packing_than_was_asked_for_is_not_unpacked() -> None:
    """Only gzip was offered."""
    async with sending(packed(b"\x0b\x02\x80", "br")) as base_url:
        with pytest.raises(EffectFailed, match="could not be unpacked"):
            await answered(base_url)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_prompt_goes_nowhere_else(status: int) -> None:
    """A redirect is refused: neither the prompt nor the key reaches the other host, and it is not tried again."""
    async with OpenAIServer() as other:
        there = {"Location": f"{other.base_url}/chat/completions"}
        fault = WireFault(name="elsewhere", status=status, headers=there)
        async with OpenAIServer(every=(1, fault)) as server:
            with pytest.raises(EffectFailed, match="the server is elsewhere") as caught:
                await answered(server.base_url)
    assert not caught.value.retryable
    assert other.requests == []


@pytest.mark.parametrize(
    ("error", "said", "retryable"),
    [
        ({"code": 429, "message": "slow down"}, "too many requests", True),
        ({"code": 402, "message": "no credit"}, "no credit left", False),
        ({"message": "upstream"}, "the server failed", True),
        ("upstream", "the server failed", True),
    ],
)
async def test_an_error_in_an_answer_of_status_200_is_an_error(error: object, said: str, retryable: bool) -> None:
    """Proxies put their errors there; the status that the error names counts, and 502 where it names none."""
    body = json.dumps({"error": error}).encode()
    async with sending(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body) as base_url:
        with pytest.raises(EffectFailed, match=said) as caught:
            await answered(base_url)
    assert caught.value.retryable is retryable


async def test_an_answer_that_speaks_of_errors_is_an_answer() -> None:
    """A null error beside an answer, or the word in its text, changes nothing."""
    body = json.dumps({**ANSWER, "error": None, "note": '"error"'}).encode()
    async with sending(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body) as base_url:
        assert (await answered(base_url)).text == "Good."
