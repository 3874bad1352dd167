"""Which sources are of one origin: the same site, or nearly the same words. Pure.

Sources that copy one another agree about nothing: however many they are, they count once. What they agree about is
decided by the analyst that composes the report.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from research.records import Finding, Source

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

SHINGLE = 5
"""Words of a shingle."""
ALIKE = 0.6
"""The share of the smaller text's shingles that the other one has, from which one is a copy of the other."""
FEWEST = 4
"""Shingles of a text that is compared: a short line such as ``Status: Final`` may stand anywhere."""
MOST = 2000
"""Shingles kept of one text: those with the lowest hashes, which are the same ones in every copy."""
PER_NAME = frozenset({"medium.com", "substack.com", "tumblr.com", "livejournal.com", "hashnode.dev", "wixsite.com"})
"""Sites of many people that are not in the Public Suffix List: each name below one is an origin of its own."""


def origins(sources: Sequence[Source], texts: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return the number of each source's origin by source id; ``texts`` are by source id what was read of each."""
    ids = list(dict.fromkeys(source.id for source in sources))
    parent = {id: id for id in ids}

    def root(id: str) -> str:
        while parent[id] != id:
            id = parent[id]
        return id

    sites: dict[str, str] = {}
    for source in sources:
        site = site_of(source.url)
        if site:
            parent[root(source.id)] = root(sites.setdefault(site, source.id))
    marks = {id: shingles(texts.get(id, ())) for id in ids}
    for place, one in enumerate(ids):
        for other in ids[:place]:
            if root(one) != root(other) and _copied(marks[one], marks[other]):
                parent[root(one)] = root(other)
    numbers: dict[str, int] = {}
    return {id: numbers.setdefault(root(id), len(numbers)) for id in ids}


def independent(found: Iterable[Finding], groups: Mapping[str, int]) -> int:
    """Return how many origins the findings come from; a source that is in no group counts by itself."""
    return len({groups.get(finding.source, finding.source) for finding in found})


def read_of(findings: Iterable[Finding]) -> dict[str, list[str]]:
    """Return the quotes of each source, in the order of its text."""
    texts: dict[str, list[str]] = {}
    for finding in sorted(findings, key=lambda finding: (finding.source, finding.start, finding.end, finding.id)):
        texts.setdefault(finding.source, []).append(finding.quote)
    return texts


def site_of(url: str) -> str:
    """Return who answers for a web address, as far as its host says; "" for a file.

    That is the registered part of the host by the Public Suffix List (``example.org``, ``example.co.uk``), in which
    hosts of many people (``ann.github.io``) are parted by name; others of these are in :data:`PER_NAME`.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").removesuffix(".") if parts.scheme in ("http", "https") else ""
    if re.fullmatch(r"[\d.]+|.*:.*", host) or "." not in host:
        return host
    site = _registered(host)
    if site not in PER_NAME:
        return site
    writer = parts.path.lower().split("/")[1:2]
    if host in (site, f"www.{site}"):
        return f"{site}/{writer[0]}" if writer and writer[0].startswith(("@", "~")) else site
    return ".".join(host.split(".")[-len(site.split(".")) - 1 :])


@lru_cache(maxsize=4096)
def _registered(host: str) -> str:
    return str(_suffixes().privatesuffix(host) or host)


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # reading its list takes 60 ms

    return PublicSuffixList()


def shingles(texts: Iterable[str]) -> frozenset[int]:
    """Return hashes of the runs of :data:`SHINGLE` words, the same in every process; none runs over two texts."""
    marks: set[int] = set()
    for text in texts:
        words = re.findall(r"\w+", text.casefold())
        runs = (" ".join(words[at : at + SHINGLE]) for at in range(len(words) - SHINGLE + 1))
        marks.update(int.from_bytes(hashlib.blake2b(run.encode(), digest_size=8).digest()) for run in runs)
    return frozenset(sorted(marks)[:MOST])


def _copied(one: frozenset[int], other: frozenset[int]) -> bool:
    least = min(len(one), len(other))
    return least >= FEWEST and len(one & other) >= ALIKE * least
