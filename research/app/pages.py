"""The one way to a page, opened for a run or for a look at a page that a run cited: parser, fetch, and its rules.

What is asked of the web is in ``tools.safe_fetch``; which searches a run has, in ``research.app.world``.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from research.app.browsers import open_browser
from research.app.records import Home
from research.app.sharing import HostManners, KeptPages, PageReaders
from research.options import RunOptions
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
    options: RunOptions, stack: AsyncExitStack, *, home: Home | None = None
) -> tuple[SafeFetch, ChildParser]:
    """Return the fetch and the parser behind it; ``stack`` closes both.

    It goes by the rules of a run's options. With a ``home`` its page cache is used, unless every page is to be fresh or
    robots.txt is ignored: what a host closes to programs is not kept for those who obey it. Raises ``StoreProblem``,
    and ``SettingMissing`` when scripts are to run and there is no browser.
    """
    from tools.safe_fetch import SafeFetch

    parser = await stack.enter_async_context(READERS.parser())
    manners = stack.enter_context(MANNERS.of(robots=not options.ignore_robots))
    kept = home is not None and not (options.fresh or options.ignore_robots)
    fetch = SafeFetch(
        parser,
        allow_hosts=options.allow_hosts,
        allow_url=options.rules.check,
        manners=manners,
        cache=stack.enter_context(KEPT.of(home)) if home is not None and kept else None,
        browser=open_browser(options.javascript),
    )
    stack.push_async_callback(fetch.aclose)
    return fetch, parser
