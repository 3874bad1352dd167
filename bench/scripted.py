"""What every scripted far side of the benches has: virtual time, tokens counted in bytes, and hands that reach it.

What each of them answers is in ``bench.far_side``, ``bench.growing`` and ``bench.budgets``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, get_args

from research.access import World
from research.analysts.extractive import ExtractiveAnalyst
from research.analysts.language import LanguageAnalyst
from research.app.hands import Hands, as_they_are
from research.app.stores import Stores
from research.app.world import Judgement, Opened
from research.options import RunOptions
from research.ports import ChatModel, Clock, Fetch, Price, Search
from research.records import Failure, encode
from research.requests import ModelReply, ModelRequest, Role, TokenCount
from research.settings import Settings
from tools.fakes.scripted import EPOCH, ManualClock


class ReferenceClock(ManualClock):
    """Virtual time for whatever waits; the date that is shown stands still, so that it is the same in every life."""

    def now(self) -> str:
        return EPOCH.isoformat().replace("+00:00", "Z")


class ByteModel:
    """What a scripted model has beside its answers: a price that is unknown, and a token a byte."""

    price: Price | None = None

    def count(self, request: ModelRequest) -> int:
        """Return the bytes of the messages: the tokens of this model."""
        return sum(len(message.content.encode()) for message in request.messages)

    def reply(self, request: ModelRequest, data: Any, max_tokens: int) -> ModelReply:
        """Return ``data`` as an answer of at most ``max_tokens``."""
        text = encode(data)
        usage = TokenCount(prompt=self.count(request), completion=min(len(text), max_tokens))
        return ModelReply(text=text, data=data, stop="end", usage=usage)


class Web(Search, Fetch, Protocol):
    """A search and its pages, in one."""


def scripted_hands(
    *, clock: Clock, run: str, model: ChatModel, web: Web, stores: Callable[[Stores], Stores] = as_they_are
) -> Hands:
    """Return the hands of a run of that name whose every call goes to ``model`` and ``web``."""

    def judgement(options: RunOptions, settings: Settings) -> Judgement:
        analyst = LanguageAnalyst(ExtractiveAnalyst(), model.name)
        return Judgement(analyst=analyst, models=dict.fromkeys(get_args(Role), model), lapses=analyst.lapses)

    @asynccontextmanager
    async def world(
        options: RunOptions, settings: Settings, judgement: Judgement, stores: Stores, opened: Opened
    ) -> AsyncIterator[tuple[World, tuple[Failure, ...]]]:
        models = judgement.models
        yield World(library=stores.library, records=stores.records, models=models, searches=(web,), fetch=web), ()

    return Hands(clock=clock, name_run=lambda now: run, judgement=judgement, world=world, stores=stores)
