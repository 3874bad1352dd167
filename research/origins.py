"""Which sources are of one origin: the same site, or nearly the same words. Pure.

Sources that copy one another agree about nothing: however many they are, they count once. What they agree about is
decided by the analyst that composes the report.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from research.records import Finding, Source

SHINGLE = 5
"""Words of a shingle."""
ALIKE = 0.6
"""The share of the smaller text's shingles that the other one has, from which one is a copy of the other."""
FEWEST = 4
"""Shingles of a text that is compared: a short line such as ``Status: Final`` may stand anywhere."""
MOST = 2000
"""Shingles kept of one text: those with the lowest hashes, which are the same ones in every copy."""
_TWO_PART = frozenset({"ac", "co", "com", "edu", "gov", "net", "org"})


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
    """Return the registered part of a web address's host (``example.org``, ``example.co.uk``); "" for a file."""
    parts = urlsplit(url)
    host = (parts.hostname or "") if parts.scheme in ("http", "https") else ""
    labels = host.split(".")
    if re.fullmatch(r"[\d.]+|.*:.*", host) or len(labels) < 3:
        return host
    return ".".join(labels[-3:] if len(labels[-1]) == 2 and labels[-2] in _TWO_PART else labels[-2:])


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
