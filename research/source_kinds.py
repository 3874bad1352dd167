"""What kind of source a web page is, by the host and path it stands at: tables of rules, and the user's own. Pure.

A kind says who answers for a page, and not that what it says is true: a standard, a statute and a paper are primary, a
newspaper and an encyclopedia tell of others, and what anyone may post is user-generated. A host in no table is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from research.errors import UsageFault
from research.web_rules import SITE, read_site

SourceKind = Literal["primary", "news", "reference", "user-generated", "unknown"]
KINDS: tuple[SourceKind, ...] = get_args(SourceKind)

PRIMARY = """
gov mil int edu doi.org arxiv.org biorxiv.org medrxiv.org ssrn.com osf.io zenodo.org ncbi.nlm.nih.gov europepmc.org
nature.com science.org pnas.org plos.org cell.com thelancet.com nejm.org bmj.com ieee.org acm.org springer.com
sciencedirect.com wiley.com jstor.org aclanthology.org openreview.net jmlr.org neurips.cc usenix.org ietf.org
rfc-editor.org w3.org iso.org itu.int iec.ch nist.gov ansi.org etsi.org whatwg.org unicode.org
ecma-international.org tc39.es iana.org icann.org europa.eu un.org who.int worldbank.org imf.org oecd.org wto.org
gov.uk parliament.uk legislation.gov.uk bund.de admin.ch gc.ca canada.ca peps.python.org docs.python.org
eips.ethereum.org kernel.org sec.gov clinicaltrials.gov
"""
NEWS = """
reuters.com apnews.com afp.com bbc.co.uk bbc.com nytimes.com washingtonpost.com wsj.com ft.com economist.com
bloomberg.com theguardian.com thetimes.co.uk telegraph.co.uk independent.co.uk cnn.com npr.org pbs.org cnbc.com
cbsnews.com nbcnews.com abcnews.go.com usatoday.com latimes.com politico.com politico.eu theatlantic.com time.com
newsweek.com axios.com aljazeera.com dw.com spiegel.de zeit.de faz.net sueddeutsche.de tagesschau.de lemonde.fr
lefigaro.fr liberation.fr france24.com elpais.com elmundo.es corriere.it repubblica.it nzz.ch asahi.com nikkei.com
scmp.com straitstimes.com thehindu.com indiatimes.com smh.com.au theglobeandmail.com arstechnica.com theverge.com
wired.com techcrunch.com theregister.com heise.de lwn.net
"""
REFERENCE = """
britannica.com merriam-webster.com oed.com dictionary.com encyclopedia.com plato.stanford.edu mathworld.wolfram.com
developer.mozilla.org cppreference.com snl.no larousse.fr duden.de treccani.it
"""
USERS = """
wikipedia.org wikimedia.org wiktionary.org wikidata.org wikibooks.org wikivoyage.org wikiquote.org fandom.com
wikia.com reddit.com quora.com stackoverflow.com stackexchange.com superuser.com serverfault.com askubuntu.com
mathoverflow.net news.ycombinator.com medium.com substack.com wordpress.com blogspot.com tumblr.com livejournal.com
github.io gitlab.io github.com gitlab.com dev.to hashnode.dev x.com twitter.com facebook.com instagram.com
threads.net linkedin.com tiktok.com youtube.com youtu.be vimeo.com twitch.tv pinterest.com mastodon.social bsky.app
discord.com t.me telegram.org slashdot.org imdb.com tripadvisor.com yelp.com goodreads.com discogs.com weebly.com
wixsite.com neocities.org pages.dev netlify.app vercel.app notion.site answers.com answers.yahoo.com zhihu.com
weibo.com vk.com
"""
_TABLE: dict[str, SourceKind] = {
    **dict.fromkeys(PRIMARY.split(), "primary"),
    **dict.fromkeys(NEWS.split(), "news"),
    **dict.fromkeys(REFERENCE.split(), "reference"),
    **dict.fromkeys(USERS.split(), "user-generated"),
}
_OFFICIAL = frozenset({"gov", "gob", "gouv", "govt", "mil", "ac", "edu"})
"""Second-level labels under a country's domain that only its administration or its universities can have."""
_POSTED = (
    "forum",
    "forums",
    "community",
    "discuss",
    "discourse",
    "wiki",
    "blog",
    "blogs",
    "comments",
    "board",
    "boards",
)
"""First labels of hosts, and first parts of paths, under which anyone may post."""


def source_kind(url: str, own: Mapping[str, str] | None = None) -> SourceKind:
    """Return the kind of the source at ``url``; ``own`` are the user's rules, by site, which win.

    Of several sites that cover the host the longest decides; then official suffixes, then what looks like a place to
    post. Anything but a web page is unknown.
    """
    parts = urlsplit(url)
    try:
        host = read_site(parts.hostname or "") if parts.scheme in ("http", "https") else ""
    except ValueError:
        host = ""
    labels = host.split(".")
    sites = [".".join(labels[at:]) for at in range(len(labels))]
    for table in (own or {}, _TABLE):
        listed = next((site for site in sites if site in table), None)
        if listed is not None and (table is not _TABLE or "." in listed or not _posted(labels, parts.path)):
            return next(kind for kind in KINDS if kind == table[listed])
    if _posted(labels, parts.path):
        return "user-generated"
    official = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _OFFICIAL
    return "primary" if official else "unknown"


def _posted(labels: list[str], path: str) -> bool:
    """Return whether host or path looks like a forum, a wiki or a blog."""
    first = path.lower().strip("/").partition("/")[0]
    return (len(labels) > 2 and labels[0] in _POSTED) or first in _POSTED


def read_source_kinds(place: str, table: Any) -> dict[str, str]:
    """Return the user's rules: a kind by site. Raises ``UsageFault``."""
    if not isinstance(table, dict):
        raise UsageFault(f"{place}: source_kinds must be a table, written [source_kinds], not {table!r}")
    kinds: dict[str, str] = {}
    for text, kind in table.items():
        if kind not in KINDS:
            raise UsageFault(f"{place}: source_kinds.{text} must be one of {', '.join(KINDS)}, not {kind!r}")
        try:
            kinds[read_site(text)] = kind
        except ValueError:
            raise UsageFault(f"{place}: source_kinds must name {SITE}, not “{text[:80]}”") from None
    return kinds
