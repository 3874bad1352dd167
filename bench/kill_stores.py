"""Killing an index and an export: the corpus has no doubles and no orphans, a file is whole, the old or the new one.

An index is killed after random milliseconds, a new one or one of a folder that changed, and is then run again. What is
compared with an index that nobody disturbed: files, passages, vectors, FTS5, the Chroma collection, and what is found.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np

from bench.kill_judging import Verdict
from bench.lives import Ended, Work, live, start, waited
from bench.reference import settings_of, unheard
from bench.watched import Events
from research.app.indexing import index
from research.cli.output import write_whole
from research.records import Record
from tools.corpus import HybridCorpus, open_corpus
from tools.corpus_store import CorpusStore
from tools.embeddings import HashingEmbedder
from tools.vectors import DenseIndex

CORPUS = "notes"
FILES, PASSAGES = 40, 30
SYLLABLES = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "wo", "xu", "za")
ASKED = (0, 17, 30)
"""Documents, in both states of the folder, of which a paragraph is asked for."""
MTIME = 1_700_000_000_000_000_000
DRAFT_OF_TEXT = ".part"
LINES = 40_000
"""Lines of an export: about a megabyte."""
WAIT = 30.0
"""Seconds until a process that was begun must have written."""


class Looked(Record):
    """What a corpus holds, and what is wrong inside of it; ``hits`` are those of each query.

    The lexical list is compared whole. Of the dense one it is the first: Chroma's index is approximate, and two that
    nobody disturbed differ further down.
    """

    exit_code: int
    files: list[tuple[str, str]]
    passages: list[tuple[str, int, int, str]]
    hits: list[list[str]]
    wrong: list[str]


def documents(changed: bool) -> dict[str, str]:
    """Return the texts of the folder; of a changed one five are gone, five are others and five are new."""
    texts = {f"document-{number}.md": _text(number) for number in range(FILES)}
    if changed:
        for number in range(3, FILES, 8):
            del texts[f"document-{number}.md"]
            texts[f"document-{number + 1}.md"] = _text(number + 1000)
            texts[f"new-{number}.md"] = _text(number + 2000)
    return texts


def _text(number: int) -> str:
    return f"# Document {number}\n\n" + "\n\n".join(_paragraphs(number)) + "\n"


def _paragraphs(number: int) -> list[str]:
    rng = random.Random(number)
    return [
        " ".join("".join(rng.choices(SYLLABLES, k=2)) for _ in range(150)).capitalize() + "." for _ in range(PASSAGES)
    ]


class IndexRun:
    """Indexing one folder in a home, both in ``folder``, with ``make``."""

    def __init__(self, folder: Path, make: Callable[..., Awaitable[object]] = index) -> None:
        self._make = make
        self._folder, self._documents, self._home = folder, folder / "documents", folder / "home"
        self._whole: dict[bool, Looked] = {}
        self._seconds: dict[bool, float] = {}
        for changed in (False, True):  # the second goes on from the first
            self._fill(changed)
            began = time.perf_counter()
            self._ended(live(self._index, Events()))
            self._seconds[changed] = time.perf_counter() - began
            self._whole[changed] = self._look()
            if not changed:
                shutil.copytree(self._home, folder / "indexed")

    def attempt(self, seed: int) -> Verdict:
        """Kill an index, every second one of a folder that changed, run it again, and compare."""
        rng, changed = random.Random(seed), bool(seed % 2)
        part, seconds = rng.random(), self._seconds[changed]
        while True:
            shutil.rmtree(self._home, ignore_errors=True)
            if changed:
                shutil.copytree(self._folder / "indexed", self._home)
            self._fill(changed)
            began = time.perf_counter()
            if live(self._index, Events(), part * seconds).code != 0:
                break
            seconds = time.perf_counter() - began  # the machine was slower when the time was taken
        problems = self._as_if_whole(changed)
        ended = live(self._index, Events())
        if ended.code != 0:
            return Verdict((*problems, f"indexing again ended with {ended.code}: {ended.said[-1000:]}"), cuts=1, lost=1)
        looked, whole = self._look(), self._whole[changed]
        problems += [
            *looked.wrong,
            *(f"other {name}" for name in ("files", "passages", "hits") if differ(looked, whole, name)),
        ]
        drafts = sum(1 for path in self._home.rglob(f"*{DRAFT_OF_TEXT}"))
        return Verdict(tuple(problems), cuts=1, equal=int(not problems), drafts=drafts)

    def _as_if_whole(self, changed: bool) -> list[str]:
        """Check that a corpus which calls itself whole after the kill is the one before the index, or the one after."""
        folder = self._home / "corpora" / CORPUS
        if not (folder / "corpus.db").exists():
            return []
        with closing(CorpusStore(folder)) as store:
            facts, files = store.facts(), [(row.name, row.source) for row in store.files().values()]
        if facts is None or facts.state != "whole" or files in (self._whole[changed].files, self._whole[False].files):
            return []
        return ["a corpus that was being indexed calls itself whole"]

    def _fill(self, changed: bool) -> None:
        """Make the folder's files, with times that do not tell when."""
        shutil.rmtree(self._documents, ignore_errors=True)
        self._documents.mkdir()
        for name, text in documents(changed).items():
            path = self._documents / name
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(MTIME, MTIME + len(text)))

    async def _index(self, _: Events) -> Looked:
        settings = settings_of(self._home)
        await self._make(self._documents, CORPUS, settings, public=True, embedder="hashing", progress=unheard)
        return Looked(exit_code=0, files=[], passages=[], hits=[], wrong=[])

    def _look(self) -> Looked:
        """Look into the corpus, in a process of its own, as Chroma starts threads."""

        async def work(_: Events) -> Looked:
            return await looked_at(self._home / "corpora" / CORPUS)

        return msgspec.json.decode(self._ended(live(work, Events())), type=Looked)

    @staticmethod
    def _ended(ended: Ended) -> str:
        if ended.code != 0:
            raise SystemExit(f"a life that nobody disturbed ended with {ended.code}: {ended.said}")
        return ended.said


def differ(one: Looked, other: Looked, name: str) -> bool:
    """Return whether two looks differ in one thing."""
    return bool(getattr(one, name) != getattr(other, name))


async def looked_at(folder: Path) -> Looked:
    """Return what the corpus in ``folder`` holds; nothing is repaired before it was looked at."""
    wrong = []
    with closing(CorpusStore(folder)) as store:
        files = [(row.name, row.source) for row in store.files().values()]
        passages = store.connection.execute("SELECT source, start, end, vector FROM passages ORDER BY 1, 2").fetchall()
        if len({row[:2] for row in passages}) != len(passages):
            wrong.append("a passage is there twice")
        if {row[0] for row in passages} != {source for _, source in files}:
            wrong.append("there are passages of no file, or files without passages")
        vectors = {row[0] for row in store.connection.execute("SELECT hash FROM vectors")}
        if vectors != {row[3] for row in passages}:
            wrong.append("there are vectors of no passage, or passages without a vector")
        try:
            store.connection.execute("INSERT INTO words(words, rank) VALUES ('integrity-check', 1)")
        except sqlite3.DatabaseError as error:
            wrong.append(f"FTS5 and the passages differ: {error}")
        wrong += _dense_wrong(folder, store)
    with closing(open_corpus(folder, HashingEmbedder())) as corpus:
        hits = [await _found(corpus, _paragraphs(number)[number % PASSAGES]) for number in ASKED]
    return Looked(exit_code=0, files=files, passages=passages, hits=hits, wrong=wrong)


def _dense_wrong(folder: Path, store: CorpusStore) -> list[str]:
    """Say how the Chroma collection differs from the passages: entries, and their vectors."""
    import chromadb

    dense = DenseIndex(folder, HashingEmbedder.name)
    wrong = ["the Chroma collection and the passages differ"] if dense.agree(store) else []
    dense.close()
    client = chromadb.PersistentClient(str(folder / "chroma"), settings=chromadb.Settings(anonymized_telemetry=False))
    (collection,) = client.list_collections()
    held = collection.get(include=["embeddings"])
    vectors = {f"{id}-{name[:16]}": np.frombuffer(store.vector(name), dtype="<f4") for id, name in store.vector_keys()}
    if sorted(held["ids"]) != sorted(vectors):
        wrong.append(f"Chroma holds {len(held['ids'])} entries for {len(vectors)} passages, or others")
    elif not all(
        np.allclose(row, vectors[id], atol=1e-6) for id, row in zip(held["ids"], held["embeddings"], strict=True)
    ):
        wrong.append("Chroma holds other vectors than the corpus database")
    return wrong


async def _found(corpus: HybridCorpus, query: str) -> list[str]:
    lexical, dense = await corpus.lists(query, 10)
    return [hit.handle for hit in [*lexical, dense[0]]]


class ExportRun:
    """Writing a report over an older one, killed while writing."""

    def __init__(self, folder: Path, write: Callable[[Path, str], None] = write_whole) -> None:
        self._path = folder / "report.md"
        self._write_to = write
        self._texts = tuple(f"{word} line of the report\n" * LINES for word in ("old", "new"))

    def attempt(self, seed: int) -> Verdict:
        """Kill a process that writes the two texts in turn, and read what is there."""
        for path in self._path.parent.iterdir():
            path.unlink()
        self._write_to(self._path, self._texts[0])
        child, reader = start(self._nothing, Events(), drive=self._write)
        self._begun()
        waited(child, reader, random.Random(seed).random() / 20)
        names = sorted(path.name for path in self._path.parent.iterdir())
        whole = self._path.read_text(encoding="utf-8") in self._texts
        strange = [name for name in names if name != "report.md" and not name.startswith(".report.md.")]
        problems = (
            () if whole and not strange else (f"a file is neither the old nor the new one, or {strange} are left",)
        )
        return Verdict(problems, cuts=1, lost=int(not whole), equal=int(whole), drafts=len(names) - 1)

    def _begun(self) -> None:
        """Wait until the process writes: on a busy machine it would be killed before it began."""
        before, latest = self._path.stat(), time.monotonic() + WAIT
        while self._path.stat()[:7] == before[:7] and time.monotonic() < latest:
            os.sched_yield()

    async def _nothing(self, _: Events) -> None:
        return None

    def _write(self, _: Work, __: Events) -> None:
        while True:
            for text in reversed(self._texts):
                self._write_to(self._path, text)
