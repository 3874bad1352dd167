"""The four kinds of effect as the gate sees them: how large, how to send, what to charge.

An effect joins a request (plain data) to the port that can send it. Sizing lowers ``max_tokens`` to what a budget has
left; charging turns the provider's usage into an amount and falls back to the bound where usage is missing or absurd.
Whether an effect may be sent at all is decided in ``research.access``; sending, recording and retrying in
``research.gate``.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import msgspec

from research.budget import NANO, Amount, Caps
from research.errors import EffectFailed, OutOfBudget
from research.injection import HIDDEN, PIECE, signs_in
from research.money import dollars
from research.ports import ChatModel, Corpus, Fetch, Library, Price, Search
from research.records import Label, counted, encode
from research.reply_json import fits
from research.requests import (
    FetchReply,
    FetchRequest,
    HitsReply,
    ModelReply,
    ModelRequest,
    Reply,
    Request,
    RetrieveRequest,
    SearchRequest,
    TokenCount,
)

LONGEST_TOKEN = 32
"""Bytes of text that one token covers at most, on average over a text: prose has 4 to 5, indented code up to 12. Usage
that would need longer tokens is too small to be true."""
LEAST_ANSWER = 64
"""Tokens: below this an answer is of no use, so the call is refused rather than sent with less."""


class Effect(Protocol):
    """What the gate needs to know of a call. ``patience`` is the longest one attempt may take, in seconds.

    ``lane`` is the provider whose pace it keeps, empty for none; ``tokens`` are what it counts for there.
    """

    @property
    def request(self) -> Request: ...
    @property
    def priced(self) -> bool: ...
    @property
    def patience(self) -> float: ...
    @property
    def lane(self) -> str: ...
    @property
    def tokens(self) -> int: ...

    def size(self, left: Caps) -> Amount:
        """Return the bound to reserve, lowered to fit ``left``; raises ``OutOfBudget`` when too little is left."""
        ...

    async def send(self, bound: Amount, timeout: float | None) -> Reply:
        """Send once. Raises ``EffectFailed``."""
        ...

    def charge(self, reply: Reply, bound: Amount) -> Amount:
        """Return what an answered call cost: at most ``bound``."""
        ...


class ModelEffect:
    """A chat completion. Bound: prompt tokens counted locally plus the ``max_tokens`` the call is given."""

    patience = 300.0

    def __init__(self, request: ModelRequest, model: ChatModel) -> None:
        self.request = request
        self._model = model
        self._prompt = model.count(request)
        self.priced = model.price is not None
        self.lane = model.name.partition(":")[0]
        self.tokens = self._prompt + request.max_tokens

    def size(self, left: Caps) -> Amount:
        least = min(LEAST_ANSWER, self.request.max_tokens)
        answer = min(self.request.max_tokens, self._model.window - self._prompt)
        if answer < least:
            raise EffectFailed(
                f"the {self.request.role}'s prompt of {self._prompt:,} tokens does not fit the window of "
                f"{self._model.name}, {self._model.window:,} tokens",
                too_long=True,
            )
        if left.nano_usd is not None and self._model.price is None:
            raise OutOfBudget(f"money is capped and the price of {self._model.name} is not known", currency="usd")
        if left.tokens is not None:
            answer = min(answer, left.tokens - self._prompt)
        price = self._model.price
        if left.nano_usd is not None and price is not None and price.completion > 0:
            answer = min(answer, int((left.nano_usd - self._prompt * price.prompt) // price.completion))
        if answer < least:
            raise OutOfBudget(self._too_little(left), currency=self._scarce(left))
        return self._amount(self._prompt, answer)

    def _scarce(self, left: Caps) -> str:
        short = left.tokens is not None and left.tokens - self._prompt < LEAST_ANSWER
        return "tokens" if short or left.nano_usd is None else "usd"

    def _too_little(self, left: Caps) -> str:
        need = self._amount(self._prompt, min(LEAST_ANSWER, self.request.max_tokens))
        scarce = self._scarce(left)
        have = counted(left.tokens or 0, "token") if scarce == "tokens" else dollars((left.nano_usd or 0) / NANO)
        want = counted(need.tokens, "token") if scarce == "tokens" else dollars(need.nano_usd / NANO)
        return f"the {self.request.role}'s call needs at least {want}, {have} left"

    def _amount(self, prompt: int, completion: int, cached: int = 0) -> Amount:
        price = self._model.price or Price(prompt=0, completion=0)
        read = price.prompt if price.cached is None else price.cached
        cost = -int(-((prompt - cached) * price.prompt + cached * read + completion * price.completion) // 1)
        return Amount(tokens=prompt + completion, nano_usd=cost, calls=1)

    async def send(self, bound: Amount, timeout: float | None) -> ModelReply:
        answer = bound.tokens - self._prompt
        reply = await self._model.complete(self.request, max_tokens=answer, timeout=timeout)
        # What is no number could not be written down, or not read again; nothing that cannot be true is kept.
        if reply.usage is None or not self._credible(reply, bound):
            return msgspec.structs.replace(reply, usage=None)
        return msgspec.structs.replace(reply, usage=_with_true_parts(reply.usage))

    def charge(self, reply: Reply, bound: Amount) -> Amount:
        if not isinstance(reply, ModelReply) or not self._credible(reply, bound):
            return bound
        usage = _with_true_parts(cast(TokenCount, reply.usage))
        cost = self._amount(usage.prompt, usage.completion, usage.cached)
        return bound if cost.nano_usd > bound.nano_usd else cost

    def _credible(self, reply: ModelReply, bound: Amount) -> bool:
        """Return whether the usage that was reported may be true: neither above the bound nor below the texts."""
        usage = reply.usage
        if usage is None or type(usage.prompt) is not int or type(usage.completion) is not int:
            return False
        if usage.prompt <= 0 or usage.completion <= 0 or usage.prompt + usage.completion > bound.tokens:
            return False
        written = len(reply.text.encode(errors="replace")) + sum(
            len(encode(call.arguments)) for call in reply.tool_calls
        )
        return usage.prompt * LONGEST_TOKEN >= self._prompt and usage.completion * LONGEST_TOKEN >= written


def _with_true_parts(usage: TokenCount) -> TokenCount:
    """Return the usage without a part that cannot be one: it is no number, or more than the whole."""
    parts = {"cached": (usage.cached, usage.prompt), "reasoning": (usage.reasoning, usage.completion)}
    wrong = [name for name, (part, whole) in parts.items() if type(part) is not int or not 0 <= part <= whole]
    return msgspec.structs.replace(usage, **dict.fromkeys(wrong, 0))


def worth_keeping(request: ModelRequest, reply: ModelReply) -> bool:
    """Return whether another run could use the answer as it is: not cut, not refused, and of the shape asked for."""
    if reply.stop not in ("end", "tools"):
        return False
    if request.schema is not None:
        return reply.data is not None and fits(reply.data, request.schema)
    return bool(reply.text.strip() or reply.tool_calls)


class CallEffect:
    """What search, retrieval and fetch share: one call, no tokens, no money."""

    priced = True
    patience = 30.0
    lane = ""
    tokens = 0

    def size(self, left: Caps) -> Amount:
        if left.calls is not None and left.calls < 1:
            raise OutOfBudget("the cap on calls is reached", currency="calls")
        return Amount(calls=1)

    def charge(self, reply: Reply, bound: Amount) -> Amount:
        return bound


class SearchEffect(CallEffect):
    """A web search."""

    def __init__(self, request: SearchRequest, provider: Search) -> None:
        self.request = request
        self._provider = provider
        self.lane = provider.name

    async def send(self, bound: Amount, timeout: float | None) -> HitsReply:
        hits = await self._provider.search(self.request.query, self.request.limit, timeout=timeout)
        return HitsReply(hits=tuple(hits))


class RetrieveEffect(CallEffect):
    """A retrieval from one corpus."""

    patience = 120.0

    def __init__(self, request: RetrieveRequest, corpus: Corpus) -> None:
        self.request = request
        self._corpus = corpus

    async def send(self, bound: Amount, timeout: float | None) -> HitsReply:
        return HitsReply(hits=tuple(await self._corpus.retrieve(self.request.query, self.request.limit)))


class FetchEffect(CallEffect):
    """A page: fetched, then stored in the library before the answer is recorded, so that the record never dangles."""

    patience = 60.0

    def __init__(self, request: FetchRequest, fetch: Fetch, library: Library, label: Label = "public") -> None:
        self.request = request
        self._fetch = fetch
        self._library = library
        self._label = label

    async def send(self, bound: Amount, timeout: float | None) -> FetchReply:
        page = await self._fetch.fetch(self.request, timeout=timeout)
        source = await self._library.keep(page, self._label)
        shown = f"{page.title}\n{page.text}"
        signs = signs_in(shown) if len(shown) < PIECE else await asyncio.to_thread(signs_in, shown)
        if page.hidden:  # counted before the text was cleaned, so those that are left in it are among them
            signs = {**signs, HIDDEN: page.hidden}
        return FetchReply(source=source, characters=len(page.text), signs=signs)
