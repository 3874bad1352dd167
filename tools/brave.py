"""Search through Brave's web search API: ``GET {base}/res/v1/web/search``. Implements ``research.ports.Search``.

The wire is in ``tools.search_endpoint``.
"""

from __future__ import annotations

from collections.abc import Sequence

from research.records import Hit
from research.secret import Secret
from research.urls import Result, web_hits
from tools.result_text import field, plain, rows, shortened, text
from tools.search_endpoint import EndpointSearch, SearchEndpoint, key_header

BASE = "https://api.search.brave.com"
HINTS = {
    401: "the key is missing or wrong (BRAVE_API_KEY)",
    402: "the plan's money is spent",
    403: "the key does not allow this",
    422: "the key is wrong (BRAVE_API_KEY), or the query is none",
}
MOST_RESULTS = 20
LONGEST_QUERY = 400
MOST_WORDS = 50
"""What the API takes and gives at most."""


class BraveSearch(EndpointSearch):
    """Brave's search. ``key`` is sent in ``X-Subscription-Token``. Raises ``UsageFault`` for an impossible key."""

    name = "brave"

    def __init__(self, base: str = BASE, *, key: Secret, seconds: float = 20.0) -> None:
        headers = key_header("X-Subscription-Token", key, name="Brave")
        super().__init__(
            SearchEndpoint(base, name="Brave", seconds=seconds, hints=HINTS, headers=headers, path="/res/v1/web/search")
        )

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        """Return at most ``limit`` hits, best first. Raises ``EffectFailed``."""
        words = shortened(query, LONGEST_QUERY, words=MOST_WORDS)
        answer = await self._endpoint.ask(
            params={"q": words, "count": str(min(limit, MOST_RESULTS)), "text_decorations": "false"}, timeout=timeout
        )
        none = answer.get("type") == "search" and field(answer, "web") is None  # as where nothing is found
        found = [] if none else rows(answer, "web", "results", name="Brave")
        results = (
            Result(url=text(row, "url"), title=plain(text(row, "title")), snippet=plain(text(row, "description")))
            for row in found
        )
        return web_hits(results, provider=self.name, limit=limit)
