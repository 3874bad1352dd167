"""Search by a tool of an MCP server that the config file names. Implements ``research.ports.Search``.

Each query has a connection of its own, or a process: nothing of one query is known in the next. The server can ask
nothing of us (no sampling, no files, no questions to the user). The ways to it are in ``tools.mcp_wires``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from typing import Any

import msgspec

from research.clean import clean_text
from research.errors import EffectFailed, SettingMissing
from research.records import Hit
from research.secret import Secret
from research.service_tables import McpServer
from research.urls import Result, web_hits
from tools.result_text import first, plain, shortened, text

LONGEST_QUERY = 400
LISTS = ("results", "result", "items", "data", "hits", "organic", "web")
"""Where servers put their list of results."""
ADDRESS, TITLE = ("url", "link", "href", "uri"), ("title", "name")
SNIPPET = ("snippet", "description", "content", "text", "body", "summary", "abstract")


class McpSearch:
    """One MCP server, as ``mcp.NAME``. ``passed`` are the variables that its process is given, and it gets no others.

    Raises ``SettingMissing`` without the package ``mcp``, or when a variable that it needs is not set.
    """

    def __init__(self, name: str, server: McpServer, passed: Mapping[str, Secret], *, seconds: float = 30.0) -> None:
        self.name = f"mcp.{name}"
        if find_spec("mcp") is None:
            raise SettingMissing(f"the search service {self.name} needs a package: pip install 'research[mcp]'")
        missing = [variable for variable in server.env if variable not in passed]
        if missing:
            raise SettingMissing(f"the search service {self.name} needs the environment variable {missing[0]}")
        self._server = server
        self._seconds = seconds
        self._environment: Callable[[], dict[str, str]] = lambda: {
            variable: passed[variable].reveal() for variable in server.env
        }

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        """Return at most ``limit`` hits in the server's order. Raises ``EffectFailed``."""
        seconds = self._seconds if timeout is None else min(timeout, self._seconds)
        try:
            async with asyncio.timeout(seconds):
                result = await self._call(shortened(query, LONGEST_QUERY), seconds)
        except TimeoutError:
            raise EffectFailed(f"{self.name} gave no answer within {seconds:g} s", retryable=True) from None
        said = [block.text for block in result.content if block.type == "text"]
        if result.is_error:
            raise EffectFailed(f"{self.name} refused: {_line(' '.join(said)) or 'it does not say why'}")
        found = _rows(result.structured_content)
        if found is None:
            found = _of_texts(said)
        if found is None:
            raise EffectFailed(f"{self.name} answered with something that is not a list of results")
        return web_hits(map(_result, found), provider=self.name, limit=limit)

    def prepare(self) -> None:
        """Import the client, which takes some tenths of a second."""
        import mcp.client.client

        logging.getLogger(mcp.__name__).addHandler(logging.NullHandler())  # else its tracebacks go to the terminal

    async def aclose(self) -> None:
        """Nothing is kept open."""

    async def _call(self, query: str, seconds: float) -> Any:
        self.prepare()
        import httpx2
        from mcp import Client, MCPError

        try:
            async with Client(self._wire(seconds)) as client:
                return await client.call_tool(self._server.tool, {self._server.argument: query})
        except EffectFailed:
            raise
        except (MCPError, httpx2.HTTPError, OSError, ValueError, RuntimeError, ExceptionGroup) as error:
            raise _failure(self.name, error, (OSError, httpx2.ConnectError, httpx2.TimeoutException)) from None

    def _wire(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        from tools.mcp_wires import over_http, over_process

        if self._server.url:
            return over_http(self._server.url, seconds)
        return over_process(self._server.command, self._environment(), self.name)


def _failure(name: str, error: BaseException, passing: tuple[type[BaseException], ...]) -> EffectFailed:
    """Return the failure that stands in a group of them, or what an error says; ``passing`` may not come again."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, EffectFailed):
        return error
    again = isinstance(error, passing) or "Connection closed" in str(error)
    return EffectFailed(f"{name} failed: {_line(str(error)) or type(error).__name__}", retryable=again)


def _rows(value: object) -> list[Any] | None:
    """Return the list of results in an answer's JSON, ``None`` where there is none."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return None
    if first(text(value, name) for name in ADDRESS):
        return [value]
    inner = (_rows(value[name]) for name in LISTS if isinstance(value.get(name), list | dict))
    return next((found for found in inner if found is not None), None)


def _of_texts(said: Sequence[str]) -> list[Any] | None:
    """Return the results in blocks of text that are JSON, each a list or one result; ``None`` where none is."""
    found: list[Any] | None = None
    for block in said:
        try:
            part = _rows(msgspec.json.decode(block))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            continue
        if part is not None:
            found = [*(found or []), *part]
    return found


def _result(row: object) -> Result:
    title, snippet = (plain(first(text(row, name) for name in names)) for names in (TITLE, SNIPPET))
    return Result(url=first(text(row, name) for name in ADDRESS), title=title, snippet=snippet)


def _line(said: str) -> str:
    return " ".join(clean_text(said).split())[:200]
