"""Models that spend all they can, in process, and count for themselves what they were sent and what they answered.

Each keeps to the ``max_tokens`` of its calls and is otherwise as greedy as its kind says. The count is a witness apart
from the program's: OpenAI's vocabulary by ``tools.fakes.wire``. Sensible answers are those of ``tools.fakes.persona``.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

from research.clean import clean_text
from research.errors import EffectFailed
from research.ports import Clock, Price
from research.reply_json import cleaned, first_object
from research.requests import ModelReply, ModelRequest, Stop, TokenCount, ToolCall
from tools.fakes.persona import Answer, answer_to, blocks, fitted
from tools.fakes.scripted import Script, ScriptedModel
from tools.fakes.wire import count_prompt, cut_answer

Greed = Literal["endless", "spreading", "long", "absurd", "failing", "sensible"]
GREEDS: tuple[Greed, ...] = get_args(Greed)
"""Never satisfied; more branches and queries each time; every answer at full length; usage that cannot be true; calls
that fail; none of these."""
STOPS: Mapping[str, Stop] = {"stop": "end", "length": "length", "tool_calls": "tools"}
ABSURD: Sequence[tuple[Any, Any] | None] = (
    None,
    (0, 0),
    (1, 0),
    (0, 1),
    (1, 1),
    (-1, 10),
    (10, -1),
    (-(10**30), -(10**30)),
    (10**400, 10**400),
    (10**9, 1),
    (float("nan"), float("inf")),
    (12.5, 3.5),
    ("many", "few"),
    (None, None),
    (True, True),
)
"""What may stand where a provider should report its tokens of prompt and answer; ``None``: nothing at all."""


class HostileModel:
    """Greedy as ``greed`` says; fulfils ``research.ports.ChatModel``.

    ``tokens``, ``nano_usd`` and ``calls`` are what it saw itself; ``begun`` is when each call came, by ``clock``.
    """

    name = "scripted:hostile"

    def __init__(
        self,
        greed: Greed,
        *,
        rng: random.Random,
        clock: Clock,
        price: Price | None,
        counter: Callable[[ModelRequest], int],
        window: int = 128_000,
    ) -> None:
        self.greed = greed
        self.price = price
        self.window = window
        self.tokens = 0
        self.nano_usd = 0.0
        self.calls = 0
        self.begun: list[float] = []
        self._rng = rng
        self._clock = clock
        self._counter = counter
        self._numbers = itertools.count(1)

    def count(self, request: ModelRequest) -> int:
        return self._counter(request)

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        self.calls += 1
        self.begun.append(self._clock.monotonic())
        body = body_of(request)
        if self.greed == "failing" and request.role != "planner" and self._rng.random() < 0.4:
            await self._clock.sleep(self._rng.random())
            raise EffectFailed("the server said 503", retryable=self._rng.random() < 0.7)
        message, finish, used = cut_answer(self._answer(request, body, max_tokens), max_tokens)
        prompt = count_prompt(body)
        self.tokens += prompt + used
        if self.price is not None:
            self.nano_usd += prompt * self.price.prompt + used * self.price.completion
        await self._clock.sleep(self._rng.random())
        if self.greed == "failing" and self._rng.random() < 0.2 and request.role != "planner":
            raise EffectFailed("the connection broke", retryable=True, charged=True)
        return reply_from(request, message, finish, self._usage(prompt, used))

    def _usage(self, prompt: int, used: int) -> TokenCount | None:
        if self.greed != "absurd":
            return TokenCount(prompt=prompt, completion=used)
        told = self._rng.choice(ABSURD)
        return None if told is None else TokenCount(prompt=told[0], completion=told[1])

    def _answer(self, request: ModelRequest, body: Mapping[str, Any], max_tokens: int) -> Answer:
        schema = request.schema or {}
        fields = frozenset(schema.get("properties", {}))
        sensible = answer_to(body)
        if self.greed == "long" and not request.tools:
            return self._padded(sensible, max_tokens)
        if self.greed not in ("endless", "spreading"):
            return sensible
        if request.tools:
            return {"tool_calls": self._moves(request)}
        if "tasks" in fields:
            return {"json": fitted(self._plan(schema), schema)}
        if "enough" in fields:
            return {"json": fitted({"enough": False, "missing": "more", "queries": self._queries()}, schema)}
        return sensible

    def _padded(self, sensible: Answer, max_tokens: int) -> Answer:
        """Return an answer that fills ``max_tokens``: JSON followed by blanks, or words without end."""
        text = json.dumps(sensible.get("json"))
        if self._rng.random() < 0.5:
            return {"text": text + " \n" * max_tokens}
        return {"text": "more and more words " * max_tokens}

    def _queries(self) -> list[str]:
        number = 20 if self.greed == "spreading" else 3
        return [f"budget wall {next(self._numbers)}" for _ in range(number)]

    def _plan(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        (source, *_) = schema["properties"]["tasks"]["items"]["properties"].get("source", {}).get("enum", [""])
        tasks = [
            {"objective": f"What is budget wall {next(self._numbers)}?", "queries": self._queries()}
            for _ in range(40 if self.greed == "spreading" else 4)
        ]
        return {"rationale": "more", "tasks": [task | {"source": source, "wanted": "all"} for task in tasks]}

    def _moves(self, request: ModelRequest) -> list[dict[str, Any]]:
        prompt = "\n".join(message.content for message in request.messages)
        searches = [{"name": "search", "arguments": {"query": query}} for query in self._queries()]
        handles = [facts["handle"] for facts, _ in blocks(prompt, "hit")]
        return [*searches, *({"name": "open", "arguments": {"handle": handle}} for handle in handles)]


class SlowModel(ScriptedModel):
    """A scripted model that takes its time by a clock, so that branches overlap.

    Out of script, it answers at full length and reports no usage. ``begun`` is when each call came.
    """

    def __init__(self, replies: Sequence[Script], clock: Clock, price: Price) -> None:
        super().__init__(replies, price=price)
        self.begun: list[float] = []
        self._clock = clock
        self._rng = random.Random(0)

    async def complete(self, request: ModelRequest, *, max_tokens: int, timeout: float | None) -> ModelReply:
        self.begun.append(self._clock.monotonic())
        await self._clock.sleep(self._rng.random() * 3)
        if not self._replies:
            return ModelReply(text="x" * max_tokens, stop="length")
        return await super().complete(request, max_tokens=max_tokens, timeout=timeout)


def body_of(request: ModelRequest) -> dict[str, Any]:
    """Return the request as a provider gets it, as far as it is counted and answered here."""
    body: dict[str, Any] = {"messages": [{"role": m.role, "content": m.content} for m in request.messages]}
    if request.tools:
        tools = [{"name": t.name, "description": t.description, "parameters": t.parameters} for t in request.tools]
        body["tools"] = [{"type": "function", "function": tool} for tool in tools]
    if request.schema is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": {"schema": request.schema}}
    return body


def reply_from(request: ModelRequest, message: Mapping[str, Any], finish: str, usage: TokenCount | None) -> ModelReply:
    """Return what the program is handed of a provider's answer."""
    text = message["content"] or ""
    calls = [call["function"] for call in message.get("tool_calls") or [] if finish != "length"]
    return ModelReply(
        text=clean_text(text),
        stop=STOPS[finish],
        usage=usage,
        data=first_object(text) if request.schema is not None else None,
        tool_calls=tuple(
            ToolCall(id=str(number), name=call["name"], arguments=cleaned(json.loads(call["arguments"])))
            for number, call in enumerate(calls)
        ),
    )
