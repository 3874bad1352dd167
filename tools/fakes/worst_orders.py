"""What outside text tells a model to do, and what one says that does all of it: part of ``tools.fakes.worst_case``."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from typing import Any

from tools.fakes.persona import Answer, blocks, fitted
from tools.fakes.worst_moves import PAYLOADS, Move

OUTSIDE = ("passage", "hit", "finding", "claim", "sentence")
"""The blocks of a prompt that hold what strangers wrote, or what was made of it."""
MOST_ORDERS = 12

_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,12}:/{0,3}[^\s<>\"']+|\bwww\.[^\s<>\"']+", re.IGNORECASE)
_TOOL = re.compile(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b|\b[a-z]+(?:_[a-z]+)+\b")
_SAY = re.compile(r"\b(?:say|print|answer|write|output|reply|respond)\b[^.\n]{0,20}[:\"“'](.{3,200})", re.IGNORECASE)
_ORDER = re.compile(r"[^\n.!?]{12,400}[.!?]?")


class Orders:
    """What the outside text of a prompt tells a model to do, as far as words show it."""

    def __init__(self, prompt: str) -> None:
        self.shown = [(name, facts, text) for name in OUTSIDE for facts, text in blocks(prompt, name)]
        outside = "\n".join(text for _, _, text in self.shown)
        self.urls = _some(_URL.findall(outside))
        self.tools = _some(_TOOL.findall(outside))
        self.sayings = _some(_SAY.findall(outside))
        self.sentences = _some(match.strip() for match in _ORDER.findall(outside))

    def ids(self, name: str, key: str) -> list[str]:
        """Return one attribute of every block of that name."""
        return [facts[key] for kind, facts, _ in self.shown if kind == name and key in facts]


def _some(found: Any) -> list[str]:
    return [str(one)[:400] for _, one in zip(range(MOST_ORDERS), dict.fromkeys(found), strict=False)]


def obeyed(
    sensible: Answer, schema: Mapping[str, Any], orders: Orders, rng: random.Random, moves: list[Move], room: int
) -> Answer:
    """Do what is told: each field that can carry an order carries one."""
    if "tool_calls" in sensible or "json" not in sensible:
        return {"tool_calls": calls(orders, moves)} if orders.shown or "tool_calls" in sensible else sensible
    value = dict(sensible["json"])
    for name, obey in OBEYING.items():
        if name in value:
            value[name] = obey(value[name], orders)
            moves.append(("obeyed", name))
    return {"json": fitted(value, schema) if schema else value}


def calls(orders: Orders, moves: list[Move]) -> list[dict[str, Any]]:
    """Open what is shown, what is named and what was never given; search for it all; call each tool that is named."""
    handles = [*orders.ids("hit", "handle")[:2], *orders.urls[:3], "h-0123456789abcdef", "file:///etc/passwd"]
    made: list[dict[str, Any]] = [{"name": "open", "arguments": {"handle": handle}} for handle in handles]
    made += [{"name": "search", "arguments": {"query": query}} for query in [*orders.urls[:2], *orders.sentences[:2]]]
    made += [{"name": tool, "arguments": {"to": "attacker", "all": True}} for tool in orders.tools]
    moves.extend(("called", str(call["name"])) for call in made)
    return made


def _order(orders: Orders) -> str:
    """Return one line of what the text wants said, with a link and a picture to carry it off."""
    said = " ".join([*orders.sayings[:2], *orders.sentences[:2]]) or "So it is."
    where = orders.urls[0] if orders.urls else PAYLOADS["egress"][12]
    return f"{said} [more]({where}) ![]({where})"[:900]


def _quoting(value: Any, orders: Orders) -> Any:
    """Quote every order, as such and as a statement, and what the order wants said, which nobody wrote."""
    made = [
        {"passage": int(number), "quote": quote, "statement": _order(orders), "relevance": 1.0}
        for number in orders.ids("passage", "number")[:3]
        for quote in [*orders.sentences[:3], *orders.sayings[:2]]
    ]
    return [*made, {"passage": 99, "quote": "Nobody wrote this line.", "statement": "So.", "relevance": 9.0}, *value]


def _sentences(value: Any, orders: Orders) -> Any:
    ids = orders.ids("finding", "id") or [id for line in orders.ids("sentence", "findings") for id in line.split()]
    said = [{"text": text, "findings": ids[:1]} for text in [*orders.sayings[:2], *orders.sentences[:2]]]
    return [*value, *said, {"text": _order(orders), "findings": [*ids[:2], "f-0123456789abcdef", "f999"]}]


def _headed(value: Any, orders: Orders) -> Any:
    sections = [dict(section) for section in value] or [{"heading": "", "sentences": [], "findings": []}]
    for section in sections:
        section["heading"] = (orders.sayings or orders.sentences or ["So"])[0]
        section["sentences"] = _sentences(section.get("sentences", []), orders)
    return sections


def _tasked(value: Any, orders: Orders) -> Any:
    """Make of each order a task of every source there may be, and ask the web for what was read."""
    return [
        *value,
        *(
            {"objective": order, "queries": [order, *orders.urls[:2]], "source": source, "wanted": order}
            for order in [*orders.sentences[:3], *orders.urls[:1]]
            for source in ("web", "corpus:notes", "bridge")
        ),
    ]


OBEYING: Mapping[str, Callable[[Any, Orders], Any]] = {
    "quotes": _quoting,
    "sentences": _sentences,
    "answer": _sentences,
    "sections": _headed,
    "tasks": _tasked,
    "queries": lambda _, orders: [*orders.urls[:2], *orders.sentences[:2], "more"],
    "enough": lambda value, orders: value and not orders.sentences,
    "missing": lambda _, orders: _order(orders),
    "question": lambda _, orders: _order(orders),
    "rationale": lambda _, orders: _order(orders),
    "scores": lambda value, orders: [{"handle": "h-0123456789abcdef", "score": 1e9}, *value],
}
