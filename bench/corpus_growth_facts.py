"""Measures one size of ``bench.corpus_growth``: each part is a process of its own over a corpus that stays on disk."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.corpus_growth_steps import NAMES, Steps, Taken
from bench.corpus_growth_texts import Made, make_folder, one_more, questions
from bench.growing import process_facts
from bench.growth_facts import ENVIRONMENT
from research.ports import Embedder
from research.records import Record
from tools.clock import SystemClock
from tools.corpus import open_corpus
from tools.embeddings import HashingEmbedder
from tools.indexing import IndexSummary, index_folder
from tools.library import FileLibrary
from tools.minilm import MiniLMEmbedder, minilm_folder
from tools.parse import ChildParser
from tools.seal import Seal

QUERIES = 100
STEPS_MOST = 100_000
"""Passages up to which the steps are taken alone, too."""
LIMIT = 10
DIMENSIONS = 384
NAMED = (("words", "lexical"), ("named", "names"), ("titles", "names"), ("vectors", "vectors"))
"""Beginnings of the names of tables, and the part of the corpus that they are; the others are its text."""
PARTS = ("text", "lexical", "names", "vectors", "Chroma", "library")


class PlacedEmbedder:
    """Vectors that were there before the texts: random directions from a seed, one after the other."""

    name = f"random-{DIMENSIONS}"
    dimensions = DIMENSIONS

    def __init__(self) -> None:
        self._rng = np.random.default_rng(1)

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the next rows, one per text."""
        return _unit_rows(self._rng, len(texts))


def _unit_rows(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    rows = rng.standard_normal((count, DIMENSIONS), dtype=np.float32)
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


class Indexed(Record):
    """A first index, without importing what it needs. Seconds; MiB at the peak, and before."""

    passages: int
    seconds: float
    cpu: float
    peak: float
    before: float


class Again(Record):
    """Indexing again: seconds, and how many files were added."""

    seconds: float
    added: int


class Asked(Record):
    """A process that asks: the first retrieval and the following ones in seconds, MiB at the peak."""

    first: float
    p50: float
    p95: float
    peak: float


class Measured(Record):
    """One size with one embedder; ``parts`` in bytes, ``steps`` are empty where they were not taken."""

    size: int
    embedder: str
    made: Made
    index: Indexed
    nothing: Again
    one: Again
    ask: Asked
    parts: dict[str, int]
    steps: dict[str, Taken]


class Place(Record):
    """Where one size is measured, as paths: the data it is made of, its folder, and a home with a model."""

    data: str
    root: str
    embedder: str
    models: str = ""

    @property
    def folder(self) -> Path:
        return Path(self.root)

    @property
    def documents(self) -> Path:
        return self.folder / "documents"

    @property
    def corpus(self) -> Path:
        return self.folder / "corpora" / "growth"

    def vectors(self) -> Embedder:
        """Return the embedder by its name."""
        if self.embedder == "minilm":
            return MiniLMEmbedder(minilm_folder(Path(self.models)))
        return PlacedEmbedder() if self.embedder == "random" else HashingEmbedder()


async def _indexed(place: Place, embedder: Embedder) -> IndexSummary:
    library = FileLibrary(place.folder / "library", SystemClock(), Seal(bytes(32)))
    parser = ChildParser()
    try:
        return await index_folder(place.documents, place.corpus, parser, library, embedder, public=True)
    finally:
        await parser.aclose()
        library.close()


async def _ready(place: Place) -> Embedder:
    """Return the embedder when it and Chroma are loaded: that is no part of what grows."""
    import chromadb  # noqa: F401

    embedder = place.vectors()
    await embedder.embed(["ready"])
    return embedder


async def first_index(place: Place) -> Indexed:
    """Index the documents."""
    embedder = await _ready(place)
    before = process_facts()["rss"]
    began, used = time.perf_counter(), time.process_time()
    summary = await _indexed(place, embedder)
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    return Indexed(
        passages=summary.passages,
        seconds=seconds,
        cpu=cpu,
        peak=process_facts()["peak"] / 1024,
        before=before / 1024,
    )


async def index_in_steps(place: Place) -> dict[str, Taken]:
    """Index the documents another time, step by step."""
    return await Steps(place.folder / "steps", await _ready(place)).run(place.documents)


async def index_again(place: Place) -> Again:
    """Index once more, whatever changed since."""
    embedder = await _ready(place)
    began = time.perf_counter()
    summary = await _indexed(place, embedder)
    return Again(seconds=time.perf_counter() - began, added=summary.added)


async def ask_all(place: Place) -> Asked:
    """Ask different questions, each once."""
    embedder = await _ready(place)
    corpus = open_corpus(place.corpus, embedder)
    taken = []
    for question in ["warm up", *questions(Path(place.data), QUERIES)]:
        began = time.perf_counter()
        await corpus.retrieve(question, LIMIT)
        taken.append(time.perf_counter() - began)
    corpus.close()
    cuts = statistics.quantiles(taken[1:], n=20)
    return Asked(first=taken[0], p50=statistics.median(taken[1:]), p95=cuts[-1], peak=process_facts()["peak"] / 1024)


def parts_of(place: Place) -> dict[str, int]:
    """Return the bytes on disk of each part of a corpus (tables by SQLite's ``dbstat``, their indexes with them)."""
    query = "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name GROUP BY 1"
    found = dict.fromkeys(PARTS, 0)
    with closing(sqlite3.connect(place.corpus / "corpus.db")) as connection:
        for table, size in connection.execute(query):
            found[next((part for name, part in NAMED if table.startswith(name)), "text")] += size
    for part, folder in (("Chroma", place.corpus / "chroma"), ("library", place.folder / "library")):
        found[part] = sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())
    return found


PROCESSES: dict[str, Callable[[Place], object]] = {
    "index": lambda place: asyncio.run(first_index(place)),
    "steps": lambda place: asyncio.run(index_in_steps(place)),
    "again": lambda place: asyncio.run(index_again(place)),
    "ask": lambda place: asyncio.run(ask_all(place)),
}


def run_part(part: str, place: str) -> bytes:
    """Do one part in this process and return what was found, as JSON."""
    return msgspec.json.encode(PROCESSES[part](msgspec.json.decode(place, type=Place)))


def _child(part: str, place: Place) -> bytes:
    arguments = [sys.executable, "-m", "bench.corpus_growth", "--part", part, msgspec.json.encode(place).decode()]
    return subprocess.run(arguments, env=ENVIRONMENT, check=True, stdout=subprocess.PIPE).stdout


def _steps(place: Place, say: Callable[[str], None]) -> dict[str, Taken]:
    say("step by step")
    found = msgspec.json.decode(_child("steps", place), type=dict[str, Taken])
    return {name: found[name] for name in NAMES}


def measure(size: int, embedder: str, data: Path, models: Path | None, say: Callable[[str], None]) -> Measured:
    """Measure one size in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(data=str(data), root=folder, embedder=embedder, models=str(models or ""))
        made = make_folder(data, place.documents, size)
        say(f"{size:,} {embedder}: {made.documents:,} documents, {made.real:,} of them real; indexing")
        index = msgspec.json.decode(_child("index", place), type=Indexed)
        say(f"{size:,} {embedder}: {index.passages:,} passages in {index.seconds:.1f} s; asking")
        parts = parts_of(place)
        ask = msgspec.json.decode(_child("ask", place), type=Asked)
        nothing = msgspec.json.decode(_child("again", place), type=Again)
        one_more(data, place.documents)
        one = msgspec.json.decode(_child("again", place), type=Again)
        steps = _steps(place, say) if size <= STEPS_MOST else {}
        return Measured(
            size=size,
            embedder=embedder,
            made=made,
            index=index,
            nothing=nothing,
            one=one,
            ask=ask,
            parts=parts,
            steps=steps,
        )
