"""Clients of models, searches and embeddings reach their one configured host, whatever answers and variables say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

OUTSIDE = """
import asyncio, json, sys
told = json.loads(sys.argv[1])
seen = []

def witness(event, arguments):
    # Who is looked up and connected to, whatever library does it; nothing leaves this machine.
    if event == "socket.getaddrinfo":
        host = arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]
        seen.append(host)
        if host not in ("127.0.0.1", "localhost"):
            raise ConnectionRefusedError("not from a test")
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        seen.append(f"{arguments[1][0]}:{arguments[1][1]}")
        if arguments[1][0] != "127.0.0.1":
            raise ConnectionRefusedError("not from a test")

from research.errors import ResearchError
from research.requests import Message, ModelRequest

def model(spec, url):
    from tools.chat_models import open_model
    request = ModelRequest(model=spec, role="reader", messages=(Message(role="user", content="a"),), max_tokens=9)
    opened = open_model(spec, base_url=url, api_key="key-of-a-test", counter=lambda request: 9)
    return lambda: opened.complete(request, max_tokens=9, timeout=20)

def client(kind, url):
    if kind == "searxng":
        from tools.searxng import SearxngSearch
        return lambda: SearxngSearch(url).search("q", 3, timeout=20)
    if kind == "tavily":
        from tools.tavily import TavilySearch
        return lambda: TavilySearch(url, key="key-of-a-test").search("q", 3, timeout=20)
    if kind == "openai embeddings":
        from tools.embedding_services import OpenAIEmbedder
        return lambda: OpenAIEmbedder("m", url or "https://api.openai.com/v1", key="key-of-a-test").embed(["a"])
    if kind == "ollama embeddings":
        from tools.embedding_services import OllamaEmbedder
        return lambda: OllamaEmbedder("m", url).embed(["a"])
    if kind == "model list":
        from tools.model_listing import list_models, listing_address
        return lambda: list_models(listing_address("openai", url), "key-of-a-test", 20)
    return model(kind, url)

async def main():
    failed = ""
    call = client(told["kind"], told["url"])
    sys.addaudithook(witness)
    try:
        await call()
    except ResearchError as error:
        failed = str(error)
    print(json.dumps({"seen": seen, "failed": failed}))

asyncio.run(main())
"""
MODELS = ["openai:m", "anthropic:m", "google_genai:m", "ollama:m"]
KINDS = [*MODELS, "searxng", "tavily", "openai embeddings", "ollama embeddings", "model list"]
HOSTS = {
    "openai:m": "api.openai.com",
    "anthropic:m": "api.anthropic.com",
    "google_genai:m": "generativelanguage.googleapis.com",
    "openai embeddings": "api.openai.com",
    "model list": "api.openai.com",
}


class Watched(ThreadingHTTPServer):
    """A server that notes each request and sends all of them on to ``elsewhere``."""

    daemon_threads = True

    def __init__(self, elsewhere: str = "") -> None:
        super().__init__(("127.0.0.1", 0), Sending)
        self.elsewhere = elsewhere
        self.asked: list[str] = []
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class Sending(BaseHTTPRequestHandler):
    """Answers each request with a redirect that keeps method and body, or with 404 where there is nowhere to go."""

    server: Watched

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append(f"{self.command} {self.path}")
        self.send_response(307 if self.server.elsewhere else 404)
        self.send_header("Location", self.server.elsewhere + self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET
    do_CONNECT = do_GET


@pytest.fixture
def canary() -> Iterator[Watched]:
    """Where nobody may go."""
    server = Watched()
    yield server
    server.close()


def variables(elsewhere: str) -> dict[str, str]:
    """An environment in which all that could name another host names ``elsewhere``."""
    proxies = [name for scheme in ("HTTP", "HTTPS", "ALL") for name in (f"{scheme}_PROXY", f"{scheme.lower()}_proxy")]
    hosts = ["OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL", "OLLAMA_HOST"]
    hosts += ["GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL", "GOOGLE_API_ENDPOINT", "TAVILY_BASE_URL"]
    hosts += ["OPENAI_PROXY", "ANTHROPIC_PROXY", "TAVILY_HTTP_PROXY", "TAVILY_HTTPS_PROXY", "LANGSMITH_ENDPOINT"]
    told = dict.fromkeys([*proxies, *hosts], elsewhere)
    return {
        **os.environ,
        **told,
        "NO_PROXY": "",
        "no_proxy": "",
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_API_KEY": "k",
        "LANGSMITH_GATEWAY": "true",
    }


def call(kind: str, url: str | None, elsewhere: str) -> dict[str, object]:
    """One call in a process of its own: whom it looked up and connected to, and how it failed."""
    told = json.dumps({"kind": kind, "url": url})
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", OUTSIDE, told],
        env=variables(elsewhere),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    result: dict[str, object] = json.loads(ended.stdout.splitlines()[-1])
    return result


@pytest.mark.parametrize("kind", KINDS)
def test_a_configured_host_is_the_only_one_that_is_asked(kind: str, canary: Watched) -> None:
    """It redirects, and proxies and base addresses of the environment point elsewhere: nobody goes there."""
    server = Watched(canary.url)
    try:
        path = "/v1" if kind in ("openai:m", "openai embeddings", "model list") else ""
        told = call(kind, server.url + path, canary.url)
    finally:
        server.close()
    assert len(server.asked) == 1, told
    assert told["failed"]
    assert canary.asked == []
    assert isinstance(told["seen"], list)
    assert {host for host in told["seen"] if ":" in host} == {server.url.removeprefix("http://")}


@pytest.mark.parametrize("kind", list(HOSTS))
def test_without_a_host_the_provider_is_the_only_one_that_is_looked_up(kind: str, canary: Watched) -> None:
    """Keys go to the provider they belong to; no variable moves it, and no proxy stands between."""
    told = call(kind, None, canary.url)
    assert canary.asked == []
    assert told["failed"]
    assert set(told["seen"]) == {HOSTS[kind]}  # type: ignore[call-overload]


def test_the_witness_sees_a_client_that_heeds_a_proxy(canary: Watched) -> None:
    """The canary is reached by a client that trusts the environment: the check can fail."""
    code = "import httpx; print(httpx.get('http://192.0.2.1/x').status_code)"
    ended = subprocess.run(
        [sys.executable, "-c", code], env=variables(canary.url), capture_output=True, text=True, check=False
    )
    assert ended.stdout.strip() == "404"
    assert canary.asked == ["GET http://192.0.2.1/x"]
