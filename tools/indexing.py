"""Indexing a folder into a corpus: what changed, its text, its passages, their vectors.

A window of files changes its rows in one transaction, and the corpus is ``building`` from the first change until its
database and its Chroma collection agree, so a killed index is never answered from as if it were whole, and running it
again goes on where it stopped. Finding files is in ``tools.folder_files``, reading them in ``tools.index_reading``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from research.errors import SettingMissing, UsageFault
from research.ports import Embedder, Library, Parser
from research.records import Label, Record, ident
from tools import folder_files, promoted
from tools.corpus_folder import Lock, make_folder
from tools.corpus_rows import Change, Facts, FileRow, PassageRow
from tools.corpus_store import CorpusStore
from tools.corpus_upgrade import brought_up_to_date
from tools.documents import DocumentReader, embedded_text
from tools.folder_files import Found
from tools.index_reading import FolderReader
from tools.vectors import DenseIndex

EMBED_BATCH = 128
"""Texts handed to the embedder at once; it divides them further as its model or service asks. More are more alike in
length, but a Ctrl-C waits for them: with MiniLM 128 take 2 to 8 seconds."""


class IndexProgress(Record):
    """How far an index is: ``done`` of ``total`` files, or of vectors in the phase ``vectors``."""

    phase: str
    done: int
    total: int
    name: str = ""


class SkippedFile(Record):
    """A file that is not in the corpus, and why."""

    name: str
    reason: str


class IndexSummary(Record):
    """What an index did. ``files`` and ``passages`` are what the corpus holds now; ``embedded`` counts new texts."""

    corpus: str
    files: int
    added: int
    changed: int
    removed: int
    unchanged: int
    skipped: tuple[SkippedFile, ...]
    passages: int
    embedded: int
    generation: str


Report = Callable[[IndexProgress], None]


async def index_folder(
    folder: Path,
    corpus: Path,
    parser: Parser,
    library: Library,
    embedder: Embedder,
    *,
    public: bool = False,
    rebuild: bool = False,
    progress: Report = lambda step: None,
) -> IndexSummary:
    """Make the corpus in the folder ``corpus`` hold the readable files of ``folder``, and return what was done.

    ``rebuild`` forgets what was indexed before. Raises ``UsageFault`` when there is no readable file or the corpus
    belongs to another folder, ``SettingMissing`` when another embedder made it, ``StoreProblem`` when another process
    uses it or the disk refuses.
    """
    place = await asyncio.to_thread(folder.resolve)
    files = await asyncio.to_thread(folder_files.found_in, place)
    if not files:
        raise UsageFault(f"{folder} holds no file to read; these are read: {', '.join(folder_files.MEDIA)}")
    make_folder(corpus)
    with ExitStack() as stack:
        lock = Lock(corpus / "lock", exclusive=True)
        stack.callback(lock.release)
        await asyncio.to_thread(brought_up_to_date, corpus)
        store = CorpusStore(corpus)
        stack.callback(store.close)
        job = _Job(place, corpus, store, parser, library, embedder, "public" if public else "private")
        return await job.run(files, rebuild=rebuild, progress=progress)


class _Job:
    """One index from start to end."""

    def __init__(
        self,
        folder: Path,
        corpus: Path,
        store: CorpusStore,
        parser: Parser,
        library: Library,
        embedder: Embedder,
        label: Label,
    ) -> None:
        self._folder = folder
        self._corpus = corpus
        self._store = store
        self._documents = DocumentReader(parser, library, label)
        self._embedder = embedder
        self._label: Label = label
        self._library = library
        self._embedded = 0
        self._started = False
        self._anywhere = False

    async def run(self, files: Sequence[Found], *, rebuild: bool, progress: Report) -> IndexSummary:
        before = self._store.facts()
        promoted.refuse_folder(self._corpus.name, before, self._folder)
        self._anywhere = rebuild or before is None or before.state != "whole"
        if before is not None and rebuild:
            self._store.clear(keep_vectors=before.embedder == self._embedder.name)
        elif before is not None:
            self._check(before)
        known = self._store.files()
        gone = sorted(known.keys() - {file.name for file in files})
        if gone:
            self._begin(len(files))
            await asyncio.to_thread(self._store.remove, gone)
        await self._bring(files, known, progress)
        return await self._finish(known, progress)

    def _check(self, before: Facts) -> None:
        """Refuse to mix two folders or two embedders in one corpus."""
        name = self._corpus.name
        if before.embedder != self._embedder.name:
            raise SettingMissing(
                f"the corpus “{name}” was indexed with the embedder {before.embedder}, not {self._embedder.name}; "
                f"choose that one, or re-index with `research index {self._folder} --corpus {name} --rebuild`"
            )
        if before.folder != str(self._folder):
            raise UsageFault(
                f"the corpus “{name}” holds {before.folder}; choose another name for {self._folder}, "
                "or add --rebuild to replace what it holds"
            )

    def _begin(self, total: int) -> None:
        """Mark the corpus as building before its first change; while two labels are mixed it is private."""
        if self._started:
            return
        self._started = True
        before = self._store.facts()
        private = self._label == "private" or (before is not None and before.label == "private")
        facts = Facts(
            embedder=self._embedder.name,
            dimensions=self._embedder.dimensions,
            label="private" if private else "public",
            folder=str(self._folder),
            total=total,
        )
        self._store.write_facts(facts)

    async def _bring(self, files: Sequence[Found], known: dict[str, FileRow], progress: Report) -> None:
        """Bring the rows of the files up to date: while a window of them is embedded and stored, the next is read."""
        reader = FolderReader(self._documents, self._label, known, await self._library.ids())
        storing: asyncio.Task[None] | None = None
        try:
            for window in reader.windows(files):
                changes = await reader.changes(window)
                if storing is not None:
                    await storing
                steps = [
                    IndexProgress(phase="files", done=look.number, total=len(files), name=look.file.name)
                    for look in window
                ]
                storing = asyncio.create_task(self._keep(changes, steps, progress))
            if storing is not None:
                await storing
        finally:
            if storing is not None:
                storing.cancel()
                await asyncio.gather(storing, return_exceptions=True)

    async def _keep(
        self, changes: Sequence[tuple[int, Change]], steps: Sequence[IndexProgress], progress: Report
    ) -> None:
        """Embed and store what a window of files holds, in one transaction."""
        if changes:
            self._begin(steps[0].total)
            rows = [change for _, change in changes]
            vectors = await new_vectors(self._store, self._embedder, [row for one in rows for row in one.passages])
            self._embedded += len(vectors)
            await asyncio.to_thread(self._store.replace, rows, vectors, done=changes[-1][0])
        for step in steps:
            progress(step)

    async def _finish(self, known: dict[str, FileRow], progress: Report) -> IndexSummary:
        """Make Chroma agree, then call the corpus whole. One without a readable file is not made."""
        now = self._store.files()
        indexed = [row for row in now.values() if row.source]
        skipped = tuple(
            SkippedFile(name=row.name, reason=row.reason.removeprefix(f"{row.name} "))
            for row in now.values()
            if not row.source
        )
        if not indexed:
            self._store.clear(keep_vectors=True)
            raise UsageFault(f"no file in {self._folder} can be read: {_listed(skipped)}")
        generation = generation_of(self._embedder.name, self._label, indexed)
        before = self._store.facts()
        if self._started or before is None or before.state != "whole":
            await asyncio.to_thread(self._store.drop_orphans, everywhere=self._anywhere)
            await asyncio.to_thread(self._agree, _on_loop(progress))
            facts = before or Facts(embedder="", dimensions=0, label=self._label, folder="")
            self._store.write_facts(
                msgspec.structs.replace(
                    facts,
                    state="whole",
                    dimensions=self._embedder.dimensions,
                    label=self._label,
                    generation=generation,
                    done=len(now),
                )
            )
        added, changed, unchanged = _compared(known, indexed)
        return IndexSummary(
            corpus=self._corpus.name,
            files=len(indexed),
            added=added,
            changed=changed,
            removed=len(known.keys() - now.keys()),
            unchanged=unchanged,
            skipped=skipped,
            passages=self._store.counts().passages,
            embedded=self._embedded,
            generation=generation,
        )

    def _agree(self, progress: Report) -> None:
        index = DenseIndex(self._corpus, self._embedder.name)
        index.agree(self._store, lambda done, total: progress(IndexProgress(phase="vectors", done=done, total=total)))
        index.close()


async def new_vectors(
    store: CorpusStore, embedder: Embedder, passages: Sequence[PassageRow]
) -> dict[str, NDArray[np.float32]]:
    """Embed the passages whose text was never embedded before; return their vectors by the hash of the text."""
    texts = {row.vector: embedded_text(row) for row in passages}
    missing = await asyncio.to_thread(store.missing_vectors, list(texts))
    made: dict[str, NDArray[np.float32]] = {}
    for at in range(0, len(missing), EMBED_BATCH):
        batch = missing[at : at + EMBED_BATCH]
        rows = await embedder.embed([texts[name] for name in batch])
        made.update(zip(batch, rows, strict=True))
    return made


def generation_of(embedder: str, label: Label, files: Sequence[FileRow]) -> str:
    """Return the name of an index that holds these files."""
    return ident("g", embedder, label, [(row.name, row.source) for row in files])


def _on_loop(progress: Report) -> Report:
    """Return ``progress`` as something a thread may call."""
    loop = asyncio.get_running_loop()
    return lambda step: loop.call_soon_threadsafe(progress, step)  # type: ignore[return-value]


def _compared(known: dict[str, FileRow], indexed: Sequence[FileRow]) -> tuple[int, int, int]:
    """Return how many indexed files are new, have other content than before, and are as before."""
    before = {name: row for name, row in known.items() if row.source}
    added = sum(row.name not in before for row in indexed)
    changed = sum(row.name in before and row.sha256 != before[row.name].sha256 for row in indexed)
    return added, changed, len(indexed) - added - changed


def _listed(skipped: Sequence[SkippedFile]) -> str:
    shown = [f"{file.name} ({file.reason})" for file in skipped[:5]]
    more = len(skipped) - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more else "")
