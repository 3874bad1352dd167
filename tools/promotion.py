"""Adding pages of runs to a corpus and forgetting them: each is one change of the corpus, whole or not made.

All rows of a change (page, passages, words, names, vectors, where it came from) are one SQLite transaction, and the
Chroma collection is made to agree before that is committed. Killed before, the corpus is as it was, and Chroma is
brought back to it by whoever opens it next; killed after, the change is made. What is to be added or forgotten is
decided, shown and approved elsewhere; :func:`add` and :func:`forget` refuse when the corpus is not the one that was
shown.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from research.errors import SettingMissing, UsageFault
from research.ports import Embedder
from research.records import Label, Record
from tools import promoted
from tools.corpus_folder import Lock, existing, make_folder
from tools.corpus_rows import Change, Facts, FileRow
from tools.corpus_schema import guarded
from tools.corpus_store import DATABASE, CorpusStore
from tools.documents import LONGEST_TITLE, passages_of
from tools.indexing import generation_of, new_vectors
from tools.promoted import FOLDER, Forgotten, Promoted
from tools.vectors import DenseIndex

CHANGED = "the corpus “{}” was changed while you were asked, so nothing was done; look at it again"


class NewPage(Record):
    """A page to be added: its origin, and the stored text that its passages are cut from."""

    origin: Promoted
    title: str
    media: str
    text: str


class Held(Record):
    """What a corpus of pages holds. ``generation`` and ``label`` are empty where nothing was ever added."""

    generation: str = ""
    label: str = ""
    embedder: str = ""
    pages: tuple[Promoted, ...] = ()
    forgotten: tuple[Forgotten, ...] = ()


class Changed(Record):
    """What a change did: pages and passages taken in or out, and what the corpus holds now."""

    corpus: str
    pages: int
    passages: int
    left: int


def held(folder: Path) -> Held:
    """Return what the corpus in ``folder`` holds. Raises ``UsageFault`` when it is the index of a folder."""
    if not (folder / DATABASE).is_file():
        return Held()
    store = CorpusStore(folder, read_only=True)
    try:
        return _held(folder.name, store)
    finally:
        store.close()


def _held(name: str, store: CorpusStore) -> Held:
    facts = store.facts()
    promoted.refuse_pages(name, facts)
    return Held(
        generation=facts.generation if facts else "",
        label=facts.label if facts else "",
        embedder=facts.embedder if facts else "",
        pages=promoted.pages(store),
        forgotten=promoted.forgotten(store),
    )


async def add(folder: Path, pages: Sequence[NewPage], embedder: Embedder, *, label: Label, seen: Held) -> Changed:
    """Add pages; one of an address that is there takes its place. The corpus is private or public as ``label`` says.

    Raises ``UsageFault`` when it is the index of a folder or not as it was ``seen``, ``SettingMissing`` when another
    embedder made it, ``EffectFailed`` when the embedder's service fails, ``StoreProblem`` when it is being used.
    """
    make_folder(folder)
    with _opened(folder, seen) as store:
        facts = store.facts()
        if facts is not None and facts.embedder != embedder.name:
            raise SettingMissing(
                f"the corpus “{folder.name}” was made with the embedder {facts.embedder}, not {embedder.name}; "
                "choose that one, or another corpus"
            )
        changes = [_change(page, label) for page in pages]
        vectors = await new_vectors(store, embedder, [row for change in changes for row in change.passages])

        def put() -> None:
            store.replace(changes, vectors, done=0)
            promoted.write(store, [page.origin for page in pages])
            _settle(store, Facts(embedder=embedder.name, dimensions=embedder.dimensions, label=label, folder=FOLDER))

        await asyncio.to_thread(_committed, folder, store, embedder.name, put)
        passages = sum(len(change.passages) for change in changes)
        return Changed(corpus=folder.name, pages=len(pages), passages=passages, left=len(promoted.pages(store)))


def _change(page: NewPage, label: Label) -> Change:
    data = page.text.encode()
    origin = page.origin
    if hashlib.sha256(data).hexdigest() != origin.source:
        raise UsageFault(f"the text of {origin.url} is not the one that was shown, so nothing was added")
    row = FileRow(name=origin.url, size=len(data), mtime_ns=0, sha256=origin.source, label=label, source=origin.source)
    title = page.title[:LONGEST_TITLE] or origin.url[:LONGEST_TITLE]
    return Change(file=row, passages=tuple(passages_of(origin.source, page.text, title, page.media)))


async def forget(folder: Path, gone: Sequence[Promoted], *, by: str, now: str, seen: Held) -> Changed:
    """Take pages out: their passages, words, names and vectors, of which no byte stays in the corpus database.

    Raises ``UnknownName``, ``UsageFault`` when it is the index of a folder or not as it was ``seen``, ``StoreProblem``.
    """
    existing(folder)
    with _opened(folder, seen) as store:
        facts, before = store.facts(), store.counts().passages
        if facts is None:
            raise UsageFault(CHANGED.format(folder.name))

        def take() -> None:
            store.remove([page.name for page in store.files().values() if page.name in {one.url for one in gone}])
            promoted.erase(store, gone, by, now)
            _settle(store, facts)

        await asyncio.to_thread(_committed, folder, store, facts.embedder, take)
        left = len(promoted.pages(store))
        return Changed(corpus=folder.name, pages=len(gone), passages=before - store.counts().passages, left=left)


@contextmanager
def _opened(folder: Path, seen: Held) -> Iterator[CorpusStore]:
    """Open a corpus that nobody else uses and that is as it was ``seen``."""
    lock = Lock(folder / "lock", exclusive=True)
    try:
        store = CorpusStore(folder)
        try:
            if _held(folder.name, store) != seen:
                raise UsageFault(CHANGED.format(folder.name))
            yield store
        finally:
            store.close()
    finally:
        lock.release()


def _settle(store: CorpusStore, facts: Facts) -> None:
    """Drop vectors that no passage uses, and say of the corpus what it holds now; of an empty one, nothing."""
    store.drop_orphans(everywhere=True)
    files = list(store.files().values())
    if not files:
        with store.transaction() as connection:
            connection.execute("DELETE FROM facts")
        return
    generation = generation_of(facts.embedder, facts.label, files)
    store.write_facts(
        Facts(
            embedder=facts.embedder,
            dimensions=facts.dimensions,
            label=facts.label,
            folder=FOLDER,
            state="whole",
            generation=generation,
            done=len(files),
            total=len(files),
        )
    )


def _committed(folder: Path, store: CorpusStore, embedder: str, change: Callable[[], None]) -> None:
    """Make a change of the database and of Chroma, the database's last; then let go of what was overwritten."""
    index = DenseIndex(folder, embedder)
    try:
        with guarded(store.path):
            store.connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten with zeros
        with store.transaction() as connection:
            change()
            for table in ("words", "named"):  # in an FTS5 index a deleted word stays until its segment is written anew
                connection.execute(f"INSERT INTO {table}({table}) VALUES ('optimize')")
            index.agree(store)
    finally:
        index.close()
    with guarded(store.path):
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
