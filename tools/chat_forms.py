"""Part of ``tools.chat_models``: the three ways to ask for JSON, and which of them a model is able to.

From the strictest down: a JSON Schema that the provider enforces, a forced tool call, plain words. A model starts at
the strictest and goes down where its provider refuses the form, or takes it and does not keep to it. Tools that a
provider does not know are called in words, too. What is learnt holds for one opened model; it is no part of a request,
so that a recorded answer is found again whatever was learnt. What the forms put into a prompt is counted in
``tools.tokens``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from research.prompts import prompt
from research.reply_json import first_object, lacking
from research.requests import Message, ModelReply, ModelRequest, ToolCall

Form = Literal["a JSON schema", "a forced tool call", "plain JSON"]
FORMS: tuple[Form, ...] = ("a JSON schema", "a forced tool call", "plain JSON")
MISSES = 2
"""Whole answers without the fields asked for, in a row, that show that a form is not kept to. One is an accident: a
provider that enforces a schema cannot make any, but some only enforce that it is JSON."""
REPLY = "reply"
"""The name of the schema, and of the tool that takes the answer's place."""

REFUSALS: Mapping[Form, re.Pattern[str]] = {
    "a JSON schema": re.compile(
        r"response.?format|json.?schema|json.?mode|json.?object|structured.?output|output.?config|output.?format"
        r"|guided|grammar|\bschemas?\b",
        re.IGNORECASE,
    ),
    "a forced tool call": re.compile(r"\btools?\b|tool.?(?:choice|use|call)|function.?call", re.IGNORECASE),
}
"""What a provider speaks of when it does not take a form."""


class Forms:
    """The form that one model is asked in now. Branches share it, so a step down names the form that it is from."""

    def __init__(self) -> None:
        self.tools = True
        self._place = 0
        self._misses = 0

    @property
    def now(self) -> Form:
        return FORMS[self._place]

    def refused(self, form: Form, said: str) -> bool:
        """Return whether ``said``, a provider's refusal of a request, is of its ``form``; if so, go down from it."""
        pattern = REFUSALS.get(form)
        if pattern is None or not pattern.search(said):
            return False
        self._down(form)
        return True

    def refused_tools(self, said: str) -> bool:
        """Return whether ``said`` is of tools; if so, they are called in words from now on."""
        if not self.tools or not REFUSALS["a forced tool call"].search(said):
            return False
        self.tools = False
        return True

    def answered(self, form: Form, reply: ModelReply, schema: Mapping[str, Any]) -> None:
        """Go down when whole answers lack what the schema requires; an answer that was cut or refused shows nothing."""
        if form != self.now or reply.stop in ("length", "refusal"):
            return
        self._misses = self._misses + 1 if lacking(reply.data, schema) else 0
        if self._misses >= MISSES:
            self._down(form)

    def _down(self, form: Form) -> None:
        if form == self.now:
            self._place = min(self._place + 1, len(FORMS) - 1)
            self._misses = 0


def schema_option(schema: dict[str, Any]) -> dict[str, Any]:
    """Return OpenAI's form of a schema; LangChain's classes of the other providers translate it."""
    return {"type": "json_schema", "json_schema": {"name": REPLY, "schema": schema, "strict": True}}


def reply_tool(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a tool whose arguments are the answer."""
    function = {"name": REPLY, "description": "Give the answer.", "parameters": schema}
    return {"type": "function", "function": function}


def schema_in_words(request: ModelRequest) -> tuple[Message, ...]:
    """Return the messages with what is said to get the schema's JSON from a model that knows no other form."""
    return _with(request, prompt("plain", schema=_json(request.schema))[1])


def tools_in_words(request: ModelRequest) -> tuple[Message, ...]:
    """Return the messages with what is said to get calls of the tools as JSON."""
    tools = "\n".join(f"{tool.name}: {tool.description} {_json(tool.parameters)}" for tool in request.tools)
    return _with(request, prompt("plain_tools", tools=tools)[1])


def calls_in(text: str) -> tuple[ToolCall, ...]:
    """Return the calls that an answer in words makes; none where it is not such JSON."""
    found = (first_object(text) or {}).get("calls")
    calls = [call for call in found if isinstance(call, dict)] if isinstance(found, list) else []
    return tuple(
        ToolCall(id=f"call-{number}", name=str(call.get("name", "")), arguments=arguments)
        for number, call in enumerate(calls, 1)
        if isinstance(arguments := call.get("arguments"), dict)
    )


def _with(request: ModelRequest, added: Message) -> tuple[Message, ...]:
    *before, last = request.messages
    return (*before, msgspec.structs.replace(last, content=f"{last.content}\n\n{added.content}"))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
