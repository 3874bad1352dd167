"""Several services' hits as one list: fused by rank, with each page once however it is addressed or worded. Pure.

Two hits are one page when their addresses name the same work (:func:`work_of`) or when title and snippet are nearly
the same words. Asking the services is the matter of ``research.access``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec

from research.origins import FEWEST, shingles, site_of
from research.ranking import RANK_CONSTANT
from research.records import Hit

SAME = 0.8
"""The share of the shorter text's shingles that the other one has, from which both stand for one page."""
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_ARXIV_DOI = re.compile(r"10\.48550/arxiv\.(.+)")
_ARXIV = re.compile(r"/(?:abs|pdf|html|format)/((?:[a-z.-]+/\d{7})|(?:\d{4}\.\d{4,5}))(?:v\d+)?(?:\.pdf)?/?")
_DOI_HOSTS = ("doi.org", "dx.doi.org")
_ARXIV_HOSTS = ("arxiv.org", "export.arxiv.org", "browse.arxiv.org")


def work_of(url: str) -> str:
    """Return what a web address names: a DOI, a preprint of arXiv whatever its version, or else a page.

    ``http`` and ``https``, a leading ``www.`` and a final slash make no difference. Anything that is no web address is
    returned as it is.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").removeprefix("www."), parts.port
    except ValueError:
        return url
    if parts.scheme not in ("http", "https") or not host:
        return url
    path = parts.path.lower()
    if host in _DOI_HOSTS and _DOI.fullmatch(doi := unquote(path).strip("/")):
        preprint = _ARXIV_DOI.fullmatch(doi)
        return f"arxiv:{preprint[1]}" if preprint else f"doi:{doi}"
    if host in _ARXIV_HOSTS and (match := _ARXIV.fullmatch(path)):
        return f"arxiv:{match[1]}"
    place = host if port in (None, 80, 443) else f"{host}:{port}"
    return f"{place}{parts.path.rstrip('/')}?{parts.query}"


def merged(lists: Sequence[Sequence[Hit]]) -> list[Hit]:
    """Return the lists as one, best first: each page once, with the hit that a service ranked best.

    Scored as :func:`research.ranking.reciprocal_rank` does, each list counting once for a page, at its best rank there;
    one list keeps its scores. ``why`` has every list's reasons, those of the hit itself first. Ties keep the first-seen
    order.
    """
    placed = [(rank, number, hit) for number, hits in enumerate(lists) for rank, hit in enumerate(hits, 1)]
    groups = _groups([(number, hit) for _, number, hit in sorted(placed, key=lambda one: one[:2])])
    ranked: dict[int, list[tuple[int, int, Hit]]] = {}
    for rank, number, hit in placed:
        ranked.setdefault(groups[hit.handle], []).append((rank, number, hit))
    scored = [(_score(group), _one(group)) for group in ranked.values()]
    if len(lists) < 2:
        return [hit for _, hit in scored]
    order = sorted(scored, key=lambda one: -one[0])
    return [msgspec.structs.replace(hit, score=round(score, 6)) for score, hit in order]


class _Look(NamedTuple):
    """What is compared of a hit: the list and the site it is from, its words and its numbers."""

    list: int
    site: str
    words: frozenset[int]
    numbers: frozenset[str]


def _groups(hits: Sequence[tuple[int, Hit]]) -> dict[str, int]:
    """Return the number of each handle's page. A hit is compared with the first of each page: likeness is no chain."""
    numbers: dict[str, int] = {}
    works: dict[str, int] = {}
    looks: list[_Look] = []
    for list, hit in hits:
        if hit.handle in numbers:
            continue
        shown, work = f"{hit.title} {hit.snippet}", work_of(hit.url)
        own = _Look(list, site_of(hit.url), shingles((shown,)), frozenset(re.findall(r"\d+", shown)))
        number = works.get(work)
        if number is None:
            number = next((at for at, look in enumerate(looks) if _alike(own, look)), None)
        if number is None:
            number = len(looks)
            looks.append(own)
        numbers[hit.handle] = works[work] = number
    return numbers


def _alike(one: _Look, other: _Look) -> bool:
    """Return whether two hits show one page. Pages of a series, and of a site whose snippets say the same, are several.

    What one service lists twice of one site is two pages; what two services list, or two sites have, may be one.
    """
    if one.numbers != other.numbers or (one.list, one.site) == (other.list, other.site):
        return False
    least = min(len(one.words), len(other.words))
    return least >= FEWEST and len(one.words & other.words) >= SAME * least


def _score(group: Sequence[tuple[int, int, Hit]]) -> float:
    best: dict[int, int] = {}
    for rank, number, _ in group:
        best[number] = min(rank, best.get(number, rank))
    return sum(1 / (RANK_CONSTANT + best[number]) for number in sorted(best))


def _one(group: Sequence[tuple[int, int, Hit]]) -> Hit:
    order = [hit for _, _, hit in sorted(group, key=lambda one: one[:2])]
    reasons = tuple(dict.fromkeys(reason for hit in order for reason in hit.why))
    return order[0] if reasons == order[0].why else msgspec.structs.replace(order[0], why=reasons)
