"""Search for scholarly works in OpenAlex: ``GET {base}/works``. Implements ``research.ports.Search``. Needs no key.

The wire is in ``tools.search_endpoint``. Of a work's addresses the one that is free to read comes first.
"""

from __future__ import annotations

from collections.abc import Sequence

from research.records import Hit
from research.urls import Result, web_hits
from tools.result_text import abstract, field, first, plain, rows, shortened, text
from tools.search_endpoint import EndpointSearch, SearchEndpoint

BASE = "https://api.openalex.org"
HINTS = {
    403: "it was asked too often",
    409: "what it gives without a key in one day is used up",
    429: "it was asked too often, or what it gives without a key in one day is used up",
}
FIELDS = "id,doi,display_name,abstract_inverted_index,primary_location,best_oa_location"
MOST_RESULTS = 50
LONGEST_QUERY = 500


class OpenAlexSearch(EndpointSearch):
    """OpenAlex. ``contact`` is a mail address that is sent along, for better service; "" sends none."""

    name = "openalex"

    def __init__(self, base: str = BASE, *, contact: str = "", seconds: float = 20.0) -> None:
        super().__init__(SearchEndpoint(base, name="OpenAlex", seconds=seconds, hints=HINTS, path="/works"))
        self._contact = {"mailto": contact} if contact else {}

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        """Return at most ``limit`` hits, best first. Raises ``EffectFailed``."""
        params = {"search": shortened(query, LONGEST_QUERY), "per-page": str(min(limit, MOST_RESULTS))}
        answer = await self._endpoint.ask(params=params | {"select": FIELDS} | self._contact, timeout=timeout)
        found = rows(answer, "results", name="OpenAlex")
        return web_hits(map(_result, found), provider=self.name, limit=limit)


def _result(row: object) -> Result:
    addresses = (
        text(row, "best_oa_location", "landing_page_url"),
        text(row, "best_oa_location", "pdf_url"),
        text(row, "primary_location", "landing_page_url"),
        text(row, "doi"),
        text(row, "id"),
    )
    snippet = abstract(field(row, "abstract_inverted_index"))
    return Result(url=first(addresses), title=plain(text(row, "display_name")), snippet=plain(snippet))
