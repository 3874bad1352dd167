"""What of the web enters a corpus, and leaves it again: only pages that a finished run cited, and only as approved.

Nothing that a run reads goes into a corpus by itself. Here is decided what would be added or forgotten, for a person to
see; :func:`add` and :func:`forget` then do exactly that, and refuse when anything is no longer as it was shown. Asking
the person is the command line's; how a corpus changes is in ``tools.promotion``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Literal
from urllib.parse import urlsplit

from research.app.embedders import embedder_for
from research.app.indexing import label_for
from research.app.records import Home, show
from research.app.stores import open_library
from research.clean import clean_text
from research.errors import UnknownName, UsageFault
from research.injection import signs_in
from research.records import Label, Record
from research.report import Report, ReportSource
from research.settings import Settings, prepare_home
from research.urls import canonical_url
from tools.clock import SystemClock
from tools.corpus_folder import corpus_folder, existing
from tools.library import read_text, text_path
from tools.promoted import Promoted
from tools.promotion import Changed, Held, NewPage, held
from tools.promotion import add as add_pages
from tools.promotion import forget as forget_pages

OPENING = 300
"""Characters of a page that are shown before it is added."""
SHORTEST_HASH = 6
"""Characters of a hash that name a text."""
SHORTEST_RUN = 8
"""Characters of an id that name a run: its date."""
LONGEST_NAME = 80
HEX = frozenset("0123456789abcdef")


class Offer(Record):
    """A page as it is shown before it is added.

    ``signs`` counts named patterns of text that tries to instruct who reads it (``research.injection``). ``state``
    says what the corpus has of that address; ``forgotten`` when and by whom this text was taken out of it before.
    """

    url: str
    host: str
    title: str
    source: str
    retrieved: str
    characters: int
    opening: str
    quotes: int
    signs: dict[str, int]
    state: Literal["new", "there already", "in place of another text"]
    forgotten: str = ""


class Adding(Record):
    """What would be added: pages of a run, to a corpus that holds ``seen`` and gets ``label``."""

    run: str
    corpus: str
    label: Label
    offers: tuple[Offer, ...]
    seen: Held

    @property
    def new(self) -> tuple[Offer, ...]:
        """The pages that are not there already."""
        return tuple(offer for offer in self.offers if offer.state != "there already")


class Forgetting(Record):
    """What would be forgotten of a corpus that holds ``seen``: what ``named`` says, and whatever has the same text."""

    corpus: str
    named: str
    pages: tuple[Promoted, ...]
    seen: Held


def what_to_add(run: str | None, corpus: str, chosen: Sequence[str], settings: Settings, public: bool | None) -> Adding:
    """Return the pages of a run's report that ``chosen`` names (hashes or addresses; none: all), as they are stored.

    Raises ``UnknownName``, ``UsageFault`` when the run has no report or page, or the corpus is the index of a folder,
    ``SourceDamaged``.
    """
    report = show(run, settings)
    home = Home(settings)
    seen = held(corpus_folder(home.corpora, corpus))
    sources = _chosen(report, chosen)
    return Adding(
        run=report.run,
        corpus=corpus,
        label=label_for(seen.label, public=public, rebuild=False),
        offers=tuple(_offer(source, report, seen, home) for source in sources),
        seen=seen,
    )


def _chosen(report: Report, chosen: Sequence[str]) -> list[ReportSource]:
    """Return the cited pages of the web that were chosen, in the report's order."""
    pages = [one for one in report.sources if one.label == "public" and one.url.startswith(("http://", "https://"))]
    if not pages:
        raise UsageFault(f"the run {report.run} cites no page of the web, so there is nothing to add")
    wanted: set[str] = set()
    for name in chosen:
        found = [page.id for page in pages if page.url == name or _begins(page.id, name)]
        if len(found) != 1:
            what = "names several pages" if found else "is no page of the web"
            raise UnknownName(
                f"“{name[:200]}” {what} that the run {report.run} cites; `research show {report.run} --sources` has "
                "their addresses and hashes"
            )
        wanted.update(found)
    return [page for page in pages if not chosen or page.id in wanted]


def _begins(source: str, name: str) -> bool:
    return len(name) >= SHORTEST_HASH and source.startswith(name.lower())


def _offer(source: ReportSource, report: Report, seen: Held, home: Home) -> Offer:
    text = read_text(text_path(home.library, source.id))
    before = {page.url: page.source for page in seen.pages}.get(source.url)
    gone = next((page for page in seen.forgotten if page.source == source.id), None)
    return Offer(
        url=source.url,
        host=urlsplit(source.url).netloc,
        title=source.title,
        source=source.id,
        retrieved=source.retrieved,
        characters=len(text),
        opening=" ".join(text[: 2 * OPENING].split())[:OPENING],
        quotes=sum(finding.source == source.id for finding in report.findings),
        signs=dict(signs_in(f"{source.title}\n{text}")),
        state="new" if before is None else "there already" if before == source.id else "in place of another text",
        forgotten=f"{gone.forgotten[:10]} by {gone.approver}" if gone else "",
    )


async def add(adding: Adding, approver: str, settings: Settings, embedder: str | None = None) -> Changed:
    """Add the pages that were shown and are not there already. Raises what ``tools.promotion.add`` raises."""
    prepare_home(settings.home)
    home, clock = Home(settings), SystemClock()
    now = clock.now()
    with closing(open_library(home, clock)) as library:
        pages = [
            NewPage(
                origin=Promoted(
                    url=offer.url,
                    source=offer.source,
                    run=adding.run,
                    approver=named(approver),
                    approved=now,
                    retrieved=offer.retrieved,
                ),
                title=offer.title,
                media=(await library.source(offer.source, offer.url)).media,
                text=await library.text(offer.source),
            )
            for offer in adding.new
        ]
    folder = corpus_folder(home.corpora, adding.corpus)
    made_by = embedder_for(adding.corpus, settings, embedder)
    return await add_pages(folder, pages, made_by, label=adding.label, seen=adding.seen)


def named(approver: str) -> str:
    """Return the name of who approves. Raises ``UsageFault`` when there is none."""
    name = " ".join(clean_text(approver).split())[:LONGEST_NAME]
    if not name:
        raise UsageFault("it is noted who approves this, and the system names no user; say it with --as NAME")
    return name


def what_to_forget(corpus: str, what: str, settings: Settings) -> Forgetting:
    """Return the pages that ``what`` names: an address, a hash, a run or a site, and whatever has the same text.

    Raises ``UnknownName``, and ``UsageFault`` when several things are named or the corpus is the index of a folder.
    """
    folder = existing(corpus_folder(Home(settings).corpora, corpus))
    seen = held(folder)
    words, pages = _matching(corpus, what.strip(), seen.pages)
    texts = {page.source for page in pages}
    return Forgetting(
        corpus=corpus, named=words, pages=tuple(page for page in seen.pages if page.source in texts), seen=seen
    )


def _matching(corpus: str, what: str, pages: Sequence[Promoted]) -> tuple[str, list[Promoted]]:
    """Return in words what is named, and the pages that it names."""
    found: dict[str, list[Promoted]] = {}
    for page in pages:
        for words in _names(page, what):
            found.setdefault(words, []).append(page)
    if not found:
        raise UnknownName(f"nothing in the corpus “{corpus}” is {what[:200]}; `research corpus show {corpus}` lists it")
    if len(found) > 1:
        raise UsageFault(f"“{what[:200]}” may be {' or '.join(sorted(found))}; give more of it")
    return next(iter(found.items()))


def _names(page: Promoted, what: str) -> list[str]:
    """Return as what ``what`` names a page, in words that are the same for all pages it names so."""
    names = []
    try:
        same = "//" in what and canonical_url(what) == page.url
    except ValueError:
        same = False
    if same or what == page.url:
        names.append(f"the page {page.url}")
    if set(what.lower()) <= HEX and _begins(page.source, what):
        names.append(f"the text {page.source[:12]}")
    if len(what) >= SHORTEST_RUN and page.run.startswith(what):
        names.append(f"the run {page.run}")
    parts = urlsplit(page.url)
    site = what.lower().rstrip(".")
    if site and (site in (parts.hostname, parts.netloc) or (parts.hostname or "").endswith(f".{site}")):
        names.append(f"the site {site}")
    return names


async def forget(forgetting: Forgetting, approver: str, settings: Settings) -> Changed:
    """Forget the pages that were shown. Raises what ``tools.promotion.forget`` raises."""
    prepare_home(settings.home)
    folder = corpus_folder(Home(settings).corpora, forgetting.corpus)
    now = SystemClock().now()
    return await forget_pages(folder, forgetting.pages, by=named(approver), now=now, seen=forgetting.seen)
