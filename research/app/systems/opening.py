"""Opening a system under test over an eval's documents, in the eval home."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from evals.records import Corpora, System
from research.app.embedders import embedder_for
from research.app.records import Home
from research.app.rerankers import open_reranker
from research.app.systems.kinds import RESUMED, system_kind
from research.app.systems.materials import Shelf
from research.errors import SettingMissing, UsageFault
from research.options import RunOptions
from research.secret import redact
from research.settings import Settings, prepare_home

Say = Callable[[str], None]


@asynccontextmanager
async def open_system(
    name: str, corpora: Corpora, settings: Settings, options: RunOptions, *, home: Path, say: Say
) -> AsyncIterator[System]:
    """Open the system ``name`` over ``corpora``; its runs and indexes are in ``home``, a data directory of its own.

    ``settings`` are the user's: the embedder is looked for in their home. ``options`` are those of each case, its
    budget among them; corpora and web are the question's. Raises ``UnknownName``, ``UsageFault`` and
    ``SettingMissing`` before anything is indexed, and what indexing raises.
    """
    kind = system_kind(name)
    if redact(name, settings.keys.values()) != name:
        raise UsageFault("the system's name holds a key, and it would stand in the log: let a script read the key")
    if kind.needs and not options.uses_model:
        raise SettingMissing(f"the system {name} needs a language model: add --model provider:model")
    scheme, _, rest = name.partition(":")
    own = msgspec.structs.replace(settings, home=home)
    if scheme == "file" and rest:
        from research.app.systems.foreign import filed

        yield filed(Path(rest))
    elif scheme == "command" and rest:
        from research.app.systems.foreign import commanded

        yield commanded(rest, corpora, options, home / "documents" / "commands")
    elif "ranking" in kind.gives and name != "bm25":
        async with _shelf(corpora, settings, own, options, say) as shelf:
            yield _over_corpora(name, own, options, shelf)
    else:
        yield _over_texts(name, corpora, own, options)


@asynccontextmanager
async def _shelf(
    corpora: Corpora, settings: Settings, own: Settings, options: RunOptions, say: Say
) -> AsyncIterator[Shelf]:
    prepare_home(own.home)
    shelf = Shelf(corpora, Home(own), embedder_for("", settings), say, reranker=open_reranker(options, settings))
    try:
        await shelf.prepare()
        yield shelf
    finally:
        await asyncio.to_thread(shelf.close)


def _over_corpora(name: str, own: Settings, options: RunOptions, shelf: Shelf) -> System:
    """Return a system that searches the corpora."""
    from research.app.systems.answering import answering
    from research.app.systems.retrieval import LISTERS, retrieving

    if name in LISTERS:
        return retrieving(name, shelf)
    return answering(name.removesuffix(RESUMED), own, options, shelf, resumed=name.endswith(RESUMED))


def _over_texts(name: str, corpora: Corpora, own: Settings, options: RunOptions) -> System:
    """Return a system that is handed the texts themselves, or none."""
    from research.app.systems import bm25, checking
    from research.app.systems.gated import Gated
    from research.app.systems.planning import planning

    if name == "bm25":
        return bm25.ranking_by_bm25(corpora)
    if name == "support":
        return checking.checking_support(corpora)
    if name == "coverage":
        return checking.checking_coverage(corpora)
    if name == "model-check":
        return checking.checking_by_model(corpora, Gated(own, options))
    if name == "planner":
        options = options.with_model(None)
    return planning(Gated(own, options))
