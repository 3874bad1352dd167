"""Search for scholarly works in Crossref: ``GET {base}/works``. Implements ``research.ports.Search``. Needs no key.

The wire is in ``tools.search_endpoint``.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from research.records import Hit
from research.urls import Result, web_hits
from tools.result_text import plain, rows, shortened, text
from tools.search_endpoint import EndpointSearch, SearchEndpoint

BASE = "https://api.crossref.org"
HINTS = {403: "it blocks this address or program"}
FIELDS = "DOI,URL,title,abstract"
MOST_RESULTS = 50
LONGEST_QUERY = 500


class CrossrefSearch(EndpointSearch):
    """Crossref. ``contact`` is a mail address that is sent along, for its "polite" service; "" sends none."""

    name = "crossref"

    def __init__(self, base: str = BASE, *, contact: str = "", seconds: float = 30.0) -> None:
        super().__init__(SearchEndpoint(base, name="Crossref", seconds=seconds, hints=HINTS, path="/works"))
        self._contact = {"mailto": contact} if contact else {}

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        """Return at most ``limit`` hits, best first. Raises ``EffectFailed``."""
        params = {"query": shortened(query, LONGEST_QUERY), "rows": str(min(limit, MOST_RESULTS)), "select": FIELDS}
        answer = await self._endpoint.ask(params=params | self._contact, timeout=timeout)
        found = rows(answer, "message", "items", name="Crossref")
        return web_hits(map(_result, found), provider=self.name, limit=limit)


def _result(row: object) -> Result:
    doi = text(row, "DOI")
    return Result(
        url=f"https://doi.org/{quote(doi, safe='/:;()._-')}" if doi else text(row, "URL"),
        title=plain(text(row, "title", 0)),
        snippet=plain(text(row, "abstract")),
    )
