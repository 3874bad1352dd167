"""The far side of a research run with fixed delays: a model, a search and pages, on loopback, with one log.

What is said is handed in (:class:`Scene`); how long it takes does not hang on the machine, because every answer is due
a fixed time after its request came. The log has one line a request that was answered or spoiled, with times of the
monotonic clock, which all processes of a machine share. The model's wire is in ``tools.fakes.openai_server``.
"""

from __future__ import annotations

import asyncio
import hashlib
import html
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol
from urllib.parse import parse_qs

from research.records import Record, encode
from tools.fakes.openai_server import Fault, OpenAIServer, request_hash
from tools.fakes.persona import Answer, asked_schema
from tools.fakes.wire import Exchange

Kind = Literal["model", "search", "page"]
LATENCY = 0.4
PER_TOKEN = 0.005
WEB = 0.15
FAULTS: Mapping[Kind, tuple[Fault | Literal["cut JSON"], ...]] = {
    "model": ("429", "500", "cut", "cut JSON"),
    "search": ("429", "500", "cut", "cut JSON"),
    "page": ("429", "500", "cut"),
}
RETRY_AFTER = "1"


class Article(Record):
    """A page: its title and paragraphs."""

    title: str
    paragraphs: tuple[str, ...]

    def html(self) -> bytes:
        """Return the page as it is sent."""
        name, text = html.escape(self.title), "".join(f"<p>{html.escape(part)}</p>" for part in self.paragraphs)
        head = f"<!doctype html><html><head><title>{name}</title></head>"
        return f"{head}<body><article><h1>{name}</h1>{text}</article></body></html>".encode()


class Scene(Protocol):
    """What the far side says. All of it hangs on the request alone."""

    def answer(self, body: Mapping[str, Any]) -> Answer:
        """Return the model's answer to a chat request."""
        ...

    def found(self, query: str) -> Sequence[str]:
        """Return the paths of the pages that a search finds, best first."""
        ...

    def page(self, path: str) -> Article | None:
        """Return the page at a path."""
        ...

    def shown(self, body: Mapping[str, Any]) -> Sequence[str]:
        """Return what of the pages a chat request shows, as marks that the log keeps."""
        ...


class Served(Record):
    """One request and how it was served: ``key`` names what was asked, ``fault`` what was wrong with the answer.

    ``name`` says what a model was asked for: the fields of the answer, or the tools. Tokens are o200k, as the
    provider's bill would have them.
    """

    kind: Kind
    name: str
    key: str
    begun: float
    ended: float
    prompt: int = 0
    completion: int = 0
    fault: str = ""
    shown: tuple[str, ...] = ()


class PacedServer:
    """The far side as an async context manager. ``share`` of the requests is spoiled, by chance drawn from ``seed``.

    The chance hangs on the request and on how often it came, so that a run meets the same faults again.
    """

    def __init__(self, scene: Scene, log: Path, *, share: float = 0.0, seed: int = 0) -> None:
        self._scene = scene
        self._log = log.open("a", encoding="utf-8")
        self._share = share
        self._seed = seed
        self._seen: Counter[str] = Counter()
        self._begun: dict[int, float] = {}
        self._cut: dict[str, bool] = {}
        self.model = OpenAIServer(
            answer=self._answer, latency=LATENCY, per_token=PER_TOKEN, spoil=self._spoil, watch=self._watch
        )

    @property
    def web_url(self) -> str:
        """The address of search and pages, without a final slash."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> PacedServer:
        self._web = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=512)
        self._port: int = self._web.sockets[0].getsockname()[1]
        await self.model.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._web.close()
        await self.model.__aexit__(kind, error, at)
        self._log.close()

    def fault(self, kind: Kind, key: str) -> str:
        """Return what is wrong with the answer to this request, empty for nothing; each asking is a new draw."""
        self._seen[key] += 1
        drawn = hashlib.sha256(f"{self._seed} {key} {self._seen[key]}".encode()).digest()
        if int.from_bytes(drawn[:4], "big") >= self._share * 2**32:
            return ""
        return FAULTS[kind][drawn[4] % len(FAULTS[kind])]

    def _spoil(self, body: dict[str, Any]) -> Fault | None:
        key = request_hash(body)
        fault = self.fault("model", key)
        self._cut[key] = fault == "cut JSON"
        return None if fault in ("", "cut JSON") else fault  # type: ignore[return-value]

    def _answer(self, body: dict[str, Any]) -> Answer:
        answer = self._scene.answer(body)
        if self._cut.get(request_hash(body)) and "json" in answer:
            said = json.dumps(answer["json"], ensure_ascii=False)
            return {"text": said[: len(said) // 2]}
        return answer

    def _watch(self, line: Mapping[str, Any]) -> None:
        if line["event"] == "received":
            self._begun[line["n"]] = line["arrived"]
            return
        body, cut = self.model.requests[line["n"] - 1], self._cut.get(line["key"], False)
        fault = "cut JSON" if cut else "" if line["event"] == "answered" else str(line["event"])
        completion = line["completion_tokens"] or 0
        self._write(
            Served(
                kind="model",
                name=asked_for(body),
                key=line["key"],
                begun=self._begun.pop(line["n"]),
                ended=time.perf_counter(),
                prompt=line["prompt_tokens"] if completion else 0,
                completion=completion,
                fault=fault,
                shown=tuple(self._scene.shown(body)),
            )
        )

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (exchange := await Exchange.read(reader, writer)) is not None:
                await self._serve(exchange, time.perf_counter())
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, or the server is closing
        finally:
            writer.close()

    async def _serve(self, exchange: Exchange, begun: float) -> None:
        kind: Kind = "search" if exchange.path == "/search" else "page"
        key = parse_qs(exchange.query).get("q", [""])[0] if kind == "search" else exchange.path
        fault = self.fault(kind, f"{kind} {key}")
        await asyncio.sleep(begun + WEB - time.perf_counter())
        self._write(Served(kind=kind, name=key, key=key, begun=begun, ended=time.perf_counter(), fault=fault))
        if fault in ("429", "500"):
            await exchange.send_error(int(fault), f"fault {fault}", "fault", {"Retry-After": RETRY_AFTER})
            return
        status, body, media = self._results(key) if kind == "search" else self._page(key)
        if fault == "cut JSON":
            body = body[: len(body) // 2]
        await exchange.send(status, body, media, cut=fault == "cut")

    def _results(self, query: str) -> tuple[int, bytes, str]:
        found = [(path, article) for path in self._scene.found(query) if (article := self._scene.page(path))]
        results = [
            {"url": self.web_url + path, "title": article.title, "content": article.paragraphs[0][:200]}
            for path, article in found
        ]
        return 200, json.dumps({"query": query, "results": results}).encode(), "application/json"

    def _page(self, path: str) -> tuple[int, bytes, str]:
        article = self._scene.page(path)
        return (200, article.html(), "text/html; charset=utf-8") if article else (404, b"", "text/html")

    def _write(self, served: Served) -> None:
        self._log.write(encode(served) + "\n")
        self._log.flush()


def asked_for(body: Mapping[str, Any]) -> str:
    """Return what a chat request asks for: the fields of its schema, or else its tools."""
    schema = asked_schema(body)
    if schema is not None:
        return "+".join(schema.get("properties", {}))
    return "+".join(tool["function"]["name"] for tool in body.get("tools") or []) or "text"
