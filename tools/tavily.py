"""Search through Tavily's API or one compatible with it: ``POST {base}/search``. Implements ``research.ports.Search``.

The wire is in ``tools.search_endpoint``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from research.errors import EffectFailed, UsageFault
from research.records import Hit
from research.urls import web_hits
from tools.search_endpoint import EndpointSearch, SearchEndpoint, no_headers, read_result

HINTS = {
    401: "the key is missing or wrong (TAVILY_API_KEY)",
    403: "the key does not allow this",
    432: "the plan's limit is reached",
}
MOST_RESULTS = 20
"""What the API gives at most."""


class TavilySearch(EndpointSearch):
    """One Tavily-compatible service. ``key`` is sent as a bearer token, to the configured host only.

    Raises ``UsageFault`` for an address or a key that cannot be one.
    """

    name = "tavily"

    def __init__(self, base: str, *, key: str = "", seconds: float = 20.0) -> None:
        if not all(33 <= ord(c) < 127 for c in key):
            raise UsageFault("the key of Tavily holds white space or characters that no key has")

        def headers() -> Mapping[str, str]:
            return {"Authorization": f"Bearer {key}"}

        bearer = headers if key else no_headers  # the key lives in this closure: no attribute holds it
        super().__init__(SearchEndpoint(base, name="Tavily", seconds=seconds, hints=HINTS, headers=bearer))

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        """Return at most ``limit`` hits, best first. Raises ``EffectFailed``."""
        body = {"query": query, "max_results": min(limit, MOST_RESULTS)}
        answer = await self._endpoint.ask(body=body, timeout=timeout)
        rows = answer.get("results")
        if not isinstance(rows, list):
            raise EffectFailed("Tavily answered without a list of results")
        return web_hits(map(read_result, rows), provider=self.name, limit=limit)
