"""How many honest pages are lost to caps, signs or the parser: every page of the worlds, fetched as HTML over loopback.

``python -m bench.honest_pages [--every N] [DATA]`` takes the Python and Ethereum proposals of ``DATA/worlds`` (unless
told ``../shared/data``; left out where they are not), and an invented world. Each is sent with what web pages carry
around their text: menus, a search, a login form, a banner for cookies, "subscribe". Lost is a page that gives an error,
or less than half of its words.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import re
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from evals.worlds.synthetic import world
from research.errors import EffectFailed
from research.requests import FetchRequest
from tools.fakes.web_server import WebPage, WebServer
from tools.parse import ChildParser
from tools.safe_fetch import SafeFetch

BAR = 0.01
INVENTED = 300
AT_ONCE = 4
ROUND = """<!doctype html><html lang="en"><head><title>{title} | The Archive</title>
<meta name="viewport" content="width=device-width"><script>window.dataLayer = [];</script></head><body>
<div id="onetrust-banner-sdk"><p>We use cookies.</p><button>Accept all</button><button>Reject all</button></div>
<header><nav><a href="/">Home</a> <a href="/all">All documents</a> <a href="/about">About</a></nav>
<form action="/login"><input name="user"><input type="password" name="password"><button>Sign in</button></form></header>
<main><article><h1>{title}</h1>{body}</article></main>
<aside><p>Already a subscriber? Log in. Subscribe for full access to the newsletter.</p></aside>
<footer><p>Page not found? Write to us. This site is protected by a captcha.</p><div class="g-recaptcha"></div></footer>
</body></html>"""
_WORD = re.compile(r"\w+")


class Text(NamedTuple):
    """One document of a world."""

    name: str
    title: str
    text: str


class Loss(NamedTuple):
    """One honest page that was not read, and why."""

    name: str
    why: str


def as_html(document: Text) -> WebPage:
    """Return a document as a page of a site: blocks of text as paragraphs, indented ones as listings."""
    blocks = [block for block in re.split(r"\n\s*\n", document.text) if block.strip()]
    body = "".join(
        f"<pre>{html.escape(block)}</pre>" if block.startswith(("  ", "\t")) else f"<p>{html.escape(block)}</p>"
        for block in blocks
    )
    return WebPage(body=ROUND.format(title=html.escape(document.title), body=body).encode())


def documents(data: Path) -> Iterator[Text]:
    """Yield the documents of the archives below ``data``, where they are, and those of an invented world."""
    for archive in sorted((data / "worlds").glob("*.tar.gz")):
        with tarfile.open(archive) as members:
            for member in members:
                handle = members.extractfile(member) if member.name.endswith((".rst", ".md")) else None
                if handle is not None:
                    text = handle.read().decode("utf-8", "replace")
                    titled = re.search(r"(?im)^title:\s*(.+)$", text)
                    yield Text(member.name, titled.group(1).strip() if titled else Path(member.name).stem, text)
    for corpus in world(INVENTED, 1, "invented").corpora.values():
        yield from (Text(page.id, page.title, page.text) for page in corpus)


async def lost(chosen: Sequence[Text]) -> list[Loss]:
    """Fetch every document as a page with the real fetch and parser; return those that were lost."""
    pages = {f"/{number}": as_html(document) for number, document in enumerate(chosen)}
    parser, gate = ChildParser(), asyncio.Semaphore(AT_ONCE)
    with WebServer(pages) as server:
        fetch = SafeFetch(parser, allow_hosts=[server.host])

        async def one(number: int, document: Text) -> Loss | None:
            async with gate:
                try:
                    request = FetchRequest(handle="h", url=f"{server.url}/{number}")
                    page = await fetch.fetch(request, timeout=60.0)
                except EffectFailed as failure:
                    return Loss(document.name, str(failure).removeprefix(f"{server.url}/{number} "))
            share = kept(document.text, page.text)
            return None if share >= 0.5 else Loss(document.name, f"only {share:.0%} of its words were read")

        found = await asyncio.gather(*(one(number, document) for number, document in enumerate(chosen)))
        await fetch.aclose()
        await parser.aclose()
    return [loss for loss in found if loss]


def kept(text: str, read: str) -> float:
    """Return the share of a text's different words that are among those that were read."""
    wanted = set(_WORD.findall(text.lower()))
    return len(wanted & set(_WORD.findall(read.lower()))) / len(wanted) if wanted else 1.0


def main() -> None:
    """Measure and print; exit code 1 when more is lost than the bar allows."""
    flags = argparse.ArgumentParser(prog="python -m bench.honest_pages", description=__doc__)
    flags.add_argument("data", nargs="?", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    flags.add_argument("--every", type=int, default=1, help="take every Nth page only")
    given = flags.parse_args()
    chosen = list(documents(given.data))[:: given.every]
    losses = asyncio.run(lost(chosen))
    for loss in losses:
        print(f"lost: {loss.name}: {loss.why}")
    share = len(losses) / len(chosen)
    print(f"{len(chosen)} honest pages, {len(losses)} lost ({share:.2%}); the bar is under {BAR:.0%}")
    sys.exit(share >= BAR)


if __name__ == "__main__":
    main()
