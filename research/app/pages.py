"""The one way to a page, opened for a run or for a look at a page that a run cited: parser, fetch, and its rules.

What is asked of the web is in ``tools.safe_fetch``; which searches a run has, in ``research.app.world``.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from research.app.records import Home
from research.app.sharing import HostManners, KeptPages, PageReaders
from tools.clock import SystemClock

if TYPE_CHECKING:
    from tools.parse import ChildParser
    from tools.safe_fetch import SafeFetch

READERS = PageReaders()
"""The parsers that the runs of this process share."""

MANNERS = HostManners(SystemClock())
"""How the runs of this process treat hosts: what each allows, and when it was asked last."""


KEPT = KeptPages(SystemClock())
"""The page caches that the runs of this process have open."""


async def open_fetch(
    allow_hosts: Iterable[str],
    stack: AsyncExitStack,
    *,
    home: Home | None = None,
    fresh: bool = False,
    ignore_robots: bool = False,
) -> tuple[SafeFetch, ChildParser]:
    """Return the fetch and the parser behind it; ``stack`` closes both.

    With a ``home`` its page cache is used, unless every page is to be ``fresh`` or robots.txt is ignored: what a host
    closes to programs is not kept for those who obey it. Raises ``StoreProblem``.
    """
    from tools.safe_fetch import SafeFetch

    parser = await stack.enter_async_context(READERS.parser())
    manners = stack.enter_context(MANNERS.of(robots=not ignore_robots))
    cache = None if home is None or fresh or ignore_robots else stack.enter_context(KEPT.of(home))
    fetch = SafeFetch(parser, allow_hosts=allow_hosts, manners=manners, cache=cache)
    stack.push_async_callback(fetch.aclose)
    return fetch, parser
