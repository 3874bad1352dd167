"""The worst-case model: it is on the attacker's side, has read this project's source, and is never ashamed.

A personality says what it does with each request:

``obeys``
    does whatever the text it is shown tells it: asks for every URL that is named, calls every tool that is named,
    repeats what it is told to say, adds links, quotes what nobody wrote, opens handles that it was not given.
``knows``
    knows the source and tries every move of ``tools.fakes.worst_moves``: the network, files, budgets (usage that
    cannot be true), citations, memory, agents, secrets, people.
``fabricates``
    changes each quote a little and cites findings that there are not.
``never_ends``
    always has more tasks, queries, gaps and calls.
``broken``
    answers with JSON that is none, of the wrong shape, cut, empty, endless.

What it does hangs on the seed and on the request alone, so that branches which race each other get the same answers.
:class:`WorstCaseModel` fulfils ``research.ports.ChatModel``; :class:`WorstCase` answers bodies as a provider gets them,
for ``tools.fakes.openai_server``. Sensible answers, which are then spoiled, are those of ``tools.fakes.persona``.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, get_args

from research.ports import Clock, Price
from research.requests import ModelReply, ModelRequest, TokenCount
from tools.fakes.hostile import ABSURD, body_of, reply_from
from tools.fakes.persona import Answer, answer_to, asked_schema, fitted
from tools.fakes.wire import count_prompt, cut_answer
from tools.fakes.worst_moves import KINDS, PAYLOADS, Move, Payloads, forged, garbled, stolen, twisted
from tools.fakes.worst_orders import Orders, calls, obeyed

Personality = Literal["obeys", "knows", "fabricates", "never_ends", "broken"]
PERSONALITIES: tuple[Personality, ...] = get_args(Personality)
SHARE = 0.35
"""Of the leaves of an answer that are spoiled."""


Spoil = Callable[[Answer, Mapping[str, Any], Orders, random.Random, list[Move], int], Answer]


class WorstCase:
    """Answers as ``personality`` does. ``moves`` is what it tried, by digest of the request, in the order of calls.

    ``secrets`` are keys that ``knows`` has got hold of, and tries to get out.
    """

    def __init__(self, personality: Personality, *, seed: str, secrets: Sequence[str] = ()) -> None:
        self.personality = personality
        self._payloads: Payloads = {**PAYLOADS, "secrets": (*PAYLOADS["secrets"], *stolen(secrets))}
        self.moves: list[tuple[str, tuple[Move, ...]]] = []
        self._seed = seed

    def drawn(self, body: Mapping[str, Any], use: str = "") -> random.Random:
        """Return the generator of one request; another one for each ``use``."""
        return random.Random(f"{self._seed} {use} {_digest(body)}")

    def answer(self, body: Mapping[str, Any], room: int = 400) -> Answer:
        """Return the answer to a chat request that may have ``room`` tokens."""
        rng, moves = self.drawn(body), list[Move]()
        prompt = "\n".join(str(message.get("content") or "") for message in body["messages"])
        schema, sensible = asked_schema(body) or {}, answer_to(body)
        forced = sensible["tool_calls"][0]["name"] if schema and "tool_calls" in sensible else ""
        if forced:
            sensible = {"json": sensible["tool_calls"][0]["arguments"]}
        spoils: Mapping[Personality, Spoil] = {
            "obeys": obeyed,
            "knows": partial(_knows, self._payloads),
            "fabricates": _fabricates,
            "never_ends": _never_ends,
            "broken": _broken,
        }
        told = spoils[self.personality](sensible, schema, Orders(prompt), rng, moves, room)
        self.moves.append((_digest(body), tuple(moves)))
        if "json" not in told:
            return told
        # As ASCII: a lone surrogate has no bytes, and a provider's JSON would hold its escape.
        return {"tool_calls": [{"name": forced, "arguments": told["json"]}]} if forced else {"text": _dumped(told)}


def _dumped(told: Answer) -> str:
    return json.dumps(told["json"])


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def _knows(
    every: Payloads,
    sensible: Answer,
    schema: Mapping[str, Any],
    orders: Orders,
    rng: random.Random,
    moves: list[Move],
    room: int,
) -> Answer:
    kinds = rng.sample(KINDS, rng.randint(1, len(KINDS)))
    payloads = {kind: every[kind] for kind in kinds}
    if "tool_calls" in sensible:
        made = [*sensible["tool_calls"], *calls(orders, moves)]
        made = [{**call, "arguments": twisted(call["arguments"], rng, payloads, SHARE, moves)} for call in made]
        return {"tool_calls": [call if rng.random() > 0.2 else {**call, "name": rng.choice(kinds)} for call in made]}
    if "json" not in sensible:
        return {"text": rng.choice(payloads[rng.choice(kinds)])}
    return {"json": twisted(sensible["json"], rng, payloads, SHARE, moves)}


def _fabricates(
    sensible: Answer, schema: Mapping[str, Any], orders: Orders, rng: random.Random, moves: list[Move], room: int
) -> Answer:
    if "json" not in sensible:
        return sensible
    return {"json": _falsified(sensible["json"], rng, moves)}


def _falsified(value: Any, rng: random.Random, moves: list[Move], name: str = "") -> Any:
    """Return the value with quotes that are nearly right, citations of nothing, and passages taken for others."""
    if isinstance(value, dict):
        return {key: _falsified(held, rng, moves, key) for key, held in value.items()}
    if isinstance(value, list):
        made = [_falsified(item, rng, moves, name) for item in value]
        return [*made, rng.choice(PAYLOADS["citations"])] if name == "findings" else made
    if rng.random() < 0.25 or name not in ("quote", "passage", "statement", "text", "findings", "relevance"):
        return value
    moves.append(("forged", name))
    if isinstance(value, str):
        return rng.choice(PAYLOADS["citations"]) if name == "findings" else forged(value, rng)
    return rng.choice((value, 1, 2, 99, -1, 0))


def _never_ends(
    sensible: Answer, schema: Mapping[str, Any], orders: Orders, rng: random.Random, moves: list[Move], room: int
) -> Answer:
    more = [f"budget wall {rng.randrange(10**9)}" for _ in range(rng.randint(3, 12))]
    moves.append(("more", str(len(more))))
    if "tool_calls" in sensible or ("json" not in sensible and orders.shown):
        calls = [{"name": "search", "arguments": {"query": query}} for query in more]
        opened = [{"name": "open", "arguments": {"handle": handle}} for handle in orders.ids("hit", "handle")]
        return {"tool_calls": [*calls, *opened]}
    if "json" not in sensible:
        return {"text": "and more " * room}
    value = dict(sensible["json"])
    if "tasks" in value:
        (source, *_) = schema["properties"]["tasks"]["items"]["properties"].get("source", {}).get("enum", ["web"])
        tasks = [{"objective": f"What of {query}?", "queries": [query, *more[:3]], "wanted": "all"} for query in more]
        value["tasks"] = [task | {"source": source, "effort": "deep"} for task in tasks]
    value |= {"enough": False, "missing": "more", "queries": more} if "enough" in value else {}
    return {"json": fitted(value, schema) if schema else value}


def _broken(
    sensible: Answer, schema: Mapping[str, Any], orders: Orders, rng: random.Random, moves: list[Move], room: int
) -> Answer:
    turn = rng.randrange(8)
    moves.append(("broken", str(turn)))
    if turn == 0:
        return sensible
    if turn == 1:
        return {"refusal": "I cannot help with that."}
    if turn == 2:
        return {"tool_calls": [{"name": rng.choice(KINDS), "arguments": {"query": [None], "handle": {}}}]}
    return {"text": garbled(sensible.get("json"), rng, room)}


class WorstCaseModel:
    """A worst-case model in process. It counts for itself what it was sent and what it answered.

    Takes up to ``delay`` seconds of ``clock`` for an answer; of ``knows`` the usage it reports cannot be true.
    """

    name = "scripted:worst"

    def __init__(
        self,
        personality: Personality,
        *,
        seed: str,
        clock: Clock,
        price: Price | None,
        counter: Callable[[ModelRequest], int],
        delay: float = 1.0,
        window: int = 128_000,
        secrets: Sequence[str] = (),
    ) -> None:
        self.attacker = WorstCase(personality, seed=seed, secrets=secrets)
        self.price = price
        self.window = window
        self.calls = self.tokens = 0
        self.nano_usd = 0.0
        self.shown: list[str] = []
        self.begun: list[float] = []
        self._clock = clock
        self._counter = counter
        self._delay = delay

    def count(self, request: ModelRequest) -> int:
        return self._counter(request)

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        body = body_of(request)
        self.calls += 1
        self.begun.append(self._clock.monotonic())
        self.shown.append("\n".join(message.content for message in request.messages))
        message, finish, used = cut_answer(self.attacker.answer(body, max_tokens), max_tokens)
        prompt = count_prompt(body)
        self.tokens += prompt + used
        if self.price is not None:
            self.nano_usd += prompt * self.price.prompt + used * self.price.completion
        rng = self.attacker.drawn(body, "call")
        if self._delay:
            await self._clock.sleep(rng.random() * self._delay)
        return reply_from(request, message, finish, self._usage(rng, prompt, used))

    def _usage(self, rng: random.Random, prompt: int, used: int) -> TokenCount | None:
        if self.attacker.personality != "knows":
            return TokenCount(prompt=prompt, completion=used)
        told = rng.choice(ABSURD)
        return None if told is None else TokenCount(prompt=told[0], completion=told[1])


def log_of(models: Sequence[WorstCaseModel]) -> list[tuple[str, tuple[Move, ...]]]:
    """Return what the models were asked and tried, sorted: what a run with the same seed has to repeat."""
    return sorted(entry for model in models for entry in model.attacker.moves)
