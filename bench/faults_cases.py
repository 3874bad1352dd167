"""Part of ``bench.faults``: every way in which a model's answers go wrong, and what must become of each.

Three kinds: an HTTP status or a broken connection (``tools.fakes.faults``), an address where no such server is, and an
answer that is whole on the wire and wrong in its words. A file of cases in JSON lines adds to the first two.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from tools.fakes.faults import CANARY, TRANSPORTS, WireFault
from tools.fakes.openai_server import Ability
from tools.fakes.persona import Answer

Place = Literal["planner", "branch", "writer"]
PLACES: tuple[Place, ...] = ("planner", "branch", "writer")
Address = Literal["connect refused", "connect timeout", "dns failure", "tls handshake failure", "tls wrong host"]
ADDRESSES: tuple[Address, ...] = (
    "connect refused",
    "connect timeout",
    "dns failure",
    "tls handshake failure",
    "tls wrong host",
)
AGAIN = (408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 529)
"""Statuses after which a call may be made again."""
NEVER = (400, 401, 402, 403, 404, 413, 422)
WAITS = ("0", "2", "-5", "abc", "nan", "1e400", "86400", "Wed, 21 Oct 2099 07:28:00 GMT")
HANGS = ("accept then silence", "headers then silence", "1 byte per second", "body never ends (chunked)")
LOST = (*HANGS, "100 MB json body", "redirect 307 to another host")
"""Transports after which a call is not made again: it may be going on, or would end the same way."""
ALMOST_WHOLE = 'quotes": [{"passage": 1, "quote": "The '
TOO_LONG: dict[str, dict[str, Any]] = {
    "openai": {"code": "context_length_exceeded", "message": "too much"},
    "anthropic": {"type": "invalid_request_error", "message": "prompt is too long: 201000 tokens > 200000 maximum"},
    "vllm": {"message": "This model's maximum context length is 8192 tokens. Please reduce the length."},
    "llama.cpp": {"type": "exceed_context_size_error", "message": "the request exceeds the available context size"},
    "google": {"message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."},
    "mistral": {"message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"},
}
SPENT: dict[str, dict[str, Any]] = {
    "quota": {"code": "insufficient_quota"},
    "spend limit": {"type": "rate_limit_error", "details": {"error_code": "enforced_spend_limit_reached"}},
    "hard limit": {"code": "billing_hard_limit_reached"},
    "proxy's budget": {"type": "budget_exceeded"},
}
FOREIGN = "这座桥建于一九三一年，由当地工程师设计。" * 3


@dataclass(frozen=True)
class Case:
    """One fault: served ``times`` times (0: for ever). ``heals``: the report is that of the undisturbed run.

    ``once``: what was refused is not sent again, word for word. ``slow``: it ends at a deadline.
    """

    name: str
    wire: WireFault | None = None
    address: Address | None = None
    answer: Answer | None = None
    lacking: tuple[Ability, ...] = ()
    times: int = 1
    heals: bool = False
    once: bool = False
    slow: bool = False


def _status(status: int, times: int, name: str = "", **rest: Any) -> Case:
    told = f"{name or f'HTTP {status}'} {'once' if times else 'for ever'}"
    again = status in AGAIN
    return Case(
        told,
        wire=WireFault(name=told, status=status, **rest),
        times=times,
        heals=again and bool(times),
        once=not again,
        slow=again and not times,
    )


def statuses() -> Iterator[Case]:
    """Every status that servers and proxies send, once and for ever."""
    for status in NEVER:
        yield _status(status, 0)
    for status in AGAIN:
        for times in (1, 0):
            yield _status(status, times, body="<html>Bad gateway</html>" if status == 502 else None)
    for kind, error in TOO_LONG.items():
        yield _status(400, 0, f"context length, {kind}", body={"error": error})
    for kind, error in SPENT.items():
        case = _status(429, 0, f"no money, {kind}", body={"error": error})
        yield Case(case.name, wire=case.wire, times=0, once=True)


def waits() -> Iterator[Case]:
    """What servers say of when to come again."""
    told = [{"retry-after": value} for value in WAITS] + [{"retry-after-ms": "1500"}, {"x-should-retry": "true"}]
    for headers in told:
        (entry,) = headers.items()
        name = f"429 with {entry[0]}={entry[1]}"
        far = entry[1] in ("86400", "1e400")
        yield Case(name, wire=WireFault(name=name, status=429, headers=headers), heals=not far, slow=far)
    name = "429 with x-should-retry=false"
    yield Case(name, wire=WireFault(name=name, status=429, headers={"x-should-retry": "false"}), times=0, once=True)


def transports() -> Iterator[Case]:
    """Broken connections and bodies, once; those that last are told apart from those that do not by the address."""
    for transport in TRANSPORTS:
        heals, slow = transport not in LOST, transport in HANGS
        wire = WireFault(name=transport, transport=transport)
        yield Case(transport, wire=wire, heals=heals, slow=slow, times=1 if heals else 0, once=not heals)
    yield from (Case(address, address=address, times=0, slow=True) for address in ADDRESSES)


def answers() -> Iterator[Case]:
    """Answers that are whole on the wire and wrong in their words: once, which a repair puts right, and for ever."""
    wrong: dict[str, Answer] = {
        "words without JSON": {"text": f"Let me think about {CANARY}."},
        "a polite refusal": {"text": f"I'm sorry, but I can't help with {CANARY}."},
        "an empty answer": {"text": ""},
        "thinking and no answer": {"thinking": f"{CANARY}, wait, let me see"},
        "thinking until the limit": {"thinking": f"{CANARY}, wait, " * 4000},
        "thinking that does not end": {"text": f"<think>{CANARY} {{}}"},
        "cut in mid-word": {"text": f'{{"tasks": [{{"objective": "{CANARY} and so', "finish": "length"},
        "cut in mid-word, not told": {"text": f'{{"{ALMOST_WHOLE}{CANARY}'},
        "a loop until the limit": {"text": f"{CANARY} and " * 8000},
        "JSON of another shape": {"json": {"weather": CANARY}},
        "a list in place of an object": {"json": [{"objective": CANARY}]},
        "an empty object": {"json": {}},
        "the schema itself": {"json": {"type": "object", "properties": {"tasks": {"type": "array"}}}},
        "another language": {"text": FOREIGN},
        "a tool call that nobody offered": {"tool_calls": [{"name": "search", "arguments": {"query": CANARY}}]},
        "a tool call cut in mid-argument": {"tool_calls": [{"name": "reply", "arguments": f'{{"tasks": "{CANARY}'}]},
    }
    for name, answer in wrong.items():
        yield Case(f"{name} once", answer=answer, heals=True)
        yield Case(f"{name} for ever", answer=answer, times=0)
    yield Case("a refusal by the provider", answer={"refusal": f"no {CANARY}"}, times=0, once=True)
    yield Case("a filtered answer", answer={"text": "", "finish": "content_filter"}, times=0, once=True)


def abilities() -> Iterator[Case]:
    """Servers that do not know a form of request."""
    yield Case("no response_format", lacking=("response_format",), times=0, heals=True)
    yield Case("no response_format and no tools", lacking=("response_format", "tools"), times=0, heals=True)


def every_case() -> tuple[Case, ...]:
    """Return all cases, in order."""
    return (*statuses(), *waits(), *transports(), *answers(), *abilities())


def cases_of(lines: Iterable[str]) -> tuple[Case, ...]:
    """Return the cases of JSON lines: a transport, or ``status``, ``headers``, ``body``, ``times`` (-1: for ever)."""
    return tuple(_read(json.loads(line)) for line in lines if line.strip())


def _read(told: dict[str, Any]) -> Case:
    name, transport = str(told["name"]), told.get("transport")
    if transport in ADDRESSES:
        return Case(name, address=cast("Address", transport), times=0, slow=True)
    if transport is not None:
        known = {case.name: case for case in transports()}
        return replace(known[transport], name=name)
    status, times = int(told["status"]), max(0, int(told.get("times", 0)))
    headers, body = told.get("headers") or {}, told.get("body")
    case = _status(status, times, name, headers=headers, body=body if "html" not in name else f"<html>{name}</html>")
    far, halted = headers.get("retry-after") == "86400", headers.get("x-should-retry") == "false"
    spent = "spend limit" in name or "quota" in name
    heals = case.heals and not (far or halted or spent)
    return Case(
        name, wire=case.wire, times=times, heals=heals, once=case.once or halted or spent, slow=case.slow or far
    )


def cases_in(file: Path) -> tuple[Case, ...]:
    """Return the cases of a file."""
    return cases_of(file.read_text(encoding="utf-8").splitlines())
