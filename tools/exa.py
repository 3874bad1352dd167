"""Search through Exa's API: ``POST {base}/search``. Implements ``research.ports.Search``.

The wire is in ``tools.search_endpoint``.
"""

from __future__ import annotations

from collections.abc import Sequence

from research.records import Hit
from research.secret import Secret
from research.urls import LONGEST_SNIPPET, Result, web_hits
from tools.result_text import first, rows, text
from tools.search_endpoint import EndpointSearch, SearchEndpoint, key_header

BASE = "https://api.exa.ai"
HINTS = {
    401: "the key is missing or wrong (EXA_API_KEY)",
    402: "the account's money is spent",
    403: "the key does not allow this",
}
MOST_RESULTS = 25
"""More results are another price."""


class ExaSearch(EndpointSearch):
    """Exa's search. ``key`` is sent in ``x-api-key``. Raises ``UsageFault`` for an impossible key."""

    name = "exa"

    def __init__(self, base: str = BASE, *, key: Secret, seconds: float = 30.0) -> None:
        headers = key_header("x-api-key", key, name="Exa")
        super().__init__(SearchEndpoint(base, name="Exa", seconds=seconds, hints=HINTS, headers=headers))

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        """Return at most ``limit`` hits, best first. Raises ``EffectFailed``."""
        body = {
            "query": query,
            "numResults": min(limit, MOST_RESULTS),
            "type": "auto",
            "contents": {"text": {"maxCharacters": LONGEST_SNIPPET}},
        }
        answer = await self._endpoint.ask(body=body, timeout=timeout)
        results = (
            Result(
                url=text(row, "url"),
                title=text(row, "title"),
                snippet=first((text(row, "highlights", 0), text(row, "summary"), text(row, "text"))),
            )
            for row in rows(answer, "results", name="Exa")
        )
        return web_hits(results, provider=self.name, limit=limit)
