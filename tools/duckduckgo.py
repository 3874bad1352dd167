"""Search in DuckDuckGo through the package ``ddgs``. Implements ``research.ports.Search``. Needs no key.

``ddgs`` opens its own connections and reads the page itself, so it runs in a child process with an empty environment
(``tools.duckduckgo_child``), one for each query, which is killed when time is over.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from research.errors import EffectFailed, SettingMissing
from research.records import Hit
from research.urls import Result, web_hits
from tools.http_status import status_failure
from tools.reaping import reaped
from tools.result_text import rows, shortened, text

ROOT = str(Path(__file__).resolve().parents[1])
LONGEST_ANSWER = 1_000_000
LONGEST_QUERY = 400
REFUSED = (202, 403)
"""What DuckDuckGo sends to who asks too often."""


class DuckDuckGoSearch:
    """DuckDuckGo's pages. ``url`` is another address for the query. Raises ``SettingMissing`` without ``ddgs``."""

    name = "duckduckgo"

    def __init__(self, url: str = "", *, seconds: float = 20.0) -> None:
        if find_spec("ddgs") is None:
            raise SettingMissing("the search service duckduckgo needs a package: pip install 'research[duckduckgo]'")
        self._url = url
        self._seconds = seconds

    async def search(self, query: str, limit: int, *, timeout: float | None) -> Sequence[Hit]:
        """Return at most ``limit`` hits, best first. Raises ``EffectFailed``."""
        seconds = self._seconds if timeout is None else min(timeout, self._seconds)
        words = shortened(query, LONGEST_QUERY)
        request = msgspec.json.encode({"url": self._url, "query": words, "seconds": seconds})
        try:
            async with asyncio.timeout(seconds):
                answer = await _answer(request)
        except TimeoutError:
            raise EffectFailed(f"DuckDuckGo gave no answer within {seconds:g} s", retryable=True) from None
        status = answer.get("status")
        if status in REFUSED:
            raise EffectFailed(f"DuckDuckGo answered {status}: it was asked too often", retryable=True, limited=True)
        if isinstance(status, int):
            raise status_failure(status, {}, "DuckDuckGo")
        if "failed" in answer:
            raise EffectFailed(f"DuckDuckGo {text(answer, 'failed')}", retryable=answer.get("again") is True)
        found = rows(answer, "rows", name="DuckDuckGo")
        results = (
            Result(url=text(row, "url"), title=text(row, "title"), snippet=text(row, "snippet")) for row in found
        )
        return web_hits(results, provider=self.name, limit=limit)

    def prepare(self) -> None:
        """Nothing: each query has a process of its own."""

    async def aclose(self) -> None:
        """Nothing is kept open."""


async def _answer(request: bytes) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-B", "-s", "-m", "tools.duckduckgo_child"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        cwd="/",
        env={"PYTHONPATH": ROOT},
        start_new_session=True,
    )
    try:
        data = await _read(process, request)
    except OSError:
        data = b""
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        await reaped(process)
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise EffectFailed("DuckDuckGo's answer broke the process that reads it") from None


async def _read(process: Process, request: bytes) -> bytes:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(request)
    process.stdin.close()
    data = bytearray()
    while piece := await process.stdout.read(65_536):
        data += piece
        if len(data) > LONGEST_ANSWER:
            raise EffectFailed(f"DuckDuckGo sent more than {LONGEST_ANSWER:,} bytes of results")
    return bytes(data)
