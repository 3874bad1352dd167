"""Reading the files of an index: which of them changed, and what those hold, a window of files at a time.

Part of ``tools.indexing``, which embeds and stores a window while the next one is read. Deciding which files there are
is in ``tools.folder_files``, cutting one into passages in ``tools.documents``.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from research.errors import EffectFailed
from research.exhaustion import exhausted
from research.records import Label
from tools import folder_files
from tools.corpus_rows import Change, FileRow
from tools.documents import DocumentReader
from tools.folder_files import Found

WINDOW_FILES = 64
WINDOW_BYTES = 256 * 1024
"""A window is full when as many changed files, or as many bytes of them, are in it: what a kill can lose, and what is
in memory twice. In plain text it is about 200 passages."""
MOST_LOOKS = 1_000
"""Files of a window, changed or not."""
READERS = 6
"""Files read at once: most of reading a file is waiting for the disk to say that its text is kept."""


@dataclass(frozen=True)
class Look:
    """A file before it is read: its status, and whether it is as it was. ``failure`` says why it has none."""

    number: int
    file: Found
    before: FileRow | None
    size: int = 0
    mtime_ns: int = 0
    unchanged: bool = False
    failure: EffectFailed | None = None


class FolderReader:
    """Reads the files of one index. ``known`` are their rows, ``kept`` the texts that the library holds."""

    def __init__(
        self, documents: DocumentReader, label: Label, known: Mapping[str, FileRow], kept: frozenset[str]
    ) -> None:
        self._documents = documents
        self._label: Label = label
        self._known = known
        self._kept = kept
        self._turns = asyncio.Semaphore(READERS)

    def windows(self, files: Sequence[Found]) -> Iterator[list[Look]]:
        """Yield the files in their order, in windows."""
        window: list[Look] = []
        changed = size = 0
        for number, file in enumerate(files, 1):
            look = self._look(number, file)
            window.append(look)
            if not look.unchanged:
                changed, size = changed + 1, size + look.size
            if changed >= WINDOW_FILES or size >= WINDOW_BYTES or len(window) >= MOST_LOOKS:
                yield window
                window, changed, size = [], 0, 0
        if window:
            yield window

    def _look(self, number: int, file: Found) -> Look:
        before = self._known.get(file.name)
        try:
            facts = folder_files.status(file)
        except EffectFailed as failure:
            return Look(number=number, file=file, before=before, failure=failure)
        size, mtime_ns = facts.st_size, max(facts.st_mtime_ns, facts.st_ctime_ns)
        same = before is not None and (before.size, before.mtime_ns, before.label) == (size, mtime_ns, self._label)
        unchanged = before is not None and same and before.source in self._kept
        return Look(number=number, file=file, before=before, size=size, mtime_ns=mtime_ns, unchanged=unchanged)

    async def changes(self, window: Sequence[Look]) -> list[tuple[int, Change]]:
        """Return what is to be stored of a window, in order, with the number of each file.

        A file that cannot be read is a row with a reason. Raises ``Exhausted`` when the machine cannot read on.
        """
        changed = [look for look in window if not look.unchanged]
        read = [asyncio.ensure_future(self._read(look)) for look in changed]
        try:
            made = await asyncio.gather(*read)
        finally:
            for task in read:
                task.cancel()
        return [
            (look.number, change)
            for look, change in zip(changed, made, strict=True)
            if change.passages or change.file != look.before
        ]

    async def _read(self, look: Look) -> Change:
        file = FileRow(name=look.file.name, size=look.size, mtime_ns=look.mtime_ns, sha256="", label=self._label)
        try:
            if look.failure is not None:
                raise look.failure
            async with self._turns:
                data = await asyncio.to_thread(folder_files.content, look.file)
                file = structs.replace(file, sha256=hashlib.sha256(data).hexdigest())
                passages = await self._documents.passages(look.file, data)
        except EffectFailed as failure:
            shortage = exhausted(failure)
            if shortage is not None:
                raise shortage from failure
            return Change(file=structs.replace(file, reason=str(failure)))
        return Change(file=structs.replace(file, source=passages[0].source), passages=tuple(passages))
