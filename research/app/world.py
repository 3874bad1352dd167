"""Opening the world of one run: the analyst and its models, search, fetch and the corpora that the options ask for.

Whatever is missing or wrong is said here, before a run is begun and before anything is paid for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from research.access import World
from research.analysts import Analyst
from research.app.browsers import check_browser
from research.app.embedders import embedder_for
from research.app.importing import lean_imports
from research.app.pages import open_fetch
from research.app.records import Home
from research.app.rerankers import check_rerank, open_reranker
from research.app.searching import OpenSearch, check_searches, open_searches
from research.app.stores import Stores
from research.errors import SettingMissing, UsageFault
from research.options import Chosen, RunOptions, chosen
from research.ports import ChatModel, Price, Search
from research.records import Failure
from research.requests import Role
from research.secret import Secret
from research.settings import Settings
from research.web_rules import checked_rules
from tools.clock import SystemClock
from tools.corpus_folder import corpus_folder

if TYPE_CHECKING:
    from tools.corpus import HybridCorpus
    from tools.parse import ChildParser
    from tools.safe_fetch import SafeFetch

NOTICE = (
    "No language model is configured, so this report is extractive: rules picked the quotes and arranged them, and "
    "nothing was rephrased; what a rule concluded from quoted lines is marked. Configure a model with --model "
    "provider:model."
)


Opener: TypeAlias = Callable[[Chosen, Settings], ChatModel]
Opened: TypeAlias = "Mapping[str, HybridCorpus]"
"""Corpora that the caller has open already, by name: for many runs over one corpus in one process."""
NONE_OPENED: Opened = MappingProxyType({})


@dataclass(frozen=True)
class Judgement:
    """Who judges in this run. ``lapses`` grows with each step of the model that the extractive analyst took over."""

    analyst: Analyst
    notice: str = ""
    models: Mapping[Role, ChatModel] = field(default_factory=dict)
    lapses: Sequence[str] = ()


def check_options(options: RunOptions, settings: Settings, opened: Opened = NONE_OPENED) -> None:
    """Raise what is wrong with a run's options, in one sentence, before the run begins."""
    if not options.corpora and not options.web:
        raise UsageFault("nothing to search: name a corpus with --corpus NAME (made by `research index`), or use --web")
    check_searches(options, settings)
    check_browser(options.web and options.javascript)
    check_rules(options, settings)
    if options.base_url and not options.uses_model and settings.origins.get("base_url", "").startswith("flag"):
        raise UsageFault("--base-url names a model's server, so it needs a model: add --model provider:model")
    if options.mode in ("hybrid", "agent") and not options.uses_model:
        raise SettingMissing(f"--mode {options.mode} needs a language model: add --model provider:model")
    if options.clarify != "no" and not options.uses_model:
        raise SettingMissing("--clarify needs a language model to ask back: add --model provider:model")
    check_writer(options, settings)
    check_rerank(options, settings)
    check_price(options, settings)
    closed = [name for name in options.corpora if name not in opened]
    for name in closed:
        _check_corpus(name, options, settings)
    if closed:
        open_reranker(options, settings)


def check_rules(options: RunOptions, settings: Settings) -> None:
    """Raise ``UsageFault`` when no page could count, or when pages are chosen for a run without the web."""
    flags = {"sites": "--site", "deny_sites": "--deny-site", "since": "--since", "until": "--until"}
    idle = [flag for name, flag in flags.items() if settings.origins.get(name, "").startswith("flag")]
    if idle and not options.web:
        raise UsageFault(f"{' and '.join(idle)} can only choose among pages of the web, so --web is needed")
    checked_rules(options.rules)


def check_writer(options: RunOptions, settings: Settings) -> None:
    """Raise ``UsageFault`` when a flag asks a length or a language of a report that no model writes."""
    asked = [f"--{name}" for name in ("length", "language") if settings.origins.get(name, "").startswith("flag")]
    if asked and not options.uses_model:
        raise UsageFault(
            f"{' and '.join(asked)} can only be asked of a model that writes: without one, quotes stand as they were "
            "found; add --model provider:model"
        )


def check_price(options: RunOptions, settings: Settings) -> None:
    """Raise ``UsageFault`` when money is capped and a model's price is not known: such a cap could not be kept."""
    if options.caps.nano_usd is None and options.branch_caps.nano_usd is None:
        return
    for spec in dict.fromkeys(model.spec for model in options.models().values()):
        if price(spec, settings) is None:
            raise UsageFault(
                f"the price of {spec} is not known, so a cap on money cannot be kept: set it in config.toml "
                f'([prices] "{spec}" = {{ prompt = …, completion = … }}, in dollars per million tokens), '
                "or cap --max-tokens-total instead"
            )


def price(model: str, settings: Settings) -> Price | None:
    """Return a model's price: the user's own where set, else the known one, else ``None``."""
    from tools.prices import price_of

    return settings.prices.get(model) or price_of(model, SystemClock().now())


def open_judgement(options: RunOptions, settings: Settings, opener: Opener | None = None) -> Judgement:
    """Return the analyst of a run: the configured model's, else the extractive one; ``opener`` opens each model."""
    from research.analysts.extractive import ExtractiveAnalyst

    extractive = ExtractiveAnalyst()
    if not options.uses_model:
        return Judgement(analyst=extractive, notice=NOTICE)
    from research.analysts.language import LanguageAnalyst

    placed = {role: placed_model(model, options) for role, model in options.models().items()}
    with lean_imports():
        opened = {model: (opener or _open_model)(model, settings) for model in dict.fromkeys(placed.values())}
    models = {role: opened[model] for role, model in placed.items()}
    analyst = LanguageAnalyst(extractive, named({role: model.name for role, model in models.items()}))
    return Judgement(analyst=analyst, models=models, lapses=analyst.lapses)


def named(models: Mapping[Role, str]) -> str:
    """Return the models' names, each with its roles where they are not all of one model."""
    roles: dict[str, list[str]] = {}
    for role, name in models.items():
        roles.setdefault(name, []).append(role)
    if len(roles) == 1:
        return next(iter(roles))
    return ", ".join(f"{name} ({', '.join(own)})" for name, own in roles.items())


def placed_model(model: Chosen, options: RunOptions) -> Chosen:
    """Return a model with its server: its own, or that of ``--base-url`` where it is of the same kind as ``--model``.

    So a run can read with a model on this machine and write with one of a provider. Raises as ``parse_spec`` does.
    """
    from tools.chat_models import parse_spec

    if model.server or not options.base_url:
        return model
    main = parse_spec(chosen(options.model).spec, compatible=True)[0] if options.model else "openai"
    return Chosen(model.spec, options.base_url if parse_spec(model.spec, compatible=True)[0] == main else None)


def key_for(model: Chosen, settings: Settings) -> Secret | None:
    """Return the key that a placed model's server is sent: a provider's goes to that provider only."""
    from tools.chat_models import KEY_VARIABLES, parse_spec

    provider, _ = parse_spec(model.spec, compatible=model.server is not None)
    return settings.keys.get("RESEARCH_API_KEY" if model.server else KEY_VARIABLES.get(provider, "RESEARCH_API_KEY"))


def _open_model(model: Chosen, settings: Settings) -> ChatModel:
    from tools.chat_models import open_model
    from tools.prices import window_of
    from tools.tokens import prompt_bound

    spec, secret = model.spec, key_for(model, settings)
    return open_model(
        spec,
        base_url=model.server,
        api_key=secret.reveal() if secret else None,
        price=price(spec, settings),
        window=settings.windows.get(spec) or window_of(spec),
        counter=prompt_bound(spec),
    )


def _check_corpus(name: str, options: RunOptions, settings: Settings) -> None:
    from tools.corpus import check_corpus

    folder = corpus_folder(Home(settings).corpora, name)
    check_corpus(folder, embedder_for(name, settings), allow_partial=options.allow_partial)


def _open_corpora(options: RunOptions, settings: Settings, opened: Opened) -> dict[str, HybridCorpus]:
    """Return the corpora by name: those that are open already, and the others, which share a reranker."""
    if not options.corpora:  # what reads them brings NumPy: 0.1 s and 11 MB
        return {}
    from tools.corpus import open_corpus

    closed = [name for name in options.corpora if name not in opened]
    reranker = open_reranker(options, settings) if closed else None
    partial, root = options.allow_partial, Home(settings).corpora
    new = {
        name: open_corpus(
            corpus_folder(root, name), embedder_for(name, settings), allow_partial=partial, reranker=reranker
        )
        for name in closed
    }
    return {name: new.get(name) or opened[name] for name in options.corpora}


@asynccontextmanager
async def open_world(
    options: RunOptions,
    settings: Settings,
    judgement: Judgement,
    stores: Stores,
    opened: Opened = NONE_OPENED,
) -> AsyncIterator[tuple[World, tuple[Failure, ...]]]:
    """Open the ports that the options ask for, and say what was lost before the run began.

    A corpus in ``opened`` is used as it is and left open.
    """
    async with AsyncExitStack() as stack:
        corpora = _open_corpora(options, settings, opened)
        for corpus in (corpus for name, corpus in corpora.items() if name not in opened):
            stack.callback(corpus.close)
        searches, fetch = await _open_web(options, settings, stack) if options.web else ((), None)
        losses = tuple(
            Failure(where=f"corpus {name}", what="its index was not finished, so only a part of it was searched")
            for name, corpus in corpora.items()
            if corpus.partial
        )
        yield (
            World(
                library=stores.library,
                records=stores.records,
                models=judgement.models,
                searches=searches,
                fetch=fetch,
                rules=options.rules,
                corpora=corpora,
            ),
            losses,
        )


async def _open_web(
    options: RunOptions, settings: Settings, stack: AsyncExitStack
) -> tuple[tuple[Search, ...], SafeFetch]:
    fetch, parser = await open_fetch(options, stack, home=Home(settings))
    searches = tuple(open_searches(options, settings))
    for provider in searches:
        stack.push_async_callback(provider.aclose)
    warming = asyncio.create_task(_warm(parser, fetch, searches))
    stack.push_async_callback(_stop, warming)
    return searches, fetch


async def _stop(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for what it does at its end: children that are not waited for outlive the event loop."""
    task.cancel()
    await asyncio.wait([task])


async def _warm(parser: ChildParser, fetch: SafeFetch, searches: Sequence[OpenSearch]) -> None:
    """Make ready, while the plan is being made, what the first search and the first page would wait for."""
    parts: tuple[SafeFetch | OpenSearch, ...] = (fetch, *searches)
    clients = [asyncio.to_thread(part.prepare) for part in parts]
    await asyncio.gather(parser.warm(), *clients, return_exceptions=True)
