"""Asking for the list of models over the wire: both formats, and every way in which it can go wrong."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from research.errors import EffectFailed
from tools.fakes.openai_server import OpenAIServer
from tools.model_listing import LARGEST, list_models, listing_address

KEY = "sk-never-shown-1234"


@asynccontextmanager
async def answering(head: str, body: str | bytes) -> AsyncIterator[tuple[str, list[str]]]:
    """Serve one answer to every request; yields the address and what arrived."""
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readuntil(b"\r\n\r\n")).decode())
        if head:
            sent = body if isinstance(body, bytes) else body.encode()
            writer.write(f"HTTP/1.1 {head}\r\nContent-Length: {len(sent)}\r\nConnection: close\r\n\r\n".encode() + sent)
            await writer.drain()
            writer.close()
        else:
            await asyncio.Event().wait()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen
    finally:
        server.close()


async def test_an_openai_compatible_server_lists_its_models() -> None:
    """The fake speaks OpenAI's format."""
    async with OpenAIServer() as server:
        address = listing_address("openai", server.base_url)
        assert address == f"{server.base_url}/models"
        assert await list_models(address, KEY) == ("persona",)


async def test_ollama_lists_its_models_at_its_own_address() -> None:
    """Ollama's format, ``GET /api/tags``, is read, too."""
    async with answering("200 OK", '{"models": [{"name": "qwen3:latest"}, {"name": "b"}]}') as (url, seen):
        assert await list_models(f"{listing_address('ollama', url)}", None) == ("qwen3:latest", "b")
    assert seen[0].startswith("GET /api/tags ")
    assert "authorization" not in seen[0].lower()


def test_who_is_asked_and_where() -> None:
    """OpenAI and Ollama have an address of their own; a provider whose list is not known is not asked."""
    assert listing_address("openai", None) == "https://api.openai.com/v1/models"
    assert listing_address("ollama", None) == "http://127.0.0.1:11434/api/tags"
    assert listing_address("anthropic", None) is None


@pytest.mark.parametrize(
    ("head", "body", "words"),
    [
        ("401 Unauthorized", f"bad key {KEY}", "HTTP 401: the key was rejected"),
        ("500 Oops", "", "HTTP 500"),
        ("302 Found", "", "HTTP 302"),
        ("200 OK", "<html>", "the answer is no list of models"),
        ("200 OK", "[]", "the answer is no list of models"),
        ("200 OK", '{"data": 3}', "the answer is no list of models"),
        ("200 OK", '{"data": [{"name": "x"}]}', "the answer is no list of models"),
        ("200 OK", "[" * 100_000, "the answer is no list of models"),
        ("200 OK", "{}", "the answer is no list of models"),
        ("200 OK", " " * (LARGEST + 1), "more came than a list of models can have"),
        ("200 OK\r\nContent-Encoding: gzip", gzip.compress(b" " * 10_000_000), "the answer is no list of models"),
        ("", "", "no answer within 0.2 s"),
    ],
)
async def test_what_went_wrong_is_one_sentence_without_the_key(head: str, body: str | bytes, words: str) -> None:
    """A status, an answer of another shape or silence becomes a failure; the key is sent and not told."""
    async with answering(head, body) as (url, seen):
        with pytest.raises(EffectFailed) as caught:
            await list_models(url, KEY, seconds=20 if head else 0.2)
    assert str(caught.value) == words
    assert KEY in seen[0]


async def test_nobody_there_is_told() -> None:
    """A closed port is not reachable."""
    with pytest.raises(EffectFailed, match="cannot be reached"):
        await list_models("http://127.0.0.1:9", None)
