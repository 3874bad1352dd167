"""Asking a corpus: hits are exact spans with reasons, and what is half indexed, locked or foreign is refused."""

from __future__ import annotations

import asyncio
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from research.errors import Exhausted, SettingMissing, StoreProblem, UnknownName, UsageFault, WrongVersion
from research.records import ident
from tools.clock import SystemClock
from tools.corpus import HybridCorpus, open_corpus
from tools.corpus_folder import Lock, corpus_folder, list_corpora
from tools.corpus_store import CorpusStore
from tools.embeddings import HashingEmbedder
from tools.indexing import IndexSummary, index_folder
from tools.library import FileLibrary
from tools.parse import ChildParser
from tools.seal import Seal
from tools.vectors import ROOM, DenseIndex

TEXTS = {
    "budgets.md": "# Budgets\n\nA budget is a wall: tokens, money and calls are reserved before each call is sent.",
    "citations.md": "# Citations\n\nEvery cited sentence points to a verbatim quote in a stored copy of its source.",
    "resume.md": "# Resuming\n\nAfter kill -9 the journal is replayed, and no answer is bought twice.",
    "pep-0008.rst": "PEP: 8\nTitle: Style Guide\nAuthor: Guido\n\nIntroduction\n============\n\nConventions.",
    "pep-0404.rst": "PEP: 404\nTitle: Python 2.8\nAuthor: Barry\n\nAbstract\n========\n\nThere is no Python 2.8.",
}


class Shelf:
    """A home with one indexed corpus, ``papers``."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.root = home / "corpora"
        self.papers = self.root / "papers"
        self.library = FileLibrary(home / "library", SystemClock(), Seal(bytes(32)))
        self.folder = home / "folder"
        self.folder.mkdir(parents=True)
        for name, text in TEXTS.items():
            (self.folder / name).write_text(text)

    async def index(self, **options: object) -> IndexSummary:
        parts = (self.folder, self.papers, ChildParser(), self.library, HashingEmbedder())
        return await index_folder(*parts, **options)  # type: ignore[arg-type]


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    made = Shelf(tmp_path)
    await made.index()
    yield made
    made.library.close()


async def ask(shelf: Shelf, query: str, limit: int = 5) -> list[str]:
    corpus = open_corpus(shelf.papers, HashingEmbedder())
    try:
        return [hit.title for hit in await corpus.retrieve(query, limit)]
    finally:
        corpus.close()


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("How are budgets enforced?", "Budgets"),
        ("Who wrote PEP 8", "PEP 8: Style Guide"),
        ("a verbatim quotation", "Citations"),
        ("jurnal replaied", "Resuming"),
        ('") OR title:* AND NEAR( kill', "Resuming"),
    ],
)
async def test_the_right_document_comes_first(shelf: Shelf, query: str, first: str) -> None:
    """By its words, its name, a form of a word, a misspelling, and in spite of query syntax."""
    assert (await ask(shelf, query))[0] == first


async def test_a_hit_is_an_exact_span_with_its_reasons(shelf: Shelf) -> None:
    """``source``, ``start`` and ``end`` are of the stored text, the handle is their hash, ``why`` the ranks."""
    corpus = open_corpus(shelf.papers, HashingEmbedder())
    hits = await corpus.retrieve("budget tokens money", 3)
    best = hits[0]
    text = await shelf.library.text(best.source)
    assert text[best.start : best.end] == TEXTS["budgets.md"]
    assert best.snippet.startswith("# Budgets A budget is a wall")
    assert best.handle == ident("p", best.source, best.start, best.end)
    assert best.why == ("lexical rank 1", "dense rank 1")
    assert len(hits) == 3
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert (corpus.name, corpus.label, corpus.partial) == ("papers", "private", False)
    corpus.close()
    corpus.close()


BRIDGE = {
    "bridge.txt": "Ilvane Bridge\n=============\n\nThe bridge was designed by Edda Varnholt and opened in 1931.",
    "edda.txt": "Edda Varnholt (engineer)\n========================\n\nShe grew up in Skerrow, and studied in Marn.",
    **{f"{n}.txt": f"Place {n}\n=======\n\nA designer of town {n} was born in it." for n in range(60)},
}


@pytest.fixture
async def bridge(tmp_path: Path) -> AsyncIterator[Shelf]:
    made = Shelf(tmp_path / "bridge")
    for name in TEXTS:
        (made.folder / name).unlink()
    for name, text in BRIDGE.items():
        (made.folder / name).write_text(text)
    await made.index()
    yield made
    made.library.close()


async def test_what_the_best_passage_names_is_found(bridge: Shelf) -> None:
    """A page that shares no word with the question is second, for the first names it; and it says so."""
    corpus = open_corpus(bridge.papers, HashingEmbedder())
    hits = await corpus.retrieve("Where was the designer of the Ilvane Bridge born?", 5)
    lexical, _ = await corpus.lists("Where was the designer of the Ilvane Bridge born?", 50)
    corpus.close()
    assert "Edda Varnholt (engineer)" not in [hit.title for hit in lexical]
    assert [hit.title for hit in hits[:2]] == ["Ilvane Bridge", "Edda Varnholt (engineer)"]
    assert "its title stands in the question" in hits[0].why
    assert "named in “Ilvane Bridge”" in hits[1].why


async def test_a_link_goes_with_its_document(bridge: Shelf) -> None:
    """A page that was deleted is led to no more; one that comes is, though what names it was not read again."""
    text = (bridge.folder / "edda.txt").read_text()
    (bridge.folder / "edda.txt").unlink()
    await bridge.index()
    question = "Where was the designer of the Ilvane Bridge born?"
    assert "Edda Varnholt (engineer)" not in await ask(bridge, question)
    (bridge.folder / "later.txt").write_text(text)
    await bridge.index()
    assert (await ask(bridge, question))[1] == "Edda Varnholt (engineer)"


async def test_more_hits_than_were_ranked_are_those_of_the_lists(bridge: Shelf) -> None:
    """Below what was ranked stands the rest of both lists, each passage once, and scores never rise."""
    corpus = open_corpus(bridge.papers, HashingEmbedder())
    hits = await corpus.retrieve("designer of a town", 200)
    corpus.close()
    assert len(hits) == len({hit.handle for hit in hits}) == len(BRIDGE)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert (hits[0].score, hits[-1].score) == (1, 0)


async def test_an_earlier_corpus_is_brought_up_to_date(bridge: Shelf) -> None:
    """Asking says which command does it; indexing again reads and embeds nothing, and links are there."""
    connection = sqlite3.connect(bridge.papers / "corpus.db")
    connection.executescript(
        "DROP TRIGGER names_added; DROP TRIGGER names_removed; DROP TABLE named; DROP TABLE titles;"
        "ALTER TABLE passages DROP COLUMN names; PRAGMA user_version = 1;"
    )
    connection.close()
    with pytest.raises(WrongVersion, match=r"earlier version.*`research index .*/folder --corpus papers`"):
        open_corpus(bridge.papers, HashingEmbedder())
    assert [facts.state for facts in list_corpora(bridge.root)] == ["unreadable"]
    summary = await bridge.index()
    assert (summary.unchanged, summary.embedded) == (len(BRIDGE), 0)
    titles = await ask(bridge, "Where was the designer of the Ilvane Bridge born?")
    assert titles[:2] == ["Ilvane Bridge", "Edda Varnholt (engineer)"]


async def test_a_lost_vector_is_a_store_problem(shelf: Shelf) -> None:
    """A database that lacks what it should hold is named, and nothing is answered without it."""
    connection = sqlite3.connect(shelf.papers / "corpus.db")
    connection.execute("DELETE FROM vectors WHERE hash IN (SELECT vector FROM passages WHERE title = 'Budgets')")
    connection.commit()
    connection.close()
    with pytest.raises(StoreProblem, match="lacks a vector; index the folder again"):
        await ask(shelf, "budgets")


async def test_the_dense_list_is_the_exact_nearest_neighbours(shelf: Shelf) -> None:
    """Chroma's order is that of a full comparison with every stored vector."""
    connection = sqlite3.connect(shelf.papers / "corpus.db")
    rows = connection.execute("SELECT p.title, v.vector FROM passages p JOIN vectors v ON v.hash = p.vector").fetchall()
    connection.close()
    query = "stored copies of what was paid for"
    vector = HashingEmbedder().vectors([query])[0]
    exact = sorted(rows, key=lambda row: -float(np.frombuffer(row[1], dtype="<f4") @ vector))
    corpus = open_corpus(shelf.papers, HashingEmbedder())
    _, dense = await corpus.lists(query, 5)
    corpus.close()
    assert [hit.title for hit in dense] == [row[0] for row in exact]


async def test_a_query_without_a_word_finds_nothing(shelf: Shelf) -> None:
    """It is near to nothing, which is an answer and not an error."""
    assert await ask(shelf, "?!") == []


async def test_an_unknown_corpus_is_named_with_a_near_one(shelf: Shelf) -> None:
    """The sentence says which name was probably meant and how a corpus is made."""
    with pytest.raises(UnknownName, match="did you mean “papers”"):
        open_corpus(shelf.root / "paper", HashingEmbedder())
    with pytest.raises(UnknownName, match="research index FOLDER"):
        open_corpus(shelf.home / "elsewhere" / "x", HashingEmbedder())


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "a b", "x" * 65, "a\n", "ü", "-\x00"])
def test_a_strange_name_is_a_usage_fault(tmp_path: Path, name: str) -> None:
    """A name is a folder's name, so it is held to one strict pattern."""
    with pytest.raises(UsageFault, match="name of a corpus"):
        corpus_folder(tmp_path, name)
    assert corpus_folder(tmp_path, "PEPs_3.12-a") == tmp_path / "PEPs_3.12-a"


class OtherEmbedder(HashingEmbedder):
    """Another model, by name."""

    name = "other-1"

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return -(await super().embed(texts))


async def test_another_embedder_is_refused(shelf: Shelf) -> None:
    """Vectors of two models are never compared; the sentence names both and the way out."""
    with pytest.raises(SettingMissing, match=r"hashing-512-1, not other-1.*--rebuild"):
        open_corpus(shelf.papers, OtherEmbedder())


async def test_a_half_finished_index_is_not_answered_from(shelf: Shelf) -> None:
    """It says how far it came and what to run; with ``allow_partial`` it answers and says that it is partial."""
    await stop_an_index(shelf)
    with pytest.raises(SettingMissing, match=r"stopped at 1 of 6 files; run `research index .* --corpus papers` again"):
        open_corpus(shelf.papers, HashingEmbedder())
    corpus = open_corpus(shelf.papers, HashingEmbedder(), allow_partial=True)
    assert corpus.partial
    hits = await corpus.retrieve("apples and budgets", 5)
    assert {hit.title for hit in hits[:2]} == {"Apples", "Budgets"}
    corpus.close()
    await shelf.index()
    assert "Apples" in await ask(shelf, "apples")


class Stop(Exception):
    """The test stops an index as a kill would."""


async def stop_an_index(shelf: Shelf) -> None:
    def stop(step: object) -> None:
        if getattr(step, "done", 0) == 2:
            raise Stop

    (shelf.folder / "apples.md").write_text("# Apples\n\nApples are not budgets.")
    with pytest.raises(Stop):
        await shelf.index(progress=stop)


async def test_asking_and_indexing_exclude_each_other(shelf: Shelf) -> None:
    """Two may ask at once; who comes second to an index, or indexes while another asks, gets one sentence."""
    first = open_corpus(shelf.papers, HashingEmbedder())
    second = open_corpus(shelf.papers, HashingEmbedder())
    with pytest.raises(StoreProblem, match="another process is using the corpus “papers”"):
        await shelf.index()
    first.close()
    second.close()
    lock = Lock(shelf.papers / "lock", exclusive=True)
    with pytest.raises(StoreProblem, match="another process is indexing the corpus “papers”"):
        open_corpus(shelf.papers, HashingEmbedder())
    lock.release()
    open_corpus(shelf.papers, HashingEmbedder()).close()


@pytest.mark.parametrize("damage", ["gone", "overwritten"])
async def test_chroma_is_rebuilt_from_the_database(shelf: Shelf, damage: str) -> None:
    """A Chroma folder that was deleted or damaged is made again, with the same answers."""
    before = await ask(shelf, "budgets and money")
    if damage == "gone":
        shutil.rmtree(shelf.papers / "chroma")
    else:
        (shelf.papers / "chroma" / "chroma.sqlite3").write_bytes(b"not a database" * 1000)
    assert await ask(shelf, "budgets and money") == before


async def test_why_chroma_could_not_start_is_told(shelf: Shelf) -> None:
    """Each time, and not that a client is missing its parts; when the cause is gone, the same process goes on."""
    before = await ask(shelf, "budgets and money")
    shutil.rmtree(shelf.papers / "chroma")
    (shelf.papers / "chroma").write_text("no folder")
    for _ in range(2):
        with pytest.raises(StoreProblem, match="Chroma cannot use") as told:
            await ask(shelf, "budgets and money")
        assert "attribute" not in str(told.value)
    (shelf.papers / "chroma").unlink()
    assert await ask(shelf, "budgets and money") == before


def address_space() -> int:
    """Bytes that this process has mapped."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


async def test_chroma_without_memory_ends_as_other_work_without_memory_does(shelf: Shelf) -> None:
    """RLIMIT_AS leaves less than Chroma's threads take: memory is named, and with room the same process goes on."""
    before = await ask(shelf, "budgets and money")
    store = CorpusStore(shelf.papers)
    index = DenseIndex(shelf.papers, HashingEmbedder.name)
    most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (address_space() + ROOM // 2, most[1]))
    try:
        with pytest.raises(Exhausted, match="out of memory"):
            index.agree(store)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, most)
    index.close()
    store.close()
    assert await ask(shelf, "budgets and money") == before


ASK = """
import asyncio, sys
from pathlib import Path
from tools.corpus import open_corpus
from tools.embeddings import HashingEmbedder

async def main():
    corpus = open_corpus(Path(sys.argv[1]), HashingEmbedder())
    print([hit.title for hit in await corpus.retrieve("budgets and money", 5)])

asyncio.run(main())
"""


def run(code: str, *arguments: str, folder: Path | None = None) -> str:
    """What a Python process of its own prints."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


async def test_several_processes_ask_at_once(shelf: Shelf) -> None:
    """Three processes that open a corpus whose Chroma folder is gone all get the same answer."""
    expected = str(await ask(shelf, "budgets and money"))
    shutil.rmtree(shelf.papers / "chroma")
    command = (ASK, str(shelf.papers))
    runs = await asyncio.gather(*(asyncio.to_thread(run, *command) for _ in range(3)))
    assert [output.strip() for output in runs] == [expected] * 3


async def test_branches_of_one_process_ask_at_once(shelf: Shelf) -> None:
    """Concurrent retrievals give what they give one by one."""
    corpus: HybridCorpus = open_corpus(shelf.papers, HashingEmbedder())
    queries = ["budgets", "quotes", "kill", "style", "python"] * 4
    together = await asyncio.gather(*(corpus.retrieve(query, 3) for query in queries))
    assert together == [await corpus.retrieve(query, 3) for query in queries]
    corpus.close()


async def test_a_database_of_another_version_is_refused(shelf: Shelf) -> None:
    """The sentence says which folder to delete; the list of corpora shows the problem and goes on."""
    connection = sqlite3.connect(shelf.papers / "corpus.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(WrongVersion, match="format 99"):
        open_corpus(shelf.papers, HashingEmbedder())
    assert [facts.state for facts in list_corpora(shelf.root)] == ["unreadable"]


async def test_a_damaged_database_is_a_store_problem(shelf: Shelf) -> None:
    """One sentence that names the file."""
    for name in ("corpus.db-wal", "corpus.db-shm"):
        (shelf.papers / name).unlink(missing_ok=True)
    (shelf.papers / "corpus.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreProblem, match=r"corpus\.db"):
        open_corpus(shelf.papers, HashingEmbedder())


async def test_corpora_are_listed_without_chroma(shelf: Shelf) -> None:
    """Names, counts and state come from SQLite alone."""
    code = (
        "import sys; from pathlib import Path; from tools.corpus_folder import list_corpora;"
        "print(list_corpora(Path(sys.argv[1]))); assert not {'chromadb', 'numpy'} & sys.modules.keys()"
    )
    output = run(code, str(shelf.root))
    assert "name='papers', state='whole', files=5, skipped=0, passages=5, embedder='hashing-512-1'" in output


async def test_opening_imports_no_chroma(shelf: Shelf) -> None:
    """Chroma takes over a second to import, so opening leaves it to the first retrieval."""
    code = (
        "import sys; from pathlib import Path; from tools.corpus import open_corpus;"
        "from tools.embeddings import HashingEmbedder;"
        "open_corpus(Path(sys.argv[1]), HashingEmbedder()); assert 'chromadb' not in sys.modules"
    )
    run(code, str(shelf.papers))


async def test_chroma_reads_no_settings_of_the_current_folder(shelf: Shelf, tmp_path: Path) -> None:
    """A file ``.env`` where the command is run does not reconfigure the store."""
    (tmp_path / ".env").write_text("CHROMA_API_IMPL=chromadb.api.fastapi.FastAPI\nCHROMA_SERVER_HOST=192.0.2.1\n")
    assert "Budgets" in run(ASK, str(shelf.papers), folder=tmp_path)


def test_a_database_that_was_never_filled_says_so(tmp_path: Path) -> None:
    """An index that was killed before its first change left nothing to ask."""
    (tmp_path / "x").mkdir()
    CorpusStore(tmp_path / "x").close()
    with pytest.raises(SettingMissing, match="nothing was indexed"):
        open_corpus(tmp_path / "x", HashingEmbedder())


@contextmanager
def stopped_holder(corpus: Path) -> Iterator[int]:
    """A process that is stopped while it has its turn on the corpus; gives its number."""
    code = (
        "import sys; from pathlib import Path; from tools.corpus_folder import Turn;"
        "turn = Turn(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(corpus / "chroma.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        process.send_signal(signal.SIGSTOP)
        try:
            yield process.pid
        finally:
            process.kill()


async def test_a_stopped_process_that_has_the_turn_is_named(shelf: Shelf) -> None:
    """The wait ends in a sentence with the lock file, the process and the way out; with the process goes the lock."""
    store = CorpusStore(shelf.papers)
    index = DenseIndex(shelf.papers, HashingEmbedder.name)
    with (
        stopped_holder(shelf.papers) as pid,
        pytest.raises(StoreProblem, match=rf"process {pid} holds .*`kill -9 {pid}`"),
    ):
        index.agree(store, patience=0)
    assert index.agree(store, patience=0) == 0
    assert (shelf.papers / "chroma.lock").read_bytes() == b""
    index.close()
    store.close()


class TellingEmbedder(HashingEmbedder):
    """Says when a query was embedded, which is when the search begins."""

    def __init__(self) -> None:
        self.embedded = asyncio.Event()

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = await super().embed(texts)
        self.embedded.set()
        return vectors


async def test_closing_does_not_wait_for_a_stuck_search(shelf: Shelf) -> None:
    """Closing comes back while another process keeps the search waiting, the search ends, and others can index."""
    embedder = TellingEmbedder()
    corpus = open_corpus(shelf.papers, embedder)
    with stopped_holder(shelf.papers):
        search = asyncio.create_task(corpus.retrieve("budgets", 3))
        await embedder.embedded.wait()
        corpus.close()
        with pytest.raises((StoreProblem, asyncio.CancelledError)):
            await search
    corpus.close()
    Lock(shelf.papers / "lock", exclusive=True).release()
