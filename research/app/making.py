"""What made a run: a fingerprint of the program and of all that shapes a run, and what a resume does when it differs.

A run keeps checkpoints of one plan and answers to one set of prompts. A program with other ones would mix them with its
own, so it refuses, and names what differs. Only the number of the version may differ: that shapes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from graphs.state import VERSION as STATE
from research import __version__
from research.errors import StoreProblem, WrongVersion
from research.records import Record, build, counted

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds the packages."""

SHAPELESS = frozenset(
    {"__init__", "__main__", "settings", "render", "sanitize", "secret", "spelling", "estimate", "rehearsal"}
)
"""Modules of ``research/`` that shape no run: what is read before it begins, and how its report is shown."""

NAMES = {
    "graphs/orchestrator.py": "the graph (graphs/orchestrator.py)",
    "graphs/branch.py": "the branch's graph (graphs/branch.py)",
    "research/analysts/schemas.py": "tools and schemas (research/analysts/schemas.py)",
    "research/access.py": "rights (research/access.py)",
}
"""What the sources are called that have a part of their own; the others are taken together by folder."""

NAMED = 4
"""So many differing parts are named, the others are counted."""


class Made(Record):
    """The program that began a run: its version, the version of the graph's state, a short digest of each part."""

    program: str
    state: int
    parts: dict[str, str]


def made(root: Path = ROOT) -> Made:
    """Return the fingerprint of the program whose packages are in ``root``. Reads about fifty small files (3 ms).

    Each source is taken byte by byte, so a changed comment is a change, too: a run is refused once too often rather
    than mixed once.
    """
    digests: dict[str, hashlib.blake2b] = {}
    for part, path in _sources(root):
        digest = digests.setdefault(part, hashlib.blake2b(digest_size=6))
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StoreProblem(f"{path}, a part of this program, cannot be read: {error.strerror}") from None
        digest.update(f"{path.name}:{len(data)}:".encode())
        digest.update(data)
    return Made(program=__version__, state=STATE, parts={part: digest.hexdigest() for part, digest in digests.items()})


def _sources(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield every file that shapes a run, in order, with the part it belongs to."""
    for path in sorted((root / "research" / "prompts").glob("*.md")):
        yield f"prompt {path.name}", path
    for folder in ("graphs", "research/analysts", "research/prompts", "research"):
        for path in sorted((root / folder).glob("*.py")):
            if folder != "research" or path.stem not in SHAPELESS:
                yield NAMES.get(f"{folder}/{path.name}", f"{folder}/*.py"), path


def check_made(run: str, stored: str, now: Made, *, anew: bool = False) -> str:
    """Return what is to be said before this program goes on with a run, empty when it is the one that began it.

    ``stored`` is the fingerprint that the run was begun with. ``anew``: the run is worked again from its start, which
    mixes nothing. Raises ``WrongVersion`` when another program began it and it would be gone on with as it is.
    """
    before = _read(stored)
    changes = _changes(before, now)
    if not changes:
        if before is None or before.program == now.program:
            return ""
        return (
            f"the run was begun by version {before.program} and goes on unchanged with {now.program}: "
            "nothing that shapes it differs"
        )
    what = ", ".join(changes[:NAMED]) + (
        f" and {counted(len(changes) - NAMED, 'more part')}" if changes[NAMED:] else ""
    )
    if anew:
        return f"migrated: the run is worked again from its start by this program, in which it differs: {what}"
    raise WrongVersion(
        f"refused: the run {run} was begun by a program that differs from this one in {what}; go on with the version "
        f"that began it, or `research resume {run} --from-journal` works it again from its start with this one and "
        "pays for no request again that is the same"
    )


def _read(stored: str) -> Made | None:
    """Return the stored fingerprint; ``None`` where none was kept."""
    try:
        return build(Made, msgspec.json.decode(stored)) if stored else None
    except msgspec.MsgspecError:
        return Made(program="unknown", state=0, parts={})


def _changes(before: Made | None, now: Made) -> list[str]:
    """Name what differs, whole folders last; the version is named with it, and nothing when it alone differs."""
    if before is None:
        return []
    names = sorted(before.parts.keys() | now.parts.keys(), key=lambda part: (part.endswith("*.py"), part))
    changes = [part for part in names if before.parts.get(part) != now.parts.get(part)]
    if before.state != now.state:
        changes.insert(0, f"the version of the graph's state ({before.state}, here {now.state})")
    if changes and before.program != now.program:
        changes.insert(0, f"its version ({before.program}, here {now.program})")
    return changes
