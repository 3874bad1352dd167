"""Search through a SearXNG instance: ``GET {base}/search?q=…&format=json``. Implements ``research.ports.Search``.

The instance must list ``json`` under ``search.formats`` in its ``settings.yml``. The wire is in
``tools.search_endpoint``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from research.clean import clean_text
from research.errors import EffectFailed
from research.records import Hit
from research.urls import web_hits
from tools.search_endpoint import EndpointSearch, SearchEndpoint, read_result

HINTS = {403: "its settings.yml must list json under search.formats", 404: "is this the address of a SearXNG?"}


class SearxngSearch(EndpointSearch):
    """One SearXNG instance. ``base`` is its address, ``seconds`` the longest that one search may take."""

    name = "searxng"

    def __init__(self, base: str, *, seconds: float = 20.0) -> None:
        super().__init__(SearchEndpoint(base, name="SearXNG", seconds=seconds, hints=HINTS))

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        """Return at most ``limit`` hits. Raises ``EffectFailed``; no hits means that the engines answered with none."""
        answer = await self._endpoint.ask(params={"q": query, "format": "json"}, timeout=timeout)
        rows = answer.get("results")
        if not isinstance(rows, list):
            raise EffectFailed("SearXNG answered without a list of results")
        silent = answer.get("unresponsive_engines")
        if not rows and isinstance(silent, list) and silent:
            raise EffectFailed(f"SearXNG's engines gave no answer: {_engines(silent)}", retryable=True)
        return web_hits(map(read_result, rows), provider=self.name, limit=limit)


def _engines(silent: list[Any]) -> str:
    names = [": ".join(map(str, engine)) if isinstance(engine, list) else str(engine) for engine in silent[:5]]
    return " ".join(clean_text(", ".join(names)).split())[:200]
