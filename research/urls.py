"""Web addresses as data: the canonical form that names a page, and the clean hit that a search result becomes. Pure.

Which addresses may be connected to is in ``tools.addresses``; asking a search provider is in ``tools``.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote, urlsplit, urlunsplit

from research.clean import clean_text
from research.records import Hit, Record, ident

DEFAULT_PORTS = {"http": 80, "https": 443}
TRACKING = ("gclid", "fbclid")
LONGEST_URL = 2_000
LONGEST_TITLE = 300
LONGEST_SNIPPET = 1_000


class Result(Record):
    """One result as a provider gave it: untrusted. ``score`` is ``None`` when the provider gives none."""

    url: str
    title: str = ""
    snippet: str = ""
    score: float | None = None


def canonical_url(url: str) -> str:
    """Return the form of a web address under which a page is known; canonical forms do not change again.

    Scheme and host are lower-cased; the fragment, the scheme's own port and tracking parameters (``utm_*``, ``gclid``,
    ``fbclid``) are dropped; the order of the other parameters stays. Raises ``ValueError`` when ``url`` is not an
    http(s) address, names a user, or holds white space, control characters or backslashes.
    """
    if len(url) > LONGEST_URL or "\\" in url or any(ord(c) <= 32 or 127 <= ord(c) < 160 or c.isspace() for c in url):
        raise ValueError("not a web address")
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), parts.hostname
    if scheme not in DEFAULT_PORTS or not host or "@" in parts.netloc:
        raise ValueError("not a web address")
    place = f"[{host}]" if ":" in host else host
    if parts.port is not None and parts.port != DEFAULT_PORTS[scheme]:
        place = f"{place}:{parts.port}"
    return urlunsplit((scheme, place, parts.path or "/", _without_tracking(parts.query), ""))


def _without_tracking(query: str) -> str:
    kept = [part for part in query.split("&") if not _tracks(unquote(part.partition("=")[0]).lower())]
    return "&".join(kept)


def _tracks(name: str) -> bool:
    return name in TRACKING or name.startswith("utm_")


def web_hits(results: Iterable[Result], *, provider: str, limit: int) -> tuple[Hit, ...]:
    """Return at most ``limit`` hits in the provider's order, one for each canonical address.

    Results that are not http(s) pages are left out. The handle is made from the canonical address, so the same page
    found twice is the same hit; titles and snippets are one line each, without control characters.
    """
    hits: dict[str, Hit] = {}
    for rank, result in enumerate(results, 1):
        if len(hits) >= limit:
            break
        try:
            url = canonical_url(result.url.strip())
        except ValueError:
            continue
        handle = ident("h", url)
        hits.setdefault(handle, _hit(handle, url, result, provider, rank))
    return tuple(hits.values())


def _hit(handle: str, url: str, result: Result, provider: str, rank: int) -> Hit:
    return Hit(
        handle=handle,
        title=_line(result.title, LONGEST_TITLE),
        score=1 / rank if result.score is None else result.score,
        url=url,
        snippet=_line(result.snippet, LONGEST_SNIPPET),
        why=(f"{provider} result {rank}",),
    )


def _line(text: str, longest: int) -> str:
    line = " ".join(clean_text(text).split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"
