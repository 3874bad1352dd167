"""Part of ``bench.faults``: every way in which a model's answers go wrong, and what must become of each.

Three kinds: an HTTP status or a broken connection (``tools.fakes.faults``), an address where no such server is, and an
answer that is whole on the wire and wrong in its words. A file of cases in JSON lines adds to the first two.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from research.waiting import FIRST_PAUSE
from tools.fakes.faults import CANARY, TRANSPORTS, Transport, WireFault
from tools.fakes.openai_server import Ability
from tools.fakes.persona import Answer

Place = Literal["planner", "branch", "agent", "writer", "branches"]
PLACES: tuple[Place, ...] = ("planner", "branch", "agent", "writer")
"""Tried with every case: an ``agent`` fails at the choice of its steps, a ``branch`` at reading."""
BRANCHES = 4
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
SWAPPED: Transport = "response of another request (id swapped)"
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
FOREIGN = "这座桥建于一九三一年，由当地工程师设计。"
Spoiling = Callable[[Answer], Answer]


@dataclass(frozen=True)
class Case:
    """One fault: served ``times`` times (0: for ever). ``heals``: the report is that of the undisturbed run.

    ``answer`` is what is said, or what becomes of a right answer. ``once``: what was refused is not sent again, word
    for word. ``pause``: the seconds, at least, before it is. ``slow``: it ends at a deadline.
    """

    name: str
    group: str = ""
    wire: WireFault | None = None
    address: Address | None = None
    answer: Answer | Spoiling | None = None
    lacking: tuple[Ability, ...] = ()
    times: int = 1
    heals: bool = False
    once: bool = False
    pause: float = 0.0
    slow: bool = False

    @property
    def limited(self) -> bool:
        """Return whether the server says that too much was sent: to all branches at once, as the account is one."""
        return self.wire is not None and self.wire.status in (429, 529)

    @property
    def places(self) -> tuple[Place, ...]:
        """Return the steps that it is tried at."""
        return (*PLACES, "branches") if self.limited else PLACES

    def healing(self, place: Place) -> bool:
        """Return whether nothing may be seen of it at ``place``: from an agent that only talks, rules take over."""
        in_words = self.answer is not None or (self.wire is not None and self.wire.transport == SWAPPED)
        return self.heals and not (place == "agent" and in_words)


def _status(status: int, times: int, name: str = "", **rest: Any) -> Case:
    told = f"{name or f'HTTP {status}'} {'once' if times else 'for ever'}"
    again = status in AGAIN
    return Case(
        told,
        "statuses",
        pause=_pause(rest.get("headers") or {}) if again else 0.0,
        wire=WireFault(name=told, status=status, **rest),
        times=times,
        heals=again and bool(times),
        once=not again,
        slow=again and not times,
    )


def _pause(headers: Mapping[str, str]) -> float:
    """Return the seconds that must pass before another try: those asked for, where that is a number."""
    if "retry-after-ms" in headers:
        return float(headers["retry-after-ms"]) / 1000
    asked = headers.get("retry-after", "")
    return float(asked) if asked.isdecimal() else FIRST_PAUSE


def statuses() -> Iterator[Case]:
    """Every status that servers and proxies send, once and for ever."""
    for status in NEVER:
        yield _status(status, 0)
    for status in AGAIN:
        for times in (1, 0):
            yield _status(status, times, body="<html>Bad gateway</html>" if status == 502 else None)
    for kind, error in TOO_LONG.items():
        yield replace(_status(400, 0, f"context length, {kind}", body={"error": error}), group="length and money")
    for kind, error in SPENT.items():
        case = _status(429, 0, f"no money, {kind}", body={"error": error})
        yield Case(case.name, "length and money", wire=case.wire, times=0, once=True)


def waits() -> Iterator[Case]:
    """What servers say of when to come again."""
    told = [{"retry-after": value} for value in WAITS] + [{"retry-after-ms": "1500"}, {"x-should-retry": "true"}]
    for headers in told:
        (entry,) = headers.items()
        name = f"429 with {entry[0]}={entry[1]}"
        far = entry[1] in ("86400", "1e400")
        wire = WireFault(name=name, status=429, headers=headers)
        yield Case(name, "when to come again", wire=wire, heals=not far, pause=_pause(headers), slow=far)
    name = "429 with x-should-retry=false"
    wire = WireFault(name=name, status=429, headers={"x-should-retry": "false"})
    yield Case(name, "when to come again", wire=wire, times=0, once=True)


def transports() -> Iterator[Case]:
    """Broken connections and bodies, once; those that last are told apart from those that do not by the address."""
    for transport in TRANSPORTS:
        heals, slow = transport not in LOST, transport in HANGS
        wire = WireFault(name=transport, transport=transport)
        times = 1 if heals else 0
        yield Case(transport, "connections", wire=wire, heals=heals, slow=slow, times=times, once=not heals)
    yield from (Case(address, "connections", address=address, times=0, slow=True) for address in ADDRESSES)


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
        "another language": {"text": FOREIGN * 3},
        "a tool call that nobody offered": {"tool_calls": [{"name": "tell", "arguments": {"query": CANARY}}]},
        "a tool call cut in mid-argument": {"tool_calls": [{"name": "reply", "arguments": f'{{"tasks": "{CANARY}'}]},
    }
    for name, answer in wrong.items():
        yield Case(f"{name} once", "answers", answer=answer, heals=True)
        yield Case(f"{name} for ever", "answers", answer=answer, times=0)
    yield Case("a refusal by the provider", "answers", answer={"refusal": f"no {CANARY}"}, times=0, once=True)
    yield Case("a filtered answer", "answers", answer={"text": "", "finish": "content_filter"}, times=0, once=True)


def _value(right: Answer) -> Any:
    """Return what a right answer says, in whichever form it was asked for."""
    return right["json"] if "json" in right else right["tool_calls"][0]["arguments"]


def _said(right: Answer) -> str:
    return json.dumps(_value(right), ensure_ascii=False)


def _begun(right: Answer) -> str:
    return _said(right)[: len(_said(right)) * 3 // 5]


def _translated(right: Any) -> Any:
    """Return an answer with its sentences in another script; ids and single words stay."""
    if isinstance(right, dict):
        return {name: _translated(value) for name, value in right.items()}
    if isinstance(right, list):
        return [_translated(value) for value in right]
    return FOREIGN if isinstance(right, str) and " " in right else right


def right_answers() -> Iterator[Case]:
    """What becomes of a right answer on its way: cut, it is no answer; with words around it, it is."""
    cut: dict[str, Spoiling] = {
        "cut at its limit": lambda right: {"text": _begun(right), "finish": "length"},
        "cut, not told": lambda right: {"text": _begun(right)},
        "cut inside a fence": lambda right: {"text": f"Here it is:\n```json\n{_begun(right)}\n```"},
        "a tool call, cut": lambda right: {"tool_calls": [{"name": "reply", "arguments": _begun(right)}]},
        "in another script": lambda right: {"json": _translated(_value(right))},
    }
    around: dict[str, Spoiling] = {
        "in a fence": lambda right: {"text": f"Sure, here it is:\n```json\n{_said(right)}\n```\nI hope that it helps."},
        "after thinking": lambda right: {"text": f'<think>{{"quotes": [] … {CANARY}?</think>\n{_said(right)}'},
        "as a tool call": lambda right: {"tool_calls": [{"name": "reply", "arguments": _value(right)}]},
    }
    for name, spoiling in cut.items():
        yield Case(f"a right answer {name}, once", "right answers", answer=spoiling, heals=True)
        yield Case(f"a right answer {name}, for ever", "right answers", answer=spoiling, times=0)
    for name, spoiling in around.items():
        yield Case(f"a right answer {name}", "right answers", answer=spoiling, times=0, heals=True)


def abilities() -> Iterator[Case]:
    """Servers that do not know a form of request."""
    yield Case("no response_format", "forms", lacking=("response_format",), times=0, heals=True)
    yield Case("no response_format and no tools", "forms", lacking=("response_format", "tools"), times=0, heals=True)


def every_case() -> tuple[Case, ...]:
    """Return all cases, in order."""
    return (*statuses(), *waits(), *transports(), *answers(), *right_answers(), *abilities())


def cases_of(lines: Iterable[str]) -> tuple[Case, ...]:
    """Return the cases of JSON lines: a transport, or ``status``, ``headers``, ``body``, ``times`` (-1: for ever)."""
    return tuple(_read(json.loads(line)) for line in lines if line.strip())


def _read(told: dict[str, Any]) -> Case:
    name, transport = str(told["name"]), told.get("transport")
    if transport in ADDRESSES:
        return Case(name, "connections", address=cast("Address", transport), times=0, slow=True)
    if transport is not None:
        known = {case.name: case for case in transports()}
        return replace(known[transport], name=name)
    status, times = int(told["status"]), max(0, int(told.get("times", 0)))
    headers, body = told.get("headers") or {}, told.get("body")
    case = _status(status, times, name, headers=headers, body=body if "html" not in name else f"<html>{name}</html>")
    far, halted = headers.get("retry-after") == "86400", headers.get("x-should-retry") == "false"
    spent = "spend limit" in name or "quota" in name
    heals = case.heals and not (far or halted or spent)
    group = "when to come again" if "with" in name else "length and money" if spent or "long" in name else case.group
    once = case.once or halted or spent
    return replace(case, name=name, group=group, times=times, heals=heals, once=once, slow=case.slow or far)


def cases_in(file: Path) -> tuple[Case, ...]:
    """Return the cases of a file."""
    return cases_of(file.read_text(encoding="utf-8").splitlines())
