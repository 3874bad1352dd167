"""The chat models: the real LangChain class against the loopback server, and what a wrong setting says."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import Any

import httpx
import openai
import pytest

from research.errors import EffectFailed, SettingMissing, UnknownName, UsageFault
from research.ports import ChatModel, Price
from research.records import encode
from research.reply_json import first_object
from research.requests import Message, ModelRequest, ToolCall, ToolSpec
from tools.chat_models import KEY_VARIABLES, open_model, parse_spec
from tools.fakes.openai_server import OpenAIServer
from tools.provider_errors import failure_of
from tools.tokens import prompt_bound

KEY = "sk-very-secret-0123456789"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}
LOOK = ToolSpec(
    name="look",
    description="Look something up.",
    parameters={"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
)


def ask(content: str = "Hello there", **rest: Any) -> ModelRequest:
    messages = rest.pop(
        "messages", (Message(role="system", content="Be brief."), Message(role="user", content=content))
    )
    return ModelRequest(model="openai:gpt-4o-mini", role="reader", messages=messages, max_tokens=50, **rest)


def model(server: OpenAIServer, spec: str = "openai:gpt-4o-mini") -> ChatModel:
    return open_model(spec, base_url=server.base_url, api_key=KEY, counter=prompt_bound(spec))


async def test_a_plain_answer_brings_text_and_usage() -> None:
    """A request without schema or tools comes back as text, with the provider's own token counts."""
    async with OpenAIServer(script=[{"text": "Good morning."}]) as server:
        opened = model(server)
        reply = await opened.complete(ask(), max_tokens=50, timeout=10)
    assert (reply.text, reply.stop, reply.data, reply.tool_calls) == ("Good morning.", "end", None, ())
    assert reply.usage is not None
    assert 0 < reply.usage.prompt <= opened.count(ask()) <= reply.usage.prompt + 12
    assert [message["role"] for message in server.requests[0]["messages"]] == ["system", "user"]


async def test_cached_and_reasoning_tokens_are_read_from_the_answer() -> None:
    """What the provider tells of its own cache and of reasoning comes with the usage; where it tells nothing, none."""
    told = {"prompt_tokens_details": {"cached_tokens": 8}, "completion_tokens_details": {"reasoning_tokens": 2}}
    async with OpenAIServer(script=[{"text": "Good morning."}], details=told) as server:
        reply = await model(server).complete(ask(), max_tokens=50, timeout=10)
    assert reply.usage is not None
    assert (reply.usage.cached, reply.usage.reasoning) == (8, 2)
    async with OpenAIServer(script=[{"text": "Good morning."}], details={"prompt_tokens_details": None}) as server:
        reply = await model(server).complete(ask(), max_tokens=50, timeout=10)
    assert reply.usage is not None
    assert (reply.usage.cached, reply.usage.reasoning) == (0, 0)


async def test_the_limit_reaches_the_server_under_both_names() -> None:
    """The limit of the call, not of the request, is sent, in the new and the old spelling."""
    async with OpenAIServer() as server:
        await model(server).complete(ask(), max_tokens=7, timeout=10)
    assert (server.requests[0]["max_tokens"], server.requests[0]["max_completion_tokens"]) == (7, 7)


async def test_a_schema_brings_parsed_data() -> None:
    """With a schema the request carries it strictly, and the reply's data is the parsed object."""
    async with OpenAIServer(script=[{"json": {"n": 3}}]) as server:
        reply = await model(server).complete(ask(schema=SCHEMA), max_tokens=50, timeout=10)
    assert reply.data == {"n": 3}
    assert reply.usage is not None
    assert server.requests[0]["response_format"]["json_schema"]["schema"] == SCHEMA
    assert server.requests[0]["response_format"]["json_schema"]["strict"] is True


async def test_text_that_is_not_json_leaves_the_data_empty() -> None:
    """A model that ignores the schema yields its text and no data, and no exception."""
    async with OpenAIServer(script=[{"text": "I would rather not."}]) as server:
        reply = await model(server).complete(ask(schema=SCHEMA), max_tokens=50, timeout=10)
    assert (reply.text, reply.data) == ("I would rather not.", None)


@pytest.mark.parametrize("schema", [None, SCHEMA])
async def test_an_answer_cut_at_the_limit_is_kept_with_its_usage(schema: dict[str, Any] | None) -> None:
    """An answer that hits the limit says ``length`` and keeps its text and its usage, with and without a schema."""
    async with OpenAIServer(script=[{"text": '{"n": 1234567890123456789}'}]) as server:
        reply = await model(server).complete(ask(schema=schema), max_tokens=4, timeout=10)
    assert (reply.stop, reply.data) == ("length", None)
    assert reply.text.startswith('{"n')
    assert reply.usage is not None
    assert reply.usage.completion == 4


async def test_tool_calls_come_back_and_can_be_answered() -> None:
    """Parallel tool calls arrive as data, and a dialogue with calls and their answers is sent as such."""
    calls = [{"name": "look", "arguments": {"word": "a"}}, {"name": "look", "arguments": {"word": "b"}}]
    async with OpenAIServer(script=[{"tool_calls": calls}]) as server:
        opened = model(server)
        reply = await opened.complete(ask(tools=(LOOK,)), max_tokens=50, timeout=10)
        dialogue = (
            Message(role="user", content="Look."),
            Message(role="assistant", content="", tool_calls=reply.tool_calls),
            *(Message(role="tool", content="found", tool_call_id=call.id) for call in reply.tool_calls),
        )
        await opened.complete(ask(messages=dialogue, tools=(LOOK,)), max_tokens=50, timeout=10)
    assert reply.stop == "tools"
    assert [call.arguments for call in reply.tool_calls] == [{"word": "a"}, {"word": "b"}]
    assert server.requests[0]["tools"][0]["function"]["name"] == "look"
    assert [message["role"] for message in server.requests[1]["messages"]] == ["user", "assistant", "tool", "tool"]


async def test_a_tool_call_with_broken_arguments_is_kept_as_invalid() -> None:
    """Arguments that are not JSON are handed on as they came, under ``_invalid``."""
    async with OpenAIServer(script=[{"tool_calls": [{"name": "look", "arguments": '{"word": '}]}]) as server:
        reply = await model(server).complete(ask(tools=(LOOK,)), max_tokens=50, timeout=10)
    assert reply.tool_calls == (ToolCall(id="call_1", name="look", arguments={"_invalid": '{"word": '}),)


async def test_a_filtered_answer_is_a_refusal() -> None:
    """A content filter's stop is a refusal, with and without a schema."""
    async with OpenAIServer(script=[{"text": "", "finish": "content_filter"}] * 2) as server:
        opened = model(server)
        replies = [await opened.complete(ask(schema=schema), max_tokens=50, timeout=10) for schema in (None, SCHEMA)]
    assert [reply.stop for reply in replies] == ["refusal", "refusal"]


async def failure(server: OpenAIServer, timeout: float = 10, schema: dict[str, Any] | None = None) -> EffectFailed:
    with pytest.raises(EffectFailed) as caught:
        await model(server).complete(ask(schema=schema), max_tokens=50, timeout=timeout)
    assert KEY not in str(caught.value)
    assert len(server.requests) <= 1, "the client retried by itself"
    return caught.value


@pytest.mark.parametrize(
    ("fault", "retryable", "charged", "after"),
    [
        ("429", True, False, 2.0),
        ("500", True, False, None),
        ("quota", False, False, None),
        ("cut", True, True, None),
        ("garbage", True, True, None),
    ],
)
@pytest.mark.parametrize("schema", [None, SCHEMA])
async def test_a_failed_call_says_whether_to_try_again(
    fault: Any, retryable: bool, charged: bool, after: float | None, schema: dict[str, Any] | None
) -> None:
    """Each way to fail is sent once, and says whether a retry may help, when, and whether it may have been billed."""
    async with OpenAIServer(faults=[fault]) as server:
        error = await failure(server, schema=schema)
    assert (error.retryable, error.charged, error.retry_after) == (retryable, charged, after)


@pytest.mark.parametrize(
    ("status", "charged"), [(408, True), (429, False), (500, False), (502, True), (503, False), (504, True)]
)
def test_a_lost_answer_may_have_been_billed(status: int, charged: bool) -> None:
    """What a proxy says of an answer that it lost or gave up on stays charged; a server's own refusal does not."""
    response = httpx.Response(status, request=httpx.Request("POST", "http://127.0.0.1/v1/chat/completions"))
    error = failure_of(openai.APIStatusError("failed", response=response, body=None), "openai:x")
    assert (error.retryable, error.charged) == (True, charged)


async def test_a_call_that_takes_too_long_is_charged_and_not_repeated() -> None:
    """A timeout leaves the far side working, so the call stays charged and is not sent again."""
    async with OpenAIServer(faults=["hang"]) as server:
        error = await failure(server, timeout=0.3)
    assert (error.retryable, error.charged) == (False, True)


async def test_a_server_that_is_not_there_costs_nothing() -> None:
    """A refused connection may be tried again, and nothing was charged."""
    async with OpenAIServer() as server:
        pass
    error = await failure(server)
    assert (error.retryable, error.charged) == (True, False)
    assert "cannot be reached" in str(error)


async def test_lone_surrogates_are_sent_as_replacement_characters() -> None:
    """A text that is not valid Unicode is sent and counted, and stops nothing."""
    async with OpenAIServer() as server:
        opened = model(server)
        reply = await opened.complete(ask("broken \ud800 text"), max_tokens=50, timeout=10)
    assert server.requests[0]["messages"][1]["content"] == "broken \ufffd text"
    assert reply.usage is not None
    assert reply.usage.prompt <= opened.count(ask("broken \ud800 text"))


SURROGATE = "\\ud800"
"""The escape of half a character, as JSON may hold it."""


async def test_half_a_character_in_an_answer_can_still_be_recorded() -> None:
    """Text, data and tool calls come without lone surrogates and control characters, keys and nested values too."""
    escaped = f'{{"n": 3, "a{SURROGATE}b": [{{"c": "d\\ud83d"}}, "e\\u001b[31mf\u2028g", true, 1.5]}}'
    calls = [{"name": "look", "arguments": f'{{"word{SURROGATE}": ["x{SURROGATE}y", {{"z": "\\u0007"}}]}}'}]
    script: list[Any] = [{"text": "an \ud83d end"}, {"text": escaped}, {"tool_calls": calls}]
    async with OpenAIServer(script=script) as server:
        opened = model(server)
        plain = await opened.complete(ask(), max_tokens=500, timeout=10)
        filled = await opened.complete(ask(schema=SCHEMA), max_tokens=500, timeout=10)
        called = await opened.complete(ask(tools=(LOOK,)), max_tokens=500, timeout=10)
    assert plain.text == "an  end"
    assert filled.data == {"n": 3, "ab": [{"c": "d"}, "ef\ng", True, 1.5]}
    assert called.tool_calls[0].arguments == {"word": ["xy", {"z": ""}]}
    assert all(encode(reply) for reply in (plain, filled, called))


async def test_a_cut_answer_is_cleaned_too() -> None:
    """What is kept of an answer that hit the limit is as clean as a whole one."""
    async with OpenAIServer(script=[{"text": '{"a": "\x07 and on and on and on and on'}]) as server:
        reply = await model(server).complete(ask(schema=SCHEMA), max_tokens=8, timeout=10)
    assert reply.stop == "length"
    assert reply.text.startswith('{"a": " and')


async def test_an_endpoint_needs_neither_key_nor_provider() -> None:
    """With a base URL a bare model name, even with a colon in it, is asked for without a key."""
    async with OpenAIServer() as server:
        opened = open_model("llama3.2:3b", base_url=server.base_url, counter=prompt_bound("llama3.2:3b"))
        await opened.complete(ask(), max_tokens=50, timeout=10)
    assert opened.name == "openai:llama3.2:3b"
    assert server.requests[0]["model"] == "llama3.2:3b"


@pytest.mark.parametrize(
    ("spec", "kind", "says"),
    [
        ("gpt-4o", UsageFault, "provider:model"),
        ("", UsageFault, "provider:model"),
        ("openai:", UsageFault, "provider:model"),
        ("opnai:gpt-4o", UnknownName, "did you mean openai"),
        ("zzzz:model", UnknownName, "known are"),
        ("openai:gpt-4o", SettingMissing, "OPENAI_API_KEY"),
        ("anthropic:claude-sonnet-4-5", SettingMissing, "ANTHROPIC_API_KEY"),
    ],
)
def test_a_wrong_model_gets_a_sentence(spec: str, kind: type[Exception], says: str) -> None:
    """A malformed name, an unknown provider and a missing key each say what to do."""
    with pytest.raises(kind, match=says):
        open_model(spec, counter=prompt_bound(spec))


def test_a_missing_extra_names_the_command_that_installs_it() -> None:
    """A provider whose package is not installed is refused with the command, and without the key."""
    pytest.importorskip("langchain", reason="langchain is not installed")
    for spec, command in (("anthropic:x", r"research\[anthropic\]"), ("ollama:x", r"research\[ollama\]")):
        try:
            __import__(f"langchain_{spec.partition(':')[0]}")
        except ImportError:
            with pytest.raises(SettingMissing, match=command) as caught:
                open_model(spec, api_key=KEY, counter=prompt_bound(spec))
            assert KEY not in str(caught.value)


TRACED = """
import asyncio, sys
from langchain_core.tracers.langchain import wait_for_all_tracers
from research.requests import Message, ModelRequest
from tools.chat_models import open_model

model = open_model("persona", base_url=sys.argv[1], counter=lambda request: 1)
request = ModelRequest(model="m", role="reader", messages=(Message(role="user", content="private"),), max_tokens=9)
print(asyncio.run(model.complete(request, max_tokens=9, timeout=20)).stop)
wait_for_all_tracers()
"""


async def test_nothing_is_traced_because_the_environment_says_so() -> None:
    """LangSmith switched on in the shell for another program gets nothing of ours."""
    callers: list[str] = []

    async def called(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.append((await reader.readline()).decode())
        writer.close()

    spy = await asyncio.start_server(called, "127.0.0.1", 0)
    endpoint = f"http://127.0.0.1:{spy.sockets[0].getsockname()[1]}"
    switches = {"LANGSMITH_TRACING": "true", "LANGSMITH_ENDPOINT": endpoint, "LANGSMITH_API_KEY": "key"}
    async with OpenAIServer() as server, spy:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", TRACED, server.base_url),
            env={**os.environ, **switches},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
    assert output.decode().strip() in ("end", "length")
    assert len(server.requests) == 1
    assert callers == []


def test_opening_openai_loads_no_transport_that_is_not_used() -> None:
    """OpenAI's client comes up without aiohttp, which can be imported afterwards as before."""
    pytest.importorskip("aiohttp", reason="aiohttp is not installed, so there is nothing to keep out")
    code = (
        "import sys; from tools.chat_models import open_model\n"
        "open_model('openai:x', api_key='k', counter=len); print('aiohttp' in sys.modules)\n"
        "import aiohttp; print(aiohttp.__name__)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "aiohttp"]


WHILE_LOADING = """
import asyncio, sys, threading
from importlib.machinery import PathFinder, SourceFileLoader
from tools.chat_models import open_model
from research.requests import Message, ModelRequest

begun, told = threading.Event(), threading.Event()

class Slow(SourceFileLoader):
    def exec_module(self, module):
        begun.set()
        told.wait(60)
        super().exec_module(module)

class Slowing:
    def find_spec(self, name, path=None, target=None):
        if name != "httpx._models" or threading.current_thread() is threading.main_thread():
            return None
        spec = PathFinder.find_spec(name, path)
        spec.loader = Slow(name, spec.origin)
        return spec

def load():
    import httpx
    begun.set()

sys.meta_path.insert(0, Slowing())
model = open_model("openai:x", base_url=sys.argv[1], counter=len)
other = threading.Thread(target=load)
other.start()
begun.wait(60)
request = ModelRequest(model="openai:x", role="reader", messages=(Message(role="user", content="Hi"),), max_tokens=9)
try:
    print(asyncio.run(model.complete(request, max_tokens=9, timeout=30)).stop)
finally:
    told.set()
"""


async def test_an_answer_is_read_while_another_thread_loads_what_clients_look_for() -> None:
    """OpenAI's client asks whether httpx is loaded; what it is told while Chroma loads it must not cost the answer."""
    async with OpenAIServer() as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WHILE_LOADING, server.base_url),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
    assert output.decode().strip() in ("end", "length"), errors.decode()
    assert len(server.requests) == 1


def test_no_repr_shows_the_key() -> None:
    """Neither the model nor the LangChain class inside it shows the key."""
    opened = open_model("openai:gpt-4o", api_key=KEY, price=Price(prompt=1, completion=2), counter=prompt_bound("x"))
    assert KEY not in repr(opened) + repr(vars(opened)["_chat"])


def test_aliases_and_colons_in_names() -> None:
    """``google`` means Google's AI Studio, and everything after the first colon is the model's name."""
    assert parse_spec("google:gemini-2.5-flash") == ("google_genai", "gemini-2.5-flash")
    assert parse_spec("ollama:llama3.2:3b") == ("ollama", "llama3.2:3b")
    assert parse_spec("meta-llama/llama-3", compatible=True) == ("openai", "meta-llama/llama-3")
    assert all(name.isupper() for name in KEY_VARIABLES.values())


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ('{"n": 1}', {"n": 1}),
        ('```json\n{"n": 1}\n```', {"n": 1}),
        ('<think>{"no": 1}</think>\n{"n": 1}', {"n": 1}),
        ("[1]", None),
        ("", None),
        ('{"n": ', None),
        ('{"n": NaN}', {"n": None}),
        ('{"n": ' + "[" * 100_000, None),
    ],
)
def test_json_is_found_inside_its_wrappings(text: str, data: dict[str, int | None] | None) -> None:
    """A code fence or a thinking block around the object is taken off; anything but an object is no data."""
    assert first_object(text) == data


VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL", "OLLAMA_HOST")
WHERE = """
from research.requests import ModelRequest
from tools.chat_models import open_model
for spec in ("openai:a", "anthropic:a", "ollama:a", "google_genai:gemini-a"):
    chat = open_model(spec, api_key="sk-0123456789", counter=lambda request: 1)._chat
    names = ("openai_api_base", "anthropic_api_url", "base_url")
    print(next(address for name in names if (address := getattr(chat, name, None))))
"""


def test_no_variable_of_a_provider_says_where_prompts_go() -> None:
    """A key and a prompt go to the provider, or to the server that was told on purpose."""
    elsewhere = dict.fromkeys((*VARIABLES, "GOOGLE_GEMINI_BASE_URL"), "http://127.0.0.1:9/v1")
    told = subprocess.run(
        [sys.executable, "-c", WHERE], env={**os.environ, **elsewhere}, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.split() == [
        "https://api.openai.com/v1",
        "https://api.anthropic.com",
        "http://127.0.0.1:11434",
        "https://generativelanguage.googleapis.com",
    ]
