"""What the loopback model answers: deterministic, from the schema, the tools and the tagged blocks of the prompt.

It plays a sensible model with the prompts of ``research/prompts``: plans one task a query, quotes the sentences that
share most words with the task, writes sentences with the finding ids it was shown. Any other schema gets its smallest
instance. The wire format is in ``tools.fakes.wire``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import struct
from collections.abc import Mapping
from typing import Any

Answer = Mapping[str, Any]
"""One of ``{"text": str}``, ``{"json": value}``, ``{"tool_calls": [{"name", "arguments"}]}``; optional ``finish``.

Or an answer without content: ``{"refusal": str}``, ``{"thinking": str}``.
"""

WORD = re.compile(r"[^\W_]{3,}")
SENTENCE = re.compile(r"[^.!?\n]{20,}[.!?]")
STOP_WORDS = frozenset(
    {"the", "and", "for", "are", "was", "were", "what", "which", "how", "why", "when", "who", "does", "with", "from"}
)
IN_WORDS = re.compile(r"JSON Schema.*\n(\{.*\})\s*\Z", re.DOTALL)
TOOLS_IN_WORDS = re.compile(r"The tools, with the JSON\nSchema of their arguments:\n(.*)\Z", re.DOTALL)
SEVERAL = {"query": "queries", "finding": "findings"}
"""The fields of fuller answers in which a smaller one's is the first."""
MOST_QUOTES = 2
MOST_CITED = 24


def answer_to(body: Mapping[str, Any]) -> Answer:
    """Return the answer to a chat request."""
    prompt = "\n".join(_content(message) for message in body["messages"])
    schema = asked_schema(body)
    if schema is not None:
        fields = frozenset(schema.get("properties", {}))
        play = next((play for needed, play in ROLES if needed <= fields), None)
        value = smallest(schema) if play is None else fitted(play(prompt, schema), schema)
        forced = _forced(body)
        return {"tool_calls": [{"name": forced["name"], "arguments": value}]} if forced else {"json": value}
    told = TOOLS_IN_WORDS.search(_content(body["messages"][-1]))
    if told:
        return {"json": {"calls": _agent(prompt, re.findall(r"^(\w+): ", told[1], re.MULTILINE)).get("tool_calls", [])}}
    if body.get("tools"):
        return _agent(prompt, [tool["function"]["name"] for tool in body["tools"]])
    return {"text": f"You said {len(prompt)} characters."}


def in_own_words(body: Mapping[str, Any]) -> Answer:
    """Return the answer to a chat request; what it writes stands in no quote, so that it has to be checked."""
    answer = answer_to(body)
    told = answer.get("json")
    if not isinstance(told, dict):
        return answer
    sections = [told, *(part for part in told.get("sections", ()) if isinstance(part, dict))]
    written = [sentence for part in sections for name in ("answer", "sentences") for sentence in part.get(name, ())]
    for sentence in written:
        sentence["text"] = f"As told: {sentence['text']}"
    return answer


def asked_schema(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the schema of the JSON that is asked for: as a format, as a forced tool's, or in the words of a prompt."""
    schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
    if schema is None and (forced := _forced(body)):
        schema = forced["parameters"]
    if schema is None and (shown := IN_WORDS.search(_content(body["messages"][-1]))):
        schema = json.loads(shown[1])
    return schema if isinstance(schema, dict) else None


def _forced(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the tool that must be called."""
    choice = body.get("tool_choice")
    name = choice.get("function", {}).get("name") if isinstance(choice, dict) else None
    return next((tool["function"] for tool in body.get("tools") or [] if tool["function"]["name"] == name), None)


def fitted(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return what ``schema`` asks for of a fuller value: only its fields, one of a list, the text of an entry."""
    if schema.get("type") == "object" and isinstance(value, dict):
        return {name: fitted(_held(value, name), field) for name, field in schema["properties"].items()}
    if schema.get("type") == "array" and isinstance(value, list):
        return [fitted(item, schema["items"]) for item in value]
    if isinstance(value, dict):
        value = next((value[name] for name in ("quote", "verdict", "text") if name in value), None)
    return smallest(schema) if value is None else value


def _held(value: Mapping[str, Any], name: str) -> Any:
    several = value.get(SEVERAL.get(name, ""))
    return several[0] if several else value.get(name)


def embedding(text: str, dimensions: int, encoded: bool) -> list[float] | str:
    """Return a unit vector that depends on the words only: each word adds to one dimension, with a sign."""
    vector = [0.0] * dimensions
    for word in WORD.findall(text.lower()) or [text]:
        digest = hashlib.sha256(word.encode("utf-8", "replace")).digest()
        vector[int.from_bytes(digest[:4], "big") % dimensions] += 1.0 if digest[4] % 2 else -1.0
    length = math.sqrt(sum(value * value for value in vector)) or 1.0
    vector = [value / length for value in vector]
    return base64.b64encode(struct.pack(f"<{dimensions}f", *vector)).decode() if encoded else vector


def blocks(prompt: str, name: str) -> list[tuple[dict[str, str], str]]:
    """Return attributes and text of every ``<name-…>`` block."""
    found = re.finditer(rf"<({name}-\w+)((?: [a-z]+=\"[^\"]*\")*)>\n(.*?)\n</\1>", prompt, re.DOTALL)
    return [(dict(re.findall(r'([a-z]+)="([^"]*)"', match[2])), match[3]) for match in found]


def smallest(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Any:
    """Return the smallest value that fits a JSON Schema."""
    top = root or schema
    if "$ref" in schema:
        return smallest(top["$defs"][schema["$ref"].rsplit("/", 1)[1]], top)
    if "const" in schema or schema.get("enum"):
        return schema.get("const", (schema.get("enum") or [None])[0])
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return smallest(schema[key][0], top)
    kind = schema.get("type", "object" if "properties" in schema else "null")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        wanted = schema.get("required", schema.get("properties", {}))
        return {key: smallest(schema["properties"][key], top) for key in wanted}
    if kind == "array":
        return [smallest(schema["items"], top) for _ in range(schema.get("minItems", 0))]
    plain = {"string": "x" * schema.get("minLength", 0), "boolean": False, "null": None}
    return plain[kind] if kind in plain else schema.get("minimum", 0)


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _words(text: str) -> list[str]:
    return [word for word in dict.fromkeys(WORD.findall(text.lower())) if word not in STOP_WORDS]


def _block(prompt: str, name: str) -> str:
    found = blocks(prompt, name)
    return found[0][1] if found else ""


def _plan(prompt: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """As many tasks as are allowed, each with its own facet of the question, over the sources in turn."""
    question = _block(prompt, "question")
    allowed = schema["properties"]["tasks"]["items"]["properties"].get("source", {}).get("enum", [""])
    number = re.search(r"at most (\d+) task", prompt)
    if _block(prompt, "notes"):
        return {"rationale": "enough was found", "tasks": []}
    words = _words(question) or ["question"]
    tasks = []
    for n in range(min(int(number[1]) if number else 1, len(words))):
        facet = " ".join(words[n:] + words[:n])
        task = {"objective": f"Find out about {words[n]}: {question}"[:300], "queries": [question[:200], facet[:200]]}
        tasks.append(task | {"source": allowed[n % len(allowed)], "wanted": "a statement in the source's own words"})
    return {"rationale": "one task a facet of the question", "tasks": tasks}


def _read(prompt: str, _: Mapping[str, Any]) -> dict[str, Any]:
    wanted = set(_words(_block(prompt, "task")))
    scored = []
    for attributes, text in blocks(prompt, "passage"):
        for match in SENTENCE.finditer(text):
            quote = match[0].strip()
            shared = len(wanted & set(_words(quote)))
            if shared:
                scored.append((-shared, int(attributes["number"]), quote))
    best = [entry for n, entry in enumerate(sorted(scored)) if n < MOST_QUOTES]
    top = -best[0][0] if best else 1
    quotes = [
        {"passage": number, "quote": quote, "statement": " ".join(quote.split()), "relevance": round(-score / top, 2)}
        for score, number, quote in best
    ]
    return {"quotes": quotes}


def _rank(prompt: str, _: Mapping[str, Any]) -> dict[str, Any]:
    wanted = set(_words(_block(prompt, "task")))
    shown = blocks(prompt, "hit")
    return {"scores": [{"handle": facts["handle"], "score": len(wanted & set(_words(t)))} for facts, t in shown]}


def _judge(prompt: str, _: Mapping[str, Any]) -> dict[str, Any]:
    return {"enough": bool(blocks(prompt, "finding")), "missing": "", "queries": []}


def _write(prompt: str, _: Mapping[str, Any]) -> dict[str, Any]:
    findings = [(facts["id"], text.partition("\n")[0].partition(": ")[2]) for facts, text in blocks(prompt, "finding")]
    sentences = [{"text": text, "findings": [id]} for id, text in findings[:MOST_CITED]]
    sections = [{"heading": "What the sources say", "sentences": sentences}]
    return {"answer": sentences[:1], "sections": sections, "disagreements": []}


def _outline(prompt: str, _: Mapping[str, Any]) -> dict[str, Any]:
    """Two sections, each of every other finding, and headed by words of its first."""
    found = [(facts["id"], text) for facts, text in blocks(prompt, "finding")]
    halves = [half for half in (found[::2], found[1::2]) if half]
    sections = [{"heading": " ".join(_words(half[0][1])[1:6]), "findings": [id for id, _ in half]} for half in halves]
    return {"sections": sections, "disagreements": []}


def _section(prompt: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"sentences": _write(prompt, schema)["sections"][0]["sentences"]}


def _answer(prompt: str, _: Mapping[str, Any]) -> dict[str, Any]:
    shown = blocks(prompt, "sentence")
    return {"answer": [{"text": text, "findings": facts["findings"].split()} for facts, text in shown[:1]]}


def _check(prompt: str, _: Mapping[str, Any]) -> dict[str, Any]:
    numbers = [int(facts["number"]) for facts, _ in blocks(prompt, "claim")]
    said = {"reason": "the quotes say it", "verdict": "supported"}
    return {"verdicts": [{"number": number, **said} for number in numbers]}


def _agent(prompt: str, tools: list[str]) -> Answer:
    """Search first, then open what was found and not read yet, then stop."""
    hits = [facts["handle"] for facts, _ in blocks(prompt, "hit")]
    if blocks(prompt, "finding"):
        return {"text": "Enough was found."}
    if hits and "open" in tools:
        return {"tool_calls": [{"name": "open", "arguments": {"handle": handle}} for handle in hits[:2]]}
    if not hits and "search" in tools:
        return {"tool_calls": [{"name": "search", "arguments": {"query": _block(prompt, "task")[:200]}}]}
    if "search" in tools or "open" in tools:
        return {"text": "Nothing more to do."}
    return {"tool_calls": [{"name": tools[0], "arguments": {}}]}


ROLES = (
    (frozenset({"tasks"}), _plan),
    (frozenset({"quotes"}), _read),
    (frozenset({"scores"}), _rank),
    (frozenset({"enough"}), _judge),
    (frozenset({"answer", "sections"}), _write),
    (frozenset({"sections"}), _outline),
    (frozenset({"sentences"}), _section),
    (frozenset({"answer"}), _answer),
    (frozenset({"verdicts"}), _check),
)
