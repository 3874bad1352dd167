"""Ethereum Improvement Proposals: the preamble of their Markdown files.

EIPs are under CC0 (https://eips.ethereum.org, https://github.com/ethereum/EIPs); EIP-1 says what the preamble means.
A file that was moved to the ERCs is a stub: it says its status and category, and nothing else of it is known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from evals.worlds.proposals import Collection, Header, Series, collected, read

FILES = re.compile(r"eip-(\d+)\.md")

SERIES = Series(
    name="EIP",
    joint="-",
    suffix=".md",
    mention=re.compile(r"\b(?:EIP|ERC)s?[-_ ]?(\d{1,5})\b", re.IGNORECASE),
    relations={
        "eip": "number",
        "title": "Title",
        "author": "Author",
        "status": "Status",
        "type": "Type",
        "category": "Category",
        "created": "Created",
        "requires": "Requires",
        "replaces": "Replaces",
        "superseded-by": "Superseded-By",
    },
    ident=lambda number: f"eip-{number}",
    required=("number", "Status"),
)


def load(files: Sequence[tuple[str, str]]) -> Collection:
    """Return the collection of the files (base name, text)."""
    numbered = [(int(match[1]), text) for name, text in files if (match := FILES.fullmatch(name))]
    return collected(SERIES, [read(SERIES, number, text, headers(text)) for number, text in numbered])


def headers(text: str) -> list[Header] | None:
    """Return the headers of an EIP; ``None`` when it has no preamble between two lines of ``---``, or an odd line."""
    lines = text.splitlines(keepends=True)
    if not lines or lines[0].rstrip() != "---":
        return None
    found: list[Header] = []
    place = len(lines[0])
    for line in lines[1:]:
        bare = line.rstrip()
        if bare == "---":
            return found
        match = re.fullmatch(r"([a-z][a-z-]*):[ \t]*(.*)", bare)
        if not match:
            return None
        value = re.sub(r"^(['\"])(.*)\1$", r"\2", match[2])
        found.append(Header(key=match[1], value=value, start=place, end=place + len(bare)))
        place += len(line)
    return None
