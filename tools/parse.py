"""The parser as the program sees it: untrusted bytes go to a child process, plain text comes back.

Implements ``research.ports.Parser``. Children are started when first needed, kept, used for one item at a time, killed
when an item takes too long, and started afresh after that. The child's side is in ``tools.parse_child``.
"""

from __future__ import annotations

import asyncio
import signal
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path

import msgspec

from research.errors import EffectFailed
from research.ports import Parsed
from tools.reaping import reaped

LENGTHS = struct.Struct(">II")
GRACE = 5.0
"""Seconds by which the child's own alarm comes after the parent's: it only matters when the parent is gone."""

ROOT = str(Path(__file__).resolve().parents[1])
"""The folder that holds ``tools``: the child's whole environment is this one path."""

LONGEST_HEAD, LONGEST_BODY = 1_000_000, 100_000_000
"""Bytes of an answer: above what a text of 20 million characters takes; only a parser that was taken over says more."""

RENEW_AFTER = 500
"""Items after which a child is replaced, so that what libraries keep in memory has an end."""


class _Reply(msgspec.Struct):
    title: str = ""
    published: str = ""
    author: str = ""
    pages: tuple[int, ...] = ()
    marks: tuple[str, ...] = ()
    hidden: int = 0
    failed: str = ""


class _Died(Exception):
    """A child ended before it answered; the text says how."""


class _Child:
    """One process and how many items it has read."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.items = 0

    async def ask(self, header: bytes, data: bytes) -> tuple[bytes, bytes]:
        """Send one message and return the answer; a child that dies on the way raises ``EOFError`` or ``OSError``."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None and stdout is not None
        self.items += 1
        stdin.writelines((LENGTHS.pack(len(header), len(data)), header, data))
        await stdin.drain()
        head, body = LENGTHS.unpack(await stdout.readexactly(LENGTHS.size))
        if head > LONGEST_HEAD or body > LONGEST_BODY:
            raise EOFError("no parser of ours answers so much")
        return await stdout.readexactly(head), await stdout.readexactly(body)

    async def ending(self) -> str:
        """Return how the process ended, in a few words."""
        try:
            async with asyncio.timeout(1.0):
                code = await self.process.wait()
        except TimeoutError:
            return "it closed its pipe"
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    async def end(self) -> None:
        """Kill the process, if it still runs, and wait for it."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.kill()
        await reaped(self.process)


class ChildParser:
    """Reads bytes in at most ``children`` processes. ``seconds`` is the longest that one item may take."""

    def __init__(self, *, seconds: float = 20.0, children: int = 2) -> None:
        self._seconds = seconds
        self._idle: list[_Child] = []
        self._children = children
        self._slots = asyncio.Semaphore(children)

    async def parse(self, data: bytes, media: str, *, name: str) -> Parsed:
        """Return text, title and date of ``data``. Raises ``EffectFailed``; the next item is not affected."""
        header = msgspec.json.encode({"media": media, "name": name, "seconds": self._seconds + GRACE})
        async with self._slots:
            head, text = await self._read(header, data, name)
        try:
            reply, said = msgspec.json.decode(head, type=_Reply), text.decode()
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise EffectFailed(f"{name} broke the parser (its answer cannot be read)") from None
        if reply.failed:
            raise EffectFailed(reply.failed)
        return Parsed(
            text=said,
            title=reply.title,
            published=reply.published,
            author=reply.author,
            pages=reply.pages,
            hidden=reply.hidden,
            marks=reply.marks,
        )

    async def warm(self) -> None:
        """Start the children and have each read a word, so that the first page does not wait for their imports."""
        word = (self.parse(b"<p>a word to read</p>", "text/html", name="warming up") for _ in range(self._children))
        await asyncio.gather(*word, return_exceptions=True)

    async def _read(self, header: bytes, data: bytes, name: str) -> tuple[bytes, bytes]:
        """Ask a child that waits for work; if it dies, of age or while idle, a fresh one decides about the item."""
        if self._idle:
            with suppress(_Died):
                return await self._ask(self._idle.pop(), header, data, name)
        try:
            return await self._ask(_Child(await _start()), header, data, name)
        except _Died as death:
            raise EffectFailed(f"{name} broke the parser ({death})") from None

    async def _ask(self, child: _Child, header: bytes, data: bytes, name: str) -> tuple[bytes, bytes]:
        answered = False
        try:
            async with asyncio.timeout(self._seconds):
                answer = await child.ask(header, data)
            answered = True
            return answer
        except TimeoutError:
            raise EffectFailed(f"{name} took longer than {self._seconds:g} s to read") from None
        except (EOFError, OSError):
            raise _Died(await child.ending()) from None
        finally:  # also when cancelled: a child with half an answer in its pipe is of no more use
            await self._put_back(child, answered)

    async def _put_back(self, child: _Child, answered: bool) -> None:
        if answered and child.items < RENEW_AFTER:
            self._idle.append(child)
        else:
            await child.end()

    async def aclose(self) -> None:
        """End the children that are idle; those at work end with their item's caller."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(child.end() for child in idle))


async def _start() -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-B",
        "-s",
        "-m",
        "tools.parse_child",
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        cwd="/",
        env={"PYTHONPATH": ROOT},
        start_new_session=True,
    )
