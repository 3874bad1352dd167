"""The dense index of one corpus: a Chroma collection that is made to agree with the corpus database.

Vectors are always passed in; no embedding function, no ``where`` filter and no telemetry. An entry's id is the
passage's id and the hash of its vector's text, and neither ever changes its meaning, so the collection agrees with the
database when the sets of ids are equal; it is marked then with a digest of them, which is compared at once. Everything
here blocks: call it in a thread.
"""

from __future__ import annotations

import mmap
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from research.errors import Fatal, StoreProblem
from research.exhaustion import exhausted
from tools.corpus_folder import PATIENCE, Turn
from tools.corpus_store import ENTRY_HASH, CorpusStore

BATCH = 500
"""Entries a write: fastest between 100 and 1,000; one by one is 8 times slower."""

HANDLES = 32
"""Files that Chroma may have open at once, and some more."""
ROOM = 256 * 1024 * 1024
"""Bytes of address space that Chroma's threads take, and some more; none of it is touched."""

LAST, DIGEST = "last_passage", "entries_digest"
"""The collection's mark: up to which passage it agreed with the database, and the digest of those passages' entries."""

Progress = Callable[[int, int], None]


class DenseIndex:
    """The collection of one corpus. Opening it imports Chroma, which takes one to two seconds."""

    def __init__(self, folder: Path, embedder: str) -> None:
        """Open or make ``folder/chroma``; raises ``StoreProblem`` when Chroma cannot."""
        self._path = folder / "chroma"
        self._name = "passages-" + re.sub(r"[^A-Za-z0-9]+", "-", embedder).strip("-")[:64]
        self._guard = folder / "chroma.lock"
        self._client: Any = None
        self._collection: Any = None

    def agree(
        self,
        store: CorpusStore,
        progress: Progress = lambda done, total: None,
        *,
        patience: float = PATIENCE,
        stopped: Event | None = None,
    ) -> int:
        """Open the collection, make it agree with ``store``, and return how many entries were added or removed.

        One process at a time does this; the others wait, and then find nothing left to do. Raises ``StoreProblem``
        when the turn did not come within ``patience`` seconds or before ``stopped`` was set, and when Chroma cannot
        use its folder; ``Exhausted`` when memory, threads or file handles ran out.
        """
        from chromadb.errors import ChromaError  # before the lock: importing Chroma takes a second of everybody's time

        turn = Turn(self._guard, patience=patience, stopped=stopped)
        try:
            _check_room()
            self._drop_damaged()
            try:
                return self._agree(store, progress)
            except ChromaError:
                self._drop()
                return self._agree(store, progress)
        except (ChromaError, OSError) as error:
            raise self._problem("use", error) from error
        finally:
            turn.release()

    def _drop(self) -> None:
        """Remove the collection's files: they hold nothing that is not in the corpus database."""
        self.close()
        shutil.rmtree(self._path, ignore_errors=True)

    def _drop_damaged(self) -> None:
        """Remove a database that SQLite cannot read: Chroma would fail on it, and fail again in the same process."""
        database = self._path / "chroma.sqlite3"
        if not database.exists():
            return
        try:
            with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error:
            self._drop()

    def _agree(self, store: CorpusStore, progress: Progress) -> int:
        self._collection = self._open()
        missing, stale = self._differing(store)
        for batch in _batches(stale):
            self._collection.delete(ids=batch)
        done = 0
        for batch in _batches(list(missing)):
            vectors = [np.frombuffer(store.vector(missing[entry]), dtype="<f4") for entry in batch]
            self._collection.add(ids=batch, embeddings=np.stack(vectors))
            done += len(batch)
            progress(done, len(missing))
        _, last, digest = store.entries()
        mark = {LAST: last, DIGEST: digest}
        if mark != self._collection.metadata:
            self._collection.modify(metadata=mark)
        return len(stale) + len(missing)

    def _differing(self, store: CorpusStore) -> tuple[dict[str, str], list[str]]:
        """Return the entries to add, with the hashes of their vectors, and those to remove.

        A collection that is marked as being in agreement, and holds as many entries as it then did, lacks only what
        was added to the database since; of any other one all ids are compared.
        """
        mark = self._collection.metadata or {}
        last = mark.get(LAST, 0)
        count, _, digest = store.entries(last)
        if mark.get(DIGEST) == digest and self._collection.count() == count:
            return {_entry(*key): key[1] for key in store.vector_keys(after=last)}, []
        wanted = {_entry(*key): key[1] for key in store.vector_keys()}
        present = set(self._collection.get(include=[])["ids"])
        missing = {entry: name for entry, name in wanted.items() if entry not in present}
        return missing, sorted(present - wanted.keys())

    def _open(self) -> Any:
        import chromadb
        from chromadb.config import Settings

        # Chroma would read a file ".env" of the current folder, whoever put it there.
        settings = Settings(_env_file=None, anonymized_telemetry=False)  # type: ignore[call-arg]
        try:
            self._client = chromadb.PersistentClient(str(self._path), settings=settings)
        finally:
            if self._client is None:
                _forget(str(self._path))
        for other in self._client.list_collections():
            if other.name != self._name:
                self._client.delete_collection(other.name)
        return self._client.get_or_create_collection(
            self._name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )

    def search(self, vector: NDArray[np.float32], limit: int) -> list[int]:
        """Return the ids of at most ``limit`` passages, nearest first by cosine."""
        from chromadb.errors import ChromaError

        if not vector.any():
            return []  # a query without a word is near to nothing
        try:
            answer = self._collection.query(query_embeddings=vector[None, :], n_results=limit, include=[])
        except ChromaError as error:
            raise self._problem("search", error) from error
        return [int(entry.split("-", 1)[0]) for entry in answer["ids"][0]]

    def _problem(self, what: str, error: Exception) -> Fatal:
        from chromadb.errors import ChromaError

        return exhausted(error, ChromaError) or StoreProblem(f"Chroma cannot {what} {self._path}: {error}")

    def count(self) -> int:
        """Return the number of entries."""
        return int(self._collection.count())

    def close(self) -> None:
        """Let go of Chroma's files; closing twice is fine."""
        if self._client is not None:
            self._client.close()
            self._client = self._collection = None


def _forget(path: str) -> None:
    """Have Chroma forget a system that could not be started.

    It keeps one per path, started or not, and would give the half-made one to the next client, which then fails for
    want of its parts and hides the true cause. One that a client holds was started, and stays.
    """
    from chromadb.api.shared_system_client import SharedSystemClient as Systems

    if path not in Systems._identifier_to_refcount:
        Systems._identifier_to_system.pop(path, None)


def _check_room() -> None:
    """Raise ``OSError`` when too little memory or too few files are to be had: Chroma would not fail, but abort."""
    mmap.mmap(-1, ROOM).close()
    with ExitStack() as stack:
        for _ in range(HANDLES):
            stack.enter_context(Path(os.devnull).open("rb"))


def _entry(id: int, name: str) -> str:
    return f"{id}-{name[:ENTRY_HASH]}"


def _batches(entries: Sequence[str]) -> list[list[str]]:
    rest = iter(entries)
    return list(iter(lambda: list(islice(rest, BATCH)), []))
