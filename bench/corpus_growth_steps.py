"""What each step of an index takes alone: the indexer's own parts, called one after the other over the same documents.

In the indexer they overlap (a window of files is read while the one before is embedded and stored), so the sum is more
than an index takes; but no step can hide behind another one here, and nothing in the indexer has to be told to count.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from research.chunks import chunk
from research.ports import Embedder, Page
from research.records import Label, Record, Source
from tools import folder_files, names
from tools.clock import SystemClock
from tools.corpus_rows import Change, Facts, FileRow, PassageRow
from tools.corpus_store import CorpusStore
from tools.documents import DocumentReader, embedded_text
from tools.indexing import EMBED_BATCH
from tools.library import FileLibrary
from tools.parse import ChildParser
from tools.seal import Seal
from tools.vectors import DenseIndex

T = TypeVar("T")
WINDOW = 200
"""Passages stored in one transaction."""
NAMES = ("read and clean", "cut", "library", "names", "embed", "SQL and lexical index", "Chroma")


class Taken(Record):
    """Seconds of one step in all: by the clock, and of the processor."""

    wall: float = 0.0
    cpu: float = 0.0

    def __add__(self, other: Taken) -> Taken:
        return Taken(wall=self.wall + other.wall, cpu=self.cpu + other.cpu)

    def __sub__(self, other: Taken) -> Taken:
        return Taken(wall=self.wall - other.wall, cpu=self.cpu - other.cpu)


def now() -> Taken:
    """Return the time, by the clock and of the processor."""
    return Taken(wall=time.perf_counter(), cpu=time.process_time())


class TimedLibrary(FileLibrary):
    """Knows how long it was asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, SystemClock(), Seal(bytes(32)))
        self.taken = Taken()

    async def keep(self, page: Page, label: Label) -> Source:
        began = now()
        kept = await super().keep(page, label)
        self.taken += now() - began
        return kept

    async def text(self, source: str) -> str:
        began = now()
        text = await super().text(source)
        self.taken += now() - began
        return text


class Steps:
    """Indexes documents step by step into ``folder``, adding up what each step takes."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self._library = TimedLibrary(folder / "library")
        self._reader = DocumentReader(ChildParser(), self._library, "public")
        self._embedder = embedder
        self._corpus = folder / "corpus"
        self._corpus.mkdir(parents=True)
        self._taken: defaultdict[str, Taken] = defaultdict(Taken)

    async def run(self, documents: Path) -> dict[str, Taken]:
        """Return what each step takes."""
        with closing(self._library), closing(CorpusStore(self._corpus)) as store:
            facts = Facts(embedder=self._embedder.name, dimensions=1, label="public", folder=str(documents))
            store.write_facts(facts)
            window: list[Change] = []
            for file in folder_files.found_in(documents):
                window.append(await self._read(file))
                if sum(len(change.passages) for change in window) >= WINDOW:
                    await self._store(store, window)
                    window = []
            await self._store(store, window)
            self._timed("Chroma", lambda: self._agree(store))
        return {name: self._taken[name] for name in NAMES}

    def _timed(self, name: str, work: Callable[[], T]) -> T:
        began = now()
        made = work()
        self._taken[name] += now() - began
        return made

    async def _read(self, file: folder_files.Found) -> Change:
        """Read one file; cutting is done once more, to know its part."""
        kept, began = self._library.taken, now()
        passages = await self._reader.passages(file, folder_files.content(file))
        whole, kept = now() - began, self._library.taken - kept
        source = passages[0].source
        text = await FileLibrary.text(self._library, source)
        cut = self._taken["cut"]
        self._timed("cut", lambda: chunk(text, file.media))
        self._taken["library"] += kept
        self._taken["read and clean"] += whole - kept - (self._taken["cut"] - cut)
        row = FileRow(name=file.name, size=1, mtime_ns=1, sha256="", label="public", source=source)
        return Change(file=row, passages=tuple(passages))

    async def _store(self, store: CorpusStore, window: Sequence[Change]) -> None:
        """Embed and store; storing finds the names, which is done once more, to know its part."""
        rows: list[PassageRow] = [row for change in window for row in change.passages]
        texts = {row.vector: embedded_text(row) for row in rows}
        vectors = {}
        hashes = store.missing_vectors(list(texts))
        began = now()
        for at in range(0, len(hashes), EMBED_BATCH):
            batch = hashes[at : at + EMBED_BATCH]
            vectors.update(zip(batch, await self._embedder.embed([texts[name] for name in batch]), strict=True))
        self._taken["embed"] += now() - began
        naming = self._taken["names"]
        self._timed("names", lambda: [names.joined(row.title, row.text) for row in rows])
        naming = self._taken["names"] - naming
        self._timed("SQL and lexical index", lambda: store.replace(window, vectors, done=1))
        self._taken["SQL and lexical index"] -= naming

    def _agree(self, store: CorpusStore) -> None:
        with closing(DenseIndex(self._corpus, self._embedder.name)) as index:
            index.agree(store)
