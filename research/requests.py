"""What the gate sends and gets back: one request and one reply type for each kind of effect.

A request is plain data, so its hash names it (:func:`request_key`); a reply is plain data, so it can be recorded and
replayed. The values that flow on from here are in ``research.records``.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal, get_args

import msgspec

from research.records import Hit, Record, Source, encode

Role = Literal["planner", "researcher", "reader", "writer", "checker"]
ROLES: tuple[Role, ...] = get_args(Role)
Stop = Literal["end", "length", "tools", "refusal"]


class ToolSpec(Record):
    """A tool a model may call: ``parameters`` is a JSON Schema object."""

    name: str
    description: str
    parameters: dict[str, Any]


class ToolCall(Record):
    """A tool call that a model made; ``arguments`` is untrusted data."""

    id: str
    name: str
    arguments: dict[str, Any]


class Message(Record):
    """One chat message. ``tool_calls`` belong to the assistant, ``tool_call_id`` to a tool's answer."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


class ModelRequest(Record):
    """One chat completion. ``schema`` asks for JSON of that shape; ``max_tokens`` is the most it may answer with."""

    model: str
    role: Role
    messages: tuple[Message, ...]
    max_tokens: int
    schema: dict[str, Any] | None = None
    tools: tuple[ToolSpec, ...] = ()
    kind: Literal["model"] = "model"


class TokenCount(Record):
    """Tokens as the provider reports them.

    ``cached`` of the prompt's were read from the provider's own cache, ``reasoning`` of the completion's are not shown.
    """

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0


class ModelReply(Record):
    """A whole answer. ``data`` is the parsed JSON when a schema was asked for and the text was JSON, else ``None``."""

    text: str
    stop: Stop
    usage: TokenCount | None = None
    data: Any = None
    tool_calls: tuple[ToolCall, ...] = ()


class SearchRequest(Record):
    """One web search. ``limit`` is the most hits wanted."""

    provider: str
    query: str
    limit: int = 10
    kind: Literal["search"] = "search"


class RetrieveRequest(Record):
    """One retrieval from a corpus; ``generation`` changes with every completed index: stale answers are not reused."""

    corpus: str
    generation: str
    query: str
    limit: int = 10
    kind: Literal["retrieve"] = "retrieve"


class FetchRequest(Record):
    """One page, by a handle that code made and the URL that the handle stands for."""

    handle: str
    url: str
    kind: Literal["fetch"] = "fetch"


class HitsReply(Record):
    """The ranked hits of a search or retrieval, best first."""

    hits: tuple[Hit, ...]


class FetchReply(Record):
    """The page as stored in the library; the text is read from there. ``signs`` are those of ``research.injection``."""

    source: Source
    characters: int
    signs: dict[str, int] = msgspec.field(default_factory=dict)


Request = ModelRequest | SearchRequest | RetrieveRequest | FetchRequest
Reply = ModelReply | HitsReply | FetchReply


def request_key(request: Request) -> str:
    """Return the SHA-256 (hex) of the request's canonical JSON: equal requests, equal keys."""
    return hashlib.sha256(encode(request).encode()).hexdigest()
