"""Anthropic's, Google's and Ollama's own classes against a server that speaks their formats."""

from __future__ import annotations

from typing import Any

import pytest

from research.analysts.schemas import TOOLS, JudgeReply, schema_of
from research.errors import EffectFailed
from research.requests import Message, ModelReply, ModelRequest
from tools.chat_models import open_model
from tools.fakes.faults import WireFault
from tools.fakes.provider_server import ProviderServer
from tools.tokens import prompt_bound

SPECS = ("anthropic:claude-sonnet-5", "google_genai:gemini-2.5-flash", "ollama:qwen3")
KEY = "q7.51Hd93kQpZ7vLm2xTn8w"
QUOTA = "type.googleapis.com/google.rpc.QuotaFailure"
EVERY = pytest.mark.parametrize("spec", SPECS)


async def asked(server: ProviderServer, spec: str, max_tokens: int = 200, **more: Any) -> ModelReply:
    """The reply of the provider's real class."""
    opened = open_model(spec, base_url=server.address, api_key=KEY, counter=prompt_bound(spec))
    rules, question = Message(role="system", content="Judge."), Message(role="user", content="Is it enough?")
    request = ModelRequest(model=spec, role="reader", messages=(rules, question), max_tokens=max_tokens, **more)
    return await opened.complete(request, max_tokens=max_tokens, timeout=20)


async def failing(spec: str, fault: WireFault) -> EffectFailed:
    """What comes of a fault; it is met once, and its words hold no key."""
    async with ProviderServer(every=(1, fault)) as server:
        with pytest.raises(EffectFailed) as caught:
            await asked(server, spec)
    assert len(server.requests) == 1
    assert KEY[:8] not in str(caught.value)
    return caught.value


def shaped(spec: str, status: int, message: str, **more: Any) -> dict[str, Any]:
    """An error in the provider's own shape, which repeats the key."""
    said = f"{message} ({KEY})"
    if spec.startswith("anthropic"):
        return {"type": "error", "error": {"type": "some_error", "message": said}}
    if spec.startswith("ollama"):
        return {"error": said}
    return {"error": {"code": status, "message": said, "status": "SOME_STATUS", **more}}


@EVERY
async def test_an_answer_comes_whole_with_what_it_used(spec: str) -> None:
    """The text, its end, and the counts; the system prompt and the limit arrive at the provider."""
    async with ProviderServer(script=[{"text": "It is enough."}]) as server:
        reply = await asked(server, spec)
    (request,) = server.requests
    assert (reply.text, reply.stop) == ("It is enough.", "end")
    assert reply.usage is not None and reply.usage.completion == 4 and reply.usage.prompt > 0
    assert [message["content"] for message in request["messages"]] == ["Judge.", "Is it enough?"]
    assert request["max_tokens"] == 200


async def test_cached_and_thought_tokens_are_counted_apart() -> None:
    """Anthropic's and Google's reads from their caches, and what Google's models think."""
    for spec in SPECS[:2]:
        async with ProviderServer(script=[{"text": "one two three four five six seven eight"}]) as server:
            reply = await asked(server, spec)
        assert reply.usage is not None and 0 < reply.usage.cached < reply.usage.prompt
        assert (reply.usage.reasoning > 0) == spec.startswith("google")


@EVERY
async def test_an_answer_fills_a_schema(spec: str) -> None:
    """The schema goes the provider's own way, and the object comes back as data."""
    data = {"enough": True, "missing": "", "queries": []}
    async with ProviderServer(script=[{"json": data}]) as server:
        reply = await asked(server, spec, schema=schema_of(JudgeReply))
    shape = server.requests[0]["response_format"]["json_schema"]["schema"]
    assert reply.data == data and set(shape["properties"]) == set(data)


@EVERY
async def test_tools_are_offered_and_called_at_once(spec: str) -> None:
    """Two calls in one answer arrive with their arguments."""
    calls = [{"name": "search", "arguments": {"query": "sable"}}, {"name": "open", "arguments": {"handle": "h-1"}}]
    async with ProviderServer(script=[{"tool_calls": calls}]) as server:
        reply = await asked(server, spec, tools=TOOLS)
    assert [(call.name, call.arguments) for call in reply.tool_calls] == [
        ("search", {"query": "sable"}),
        ("open", {"handle": "h-1"}),
    ]
    assert [tool["function"]["name"] for tool in server.requests[0]["tools"]] == ["search", "open"]


@EVERY
async def test_a_cut_answer_says_so(spec: str) -> None:
    """An answer that ends at its limit is not taken for whole."""
    async with ProviderServer(script=[{"text": "word " * 100}]) as server:
        reply = await asked(server, spec, max_tokens=20)
    assert (reply.stop, reply.data) == ("length", None)


@pytest.mark.parametrize("spec", SPECS[:2])
async def test_a_refusal_is_one(spec: str) -> None:
    """Where the provider has a word for it."""
    async with ProviderServer(script=[{"refusal": "No."}]) as server:
        assert (await asked(server, spec)).stop == "refusal"


@EVERY
@pytest.mark.parametrize(
    ("status", "words", "again", "limited"),
    [
        (400, "the request was rejected", False, False),
        (401, "the key was rejected", False, False),
        (403, "the key may not use this model", False, False),
        (404, "there is no such model", False, False),
        (429, "too many requests", True, True),
        (500, "the server failed", True, False),
        (503, "the server failed", True, False),
        (529, "the server failed", True, True),
    ],
)
async def test_a_status_means_the_same_of_every_provider(
    spec: str, status: int, words: str, again: bool, limited: bool
) -> None:
    """What helps is told, the pause that the server names is kept, and it is not charged."""
    fault = WireFault(name="x", status=status, headers={"Retry-After": "7"}, body=shaped(spec, status, "no"))
    failure = await failing(spec, fault)
    assert words in str(failure) and f"HTTP {status}" in str(failure)
    assert (failure.retryable, failure.limited, failure.charged) == (again, limited, False)
    assert failure.retry_after == 7.0


@EVERY
async def test_a_prompt_that_is_too_long_is_known(spec: str) -> None:
    """So that less is sent."""
    said = {"anthropic": "prompt is too long: 999 tokens > 200 maximum", "ollama": "input exceeds the context length"}
    words = said.get(spec.partition(":")[0], "The input token count (999) exceeds the maximum number of tokens (9).")
    failure = await failing(spec, WireFault(name="x", status=400, body=shaped(spec, 400, words)))
    assert failure.too_long and not failure.retryable


@pytest.mark.parametrize(("quota", "again"), [("RequestsPerMinutePerProject", True), ("RequestsPerDayPerModel", False)])
async def test_google_names_its_quotas_and_its_pause_in_the_body(quota: str, again: bool) -> None:
    """A quota of the day is not waited for; another is, for as long as is said."""
    details = [
        {"@type": QUOTA, "violations": [{"quotaId": quota}]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "31s"},
    ]
    body = shaped(SPECS[1], 429, "You exceeded your current quota", details=details)
    failure = await failing(SPECS[1], WireFault(name="x", status=429, body=body))
    assert (failure.retryable, failure.retry_after) == (again, 31.0)


@EVERY
@pytest.mark.parametrize("transport", ["reset mid-body", "content-length longer than body", "200 with html body"])
async def test_a_broken_answer_may_be_asked_for_again(spec: str, transport: Any) -> None:
    """Half of an answer is none; it may have been billed."""
    failure = await failing(spec, WireFault(name="x", transport=transport))
    assert (failure.retryable, failure.charged) == (True, True)


@EVERY
async def test_no_answer_is_too_large_to_be_refused(spec: str) -> None:
    """100 MB end the call and not the process."""
    failure = await failing(spec, WireFault(name="x", transport="100 MB json body"))
    assert "more came than an answer can have" in str(failure) and not failure.retryable


@EVERY
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_prompt_and_key_go_to_no_other_host(spec: str, status: int) -> None:
    """A redirect is told and not followed."""
    async with ProviderServer() as other:
        fault = WireFault(name="x", status=status, headers={"Location": f"{other.address}/elsewhere"})
        failure = await failing(spec, fault)
        assert (other.requests, other.connections) == ([], 0)
    assert "the server is elsewhere" in str(failure) and not failure.retryable
