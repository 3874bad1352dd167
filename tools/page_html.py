"""From an HTML page to plain text: its main text, title, date, author, and what it says of being closed.

Blocking, and only ever run in a child process, by ``tools.page_text``. Trafilatura finds the main text; where it finds
none, or is at it for too long, every text that a reader would see is taken instead.
"""

from __future__ import annotations

import re
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from research.errors import EffectFailed
from research.ports import Parsed
from tools.page_marks import html_marks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

LINE = "\u2029"  # marks where a line ends until the white space around it is collapsed
EXTRACT_SECONDS = 6.0
"""Processor seconds that the main text may take; Trafilatura is quadratic on some pages."""
LONGEST_AUTHOR = 200
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
"""What libxml2 writes into no tree: one of them in a title would cost the page."""


class _TooSlow(BaseException):
    """The main text took too long. No ``Exception``, which Trafilatura would keep to itself."""


def read_html(page: str, name: str) -> Parsed:
    """Return the main text of a page, one blank line between its blocks; all of its text when no main text is found."""
    import lxml.html
    import msgspec
    from trafilatura import bare_extraction

    bare = _NO_XML.sub("", re.sub(r"^\s*<\?xml[^>]*>", "", page))  # lxml refuses a str that declares an encoding
    try:
        tree = lxml.html.document_fromstring(bare, parser=lxml.html.HTMLParser(remove_comments=True, remove_pis=True))
    except lxml.etree.ParserError:
        raise EffectFailed(f"{name} has no readable text") from None
    known = Parsed(
        text="",
        title=_title(tree),
        published=_published(tree),
        author=_meta(tree, _AUTHOR),
        marks=html_marks(tree),
    )
    _mark_listings(tree)
    try:
        with _in_time(EXTRACT_SECONDS):
            found: Any = bare_extraction(
                tree,
                favor_recall=True,
                include_comments=False,
                include_tables=True,
                with_metadata=True,
                output_format="xml",  # leaves the body a tree
                date_extraction_params={"extensive_search": False, "original_date": True},
            )
            main = _main(found)
    except (_TooSlow, RecursionError):
        found, main = None, ""
    if found is None:
        return msgspec.structs.replace(known, text=_everything(tree))
    return msgspec.structs.replace(
        known,
        text=main or _everything(tree),
        title=known.title or found.title or "",
        published=found.date or known.published,
        author=_author(found.author or "") or known.author,
    )


def _main(found: Any) -> str:
    """Return the main text that was found, nothing where it is all of the page in one paragraph."""
    if found is None or found.body is None or (len(found.body) == 1 and len(found.body[0]) == 0):
        return ""
    return "\n\n".join(_blocks(found.body))


@contextmanager
def _in_time(seconds: float) -> Iterator[None]:
    """Raise ``_TooSlow`` once so many processor seconds were spent; only a main thread can be stopped so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


_AUTHOR = ("author", "article:author", "dc.creator", "citation_author", "parsely-author")
_DATE = ("article:published_time", "datepublished", "date", "dc.date", "citation_publication_date")


def _meta(tree: Any, names: tuple[str, ...]) -> str:
    """Return what the page's head says under the first of the names that it has."""
    said: dict[str, list[str]] = {}
    for meta in tree.xpath("//meta[@content]")[:500]:
        name = (meta.get("name") or meta.get("property") or meta.get("itemprop") or "").strip().lower()
        said.setdefault(name, []).append(meta.get("content"))
    return next((author for name in names if (author := _author("; ".join(said.get(name, ())[:20])))), "")


def _author(text: str) -> str:
    """Return names on one line; an address in their place says nothing."""
    names = [" ".join(name.split()) for name in text.split(";")]
    kept = dict.fromkeys(name for name in names if name and "://" not in name and "@" not in name)
    return "; ".join(kept)[:LONGEST_AUTHOR]


def _published(tree: Any) -> str:
    found = re.match(r"\d{4}-\d\d-\d\d", _meta(tree, _DATE))
    return found.group() if found else ""


def _mark_listings(tree: Any) -> None:
    """Give every ``<pre>`` the ``<code>`` by which Trafilatura tells a listing from a quotation."""
    for listing in tree.xpath("//pre[not(.//code)]"):
        text = listing.text_content()
        for child in list(listing):
            listing.remove(child)
        listing.text = None
        code = listing.makeelement("code")
        code.text = text
        listing.append(code)


def _title(tree: Any) -> str:
    for path in ("//meta[@property='og:title']/@content", "//head/title/text()", "//h1//text()"):
        found = " ".join(" ".join(tree.xpath(path)[:20]).split())
        if found:
            return found
    return ""


_BLOCK = frozenset({"body", "div", "section", "p", "head", "list", "item", "quote", "table", "row"})


def _blocks(element: Any) -> Iterator[str]:
    """Yield the blocks of Trafilatura's tree, white space collapsed except in listings."""
    inline = [element.text or ""]
    for child in element:
        listing = child.tag == "code" and element.tag != "p" and "\n" in "".join(child.itertext())
        if child.tag in _BLOCK or listing:
            yield from _flush(inline)
            yield from ("".join(child.itertext()).strip("\n"),) if listing else _block(child)
            inline = [child.tail or ""]
        elif child.tag == "lb":
            inline += [LINE, child.tail or ""]
        else:
            inline += ["".join(child.itertext()), child.tail or ""]
    yield from _flush(inline)


def _block(element: Any) -> Iterator[str]:
    if element.tag == "list":
        items = ["\n".join(_blocks(item)) for item in element]
        yield "\n".join(f"- {item}" for item in items if item)
    elif element.tag == "table":
        rows = [" | ".join(" ".join("".join(cell.itertext()).split()) for cell in row) for row in element]
        yield "\n".join(row for row in rows if row.strip(" |"))
    else:
        yield from _blocks(element)


def _flush(inline: list[str]) -> Iterator[str]:
    lines = (" ".join(line.split()) for line in "".join(inline).split(LINE))
    text = "\n".join(line for line in lines if line)
    if text:
        yield text


def _everything(tree: Any) -> str:
    """Return every text a reader would see, one block a line; only what is in ``<main>`` where there is just one."""
    for silent in tree.xpath(".//script|.//style|.//noscript|.//template|.//head"):
        silent.drop_tree()
    for block in tree.xpath("//p|//br|//div|//li|//tr|//h1|//h2|//h3|//h4|//h5|//h6|//td|//pre|//section|//blockquote"):
        block.tail = LINE + (block.tail or "")
        block.text = LINE + (block.text or "")
    mains = tree.xpath("//main|//*[@role='main']")
    main = "\n".join(_flush([mains[0].text_content()])) if len(mains) == 1 else ""
    return main or "\n".join(_flush([tree.text_content()]))
