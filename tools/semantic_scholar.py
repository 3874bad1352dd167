"""Search for papers in Semantic Scholar: ``GET {base}/graph/v1/paper/search``. Implements ``research.ports.Search``.

Needs no key; with one it is refused less often. The wire is in ``tools.search_endpoint``.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from research.records import Hit
from research.secret import Secret
from research.urls import Result, web_hits
from tools.result_text import first, rows, shortened, text
from tools.search_endpoint import EndpointSearch, SearchEndpoint, key_header, no_headers

BASE = "https://api.semanticscholar.org"
HINTS = {
    403: "the key is wrong (SEMANTIC_SCHOLAR_API_KEY)",
    429: "all who ask without a key share one limit; SEMANTIC_SCHOLAR_API_KEY gives one of your own",
}
FIELDS = "title,abstract,url,externalIds,openAccessPdf"
MOST_RESULTS = 100
LONGEST_QUERY = 300


class SemanticScholarSearch(EndpointSearch):
    """Semantic Scholar. ``key``, where there is one, is sent in ``x-api-key``."""

    name = "semantic_scholar"

    def __init__(self, base: str = BASE, *, key: Secret | None = None, seconds: float = 20.0) -> None:
        headers = key_header("x-api-key", key, name="Semantic Scholar") if key else no_headers
        path = "/graph/v1/paper/search"
        super().__init__(
            SearchEndpoint(base, name="Semantic Scholar", seconds=seconds, hints=HINTS, headers=headers, path=path)
        )

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        """Return at most ``limit`` hits, best first. Raises ``EffectFailed``."""
        words = shortened(query.replace("-", " "), LONGEST_QUERY)  # a compound with a hyphen finds nothing there
        params = {"query": words, "limit": str(min(limit, MOST_RESULTS)), "fields": FIELDS}
        answer = await self._endpoint.ask(params=params, timeout=timeout)
        none = answer.get("total") == 0 and "data" not in answer  # as where nothing is found
        found = [] if none else rows(answer, "data", name="Semantic Scholar")
        return web_hits(map(_result, found), provider=self.name, limit=limit)


def _result(row: object) -> Result:
    arxiv, doi = text(row, "externalIds", "ArXiv"), text(row, "externalIds", "DOI")
    addresses = (
        f"https://arxiv.org/abs/{quote(arxiv, safe='/.')}" if arxiv else "",
        text(row, "openAccessPdf", "url"),
        f"https://doi.org/{quote(doi, safe='/:;()._-')}" if doi else "",
        text(row, "url"),
    )
    return Result(url=first(addresses), title=text(row, "title"), snippet=text(row, "abstract"))
