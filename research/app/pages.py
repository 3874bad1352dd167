"""The one way to a page, opened for a run or for a look at a page that a run cited: parser, fetch, and its rules.

What is asked of the web is in ``tools.safe_fetch``; which searches a run has, in ``research.app.world``.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from research.app.sharing import PageReaders

if TYPE_CHECKING:
    from tools.parse import ChildParser
    from tools.safe_fetch import SafeFetch

READERS = PageReaders()
"""The parsers that the runs of this process share."""


async def open_fetch(allow_hosts: Iterable[str], stack: AsyncExitStack) -> tuple[SafeFetch, ChildParser]:
    """Return the fetch and the parser behind it; ``stack`` closes both."""
    from tools.safe_fetch import SafeFetch

    parser = await stack.enter_async_context(READERS.parser())
    fetch = SafeFetch(parser, allow_hosts=allow_hosts)
    stack.push_async_callback(fetch.aclose)
    return fetch, parser
