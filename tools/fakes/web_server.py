"""A small web on loopback: pages, redirects, slow and compressed bodies, and two search providers' wire formats.

``GET /search`` speaks SearXNG's JSON, ``POST /search`` speaks Tavily's; both rank the server's own pages by the words
they share with the query. Every request is logged before it is answered. Use it in a ``with`` block, or as a process:
``python -m tools.fakes.web_server --port 0 --pages FOLDER --log FILE`` prints its port on standard output.
"""

from __future__ import annotations

import argparse
import gzip
import html
import json
import math
import mimetypes
import re
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from research.records import Record, encode

LOGGED_HEADERS = ("host", "user-agent", "accept-encoding", "cookie", "content-type", "if-none-match")
_WORD = re.compile(r"\w+")
_TAG = re.compile(r"<[^>]*>")


class WebPage(Record):
    """One answer: its bytes, and how they are sent.

    ``delay`` is seconds before the answer; ``drip`` seconds between its bytes' pieces of 1 KiB; ``length`` replaces
    the true Content-Length. A search says ``snippet`` and ``address`` of it, where they are set, for its own.
    """

    body: bytes
    media: str = "text/html; charset=utf-8"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    title: str = ""
    published: str = ""
    delay: float = 0.0
    drip: float = 0.0
    length: int | None = None
    snippet: str = ""
    address: str = ""


class Logged(Record):
    """One request as it arrived. ``authorized`` says whether an Authorization header came; its value is not kept."""

    method: str
    path: str
    headers: dict[str, str]
    authorized: bool
    body: str = ""


def html_page(title: str, paragraphs: Sequence[str], *, published: str = "", delay: float = 0.0) -> WebPage:
    """Return an article as a page: the title as heading, one ``<p>`` each, an ISO date as metadata."""
    date = f'<meta property="article:published_time" content="{html.escape(published)}">' if published else ""
    text = "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs)
    name = html.escape(title)
    page = (
        f"<!doctype html><html><head><title>{name}</title>{date}</head><body><article><h1>{name}</h1>{text}</article>"
    )
    return WebPage(body=f"{page}</body></html>".encode(), title=title, published=published, delay=delay)


def redirect(location: str, status: int = 302) -> WebPage:
    """Return an answer that points elsewhere."""
    return WebPage(body=b"", status=status, headers=(("Location", location),))


def gzipped(page: WebPage) -> WebPage:
    """Return ``page`` with its body compressed and labelled so."""
    headers = (*page.headers, ("Content-Encoding", "gzip"))
    return msgspec.structs.replace(page, body=gzip.compress(page.body), headers=headers)


def pages_of(folder: Path) -> dict[str, WebPage]:
    """Return every file below ``folder`` as a page at its relative path."""
    found = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        media = mimetypes.guess_type(file.name)[0] or "text/plain"
        text = media.startswith("text/")
        path = "/" + quote(file.relative_to(folder).as_posix())
        found[path] = WebPage(body=file.read_bytes(), media=f"{media}; charset=utf-8" if text else media)
    return found


class WebServer:
    """The server. ``delay`` (seconds) is added to every answer; ``key``, when set, must be the bearer of a POST."""

    def __init__(
        self,
        pages: Mapping[str, WebPage] | None = None,
        *,
        port: int = 0,
        delay: float = 0.0,
        key: str = "",
        log: Path | None = None,
    ) -> None:
        self.pages: dict[str, WebPage] = dict(pages or {})
        self.delay = delay
        self.key = key
        self.log: list[Logged] = []
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._file = log.open("a", encoding="utf-8") if log else None
        self._server = _Listener(("127.0.0.1", port), _Handler)
        self._server.web = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, without a final slash."""
        return f"http://{self.host}"

    @property
    def host(self) -> str:
        """``127.0.0.1:PORT``: what ``--allow-host`` has to name."""
        return f"127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        """Return the paths asked for so far, oldest first."""
        with self._lock:
            return [entry.path for entry in self.log]

    def note(self, entry: Logged) -> None:
        """Log a request, in memory and (flushed) in the file."""
        with self._lock:
            self.log.append(entry)
            if self._file:
                self._file.write(encode(entry) + "\n")
                self._file.flush()

    def search(self, query: str, limit: int) -> list[tuple[str, WebPage, float]]:
        """Return paths and pages that share words with ``query``, best first; rare words weigh more (idf)."""
        found = {path: (page, _words(page)) for path, page in self.pages.items() if page.status == 200}
        wanted = set(_WORD.findall(query.lower()))
        holding = {word: sum(word in words for _, words in found.values()) for word in wanted}
        weights = {word: math.log((1 + len(found)) / count) for word, count in holding.items() if count}
        total = sum(weights.values()) or 1.0
        scored = [
            (path, page, round(sum(weight for word, weight in weights.items() if word in words) / total, 4))
            for path, (page, words) in found.items()
        ]
        return sorted((one for one in scored if one[2]), key=lambda one: -one[2])[:limit]

    def close(self) -> None:
        """Stop: answers that are waiting are cut short."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self._file:
            self._file.close()

    def __enter__(self) -> WebServer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def visible(page: WebPage) -> str:
    """Return the words of a page roughly as a reader sees them."""
    text = page.body.decode("utf-8", "replace")
    return html.unescape(_TAG.sub(" ", text)) if "html" in page.media else text


def _described(path: str, page: WebPage) -> tuple[str, str]:
    return page.title or path.lstrip("/"), page.snippet or visible(page)[:300]


@lru_cache(maxsize=4096)
def _words(page: WebPage) -> frozenset[str]:
    return frozenset(_WORD.findall(visible(page).lower()))


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    web: WebServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a caller that was killed; anything else is told as ever."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr: the log is the record."""

    def do_GET(self) -> None:
        self._note("")
        where, pages = urlsplit(self.path), self.server.web.pages
        page = pages.get(self.path) or pages.get(where.path)
        if page is None and where.path == "/search":
            asked = parse_qs(where.query)
            page = self._searxng(asked.get("q", [""])[0], asked.get("format", [""])[0])
        if page is not None and dict(page.headers).get("ETag", "") == self.headers.get("If-None-Match"):
            page = WebPage(body=b"", media="", status=304, headers=page.headers)
        self._send(page or WebPage(body=b"<p>There is no such page.</p>", status=404))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
        self._note(body)
        page = self.server.web.pages.get("POST " + urlsplit(self.path).path)
        self._send(page or self._tavily(body))

    def _note(self, body: str) -> None:
        kept = {name: self.headers[name] for name in LOGGED_HEADERS if name in self.headers}
        keyed = "Authorization" in self.headers
        self.server.web.note(Logged(method=self.command, path=self.path, headers=kept, authorized=keyed, body=body))

    def _searxng(self, query: str, shape: str) -> WebPage:
        if shape != "json":
            return WebPage(body=b"Forbidden", status=403)
        results = [
            {"url": url, "title": title, "content": text, "score": score, "publishedDate": date, "engine": "loopback"}
            for url, title, text, score, date in self._results(query, 20)
        ]
        return _json({"query": query, "number_of_results": len(results), "results": results, "answers": []})

    def _tavily(self, body: str) -> WebPage:
        web = self.server.web
        if web.key and self.headers.get("Authorization") != f"Bearer {web.key}":
            return _json({"detail": {"error": "Unauthorized: missing or invalid API key."}}, 401)
        asked = json.loads(body or "{}")
        if not isinstance(asked.get("query"), str):
            return _json({"detail": {"error": "query is required"}}, 422)
        results = [
            {"url": url, "title": title, "content": text, "score": score, "published_date": date}
            for url, title, text, score, date in self._results(asked["query"], int(asked.get("max_results", 5)))
        ]
        return _json({"query": asked["query"], "results": results, "response_time": 0.0})

    def _results(self, query: str, limit: int) -> list[tuple[str, str, str, float, str]]:
        base = f"http://{self.headers.get('Host', self.server.web.host)}"
        return [
            (page.address or base + path, *_described(path, page), score, page.published)
            for path, page, score in self.server.web.search(query, limit)
        ]

    def _send(self, page: WebPage) -> None:
        web = self.server.web
        web.stopping.wait(web.delay + page.delay)
        try:
            self.send_response(page.status)
            for name, value in page.headers:
                self.send_header(name, value)
            if page.media:
                self.send_header("Content-Type", page.media)
            self.send_header("Content-Length", str(len(page.body) if page.length is None else page.length))
            self.end_headers()
            self._write(page)
        except ConnectionError:  # the caller hung up, as a caller with a limit does
            self.close_connection = True

    def _write(self, page: WebPage) -> None:
        if page.drip:
            for start in range(0, len(page.body), 1024):
                self.wfile.write(page.body[start : start + 1024])
                self.server.web.stopping.wait(page.drip)
        else:
            self.wfile.write(page.body)
        self.close_connection = page.length is not None


def _json(value: dict[str, Any], status: int = 200) -> WebPage:
    return WebPage(body=json.dumps(value).encode(), media="application/json", status=status)


def main() -> None:
    """Serve until a signal comes."""
    flags = argparse.ArgumentParser(prog="python -m tools.fakes.web_server", description=__doc__)
    flags.add_argument("--port", type=int, default=0)
    flags.add_argument("--pages", type=Path, help="a folder whose files are the pages")
    flags.add_argument("--log", type=Path, help="a file that gets one JSON object a request")
    flags.add_argument("--delay", type=float, default=0.0, help="seconds before every answer")
    flags.add_argument("--key", default="", help="the bearer that a POST must carry")
    chosen = flags.parse_args()
    pages = pages_of(chosen.pages) if chosen.pages else {}
    with WebServer(pages, port=chosen.port, delay=chosen.delay, key=chosen.key, log=chosen.log) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
