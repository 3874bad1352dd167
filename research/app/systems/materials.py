"""An eval's documents as corpora: written as files, indexed by the real indexer, found again the next time.

A corpus is named by the SHA-256 of its documents and of what indexes them, so equal documents are indexed once, and an
index that was stopped goes on. Which document a hit or a report's source is, is told by the file that code named.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from evals.records import Corpora, Document
from research.app.records import Home
from research.app.stores import open_library
from research.app.systems.documents import documents_of
from research.chunks import title_of
from research.clean import clean_text
from research.errors import StoreProblem
from research.ports import Embedder, Reranker
from research.records import encode
from tools.clock import SystemClock
from tools.corpus_folder import corpus_folder, existing
from tools.corpus_rows import FileRow
from tools.corpus_store import VERSION, CorpusStore
from tools.folder_files import MEDIA

if TYPE_CHECKING:
    from tools.corpus import HybridCorpus
    from tools.indexing import IndexProgress

LAYOUT = 1
"""Raised whenever documents are written in another way, so that they are written and indexed anew."""
FEW = 8
"""Up to so many corpora are indexed before the first case; of more (one for each case), each when it is first asked."""
MOST_OPEN = 16
"""Corpora kept open at once: each holds some ten files."""
LONGEST_TITLE = 300
STEP = 500
"""Documents between two words about how far an index is."""


@dataclass
class Shelved:
    """One open corpus. ``ids`` are the documents' ids by the address of their file."""

    corpus: HybridCorpus
    ids: Mapping[str, str]
    users: int = 0


@dataclass
class Shelf:
    """All documents of one eval. ``embedder`` makes their vectors and those of the questions.

    ``reranker`` has a say in the order in which they are found.
    """

    corpora: Corpora
    home: Home
    embedder: Embedder
    say: Callable[[str], None]
    most_open: int = MOST_OPEN
    reranker: Reranker | None = None
    _open: OrderedDict[str, Shelved] = field(default_factory=OrderedDict)
    _names: dict[str, str] = field(default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def prepare(self) -> None:
        """Index what is not indexed yet, where there are few corpora."""
        for name in self.corpora if len(self.corpora) <= FEW else ():
            await self._indexed(name)

    def stored_name(self, name: str) -> str:
        """Return the name in the eval home: a few letters for people, then what tells equal documents from others."""
        if name not in self._names:
            marks = encode((LAYOUT, VERSION, self.embedder.name, self.embedder.dimensions))
            sha = hashlib.sha256(marks.encode())
            for document in documents_of(self.corpora, [name]):
                sha.update(encode(document).encode())
            self._names[name] = f"{_slug(name)}-{sha.hexdigest()[:24]}"
        return self._names[name]

    @asynccontextmanager
    async def open(self, names: Sequence[str]) -> AsyncIterator[dict[str, Shelved]]:
        """Open corpora for one case, by their names in the eval home; they stay open for the next one.

        Raises ``UsageFault`` for one that the suite does not have.
        """
        async with AsyncExitStack() as stack:
            held: dict[str, Shelved] = {}
            for name in names:
                shelved = await self._take(name)
                stack.callback(_release, shelved)
                held[self.stored_name(name)] = shelved
            yield held

    def close(self) -> None:
        """Close every corpus."""
        while self._open:
            self._open.popitem()[1].corpus.close()

    async def _take(self, name: str) -> Shelved:
        from tools.corpus import open_corpus

        async with self._locks.setdefault(name, asyncio.Lock()):
            shelved = self._open.get(name)
            if shelved is None:
                ids = await self._indexed(name)
                folder = corpus_folder(self.home.corpora, self.stored_name(name))
                shelved = Shelved(open_corpus(folder, self.embedder, reranker=self.reranker), ids)
                self._open[name] = shelved
                await shelved.corpus.lists("ready", 1)  # loads Chroma and the embedder: no part of a case's time
            shelved.users += 1
        self._open.move_to_end(name)
        for other in [key for key, one in self._open.items() if not one.users][
            : max(0, len(self._open) - self.most_open)
        ]:
            self._open.pop(other).corpus.close()
        return shelved

    async def _indexed(self, name: str) -> dict[str, str]:
        """Make sure of a corpus's index, and return the documents' ids by the addresses of their files."""
        documents, stored = documents_of(self.corpora, [name]), self.stored_name(name)
        folder = self.home.root / "documents" / stored
        if not _whole(self.home, stored):
            await asyncio.to_thread(write_documents, documents, folder)
            self.say(f"indexing {len(documents):,} documents of {name} with {self.embedder.name}")
            await self._index(folder, name, stored)
        place = folder.resolve()
        return {(place / file_name(n, one)).as_uri(): one.id for n, one in enumerate(documents)}

    async def _index(self, folder: Path, name: str, stored: str) -> None:
        from tools.indexing import index_folder
        from tools.parse import ChildParser

        def progress(step: IndexProgress) -> None:
            if step.done % STEP == 0 and step.done < step.total:
                self.say(f"{name}: {step.done:,} of {step.total:,} {step.phase}")

        library, parser = open_library(self.home, SystemClock()), ChildParser()
        corpus = corpus_folder(self.home.corpora, stored)
        try:
            summary = await index_folder(folder, corpus, parser, library, self.embedder, public=True, progress=progress)
        finally:
            await parser.aclose()
            library.close()
        for file in summary.skipped:
            self.say(f"{name}: the document {self._skipped(name, file.name)} is not in the index: {file.reason}")
        for twins in _shared(corpus):
            self.say(f"{name}: only the first of {len(twins)} documents that read the same is found: {twins[0]}")

    def _skipped(self, name: str, file: str) -> str:
        return next(one.id for n, one in enumerate(self.corpora[name]) if file_name(n, one) == file)


def _release(shelved: Shelved) -> None:
    shelved.users -= 1


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:32] or "corpus"


def _whole(home: Home, stored: str) -> bool:
    """Return whether the corpus is there and its index was finished."""
    folder = corpus_folder(home.corpora, stored)
    if not folder.is_dir():
        return False
    store = CorpusStore(existing(folder))
    try:
        facts = store.facts()
    finally:
        store.close()
    return facts is not None and facts.state == "whole"


def _shared(corpus: Path) -> list[list[str]]:
    """Return the names of files that have one text between them: the corpus holds such a text once."""
    store = CorpusStore(corpus)
    try:
        files = store.files()
    finally:
        store.close()
    return _twins(files)


def _twins(files: Mapping[str, FileRow]) -> list[list[str]]:
    by_source: dict[str, list[str]] = {}
    for name, row in files.items():
        if row.source:
            by_source.setdefault(row.source, []).append(name)
    return [names for names in by_source.values() if len(names) > 1]


def file_name(number: int, document: Document) -> str:
    """Return the name of a document's file: a number and a known suffix, nothing that the data says."""
    suffix = document.suffix.lower()
    return f"d{number:06}{suffix if suffix in MEDIA else '.txt'}"


def write_documents(documents: Sequence[Document], folder: Path) -> None:
    """Write each document as a file; a file that is there stays as long as it has not been changed, by a system say.

    Raises ``StoreProblem`` when the disk refuses.
    """
    twins: Counter[str] = Counter()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, document in enumerate(documents):
            text = file_text(document)
            # A corpus holds a text once, whoever has it; line ends that nobody sees keep equal documents apart.
            _keep(folder / file_name(number, document), (text + "\n" * twins[text]).encode())
            twins[text] += 1
    except OSError as error:
        raise StoreProblem(f"the documents of the eval cannot be written to {folder}: {error.strerror}") from error


def _keep(path: Path, data: bytes) -> None:
    """Have ``data`` stand in the file, whole or not at all."""
    if path.exists() and path.read_bytes() == data:
        return
    draft = path.with_name(f".{path.name}")
    draft.write_bytes(data)
    draft.replace(path)


def file_text(document: Document) -> str:
    """Return the text of a document's file. One that does not say its title itself gets it as an underlined heading.

    That is how a person would put a title on plain text, and how the indexer finds it. Markup is left as it is, but
    for the same heading where Markdown or reStructuredText has none.
    """
    text = clean_text(document.text)
    title = " ".join(clean_text(document.title).split())[:LONGEST_TITLE]
    media = MEDIA.get(document.suffix.lower(), "text/plain")
    says = title_of(text, media, "")
    if not title or not text.strip() or media == "text/html" or says == title or (says and media != "text/plain"):
        return text
    return f"{title}\n{'=' * max(3, len(title))}\n\n{text}"
