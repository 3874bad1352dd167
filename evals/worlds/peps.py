"""Python Enhancement Proposals: the headers of their reStructuredText files.

PEPs are in the public domain or under CC0 (https://peps.python.org, https://github.com/python/peps); PEP 1 says what
the headers mean. Only the block above the first empty line is read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from evals.worlds.proposals import Collection, Header, Series, collected, read

FILES = re.compile(r"pep-(\d{4})\.rst")

SERIES = Series(
    name="PEP",
    joint=" ",
    suffix=".rst",
    mention=re.compile(r":pep:`(?:[^`<]*<)?(\d{1,4})\b|\bpeps?[- ](\d{1,4})\b", re.IGNORECASE),
    relations={
        "PEP": "number",
        "Title": "Title",
        "Author": "Author",
        "Sponsor": "Sponsor",
        "PEP-Delegate": "Delegate",
        "BDFL-Delegate": "Delegate",
        "Status": "Status",
        "Type": "Type",
        "Topic": "Topic",
        "Requires": "Requires",
        "Created": "Created",
        "Python-Version": "Python-Version",
        "Replaces": "Replaces",
        "Superseded-By": "Superseded-By",
    },
    ident=lambda number: f"pep-{number:04}",
    required=("number", "Title", "Status", "Author", "Created"),
)


def load(files: Sequence[tuple[str, str]]) -> Collection:
    """Return the collection of the files (base name, text)."""
    numbered = [(int(match[1]), text) for name, text in files if (match := FILES.fullmatch(name))]
    return collected(SERIES, [read(SERIES, number, text, headers(text)) for number, text in numbered])


def headers(text: str) -> list[Header] | None:
    """Return the headers of a PEP; ``None`` when a line above the first empty one is no header and continues none."""
    found: list[Header] = []
    place = 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip()
        if not bare:
            break
        match = re.match(r"([A-Z][A-Za-z-]*):[ \t]*(.*)", bare)
        if bare[0] in " \t" and found:
            last = found[-1]
            value = f"{last.value} {bare.strip()}".strip()
            found[-1] = Header(key=last.key, value=value, start=last.start, end=place + len(bare))
        elif match:
            found.append(Header(key=match[1], value=match[2], start=place, end=place + len(bare)))
        else:
            return None
        place += len(line)
    return found
