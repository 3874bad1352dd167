"""Pages that write their text with JavaScript: a browser without a network, asked over a pipe (optional).

The browser is Chromium, which the user installs. It has no network of its own (``tools.browser_child``): the document
it shows and whatever a script asks for are handed to it by us, through the one fetch, so the rules of fetching hold
for each of them, or it gets nothing. Speaks the Chrome DevTools Protocol. One page, one browser, which then ends.
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from research.errors import EffectFailed
from research.records import Record
from tools.browser_child import NO_NAMESPACE
from tools.reaping import reaped

Get = Callable[[str], Awaitable[tuple[str, bytes]]]
"""Fetches an address for a script: media type and body. Raises ``EffectFailed``."""

LOADED_TYPES = frozenset({"Script", "XHR", "Fetch"})
"""What a text may hang on. Images, styles, fonts, media and frames are not loaded."""
QUIET = 0.4
"""Seconds without a request after which a loaded page is taken for finished."""
LONGEST_MESSAGE = 64_000_000
ROOT = str(Path(__file__).resolve().parents[1])
SWITCHES = (
    *("--headless", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run", "--disable-extensions"),
    *("--disable-background-networking", "--disable-dev-shm-usage", "--disable-sync", "--mute-audio"),
)


class RenderLimits(Record):
    """The most that one page may take: seconds in all, requests of its scripts, characters of the document."""

    seconds: float = 15.0
    requests: int = 60
    characters: int = 5_000_000


class Chromium:
    """Renders one page at a time. ``program`` is the path of the browser.

    ``below`` is the folder in which that of a page is made, and removed: the system's temporary one unless given.
    """

    def __init__(self, program: str, *, limits: RenderLimits | None = None, below: Path | None = None) -> None:
        self._program = program
        self._below = below
        self._limits = limits or RenderLimits()
        self._turn = asyncio.Semaphore(1)

    async def render(self, url: str, document: bytes, media: str, get: Get) -> str:
        """Return the HTML that a document becomes once its scripts have run. Raises ``EffectFailed``.

        ``get`` is asked for what the scripts load; a request that is not a GET, or one too many, gets nothing.
        """
        async with self._turn:
            made = tempfile.TemporaryDirectory(prefix="research-browser-", dir=self._below, ignore_cleanup_errors=True)
            with made as folder:
                process = await self._started(folder)
                try:
                    async with asyncio.timeout(self._limits.seconds):
                        return await _Tab(process, self._limits, get).shown(url, document, media)
                except TimeoutError:
                    raise EffectFailed(f"its scripts took longer than {self._limits.seconds:g} s") from None
                except (EOFError, OSError, asyncio.LimitOverrunError, msgspec.DecodeError):
                    raise EffectFailed(await _ending(process)) from None
                finally:
                    await _ended(process)

    async def _started(self, folder: str) -> Process:
        privileged = ("--no-sandbox",) if os.getuid() == 0 else ()  # its own sandbox refuses to run for root
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-B", "-s", "-m", "tools.browser_child", self._program),
            *(*SWITCHES, *privileged, f"--user-data-dir={folder}"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            cwd="/",
            env={"PYTHONPATH": ROOT, "HOME": folder, "PATH": "/usr/bin:/bin"},
            start_new_session=True,
            limit=LONGEST_MESSAGE,
        )


class _Tab:
    """One page in a running browser, and what it still waits for."""

    def __init__(self, process: Process, limits: RenderLimits, get: Get) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._in, self._out = process.stdin, process.stdout
        self._limits = limits
        self._get = get
        self._session = ""
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._sent = self._requests = self._flying = 0
        self._loaded = False
        self._stirred = asyncio.Event()
        self._document: tuple[str, bytes] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def shown(self, url: str, document: bytes, media: str) -> str:
        """Show the document under its address and return what it became."""
        self._document = (media, document)
        listening = asyncio.create_task(self._listen())
        working = asyncio.create_task(self._worked(url))
        try:
            await asyncio.wait({listening, working}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                listening.result()  # raises what ended the browser's pipe
            return await working
        finally:
            for task in (listening, working, *self._tasks):
                task.cancel()
            await asyncio.gather(listening, working, *self._tasks, return_exceptions=True)

    async def _worked(self, url: str) -> str:
        target = await self._ask("Target.createTarget", url="about:blank")
        attached = await self._ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        await self._ask("Fetch.enable", patterns=[{"urlPattern": "*"}])
        await self._ask("Page.enable")
        await self._ask("Page.navigate", url=url)
        while not (self._loaded and not self._flying and not self._stirred.is_set()):
            self._stirred.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(QUIET):
                    await self._stirred.wait()
        wanted = f"document.documentElement.outerHTML.slice(0, {self._limits.characters})"
        found = await self._ask("Runtime.evaluate", expression=wanted, returnByValue=True)
        html = found.get("result", {}).get("value")
        if not isinstance(html, str):
            raise EffectFailed("the browser showed nothing")
        return html

    async def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._sent += 1
        number = self._sent
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        reply = self._replies[number] = asyncio.get_running_loop().create_future()
        self._in.write(msgspec.json.encode(message) + b"\0")
        await self._in.drain()
        result: dict[str, Any] = await reply
        return result

    async def _listen(self) -> None:
        """Hand replies to who waits for them and serve what the page asks for, until the browser ends."""
        while True:
            message = msgspec.json.decode((await self._out.readuntil(b"\0"))[:-1])
            if "id" in message:
                reply = self._replies.pop(message["id"], None)
                if reply is not None and not reply.done():
                    reply.set_result(message.get("result", {}))
                continue
            method, params = message.get("method"), message.get("params", {})
            self._loaded = self._loaded or method == "Page.loadEventFired"
            if method == "Fetch.requestPaused":
                self._begin(self._serve(params))
            elif method == "Page.javascriptDialogOpening":
                self._begin(self._dismiss())

    def _begin(self, work: Any) -> None:
        self._flying += 1
        self._stirred.set()
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._flying -= 1
        self._stirred.set()
        if not task.cancelled():
            task.exception()  # a browser that ended meanwhile is told by whoever listens to it

    async def _dismiss(self) -> None:
        await self._ask("Page.handleJavaScriptDialog", accept=False)

    async def _serve(self, paused: Mapping[str, Any]) -> None:
        """Answer one request of the page: its document once, what its scripts need, and nothing else."""
        answer = await self._answer(paused)
        if answer is None:
            await self._ask("Fetch.failRequest", requestId=paused["requestId"], errorReason="BlockedByClient")
            return
        media, body = answer
        headers = [("Content-Type", media or "text/plain"), ("Access-Control-Allow-Origin", "*")]
        await self._ask(
            "Fetch.fulfillRequest",
            requestId=paused["requestId"],
            responseCode=200,
            responseHeaders=[{"name": name, "value": value} for name, value in headers],
            body=base64.b64encode(body).decode(),
        )

    async def _answer(self, paused: Mapping[str, Any]) -> tuple[str, bytes] | None:
        asked, kind = paused.get("request", {}), paused.get("resourceType")
        if kind == "Document" and self._document is not None:
            answer, self._document = self._document, None
            return answer
        self._requests += 1
        if kind not in LOADED_TYPES or asked.get("method") != "GET" or self._requests > self._limits.requests:
            return None
        try:
            return await self._get(str(asked.get("url", "")))
        except EffectFailed:
            return None


async def _ending(process: Process) -> str:
    """Return why the browser did not answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            if await process.wait() == NO_NAMESPACE:
                return "its scripts were not run: this system cannot take the network from a browser"
    return "the browser broke off while its scripts ran"


async def _ended(process: Process) -> None:
    """Have the browser killed with all its processes, and wait for the last of them."""
    with suppress(ProcessLookupError):
        process.terminate()
    await reaped(process)
