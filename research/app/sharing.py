"""What the runs of one process share while they are worked on at the same time: open files, readers of pages.

Each thing is opened for the first who asks and closed when the last lets go, so nothing outlives the runs. SQLite lets
writers wait without order: of sixteen connections to one file one may starve, of sixteen runs over one connection none.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

from research.app.records import Home
from research.app.stores import RunFiles, run_files
from research.ports import Clock
from tools.database import Database

if TYPE_CHECKING:
    from tools.page_cache import PageCache
    from tools.parse import ChildParser
    from tools.safe_fetch import Manners

T = TypeVar("T")


class Held(Generic[T]):
    """Things by key, each with how many hold it."""

    def __init__(self) -> None:
        self._things: dict[Hashable, tuple[T, int]] = {}
        self._lock = threading.Lock()

    def take(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the thing of that key, made now if nobody holds it."""
        with self._lock:
            thing, holders = self._things.get(key) or (make(), 0)
            self._things[key] = thing, holders + 1
            return thing

    def let_go(self, key: Hashable) -> T | None:
        """Hold it no longer; return it to whoever held it last, who closes it."""
        with self._lock:
            thing, holders = self._things.pop(key)
            if holders > 1:
                self._things[key] = thing, holders - 1
                return None
            return thing


class OpenFiles:
    """The open files of the homes that runs work in."""

    def __init__(self) -> None:
        self._held: Held[tuple[RunFiles, ExitStack]] = Held()

    @contextmanager
    def of(self, home: Home, clock: Clock) -> Iterator[RunFiles]:
        """Open the files of ``home``, making them on first use."""
        key = home.runs, id(clock)
        files, _ = self._held.take(key, lambda: _entered(run_files(home, clock)))
        try:
            yield files
        finally:
            last = self._held.let_go(key)
            if last is not None:
                last[1].close()


def _entered(opening: AbstractContextManager[T]) -> tuple[T, ExitStack]:
    stack = ExitStack()
    return stack.enter_context(opening), stack


class KeptPages:
    """The open page caches of the homes that runs work in."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: Held[tuple[PageCache, Database]] = Held()

    @contextmanager
    def of(self, home: Home) -> Iterator[PageCache]:
        """Open the page cache of ``home``, making it on first use. Raises ``StoreProblem``."""
        from tools import page_cache

        def made() -> tuple[PageCache, Database]:
            shape = (page_cache.SCHEMA, page_cache.VERSION)
            database = Database(home.pages, *shape, remedy=page_cache.REMEDY)
            return page_cache.PageCache(database, home.seal(), self._clock), database

        cache, _ = self._held.take(home.pages, made)
        try:
            yield cache
        finally:
            last = self._held.let_go(home.pages)
            if last is not None:
                last[1].close()


class HostManners:
    """How hosts are treated: for each event loop one memory of what they allow and when they were asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: Held[Manners] = Held()

    @contextmanager
    def of(self, *, robots: bool) -> Iterator[Manners]:
        """Hand out the manners of this event loop, with or without asking for robots.txt."""
        from tools.safe_fetch import Manners

        key = id(asyncio.get_running_loop()), robots
        manners = self._held.take(key, lambda: Manners(self._clock, robots=robots))
        try:
            yield manners
        finally:
            self._held.let_go(key)


class PageReaders:
    """The processes that read pages: for each event loop one set, which all of its runs ask."""

    def __init__(self) -> None:
        self._held: Held[ChildParser] = Held()

    @asynccontextmanager
    async def parser(self) -> AsyncIterator[ChildParser]:
        """Hand out the parser of this event loop."""
        from tools.parse import ChildParser

        key = id(asyncio.get_running_loop())
        parser = self._held.take(key, ChildParser)
        try:
            yield parser
        finally:
            last = self._held.let_go(key)
            if last is not None:
                await last.aclose()
