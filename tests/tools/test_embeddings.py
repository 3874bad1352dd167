"""Embedders: unit rows that are the same everywhere; services that fail are errors and their keys are never shown."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.errors import EffectFailed
from tools.embedding_services import BATCH, OllamaEmbedder, OpenAIEmbedder
from tools.embeddings import HashingEmbedder

KEY = "sk-very-secret"


@given(st.lists(st.text(), max_size=8))
def test_hashed_rows_are_unit_or_zero(texts: list[str]) -> None:
    """One finite float32 row a text, of length 1, or all zero when the text has no word."""
    rows = HashingEmbedder().vectors(texts)
    assert rows.shape == (len(texts), HashingEmbedder.dimensions)
    assert rows.dtype == np.float32
    for row in rows:
        assert not row.any() or abs(float(np.linalg.norm(row)) - 1) < 1e-5


def test_a_hashed_vector_is_the_same_in_every_process() -> None:
    """Neither the process nor Python's hash seed changes a vector."""
    code = (
        "import hashlib; from tools.embeddings import HashingEmbedder;"
        "print(hashlib.sha256(HashingEmbedder().vectors(['Budgets are walls.']).tobytes()).hexdigest())"
    )
    here = hashlib.sha256(HashingEmbedder().vectors(["Budgets are walls."]).tobytes()).hexdigest()
    for seed in ("0", "12345"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        there = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        assert there.stdout.strip() == here


async def test_a_misspelt_word_is_nearer_than_a_stranger() -> None:
    """Shared n-grams bring spellings together."""
    right, wrong, other = await HashingEmbedder().embed(["assignment", "asignment", "zebra"])
    assert right @ wrong > 0.2 > right @ other


Answer = tuple[int, Any]


@contextmanager
def service(*answers: Answer) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server on loopback that gives the answers in turn (the last one again) and keeps what it was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append({"path": self.path, "key": self.headers.get("Authorization"), **body})
            status, answer = answers[min(len(asked), len(answers)) - 1]
            data = json.dumps(answer(body) if callable(answer) else answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def vector_of(text: str) -> list[float]:
    return [float(len(text)), 1.0, 0.0]


def openai(body: dict[str, Any]) -> dict[str, Any]:
    rows = [{"index": at, "embedding": vector_of(text)} for at, text in enumerate(body["input"])]
    return {"object": "list", "data": rows[::-1], "usage": {"prompt_tokens": 3, "total_tokens": 3}}


async def test_openai_rows_come_back_in_the_order_of_the_texts() -> None:
    """Rows are placed by their index, batches are bounded, and the key goes into the header and nowhere else."""
    texts = ["x" * number for number in range(BATCH + 3)]
    with service((200, openai)) as (url, asked):
        embedder = OpenAIEmbedder("small", f"{url}/v1/", key=KEY)
        rows = await embedder.embed(texts)
    assert [len(request["input"]) for request in asked] == [BATCH, 3]
    assert {(request["path"], request["key"], request["model"]) for request in asked} == {
        ("/v1/embeddings", f"Bearer {KEY}", "small")
    }
    wanted = np.array([vector_of(text) for text in texts], dtype=np.float32)
    assert np.allclose(rows, wanted / np.linalg.norm(wanted, axis=1, keepdims=True))
    assert (embedder.name, embedder.dimensions) == ("openai:small", 3)
    assert KEY not in repr(embedder)


async def test_ollama_speaks_its_own_wire_format() -> None:
    """``/api/embed`` takes a list and gives ``embeddings``."""
    with service((200, lambda body: {"embeddings": [vector_of(text) for text in body["input"]]})) as (url, asked):
        rows = await OllamaEmbedder("nomic", url).embed(["ab"])
    assert asked == [{"path": "/api/embed", "key": None, "model": "nomic", "input": ["ab"]}]
    assert np.allclose(rows, [[2 / 5**0.5, 1 / 5**0.5, 0]])


@pytest.mark.parametrize(
    ("answer", "retryable"),
    [
        ((500, {}), True),
        ((429, {"error": KEY}), True),
        ((401, {"error": f"wrong key {KEY}"}), False),
        ((200, {"data": []}), False),
        ((200, {"data": [{"index": 0}]}), False),
        ((200, {"data": [{"index": 0, "embedding": ["a"]}]}), False),
        ((200, {"data": [{"index": 0, "embedding": [float("nan"), 1]}]}), False),
        ((200, []), False),
    ],
)
async def test_a_service_that_fails_is_an_error(answer: Answer, retryable: bool) -> None:
    """A bad status or nonsense raises, says whether another try may help, and never repeats the key."""
    with service(answer) as (url, _), pytest.raises(EffectFailed) as caught:
        await OpenAIEmbedder("small", url, key=KEY).embed(["a"])
    assert caught.value.retryable is retryable
    assert KEY not in str(caught.value)


async def test_a_service_that_is_not_there_is_an_error() -> None:
    """A refused connection is worth another try."""
    with service((200, {})) as (url, _):
        pass
    with pytest.raises(EffectFailed) as caught:
        await OllamaEmbedder("nomic", url).embed(["a"])
    assert caught.value.retryable
