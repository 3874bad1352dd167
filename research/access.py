"""What one branch may do, fixed by its type in code when it is created.

An :class:`Access` is the only way from the judgement to the gate. It holds the branch's rights, its budget and the
ports those rights need; a call outside the rights, or private text on its way out of the machine, is ``Forbidden``
before anything is reserved. How a call is sent is in ``research.gate``.

=========  =======================  ==============================
who        reads                    may
=========  =======================  ==============================
planner    question and settings    ask a model
assessor   findings                 ask a model
web        outside text             ask a model, search, fetch
corpus     the user's documents     ask a model, retrieve
checker    one claim, its spans     ask a model
writer     findings                 ask a model
=========  =======================  ==============================
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import msgspec

from research.budget import Budget
from research.effects import FetchEffect, ModelEffect, RetrieveEffect, SearchEffect
from research.errors import EffectFailed, Forbidden, OutOfBudget
from research.gate import Gate
from research.injection import Attempt, signs_in
from research.merging import merged
from research.ports import ChatModel, Corpus, Fetch, Library, Records, Search
from research.records import Hit, Label, Source, build, counted
from research.requests import (
    FetchReply,
    FetchRequest,
    HitsReply,
    Message,
    ModelReply,
    ModelRequest,
    RetrieveRequest,
    Role,
    SearchRequest,
    ToolSpec,
)
from research.routing import cheaper, stronger
from research.web_rules import EVERY_PAGE, Outside, OutsideDates, WebRules

Holder = Literal["planner", "assessor", "web", "corpus", "checker", "writer"]
Right = Literal["model", "search", "fetch", "retrieve"]

RIGHTS: Mapping[Holder, frozenset[Right]] = {
    "planner": frozenset({"model"}),
    "assessor": frozenset({"model"}),
    "web": frozenset({"model", "search", "fetch"}),
    "corpus": frozenset({"model", "retrieve"}),
    "checker": frozenset({"model"}),
    "writer": frozenset({"model"}),
}


@dataclass(frozen=True)
class World:
    """The ports of one run. ``models`` maps each role to its model and is empty when none is configured."""

    library: Library
    records: Records
    models: Mapping[Role, ChatModel] = field(default_factory=dict)
    searches: Sequence[Search] = ()
    fetch: Fetch | None = None
    corpora: Mapping[str, Corpus] = field(default_factory=dict)
    rules: WebRules = EVERY_PAGE


class Access:
    """One holder's way to the world, bound to a budget."""

    def __init__(self, holder: Holder, *, name: str, gate: Gate, budget: Budget, world: World) -> None:
        self.holder = holder
        self.name = name
        self._gate = gate
        self._budget = budget
        self._world = world
        self.losses: list[str] = []

    def _allow(self, right: Right, label: Label = "public") -> None:
        if right not in RIGHTS[self.holder]:
            raise Forbidden(f"a {self.holder} branch may not {right}")
        if label == "private" and right in ("search", "fetch"):
            raise Forbidden(f"private text may not leave the machine by a {right}")

    async def ask_model(
        self,
        role: Role,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        tools: Sequence[ToolSpec] = (),
        strong: bool = False,
    ) -> ModelReply:
        """Return the answer of the role's model or the ``stronger`` one. Raises ``OutOfBudget`` and ``EffectFailed``.

        Where the money left does not pay the role's model, but pays the run's cheapest, that one answers.
        """
        request = ModelRequest(
            model="",
            role=role,
            messages=tuple(messages),
            max_tokens=max_tokens,
            schema=schema,
            tools=tuple(tools),
        )
        better = stronger(self._world.models, role) if strong else None
        return await self._answer(request, better or role)

    def stronger(self, role: Role) -> bool:
        """Return whether the run has a stronger model than the role's own."""
        return stronger(self._world.models, role) is not None

    def tell(self, kind: str, detail: str) -> None:
        """Send a line of live progress to whoever listens to the run."""
        self._gate.tell(kind, self.name, detail)

    async def _answer(self, request: ModelRequest, asked: Role) -> ModelReply:
        """Return the answer of the model of the role ``asked`` to a request that does not name its model yet."""
        self._allow("model")
        if asked != request.role:
            self.tell("model.stronger", f"{self._world.models[asked].name} answers for the {request.role}")
        try:
            return await self._ask_of(asked, request)
        except OutOfBudget as refusal:
            other = cheaper(self._world.models, asked)
            if refusal.currency != "usd" or asked != request.role or other is None:
                raise
            self.tell("model.cheaper", f"{self._world.models[other].name} answers for the {asked}")
            return await self._ask_of(other, request)

    async def _ask_of(self, asked: Role, request: ModelRequest) -> ModelReply:
        model = self._world.models.get(asked)
        if model is None:
            raise Forbidden(f"no model is configured for the {request.role}")
        effect = ModelEffect(msgspec.structs.replace(request, model=model.name), model)
        return cast(ModelReply, await self._gate.call(effect, branch=self.name, budget=self._budget))

    async def search(self, query: str, *, label: Label, limit: int = 10) -> tuple[Hit, ...]:
        """Return web hits, best first, of all providers as one list; each handle can be fetched from now on.

        A provider that fails is left out and named in ``losses`` while another answers; when none does, the last
        failure is raised. A refusal, or anything that ends the run, always passes.
        """
        self._allow("search", label)
        asked = [self._search_one(provider, query, limit) for provider in self._world.searches]
        if not asked:
            raise Forbidden("no search provider is configured")
        answers = await asyncio.gather(*asked)
        failures = [answer for answer in answers if isinstance(answer, EffectFailed)]
        lists = [answer.hits for answer in answers if isinstance(answer, HitsReply)]
        if not lists:
            raise failures[-1]
        self.losses.extend(str(failure) for failure in failures)
        found = merged(lists)
        unwanted = [hit for hit in found if self._world.rules.refusal(hit.url)]
        hits = [hit for hit in found if hit not in unwanted][:limit]
        if unwanted and len(hits) < limit:
            self.tell("search.outside", f"{counted(len(unwanted), 'result')} not of the sites asked for")
        tried = [(hit, signs_in(f"{hit.title}\n{hit.snippet}")) for hit in hits]
        told = [
            Attempt(url=hit.url, title=hit.title, where="search result", signs=signs) for hit, signs in tried if signs
        ]
        await self._world.records.put(
            [
                *(("hit", hit.handle, hit) for hit in hits),
                *(("attempt", one.id, one) for one in told),
                *(("outside", hit.url, Outside(url=hit.url, title=hit.title, published="")) for hit in unwanted),
            ]
        )
        return tuple(hits)

    async def _search_one(self, provider: Search, query: str, limit: int) -> HitsReply | EffectFailed:
        request = SearchRequest(provider=provider.name, query=query, limit=limit)
        effect = SearchEffect(request, provider)
        try:
            return cast(HitsReply, await self._gate.call(effect, branch=self.name, budget=self._budget))
        except EffectFailed as failure:
            return failure

    async def fetch(self, handle: str) -> Source:
        """Return the stored page behind a handle that a search of this run returned."""
        self._allow("fetch")
        if self._world.fetch is None:
            raise Forbidden("the web is not switched on for this run")
        hit = build(Hit, await self._world.records.get("hit", handle))
        self._world.rules.check(hit.url)
        effect = FetchEffect(FetchRequest(handle=handle, url=hit.url), self._world.fetch, self._world.library)
        reply = cast(FetchReply, await self._gate.call(effect, branch=self.name, budget=self._budget))
        source = reply.source
        if self._world.rules.outside(source.published):
            late = Outside(url=source.url, title=source.title, published=source.published)
            await self._world.records.put([("outside", source.url, late)])
            raise OutsideDates(f"{source.url} is dated {source.published}, outside the dates asked for")
        if reply.signs:
            told = Attempt(url=source.url, title=source.title, where="page", signs=reply.signs, source=source.id)
            await self._world.records.put([("attempt", told.id, told)])
        return source

    async def retrieve(self, corpus: str, query: str, *, limit: int = 10) -> tuple[Hit, ...]:
        """Return the corpus's best passages for the query; their texts are in the library."""
        self._allow("retrieve")
        store = self._world.corpora.get(corpus)
        if store is None:
            raise Forbidden(f"the corpus {corpus} is not part of this run")
        request = RetrieveRequest(corpus=corpus, generation=store.generation, query=query, limit=limit)
        effect = RetrieveEffect(request, store)
        return cast(HitsReply, await self._gate.call(effect, branch=self.name, budget=self._budget)).hits
