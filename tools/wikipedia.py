"""Search in Wikipedia, or any MediaWiki: ``GET {base}/w/api.php``. Implements ``research.ports.Search``. Needs no key.

The wire is in ``tools.search_endpoint``.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from research.clean import clean_text
from research.errors import EffectFailed
from research.records import Hit
from research.urls import Result, web_hits
from tools.result_text import field, plain, rows, shortened, text
from tools.search_endpoint import EndpointSearch, SearchEndpoint

BASE = "https://en.wikipedia.org"
"""Another language is another address, such as ``https://de.wikipedia.org``."""
HINTS = {403: "it blocks this address or program", 404: "is this the address of a MediaWiki?"}
MOST_RESULTS = 50
LONGEST_QUERY = 300
"""What the API takes and gives at most."""
AGAIN = ("maxlag", "ratelimited", "readonly")
"""Errors that pass by themselves; MediaWiki sends them, like all its errors, with status 200."""


class WikipediaSearch(EndpointSearch):
    """One wiki, asked by its own full-text search."""

    name = "wikipedia"

    def __init__(self, base: str = BASE, *, seconds: float = 20.0) -> None:
        super().__init__(SearchEndpoint(base, name="Wikipedia", seconds=seconds, hints=HINTS, path="/w/api.php"))

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        """Return at most ``limit`` hits, best first. Raises ``EffectFailed``."""
        params = {"action": "query", "list": "search", "format": "json", "formatversion": "2", "srprop": "snippet"}
        words = shortened(query, LONGEST_QUERY)
        params |= {"srlimit": str(min(limit, MOST_RESULTS)), "srsearch": words}
        answer = await self._endpoint.ask(params=params, timeout=timeout)
        if "error" in answer:
            code, info = text(answer, "error", "code"), text(answer, "error", "info")
            said = " ".join(clean_text(f"{code}: {info}").split())[:200]
            raise EffectFailed(
                f"Wikipedia refused: {said}", retryable=code in AGAIN, limited=code in ("ratelimited", "maxlag")
            )
        found = rows(answer, "query", "search", name="Wikipedia")
        results = (self._result(row) for row in found if text(row, "title"))
        return web_hits(results, provider=self.name, limit=limit)

    def _result(self, row: object) -> Result:
        title = text(row, "title")
        where = quote(title.replace(" ", "_"), safe="/:(),!'*;@$-._~")
        namespace = field(row, "ns")
        return Result(
            url=f"{self._endpoint.base}/wiki/{where}" if namespace in (0, None) else "",
            title=title,
            snippet=plain(text(row, "snippet")),
        )
