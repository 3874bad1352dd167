"""Part of ``tools.chat_models``: requests in LangChain's words, and its answers in ours. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from research.clean import clean_text
from research.records import encode
from research.reply_json import cleaned, first_object
from research.requests import Message, ModelReply, ModelRequest, Stop, TokenCount, ToolCall, ToolSpec

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, BaseMessage

STOPS: Mapping[str, Stop] = {
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tools",
    "tool_use": "tools",
    "function_call": "tools",
    "content_filter": "refusal",
    "refusal": "refusal",
    "safety": "refusal",
    "prohibited_content": "refusal",
    "blocklist": "refusal",
    "recitation": "refusal",
}


def tool_of(spec: ToolSpec) -> dict[str, Any]:
    """Return OpenAI's form of a tool, which every provider's class takes."""
    function = {"name": spec.name, "description": spec.description, "parameters": spec.parameters}
    return {"type": "function", "function": function}


def outgoing(message: Message) -> BaseMessage:
    """Return LangChain's message."""
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

    content = _valid(message.content)
    if message.role == "system":
        return SystemMessage(content)
    if message.role == "user":
        return HumanMessage(content)
    if message.role == "tool":
        return ToolMessage(content, tool_call_id=message.tool_call_id)
    calls = [{"id": call.id, "name": call.name, "args": call.arguments} for call in message.tool_calls]
    return AIMessage(content, tool_calls=calls)


def _valid(text: str) -> str:
    """Lone surrogates cannot be sent as UTF-8."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def reply_of(answer: AIMessage, request: ModelRequest) -> ModelReply:
    """Return an answer as the gate records it: every text in it cleaned, so that it can be written down as UTF-8."""
    text = str(answer.text)
    reply = ModelReply(
        text=clean_text(text),
        stop=_stop(answer),
        usage=_count(answer),
        data=first_object(text) if request.schema is not None else None,
        tool_calls=_tool_calls(answer),
    )
    return _called(reply) if request.schema is not None and not request.tools else reply


def _count(answer: AIMessage) -> TokenCount | None:
    """Return the tokens that LangChain has read from the provider's answer: the parts are counted in the wholes."""
    usage = answer.usage_metadata
    if usage is None:
        return None
    return TokenCount(
        prompt=usage["input_tokens"],
        completion=usage["output_tokens"],
        cached=(usage.get("input_token_details") or {}).get("cache_read") or 0,
        reasoning=(usage.get("output_token_details") or {}).get("reasoning") or 0,
    )


def _called(reply: ModelReply) -> ModelReply:
    """Return a reply that came as the call of a tool as what it is: the answer.

    A call that was cut is none, and neither are several: each of them may be a part of the answer.
    """
    if not reply.tool_calls:
        return reply
    stop: Stop = "end" if reply.stop == "tools" else reply.stop
    told = [call.arguments for call in reply.tool_calls]
    text = "\n".join(str(call["_invalid"]) if "_invalid" in call else encode(call) for call in told)
    whole = len(told) == 1 and "_invalid" not in told[0] and stop != "length"
    return msgspec.structs.replace(reply, text=text, stop=stop, data=told[0] if whole else None, tool_calls=())


def _stop(answer: AIMessage) -> Stop:
    facts = answer.response_metadata
    if answer.additional_kwargs.get("refusal"):
        return "refusal"
    incomplete = facts.get("incomplete_details") or {}
    named = (facts.get(key) for key in ("finish_reason", "stop_reason", "done_reason"))
    reason = next((value for value in named if value), None) or incomplete.get("reason") or ""
    found = STOPS.get(str(reason).lower(), "end")
    return "tools" if found == "end" and (answer.tool_calls or answer.invalid_tool_calls) else found


def _tool_calls(answer: AIMessage) -> tuple[ToolCall, ...]:
    """A call whose arguments are not a JSON object is kept, so that it can be answered with what was wrong."""
    good = [(call.get("id"), call["name"], dict(call["args"])) for call in answer.tool_calls]
    bad = [
        (call.get("id"), call.get("name"), {"_invalid": call.get("args") or ""}) for call in answer.invalid_tool_calls
    ]
    calls = enumerate([*good, *bad], 1)
    return tuple(
        ToolCall(id=clean_text(id or "") or f"call-{n}", name=clean_text(name or ""), arguments=cleaned(args))
        for n, (id, name, args) in calls
    )
