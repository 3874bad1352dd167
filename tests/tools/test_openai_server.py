"""The loopback server: wire format, limits, faults, log. A plain HTTP client talks to it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tools.fakes.openai_server import OpenAIServer, request_hash
from tools.fakes.wire import count_tokens

HELLO: dict[str, Any] = {"model": "persona", "messages": [{"role": "user", "content": "Hello there"}]}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 2}}, "required": ["n"]}


async def post(server: OpenAIServer, body: dict[str, Any]) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(f"{server.base_url}/chat/completions", json=body)


async def test_a_plain_answer_has_choice_and_usage() -> None:
    """A chat request gets one choice that ended by itself and the tokens of prompt and answer."""
    async with OpenAIServer(script=[{"text": "Good morning."}]) as server:
        answer = (await post(server, HELLO)).json()
    assert answer["choices"][0]["message"]["content"] == "Good morning."
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["completion_tokens"] == count_tokens("Good morning.")
    assert answer["usage"]["prompt_tokens"] == 3 + 3 + count_tokens("user") + count_tokens("Hello there")


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_the_answer_keeps_the_token_limit(name: str) -> None:
    """An answer longer than the limit is cut at it and says so, under both names of the limit."""
    async with OpenAIServer(script=[{"text": "one two three four five six seven"}]) as server:
        answer = (await post(server, HELLO | {name: 3})).json()
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 3
    assert answer["choices"][0]["message"]["content"] == "one two three"


async def test_an_unknown_schema_gets_a_valid_instance() -> None:
    """Any JSON Schema is answered with a value that fits it."""
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    async with OpenAIServer() as server:
        answer = (await post(server, HELLO | {"response_format": form})).json()
    assert json.loads(answer["choices"][0]["message"]["content"]) == {"n": 2}


async def test_a_streamed_answer_is_the_same_answer() -> None:
    """With ``stream`` the pieces add up to the whole text, and the usage comes last when it is asked for."""
    text = "A fairly long sentence, so that there is more than one piece."
    async with OpenAIServer(script=[{"text": text}]) as server:
        body = (await post(server, HELLO | {"stream": True, "stream_options": {"include_usage": True}})).text
    lines = [line.removeprefix("data: ") for line in body.split("\n\n") if line]
    assert lines.pop() == "[DONE]"
    events = [json.loads(line) for line in lines]
    pieces = [event["choices"][0]["delta"].get("content", "") for event in events if event["choices"]]
    assert "".join(pieces) == text
    assert events[-1]["usage"]["completion_tokens"] == count_tokens(text)


async def test_every_kth_request_can_fail() -> None:
    """Fault injection spoils each k-th request and no other."""
    async with OpenAIServer(every=(2, "429")) as server:
        answers = [await post(server, HELLO) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 429, 200, 429]
    assert answers[1].headers["retry-after"] == "2"


async def test_the_log_tells_received_from_answered(tmp_path: Path) -> None:
    """Each request leaves a line when it arrives and another when its answer was sent; a cut one is not answered."""
    log = tmp_path / "log.jsonl"
    async with OpenAIServer(log=log, faults=[None, "500"]) as server:
        await post(server, HELLO | {"max_tokens": 50})
        await post(server, HELLO)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["n"], line["event"]) for line in lines] == [
        (1, "received"),
        (1, "answered"),
        (2, "received"),
        (2, "fault 500"),
    ]
    assert lines[0]["max_tokens"] == 50
    assert lines[0]["key"] == lines[2]["key"] == request_hash(HELLO)
    assert lines[1]["completion_tokens"] > 0


async def test_a_client_that_hung_up_was_not_answered(tmp_path: Path) -> None:
    """A request whose client went away while the answer was made is received and never answered."""
    log = tmp_path / "log.jsonl"
    async with OpenAIServer(log=log, latency=0.2) as server:
        with pytest.raises(httpx.ReadTimeout):
            async with httpx.AsyncClient(trust_env=False, timeout=0.1) as client:
                await client.post(f"{server.base_url}/chat/completions", json=HELLO)
        await asyncio.gather(*server._clients)
    assert [json.loads(line)["event"] for line in log.read_text().splitlines()] == ["received"]


async def test_requests_are_served_at_once() -> None:
    """Of five requests none waits for the answer to another: two at least are in the server before the first answer."""
    events: list[str] = []
    async with OpenAIServer(latency=0.2, watch=lambda line: events.append(line["event"])) as server:
        await asyncio.gather(*(post(server, HELLO) for _ in range(5)))
    assert sorted(events) == ["answered"] * 5 + ["received"] * 5
    assert events.index("answered") > 1


@pytest.mark.parametrize("body", [{}, {"model": "x", "messages": []}, HELLO | {"max_tokens": 0}])
async def test_a_bad_request_is_refused(body: dict[str, Any]) -> None:
    """A request without model or messages, or with an impossible limit, is answered with 400 and a sentence."""
    async with OpenAIServer() as server:
        answer = await post(server, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


async def test_models_and_embeddings_are_served() -> None:
    """The server lists a model, and equal texts have equal unit vectors."""
    async with OpenAIServer() as server, httpx.AsyncClient(trust_env=False) as client:
        models = (await client.get(f"{server.base_url}/models")).json()
        body = {"model": "e", "input": ["red fox", "red fox", "blue whale"], "dimensions": 32}
        rows = (await client.post(f"{server.base_url}/embeddings", json=body)).json()["data"]
        missing = await client.get(f"{server.base_url}/nothing")
    assert models["data"][0]["id"] == "persona"
    assert rows[0]["embedding"] == rows[1]["embedding"] != rows[2]["embedding"]
    assert sum(value * value for value in rows[0]["embedding"]) == pytest.approx(1.0)
    assert missing.status_code == 404


async def test_it_runs_as_a_command(tmp_path: Path) -> None:
    """``python -m tools.fakes.openai_server`` prints its port and answers there."""
    command = [sys.executable, "-m", "tools.fakes.openai_server", "--port", "0", "--log", str(tmp_path / "log")]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        word, port = (await process.stdout.readline()).decode().split()
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=HELLO)
    finally:
        process.kill()
        await process.wait()
    assert word == "port"
    assert answer.status_code == 200
