"""Seven search services on loopback, with the shapes of their real answers and errors, over one small web of pages.

Each ranks the server's own pages as :class:`tools.fakes.web_server.WebServer` does, which also speaks SearXNG and
Tavily. A page that a test puts at a service's path is sent instead of its answer; :data:`REFUSALS` are those for it.
Wikipedia finds the pages below ``/wiki/``, arXiv those below ``/abs/`` (under its own address), the others all.
"""

from __future__ import annotations

import html
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tools.fakes.web_server import WebPage, WebServer, _Handler, _json

PATHS = {
    "brave": "/res/v1/web/search",
    "exa": "POST /search",
    "wikipedia": "/w/api.php",
    "openalex": "/works",
    "crossref": "/works",
    "semantic_scholar": "/graph/v1/paper/search",
    "arxiv": "/api/query",
}
"""Where each service is asked, as the keys of :attr:`WebServer.pages`."""


def refusal(service: str, status: int, *, after: int | None = None) -> WebPage:
    """Return what a service sends with a status of 400 or more; ``after`` is its ``Retry-After``, in seconds."""
    said: dict[str, Any] = {
        "brave": {
            "type": "ErrorResponse",
            "error": {"status": status, "code": "RATE_LIMITED", "detail": "Request rate limit exceeded for plan."},
            "time": 1_700_000_000,
        },
        "exa": {"requestId": "b5947044c4b78efa9552a7c89b306d95", "error": "Invalid API key", "tag": "INVALID_API_KEY"},
        "openalex": {"error": "Rate limit exceeded", "message": "You have used what is free in one day."},
        "crossref": {"status": "failed", "message-type": "validation-failure", "message": [{"type": "other"}]},
        "semantic_scholar": {"message": "Too Many Requests. Please wait and try again.", "code": str(status)},
    }
    headers = () if after is None else (("Retry-After", str(after)),)
    body = json.dumps(said[service]) if service in said else "Rate exceeded."
    media = "application/json" if service in said else "text/plain"
    return WebPage(body=body.encode(), media=media, status=status, headers=headers)


class SearchServer(WebServer):
    """The server; ``key``, when set, must be the key of a request to Brave, Exa or (if it sends one) Semantic Scholar.

    ``works`` are other addresses of its pages, by path: what the scholarly services say in place of the page's own.
    """

    works: dict[str, str]

    def __init__(self, *arguments: Any, works: dict[str, str] | None = None, **options: Any) -> None:
        self.works = works or {}
        super().__init__(*arguments, **options)
        self._server.RequestHandlerClass = _Services


class _Services(_Handler):
    """Answers for the service whose path is asked."""

    def do_GET(self) -> None:
        where = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(where.query).items()}
        services = {
            PATHS["brave"]: self._brave,
            PATHS["wikipedia"]: self._wikipedia,
            PATHS["openalex"]: self._openalex if "search" in asked else self._crossref,
            PATHS["semantic_scholar"]: self._semantic_scholar,
            PATHS["arxiv"]: self._arxiv,
        }
        if where.path not in services or where.path in self.server.web.pages:
            super().do_GET()
            return
        self._note("")
        self._send(services[where.path](asked))

    def do_POST(self) -> None:
        if self.headers.get("x-api-key") is None or PATHS["exa"] in self.server.web.pages:
            super().do_POST()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self._note(body)
        self._send(self._exa(json.loads(body)))

    def _keyed(self, header: str) -> bool:
        return self.server.web.key in ("", self.headers.get(header, ""))

    def _found(self, query: str, limit: int, below: str = "/") -> list[tuple[str, str, str]]:
        """Return addresses, titles and texts of the best pages below a path."""
        works = getattr(self.server.web, "works", {})
        found = self._results(query, 100)
        host = f"http://{self.headers.get('Host', self.server.web.host)}"
        rows = [(url.removeprefix(host), title, text) for url, title, text, _, _ in found]
        return [(works.get(at, host + at), title, text) for at, title, text in rows if at.startswith(below)][:limit]

    def _brave(self, asked: dict[str, str]) -> WebPage:
        if not self._keyed("X-Subscription-Token"):
            code = {"code": "SUBSCRIPTION_TOKEN_INVALID", "status": 422, "detail": "The provided token is invalid."}
            return _json({"type": "ErrorResponse", "error": code, "time": 1_700_000_000}, 422)
        rows = [
            {
                "type": "search_result",
                "title": f"<strong>{title}</strong>",
                "url": url,
                "description": html.escape(text),
            }
            for url, title, text in self._found(asked["q"], int(asked.get("count", "20")))
        ]
        answer: dict[str, Any] = {"type": "search", "query": {"original": asked["q"], "more_results_available": False}}
        return _json(answer | {"web": {"type": "search", "results": rows}} if rows else answer)

    def _exa(self, asked: dict[str, Any]) -> WebPage:
        if not self._keyed("x-api-key"):
            return refusal("exa", 401)
        size = asked.get("contents", {}).get("text", {}).get("maxCharacters", 300)
        rows = [
            {"id": url, "url": url, "title": title, "score": 0.3, "publishedDate": None, "text": text[:size]}
            for url, title, text in self._found(asked["query"], asked.get("numResults", 10))
        ]
        return _json({"requestId": "b5947044", "resolvedSearchType": "neural", "results": rows, "costDollars": {}})

    def _wikipedia(self, asked: dict[str, str]) -> WebPage:
        if asked.get("action") != "query" or not asked.get("srsearch"):
            info = {"code": "missingparam", "info": 'The "srsearch" parameter must be set.', "docref": "See …"}
            return _json({"error": info, "servedby": "mw1"})
        found = self._found(asked["srsearch"], int(asked.get("srlimit", "10")), "/wiki/")
        rows = [
            {"ns": 0, "title": title, "pageid": at, "snippet": f'<span class="searchmatch">{html.escape(text)}</span>'}
            for at, (_, title, text) in enumerate(found, 1)
        ]
        return _json({"batchcomplete": True, "query": {"searchinfo": {"totalhits": len(rows)}, "search": rows}})

    def _openalex(self, asked: dict[str, str]) -> WebPage:
        rows = []
        for at, (url, title, text) in enumerate(self._found(asked["search"], int(asked.get("per-page", "25"))), 1):
            index: dict[str, list[int]] = {}
            for place, word in enumerate(text.split()):
                index.setdefault(word, []).append(place)
            where = {"landing_page_url": url, "pdf_url": None}
            row = {"id": f"https://openalex.org/W{at}", "doi": None, "display_name": title, "primary_location": where}
            rows.append(row | {"best_oa_location": None, "abstract_inverted_index": index or None})
        return _json({"meta": {"count": len(rows), "page": 1, "per_page": 25}, "results": rows, "group_by": []})

    def _crossref(self, asked: dict[str, str]) -> WebPage:
        rows = [
            {"URL": url, "title": [title], "abstract": f"<jats:title>Abstract</jats:title><jats:p>{text}</jats:p>"}
            | ({"DOI": url.removeprefix("https://doi.org/")} if url.startswith("https://doi.org/") else {})
            for url, title, text in self._found(asked["query"], int(asked.get("rows", "20")))
        ]
        message = {"total-results": len(rows), "items": rows, "items-per-page": 20, "query": {"start-index": 0}}
        return _json({"status": "ok", "message-type": "work-list", "message-version": "1.0.0", "message": message})

    def _semantic_scholar(self, asked: dict[str, str]) -> WebPage:
        if "x-api-key" in self.headers and not self._keyed("x-api-key"):
            return _json({"message": "Forbidden"}, 403)
        found = self._found(asked["query"], int(asked.get("limit", "10")))
        if not found:
            return _json({"total": 0, "offset": 0})
        rows = [
            {"paperId": f"{at:040x}", "url": url, "title": title, "abstract": text, "openAccessPdf": None}
            | {"externalIds": _ids(url)}
            for at, (url, title, text) in enumerate(found)
        ]
        return _json({"total": len(rows), "offset": 0, "data": rows})

    def _arxiv(self, asked: dict[str, str]) -> WebPage:
        words = asked.get("search_query", "").replace("all:", "").replace(" OR ", " ")
        found = self._found(words, int(asked.get("max_results", "10")), "/abs/")
        entries = [(f"http://arxiv.org{urlsplit(url).path}v1", title, text) for url, title, text in found]
        return WebPage(body=atom(entries), media="application/atom+xml; charset=utf-8")


def _ids(url: str) -> dict[str, str]:
    for name, start in (("DOI", "https://doi.org/"), ("ArXiv", "https://arxiv.org/abs/")):
        if url.startswith(start):
            return {name: url.removeprefix(start), "CorpusId": "1"}
    return {"CorpusId": "1"}


def atom(entries: list[tuple[str, str, str]]) -> bytes:
    """Return a feed as arXiv sends it, of entries of an id, a title and a summary."""
    rows = "".join(
        f"<entry><id>{id}</id><updated>2021-01-01T00:00:00Z</updated><title>{html.escape(title)}</title>\n"
        f"<summary>  {html.escape(text)}\n</summary><author><name>A. Lee</name></author>"
        f'<link href="{id}" rel="alternate" type="text/html"/></entry>\n'
        for id, title, text in entries
    )
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
    total = f'<opensearch:totalResults xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">{len(entries)}'
    top = f"<title>ArXiv Query</title><id>http://arxiv.org/api/x</id>{total}</opensearch:totalResults>"
    return f"{head}{top}{rows}</feed>".encode()
