"""A loopback server that embeds in OpenAI's wire format and lets a test see each request before it is answered."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tools.fakes.persona import embedding

WIDTH = 64
"""Dimensions of its vectors."""


@contextmanager
def embedding_server(home: Path, watch: Callable[[list[str]], None]) -> Iterator[None]:
    """Serve embeddings while the block runs, with the address in the home's settings.

    ``watch`` gets the texts of each request before it is answered, from the thread that answers it.
    """

    class Embeddings(BaseHTTPRequestHandler):
        """Answers ``POST /v1/embeddings``."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            watch(body["input"])
            rows = [{"index": n, "embedding": embedding(text, WIDTH, False)} for n, text in enumerate(body["input"])]
            answer = json.dumps({"data": rows}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Embeddings)
    server.daemon_threads = True
    server.handle_error = lambda request, address: None  # type: ignore[method-assign]  # a killed client is no news
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.toml").write_text(f'base_url = "http://127.0.0.1:{server.server_port}/v1"\n', encoding="utf-8")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)
