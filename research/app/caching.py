"""The cache of answers across runs: opened for one run that asked for it, and emptied, with the cache of pages.

What is kept is decided in ``research.gate``, how it is kept in ``tools.answer_cache``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from research.app.making import made
from research.app.records import Home
from research.app.world import placed_model
from research.options import RunOptions
from research.ports import Listener
from research.records import Event, encode
from research.settings import Settings
from tools import answer_cache, page_cache
from tools.answer_cache import AnswerCache
from tools.database import Database

SENDING = ("what a model is sent (tools/chat_messages.py)", "tools/*.py")
"""The parts of the program that make a prompt of a request."""


@contextmanager
def answers_of(run: str, options: RunOptions, settings: Settings, listen: Listener) -> Iterator[AnswerCache | None]:
    """Open the answers of earlier runs for a run that asked for them, else yield ``None``. Raises ``StoreProblem``."""
    if not (options.cache and options.uses_model):
        yield None
        return
    home = Home(settings)
    with closing(
        Database(home.cache, answer_cache.SCHEMA, answer_cache.VERSION, remedy=answer_cache.REMEDY)
    ) as database:
        yield AnswerCache(
            database,
            home.seal(),
            run=run,
            ways=_ways(options, settings),
            tell=lambda said: listen(Event(run=run, kind="notice", detail=said)),
        )


def _ways(options: RunOptions, settings: Settings) -> dict[str, str]:
    """Return by the name of each model how its requests are sent: by which provider, to which server, as what prompt.

    A name at two servers is two models, and neither is in it: the requests do not say which of them they go to. Nor is
    one of a provider whose class finds its server by itself.
    """
    from tools.chat_models import ADDRESSES, parse_spec

    parts = made().parts
    prompts = [parts.get(part) for part in SENDING]
    found: dict[str, set[str]] = {}
    for model in (placed_model(model, options) for model in options.models().values()):
        provider, name = parse_spec(model.spec, compatible=model.server is not None)
        server = model.server or ADDRESSES.get(provider)
        if server is None:
            continue
        way = encode([provider, name, server, settings.windows.get(model.spec), prompts])
        found.setdefault(f"{provider}:{name}", set()).add(way)
    return {name: next(iter(ways)) for name, ways in found.items() if len(ways) == 1}


def clear(settings: Settings) -> tuple[int, int]:
    """Empty the caches and return how many answers and how many pages there were. Raises ``StoreProblem``."""
    home = Home(settings)
    answers = answer_cache.empty(home.cache) if home.cache.exists() else 0
    return answers, page_cache.empty(home.pages) if home.pages.exists() else 0
