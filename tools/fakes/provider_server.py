"""A loopback server that speaks the wire formats of Anthropic, Google and Ollama, for tests with their real classes.

Anthropic's ``POST /v1/messages``, Google's ``POST /v1beta/models/NAME:generateContent``, Ollama's ``POST /api/chat``,
with system prompts, tools, schemas, token limits and usage. Each request is put into OpenAI's words, answered as
``tools.fakes.openai_server`` answers, with its scripts and faults, and the answer is put into the provider's words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tools.fakes.faults import WireFault
from tools.fakes.faults import serve as serve_fault
from tools.fakes.openai_server import OpenAIServer
from tools.fakes.wire import Exchange, count_prompt, cut_answer

Json = dict[str, Any]


class Dialect(NamedTuple):
    """How a provider is asked and how it answers: what marks its path, and both ways between its words and OpenAI's."""

    provider: str
    mark: str
    asked: Callable[[Json, str], Json]
    told: Callable[[Json, str, Mapping[str, int]], Json]
    media: str = "application/json"


class ProviderServer(OpenAIServer):
    """The server; ``requests`` holds what was asked in OpenAI's words, ``paths`` where."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.paths: list[str] = []
        self.headers: list[Mapping[str, str]] = []

    @property
    def address(self) -> str:
        """The server's address, without the path that OpenAI's has."""
        return self.base_url.removesuffix("/v1")

    async def _route(self, exchange: Exchange) -> None:
        dialect = next((one for one in DIALECTS if one.mark in exchange.path), None)
        if dialect is None:
            await super()._route(exchange)
            return
        body = dialect.asked(exchange.json(), exchange.path)
        self.paths.append(exchange.path)
        self.headers.append(exchange.headers)
        self.requests.append(body)
        fault = self._fault(len(self.requests), body)
        answer, finish, used = cut_answer(self._answer(body), body["max_tokens"])
        told = dialect.told(answer, finish, {"prompt": count_prompt(body), "completion": used})
        if isinstance(fault, WireFault):
            await serve_fault(fault, exchange, told)
            return
        await exchange.send(200, f"{json.dumps(told)}\n".encode(), dialect.media)


def _messages(system: str, rows: list[tuple[str, str]]) -> list[Json]:
    told = [("system", system)] if system else []
    return [{"role": role, "content": text} for role, text in (*told, *rows)]


def _schema(schema: Json | None) -> Json:
    return {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}} if schema else {}


def _tools(rows: list[tuple[str, Json]]) -> Json:
    return {"tools": [{"type": "function", "function": {"name": name, "parameters": form}} for name, form in rows]}


def _texts(content: str | list[Json]) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _anthropic_asked(body: Json, path: str) -> Json:
    rows = [(message["role"], _texts(message["content"])) for message in body["messages"]]
    tools = [(tool["name"], tool["input_schema"]) for tool in body.get("tools") or []]
    form = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    asked = {"model": body["model"], "messages": _messages(_texts(body.get("system") or ""), rows)}
    return asked | {"max_tokens": body["max_tokens"]} | _schema(form) | (_tools(tools) if tools else {})


def _anthropic_told(answer: Json, finish: str, usage: Mapping[str, int]) -> Json:
    stops = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
    text = answer.get("content")
    content: list[Json] = [{"type": "text", "text": text}] if text else []
    content += [
        {"type": "tool_use", "id": call["id"], "name": call["function"]["name"], "input": _input(call)}
        for call in answer.get("tool_calls") or []
    ]
    cached = usage["prompt"] // 2
    counts = {"input_tokens": usage["prompt"] - cached, "output_tokens": usage["completion"]}
    told = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": content}
    stop = "refusal" if answer.get("refusal") else stops[finish]
    return told | {"stop_reason": stop, "usage": counts | {"cache_read_input_tokens": cached}}


def _google_asked(body: Json, path: str) -> Json:
    roles = {"user": "user", "model": "assistant"}
    rows = [(roles[turn.get("role", "user")], _texts(turn["parts"])) for turn in body["contents"]]
    system = _texts((body.get("systemInstruction") or {}).get("parts") or [])
    wished = body.get("generationConfig") or {}
    declared = [form for tool in body.get("tools") or [] for form in tool["functionDeclarations"]]
    asked: Json = {"model": path.rpartition("/")[2].partition(":")[0], "messages": _messages(system, rows)}
    asked |= {"max_tokens": wished.get("maxOutputTokens")} | _schema(wished.get("responseJsonSchema"))
    return asked | (_tools([(form["name"], form["parameters"]) for form in declared]) if declared else {})


def _google_told(answer: Json, finish: str, usage: Mapping[str, int]) -> Json:
    stops = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP"}
    text = answer.get("content")
    parts: list[Json] = [{"text": text}] if text else []
    parts += [
        {"functionCall": {"name": call["function"]["name"], "args": _input(call)}}
        for call in answer.get("tool_calls") or []
    ]
    thought = usage["completion"] // 4
    counts = {
        "promptTokenCount": usage["prompt"],
        "candidatesTokenCount": usage["completion"] - thought,
        "thoughtsTokenCount": thought,
        "cachedContentTokenCount": usage["prompt"] // 2,
        "totalTokenCount": usage["prompt"] + usage["completion"],
    }
    stop = "SAFETY" if answer.get("refusal") else stops[finish]
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": stop, "index": 0}
    return {"candidates": [candidate], "usageMetadata": counts, "modelVersion": "gemini"}


def _ollama_asked(body: Json, path: str) -> Json:
    rows = [(message["role"], message["content"]) for message in body["messages"]]
    tools = [(tool["function"]["name"], tool["function"]["parameters"]) for tool in body.get("tools") or []]
    wished = body.get("options") or {}
    asked = {"model": body["model"], "messages": _messages("", rows), "num_ctx": wished.get("num_ctx")}
    asked |= {"max_tokens": wished.get("num_predict")} | _schema(body.get("format"))
    return asked | (_tools(tools) if tools else {})


def _ollama_told(answer: Json, finish: str, usage: Mapping[str, int]) -> Json:
    message: Json = {"role": "assistant", "content": answer.get("content") or ""}
    calls = [
        {"function": {"name": call["function"]["name"], "arguments": _input(call)}}
        for call in answer.get("tool_calls") or []
    ]
    told = {"model": "qwen3", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": True}
    counts = {"prompt_eval_count": usage["prompt"], "eval_count": usage["completion"]}
    message |= {"tool_calls": calls} if calls else {}
    return told | counts | {"done_reason": "length" if finish == "length" else "stop"}


def _input(call: Json) -> Json:
    """Return a call's arguments as an object; one that was cut is empty, as no provider sends half of one."""
    try:
        found: Json = json.loads(call["function"]["arguments"])
    except ValueError:
        return {}
    return found


DIALECTS = (
    Dialect("anthropic", "/v1/messages", _anthropic_asked, _anthropic_told),
    Dialect("google_genai", ":generateContent", _google_asked, _google_told),
    Dialect("ollama", "/api/chat", _ollama_asked, _ollama_told, "application/x-ndjson"),
)
