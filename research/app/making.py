"""What made a run: a fingerprint of the program and of all that shapes a run, and what a resume does when it differs.

A run keeps checkpoints of one plan and answers to one set of prompts. A program with other ones would mix them with its
own, so it refuses, and names what differs. Only the number of the version may differ: that shapes nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec

from graphs.state import VERSION as STATE
from research import __version__
from research.errors import StoreProblem, WrongVersion
from research.records import Record, build, counted

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds the packages."""

READ_BEFORE = "settings options values caps spelling secret plan_file estimate affording rehearsal"
SHOWN_AFTER = "render sanitize compare replaying"
KEPT_APART = (
    "clock cross_encoder_setup database downloads folder_files indexing last_good minilm_setup model_listing orders "
    "ownership row_checks salvage seal"
)
"""Of ``tools/``: who may write and what is damaged, and what has been done when a run begins."""
SHAPELESS = frozenset(f"__init__ __main__ {READ_BEFORE} {SHOWN_AFTER} {KEPT_APART}".split())
"""Modules of ``research/`` and ``tools/`` that shape no run."""

APP = ("embedders", "rerankers", "running", "world")
"""Modules of ``research/app/`` that shape a run; the others begin, list, show and measure runs."""
FOLDERS = ("graphs", "research/analysts", "research/prompts", "research", "research/app", "tools")

NAMES = {
    "graphs/orchestrator.py": "the graph (graphs/orchestrator.py)",
    "graphs/branch.py": "the branch's graph (graphs/branch.py)",
    "research/analysts/schemas.py": "tools and schemas (research/analysts/schemas.py)",
    "research/access.py": "rights (research/access.py)",
    "tools/chat_messages.py": "what a model is sent (tools/chat_messages.py)",
    "tools/page_text.py": "the text of a page (tools/page_text.py)",
    "tools/tokens.py": "the count of tokens (tools/tokens.py)",
}
"""What the sources are called that have a part of their own; the others are taken together by folder."""

LIBRARY = "the library "
OUTSIDE = frozenset({"httpcore", "httpx", "idna", "platformdirs", "typer"})
"""Dependencies that carry words to and fro: their versions shape neither a run's state nor its results."""

NAMED = 4
"""So many differing parts are named, the others are counted."""


class Made(Record):
    """The program that began a run: its version, the version of the graph's state, a short digest of each part.

    The part of a library is its version.
    """

    program: str
    state: int
    parts: dict[str, str]


def made(root: Path = ROOT, *, judge: bool = False) -> Made:
    """Return the fingerprint of the program whose packages are in ``root``, with the ``judge`` of the evals or without.

    Reads about a hundred small files (2 ms) and once a process the versions of libraries (10 ms). Each source is taken
    byte by byte, so a changed comment is a change, too: a run is refused once too often rather than mixed once.
    """
    digests: dict[str, hashlib.blake2b] = {}
    for part, path in [*_sources(root), *(_judging(root) if judge else ())]:
        digest = digests.setdefault(part, hashlib.blake2b(digest_size=6))
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StoreProblem(f"{path}, a part of this program, cannot be read: {error.strerror}") from None
        digest.update(f"{path.name}:{len(data)}:".encode())
        digest.update(data)
    sources = {part: digest.hexdigest() for part, digest in digests.items()}
    return Made(program=__version__, state=STATE, parts=sources | _libraries())


def _sources(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield every file that shapes a run, in order, with the part it belongs to."""
    for path in sorted((root / "research" / "prompts").glob("*.md")):
        yield f"prompt {path.name}", path
    for folder in FOLDERS:
        for path in sorted((root / folder).glob("*.py")):
            if _shapes(folder, path.stem):
                yield NAMES.get(f"{folder}/{path.name}", f"{folder}/*.py"), path


def _shapes(folder: str, module: str) -> bool:
    if folder == "research/app":
        return module in APP
    return folder not in ("research", "tools") or module not in SHAPELESS


def _judging(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield what shapes the verdicts of a judge beside: its prompts, and the reading of its answers."""
    for path in sorted((root / "evals" / "prompts").glob("*.md")):
        yield f"prompt {path.name} of the judge", path
    for path in sorted((root / "evals").glob("*.py")):
        yield "evals/*.py", path


@cache
def _libraries() -> dict[str, str]:
    """Return the version of each library that this program needs and that shapes a run, as they are declared."""
    from importlib.metadata import PackageNotFoundError, requires, version

    declared: list[str] = []
    with suppress(PackageNotFoundError):  # the packages lie there without having been installed
        declared = requires("research") or []
    names = [re.split(r"[^A-Za-z0-9._-]", one, maxsplit=1)[0] for one in declared if "extra ==" not in one]
    found = {}
    for name in (name for name in names if name not in OUTSIDE):
        with suppress(PackageNotFoundError):  # declared by another version than is here, and not needed by it
            found[f"{LIBRARY}{name}"] = version(name)
    return found


def check_made(run: str, stored: str, now: Made, *, anew: bool = False) -> str:
    """Return what is to be said before this program goes on with a run, empty when it is the one that began it.

    ``stored`` is the fingerprint that the run was begun with. ``anew``: the run is worked again from its start, which
    mixes nothing. Raises ``WrongVersion`` when another program began it and it would be gone on with as it is.
    """
    before, what = _read(stored), differing(stored, now)
    if not what:
        if before is None or before.program == now.program:
            return ""
        return (
            f"the run was begun by version {before.program} and goes on unchanged with {now.program}: "
            "nothing that shapes it differs"
        )
    if anew:
        return f"migrated: the run is worked again from its start by this program, in which it differs: {what}"
    raise WrongVersion(
        f"refused: the run {run} was begun by a program that differs from this one in {what}; go on with the version "
        f"that began it, or `research resume {run} --from-journal` works it again from its start with this one and "
        "pays for no request again that is the same"
    )


def differing(stored: str, now: Made) -> str:
    """Name what shapes a run and differs between its ``stored`` program and this one; empty where nothing does."""
    changes = _changes(_read(stored), now)
    more = f" and {counted(len(changes) - NAMED, 'more part')}" if changes[NAMED:] else ""
    return ", ".join(changes[:NAMED]) + more


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
    changes = [
        _change(part, before.parts.get(part), now.parts.get(part))
        for part in names
        if before.parts.get(part) != now.parts.get(part)
    ]
    if before.state != now.state:
        changes.insert(0, f"the version of the graph's state ({before.state}, here {now.state})")
    if changes and before.program != now.program:
        changes.insert(0, f"its version ({before.program}, here {now.program})")
    return changes


def _change(part: str, before: str | None, now: str | None) -> str:
    """Name a part that differs; of a library the version is told."""
    if not part.startswith(LIBRARY):
        return part
    return f"{part} ({before or 'none'}, here {now or 'none'})"
