"""Indexing a folder: only what changed is touched, bad files are named, and a kill loses nothing."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from research.errors import SettingMissing, UsageFault
from tools.clock import SystemClock
from tools.corpus_folder import list_corpora
from tools.corpus_rows import Facts
from tools.corpus_store import CorpusStore
from tools.embeddings import HashingEmbedder
from tools.folder_files import decoded
from tools.index_reading import WINDOW_FILES
from tools.indexing import EMBED_BATCH, IndexProgress, IndexSummary, index_folder
from tools.library import FileLibrary
from tools.parse import ChildParser
from tools.seal import Seal
from tools.vectors import DenseIndex

BODY = "The budget is a wall: every call is reserved before it is sent, and settled after it came back. "


class Desk:
    """A folder, a home and the real parts, as the application puts them together."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "papers"
        self.corpus = home / "corpora" / "papers"
        self.library = FileLibrary(home / "library", SystemClock(), Seal(bytes(32)))
        self.parser = ChildParser()
        self.embedder = HashingEmbedder()
        self.folder.mkdir()

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    async def index(self, **options: object) -> IndexSummary:
        parts = (self.folder, self.corpus, self.parser, self.library, self.embedder)
        return await index_folder(*parts, **options)  # type: ignore[arg-type]

    def rows(self) -> set[tuple[object, ...]]:
        return contents(self.corpus)


def contents(corpus: Path) -> set[tuple[object, ...]]:
    """Every passage with its vector, read without the code under test."""
    connection = sqlite3.connect(corpus / "corpus.db")
    rows = connection.execute(
        "SELECT p.source, p.start, p.end, p.title, p.heading, p.text, v.vector FROM passages p "
        "JOIN vectors v ON v.hash = p.vector"
    ).fetchall()
    assert len(rows) == connection.execute("SELECT count(*) FROM passages").fetchone()[0]
    assert connection.execute(
        "SELECT count(*) FROM vectors WHERE hash NOT IN (SELECT vector FROM passages)"
    ).fetchone()[0] == (0)
    connection.execute("INSERT INTO words(words) VALUES ('integrity-check')")
    connection.close()
    return set(rows)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path)
    yield made
    await made.parser.aclose()
    made.library.close()


async def test_only_changed_files_are_read_again(desk: Desk) -> None:
    """A second index adds what is new, replaces what changed, removes what is gone, and embeds no text twice."""
    for number in range(4):
        desk.write(f"{number}.md", f"# Paper {number}\n\n{BODY * (number + 1)}")
    first = await desk.index()
    assert (first.added, first.files, first.embedded) == (4, 4, first.passages)
    again = await desk.index()
    assert (again.added, again.changed, again.removed, again.unchanged, again.embedded) == (0, 0, 0, 4, 0)
    assert again.generation == first.generation
    desk.write("1.md", f"# Paper 1\n\nNew words. {BODY}")
    (desk.folder / "2.md").unlink()
    desk.write("sub/5.rst", f"Paper 5\n=======\n\n{BODY}")
    third = await desk.index()
    assert (third.added, third.changed, third.removed, third.unchanged, third.embedded) == (1, 1, 1, 2, 2)
    assert third.generation != first.generation
    assert not any("Paper 2" in str(row[3]) for row in desk.rows())


async def test_a_file_touched_without_a_change_embeds_nothing(desk: Desk) -> None:
    """A new time stamp makes the file be read, but its passages and the generation stay."""
    path = desk.write("a.txt", BODY)
    first = await desk.index()
    before = desk.rows()
    os.utime(path, ns=(1, 1))
    again = await desk.index()
    assert (again.changed, again.embedded, again.generation) == (0, 0, first.generation)
    assert desk.rows() == before


async def test_two_files_with_one_text_are_one_source(desk: Desk) -> None:
    """The text is found once, under one title, leaves no second vector, and stays as long as one of its files does."""
    desk.write("0.txt", f"Other. {BODY}")
    await desk.index()
    desk.write("a.txt", BODY)
    desk.write("b.txt", BODY)
    assert (await desk.index()).passages == 2
    desk.rows()
    (desk.folder / "a.txt").unlink()
    assert (await desk.index()).passages == 2
    desk.rows()


class Told(HashingEmbedder):
    """Remembers which texts it was given, call by call."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls.append(list(texts))
        return await super().embed(texts)


async def test_texts_of_many_files_are_embedded_together_and_each_once(desk: Desk) -> None:
    """Two files that share a section embed it once, and a few small files take one call."""
    shared = f"# Manual\n\n## Shared\n\n{BODY * 6}\n\n## Own\n\n"
    for number in range(5):
        desk.write(f"{number}.md", f"{shared}{number} {BODY * 6}")
    desk.embedder = told = Told()
    summary = await desk.index()
    (texts,) = told.calls
    assert len(texts) == len(set(texts)) == summary.embedded == 6
    assert summary.passages == 10


async def test_more_texts_than_a_call_takes_are_embedded_in_several(desk: Desk) -> None:
    """However long a file is, no call has more texts than it should."""
    desk.write("long.md", "# Long\n\n" + "\n\n".join(f"## Part {n}\n\n{BODY * 4}" for n in range(EMBED_BATCH + 7)))
    desk.embedder = told = Told()
    summary = await desk.index()
    assert [len(texts) for texts in told.calls] == [EMBED_BATCH, summary.passages - EMBED_BATCH]


async def test_a_file_with_another_name_embeds_nothing(desk: Desk) -> None:
    """A moved file leaves the corpus and comes back in one index; its vectors stay."""
    desk.write("a.md", f"# Paper\n\n{BODY}")
    desk.write("b.md", f"# Other\n\n{BODY}")
    await desk.index()
    (desk.folder / "a.md").rename(desk.folder / "c.md")
    summary = await desk.index()
    assert (summary.added, summary.removed, summary.embedded) == (1, 1, 0)
    desk.rows()


async def test_passages_are_spans_of_the_stored_text(desk: Desk) -> None:
    """Offsets count code points of the library's text, whatever line ends and marks the file had."""
    desk.write("crlf.txt", "\ufeffÜber Größe\r\n\r\n" + BODY.replace(". ", ".\r\n") * 9 + "\u202e😀 end\r\n")
    await desk.index()
    for source, start, end, _, _, text, _ in desk.rows():
        assert (await desk.library.text(str(source)))[int(str(start)) : int(str(end))] == text


BAD = {
    "empty.txt": b"",
    "blank.md": b" \n\t\n",
    "binary.txt": bytes(range(256)) * 8,
    "cut.txt": "Übermäßig viele Zeichen und dann ein Bruch ".encode() * 40 + b"\xc3",
    "broken.pdf": b"%PDF-1.4 and nothing else",
    "empty.html": b"<html><body></body></html>",
    "nul.rst": b"abc\x00def",
}


async def test_bad_files_among_good_ones_are_skipped_and_named(desk: Desk) -> None:
    """Each has a reason; the good ones are indexed; the next index names the bad ones again."""
    for name, data in BAD.items():
        desk.write(name, data)
    desk.write("good.md", f"# Good\n\n{BODY}")
    desk.write("page.html", f"<html><head><title>Page</title></head><body><article><p>{BODY * 3}</p></article></body>")
    desk.write(".hidden.md", "no")
    desk.write("image.png", b"no")
    (desk.folder / "gone.txt").symlink_to(desk.folder / "nowhere.txt")
    os.mkfifo(desk.folder / "pipe.txt")
    summary = await desk.index()
    assert summary.files == 2
    assert {file.name for file in summary.skipped} == {*BAD, "gone.txt", "pipe.txt"}
    assert all(file.reason for file in summary.skipped)
    again = await desk.index()
    assert again.skipped == summary.skipped
    assert again.generation == summary.generation


async def test_a_link_out_of_the_folder_is_not_followed(desk: Desk, tmp_path: Path) -> None:
    """What lies outside is not read through a link; names that are not UTF-8 are shown and read."""
    (tmp_path / "secret.txt").write_text(BODY)
    (desk.folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (desk.folder / "folder").symlink_to(tmp_path)
    strange = os.fsencode(desk.folder) + b"/caf\xe9.txt"
    with open(strange, "wb") as file:  # noqa: ASYNC230, PTH123
        file.write(BODY.encode())
    summary = await desk.index()
    assert (summary.files, summary.skipped) == (1, ())


@pytest.mark.parametrize("name", ["", "only.png", "only.txt"])
async def test_a_folder_without_a_readable_file_is_a_usage_fault(desk: Desk, name: str) -> None:
    """One sentence says so, and no corpus is left that looks usable."""
    if name:
        desk.write(name, b"")
    with pytest.raises(UsageFault, match=r"can be read|no file to read"):
        await desk.index()
    assert all(facts.state == "empty" for facts in list_corpora(desk.corpus.parent))


async def test_a_missing_folder_is_a_usage_fault(desk: Desk, tmp_path: Path) -> None:
    """So is one that is a file."""
    desk.folder = tmp_path / "nothing"
    with pytest.raises(UsageFault, match="not a folder"):
        await desk.index()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("utf-8-sig"), "Grüße"),
        ("Grüße".encode("utf-16"), "Grüße"),
        ("Grüße".encode("utf-32"), "Grüße"),
        ("A café, “naïve” – and dear: 5 €.".encode("cp1252"), "A café, “naïve” – and dear: 5 €."),
        ("Бюджет — это стена, и каждый вызов оплачен заранее. ".encode("cp1251") * 20, None),
    ],
)
def test_text_in_older_encodings_is_read(data: bytes, text: str | None) -> None:
    """Unicode with and without marks, Western text, and other alphabets where the guess is plausible."""
    wanted = text if text is not None else data.decode("cp1251")
    assert decoded(data) == wanted


class OtherEmbedder(HashingEmbedder):
    """Another model by name, with other vectors."""

    name = "other-1"

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return -(await super().embed(texts))


async def test_another_embedder_is_refused_until_the_corpus_is_rebuilt(desk: Desk) -> None:
    """The message names both and the way out; rebuilding then replaces every vector."""
    desk.write("a.txt", BODY)
    await desk.index()
    before = desk.rows()
    desk.embedder = OtherEmbedder()
    with pytest.raises(SettingMissing, match=r"hashing-512-1, not other-1.*--rebuild"):
        await desk.index()
    assert desk.rows() == before
    summary = await desk.index(rebuild=True)
    assert (summary.files, summary.embedded) == (1, 1)
    assert desk.rows() != before


async def test_another_folder_is_refused(desk: Desk, tmp_path: Path) -> None:
    """Indexing a second folder into a corpus would silently remove the first; it needs to be said."""
    desk.write("a.txt", BODY)
    await desk.index()
    desk.folder = tmp_path / "other"
    desk.write("b.txt", f"Other. {BODY}")
    with pytest.raises(UsageFault, match="choose another name"):
        await desk.index()
    assert (await desk.index(rebuild=True)).files == 1


async def test_a_changed_file_with_its_old_time_is_read(desk: Desk) -> None:
    """Copying programs set the time of a file back, and its size may be the same: its text is new all the same."""
    path = desk.write("a.md", f"# Crane\n\nIt is 12 metres high. {BODY}")
    times = path.stat()
    await desk.index()
    desk.write("a.md", f"# Crane\n\nIt is 99 metres high. {BODY}")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert (await desk.index()).changed == 1
    assert any("99 metres" in str(row[5]) for row in desk.rows())


async def test_a_changed_label_reaches_every_source(desk: Desk) -> None:
    """``public`` on a private corpus reads the files again, so that their sources carry the new label too."""
    desk.write("a.txt", BODY)
    await desk.index()
    source = str(next(iter(desk.rows()))[0])
    assert (await desk.library.source(source)).label == "private"
    summary = await desk.index(public=True)
    assert summary.embedded == 0
    assert (await desk.library.source(source)).label == "public"
    assert list_corpora(desk.corpus.parent)[0].label == "public"


async def test_progress_counts_every_file(desk: Desk) -> None:
    """Steps come in order up to the number of files, then the vectors."""
    for number in range(3):
        desk.write(f"{number}.txt", f"{number} {BODY}")
    steps: list[IndexProgress] = []
    await desk.index(progress=steps.append)
    assert [(step.done, step.total) for step in steps if step.phase == "files"] == [(1, 3), (2, 3), (3, 3)]
    assert steps[-1] == IndexProgress(phase="vectors", done=3, total=3)


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from tools.clock import SystemClock
from tools.embeddings import HashingEmbedder
from tools.indexing import index_folder
from tools.library import FileLibrary
from tools.seal import Seal
from tools.parse import ChildParser

home, stop = Path(sys.argv[1]), int(sys.argv[2])
steps = 0

class Deadly(HashingEmbedder):
    async def embed(self, texts):
        die_at(stop)
        return await super().embed(texts)

def die_at(number):
    global steps
    steps += 1
    if steps == number:
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(index_folder(home / "papers", home / "corpora" / "papers", ChildParser(),
    FileLibrary(home / "library", SystemClock(), Seal(bytes(32))), Deadly(), progress=lambda step: die_at(stop)))
"""


def kill_at(stop: int, home: Path) -> None:
    """Index in a process of its own, which kills itself at a step."""
    run = subprocess.run([sys.executable, "-c", KILLED, str(home), str(stop)], capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL, run.stderr


async def test_a_killed_index_goes_on_to_the_same_corpus(desk: Desk, tmp_path: Path) -> None:
    """Killed with signal 9 at spread points and run again, it holds the passages and vectors of an undisturbed one."""
    for number in range(6):
        desk.write(f"{number}.md", f"# Paper {number}\n\n{BODY * 3}\n\n## More\n\n{number} {BODY * 20}")
    whole = await desk.index()
    wanted = desk.rows()
    for stop in (1, 2, 4, 7, 8):  # embedding, six files stored, and the first vectors in Chroma
        home = tmp_path / f"killed-{stop}"
        home.mkdir()
        (home / "papers").symlink_to(desk.folder)
        kill_at(stop, home)
        other = desk.corpus.parent.parent / f"killed-{stop}" / "corpora" / "papers"
        assert list_corpora(other.parent)[0].state in ("building", "empty")
        library = FileLibrary(home / "library", SystemClock(), Seal(bytes(32)))
        resumed = await index_folder(home / "papers", other, desk.parser, library, desk.embedder)
        library.close()
        assert contents(other) == wanted
        assert resumed.generation == whole.generation
        assert resumed.passages == whole.passages == entries(other)


async def test_a_kill_loses_one_window_of_files_at_most(desk: Desk, tmp_path: Path) -> None:
    """Killed while the second window is embedded, the first is kept: the next index embeds the rest alone."""
    for number in range(WINDOW_FILES + 20):
        desk.write(f"{number:03}.md", f"# Paper {number}\n\n{number} {BODY}")
    home = tmp_path / "killed"
    home.mkdir()
    (home / "papers").symlink_to(desk.folder)
    kill_at(1 + WINDOW_FILES + 1, home)
    other = home / "corpora" / "papers"
    (facts,) = list_corpora(other.parent)
    assert (facts.state, facts.files) == ("building", WINDOW_FILES)
    library = FileLibrary(home / "library", SystemClock(), Seal(bytes(32)))
    resumed = await index_folder(home / "papers", other, desk.parser, library, desk.embedder)
    library.close()
    assert (resumed.unchanged, resumed.added, resumed.embedded) == (WINDOW_FILES, 20, 20)
    assert len(contents(other)) == WINDOW_FILES + 20


async def test_what_a_killed_index_left_over_is_removed(desk: Desk) -> None:
    """A vector that lost its passage before the kill goes with the next index."""
    desk.write("a.md", f"# Paper\n\n{BODY}")
    desk.write("b.md", f"# Other\n\n{BODY}")
    await desk.index()
    desk.write("a.md", f"# Paper\n\nNew. {BODY}")

    def stop(step: IndexProgress) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        await desk.index(progress=stop)
    assert (await desk.index()).embedded == 0
    assert len(desk.rows()) == 2


def entries(corpus: Path) -> int:
    """The number of vectors in Chroma, after which nothing is left to bring into agreement."""
    store = CorpusStore(corpus)
    index = DenseIndex(corpus, HashingEmbedder.name)
    try:
        assert index.agree(store) == 0
        return index.count()
    finally:
        index.close()
        store.close()


def test_a_half_written_database_is_rolled_back(tmp_path: Path) -> None:
    """Facts are there whole or not at all."""
    store = CorpusStore(tmp_path)
    assert store.facts() is None
    store.write_facts(Facts(embedder="e", dimensions=1, label="private", folder="/x", total=3))
    store.close()
    again = CorpusStore(tmp_path)
    assert again.facts() == Facts(embedder="e", dimensions=1, label="private", folder="/x", total=3)
    again.close()
