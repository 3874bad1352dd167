"""Where a corpus lives: its name, its folder, its lock, and the list of all corpora. SQLite alone, no Chroma.

What is inside the database is in ``tools.corpus_store``.
"""

from __future__ import annotations

import difflib
import os
import re
from contextlib import suppress
from io import FileIO
from pathlib import Path
from threading import Event
from typing import Literal

from research.errors import ResearchError, StoreProblem, UnknownName, UsageFault
from research.records import Record
from tools.corpus_store import DATABASE, CorpusStore
from tools.inside import open_inside, refuse_link

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")

PATIENCE = 20.0
"""Seconds that a process waits for its turn."""

POLL = 0.1
"""Seconds between two tries to get a turn."""


def corpus_folder(root: Path, name: str) -> Path:
    """Return the folder of the corpus ``name`` below ``root``; raises ``UsageFault`` when the name is not allowed."""
    if not _NAME.fullmatch(name):
        raise UsageFault(
            f"“{name[:80]}” cannot be the name of a corpus: use at most 64 letters, digits, dots, hyphens and "
            "underscores, and no dot in front"
        )
    return root / name


def existing(folder: Path) -> Path:
    """Return ``folder``; raises ``UnknownName``, with a near name where there is one, when it holds no corpus."""
    if (folder / DATABASE).is_file():
        return folder
    known = corpus_names(folder.parent)
    near = difflib.get_close_matches(folder.name, known, n=1)
    advice = f"; did you mean “{near[0]}”?" if near else f"; known: {', '.join(known)}" if known else ""
    raise UnknownName(
        f"there is no corpus “{folder.name}”{advice} (make it with `research index FOLDER --corpus {folder.name}`)"
    )


def corpus_names(root: Path) -> list[str]:
    """Return the names of the corpora below ``root``, sorted."""
    if not root.is_dir():
        return []
    return sorted(entry.name for entry in root.iterdir() if (entry / DATABASE).is_file())


class Lock:
    """A lock on a corpus that the system gives back when the process ends, however it ends."""

    def __init__(self, path: Path, *, exclusive: bool) -> None:
        """Take the lock; raises ``StoreProblem`` when another process has it."""
        import fcntl  # POSIX only: imported here so that the module can be read anywhere

        mode = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        self._file = _lock_file(path, exclusive=exclusive)
        try:
            fcntl.flock(self._file, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            doing = "using" if exclusive else "indexing"
            raise StoreProblem(
                f"another process is {doing} the corpus “{path.parent.name}”; try again when it has ended"
            ) from None

    def release(self) -> None:
        """Give the lock back; doing so twice is fine."""
        self._file.close()


class Turn:
    """An exclusive lock that is waited for, on a file that says which process has it."""

    def __init__(self, path: Path, *, patience: float = PATIENCE, stopped: Event | None = None) -> None:
        """Take the lock; raises ``StoreProblem`` when ``patience`` seconds were not enough, or ``stopped`` was set."""
        import fcntl  # POSIX only, as above

        stopped = stopped or Event()
        tries = round(patience / POLL)
        self._file = _lock_file(path)
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if tries <= 0 or stopped.wait(POLL):
                    self._file.seek(0)
                    holder = self._file.read(20).decode("ascii", "replace").strip()
                    self._file.close()
                    raise StoreProblem(_held(path, holder)) from None
                tries -= 1
        self._write(str(os.getpid()))

    def _write(self, holder: str) -> None:
        with suppress(OSError):  # a full disk: then the number is not known, and the lock holds all the same
            self._file.truncate(0)
            self._file.write(holder.encode())

    def release(self) -> None:
        """Give the lock back."""
        self._write("")
        self._file.close()


def _lock_file(path: Path, *, exclusive: bool = True) -> FileIO:
    """Open the file of a lock, making it where it is missing; to share one needs no right to write."""
    try:
        reading = not exclusive and path.exists()
        flags = os.O_RDONLY if reading else os.O_RDWR | os.O_APPEND | os.O_CREAT
        return FileIO(open_inside(path.parents[1], "/".join(path.parts[-2:]), flags), "rb" if reading else "a+b")
    except OSError as error:
        raise StoreProblem(f"the corpus folder {path.parent} cannot be written: {error.strerror}") from error


def _held(path: Path, holder: str) -> str:
    if not (holder.isascii() and holder.isdigit()):
        return f"another process holds {path}; wait for it, or if it hangs, end it or continue it"
    return (
        f"process {holder} holds {path}; wait for it, or if it hangs, end it (`kill -9 {holder}`) or continue it "
        f"(`kill -CONT {holder}`)"
    )


class CorpusFacts(Record):
    """One corpus as ``doctor`` and the list of corpora show it; ``problem`` says why it cannot be read."""

    name: str
    state: Literal["whole", "building", "empty", "unreadable"]
    files: int = 0
    skipped: int = 0
    passages: int = 0
    embedder: str = ""
    label: str = ""
    folder: str = ""
    problem: str = ""


def list_corpora(root: Path) -> tuple[CorpusFacts, ...]:
    """Return every corpus below ``root``, sorted by name."""
    return tuple(_facts(root / name) for name in corpus_names(root))


def _facts(folder: Path) -> CorpusFacts:
    try:
        store = CorpusStore(folder, read_only=True)
        try:
            facts, counts = store.facts(), store.counts()
        finally:
            store.close()
    except ResearchError as error:
        return CorpusFacts(name=folder.name, state="unreadable", problem=str(error))
    if facts is None:
        return CorpusFacts(name=folder.name, state="empty")
    return CorpusFacts(
        name=folder.name,
        state=facts.state,
        files=counts.files,
        skipped=counts.skipped,
        passages=counts.passages,
        embedder=facts.embedder,
        label=facts.label,
        folder=facts.folder,
    )


def sources_of(folder: Path) -> set[str]:
    """Return the ids of the texts that a corpus holds passages of."""
    store = CorpusStore(folder, read_only=True)
    try:
        return {file.source for file in store.files().values() if file.source}
    finally:
        store.close()


def make_folder(folder: Path) -> None:
    """Make the corpus folder, readable by its owner only. Raises ``StoreProblem``."""
    refuse_link(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.chmod(folder, 0o700)  # noqa: PTH101
    except OSError as error:
        raise StoreProblem(f"the corpus folder {folder} cannot be made: {error.strerror}") from error
