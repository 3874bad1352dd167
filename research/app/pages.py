"""The one way to a page, opened for a run or for a look at a page that a run cited: parser, fetch, and its rules.

What is asked of the web is in ``tools.safe_fetch``; which searches a run has, in ``research.app.world``.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from research.app.sharing import HostManners, PageReaders
from research.web_rules import AllowUrl, every_url
from tools.clock import SystemClock

if TYPE_CHECKING:
    from tools.parse import ChildParser
    from tools.safe_fetch import SafeFetch

READERS = PageReaders()
"""The parsers that the runs of this process share."""

MANNERS = HostManners(SystemClock())
"""How the runs of this process treat hosts: what each allows, and when it was asked last."""


async def open_fetch(
    allow_hosts: Iterable[str], stack: AsyncExitStack, *, ignore_robots: bool = False, allow_url: AllowUrl = every_url
) -> tuple[SafeFetch, ChildParser]:
    """Return the fetch and the parser behind it; ``stack`` closes both."""
    from tools.safe_fetch import SafeFetch

    parser = await stack.enter_async_context(READERS.parser())
    manners = stack.enter_context(MANNERS.of(robots=not ignore_robots))
    fetch = SafeFetch(parser, allow_hosts=allow_hosts, manners=manners, allow_url=allow_url)
    stack.push_async_callback(fetch.aclose)
    return fetch, parser
