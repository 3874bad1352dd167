"""The library: a text is stored under the hash of what is stored, and a changed file is never read as whole."""

from __future__ import annotations

import hashlib
import os
import resource
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.clean import clean_text
from research.errors import SourceDamaged, StoreProblem
from research.ports import Page
from tools.clock import SystemClock
from tools.library import FileLibrary, read_text
from tools.seal import Seal

NASTY = "a\r\nb\rc\u2028d\x00\x1b[31m\u202e\ufeff\U000e0041\ud800 é \t\n"


async def test_the_id_is_the_hash_of_the_stored_file(tmp_path: Path) -> None:
    """Anyone can check a source with sha256sum, and reads the same text in text mode."""
    library = FileLibrary(tmp_path, SystemClock(), Seal(bytes(32)))
    source = await library.keep(Page(url="https://a.example/x", title=" A \n title ", text=NASTY), "public")
    data = library.path(source.id).read_bytes()
    assert hashlib.sha256(data).hexdigest() == source.id
    assert library.path(source.id).read_text(encoding="utf-8") == await library.text(source.id)
    assert source.title == "A title"
    library.close()


async def test_keeping_a_text_twice_changes_nothing(tmp_path: Path) -> None:
    """The same page gives the same record, with the date of the first time."""
    library = FileLibrary(tmp_path, SystemClock(), Seal(bytes(32)))
    page = Page(url="https://a.example/x", title="T", text="one text")
    first = await library.keep(page, "public")
    assert await library.keep(page, "public") == first == await library.source(first.id)
    library.close()


async def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    """A stored text with one byte changed, or none at all, is refused and named."""
    library = FileLibrary(tmp_path, SystemClock(), Seal(bytes(32)))
    source = await library.keep(Page(url="u", title="t", text="the budget is a wall"), "private")
    path = library.path(source.id)
    path.write_text("the budget is a Wall")
    with pytest.raises(SourceDamaged, match="hash is not its name"):
        await library.text(source.id)
    path.unlink()
    with pytest.raises(SourceDamaged, match=source.id):
        await library.text(source.id)
    library.close()


async def test_storing_a_text_again_repairs_it(tmp_path: Path) -> None:
    """A damaged file is written anew when its text comes in again, also when its length did not change."""
    library = FileLibrary(tmp_path, SystemClock(), Seal(bytes(32)))
    page = Page(url="u", title="t", text="the budget is a wall")
    source = await library.keep(page, "private")
    library.path(source.id).write_text("the budget is a Wall")
    await library.keep(page, "private")
    assert await library.text(source.id) == page.text
    library.close()


async def test_an_id_that_is_not_a_hash_reaches_no_file(tmp_path: Path) -> None:
    """Ids go through one strict pattern before they become a path."""
    library = FileLibrary(tmp_path, SystemClock(), Seal(bytes(32)))
    for id in ("../../etc/passwd", "", "A" * 64, "a" * 63 + "/"):
        with pytest.raises(StoreProblem, match="not the id of a stored text"):
            library.path(id)
    library.close()


async def test_a_text_found_at_several_places_comes_from_the_one_asked_for(tmp_path: Path) -> None:
    """Two corpora may hold one text: each has its own file and date."""
    library = FileLibrary(tmp_path, SystemClock(), Seal(bytes(32)))
    pages = [Page(url=url, title="T", text="one text") for url in ("file:///a", "file:///b")]
    first, second = [await library.keep(page, "public") for page in pages]
    assert first.id == second.id
    assert await library.source(first.id, "file:///a") == first
    assert await library.source(first.id, "file:///b") == await library.source(first.id) == second
    library.close()


async def test_a_private_text_is_not_the_answer_for_a_public_one(tmp_path: Path) -> None:
    """The same text at the same place, kept under both labels, has each time the label it was kept under."""
    library = FileLibrary(tmp_path, SystemClock(), Seal(bytes(32)))
    page = Page(url="https://a.example/", title="T", text="one text")
    assert [(await library.keep(page, label)).label for label in ("private", "public", "private")] == [
        "private",
        "public",
        "private",
    ]
    library.close()


async def test_a_changed_origin_is_noticed(tmp_path: Path) -> None:
    """Where a text came from is signed: a row that was changed, or took another's place, is refused."""
    library = FileLibrary(tmp_path, SystemClock(), Seal(bytes(32)))
    source = await library.keep(Page(url="https://a.example/", title="t", text="one"), "public")
    await library.keep(Page(url="https://b.example/", title="t", text="two"), "public")
    with closing(sqlite3.connect(tmp_path / "library.db")) as database:
        database.execute("UPDATE sources SET url = 'https://c.example/' WHERE id = ?", (source.id,))
        database.commit()
    with pytest.raises(StoreProblem, match=source.id[:12]):
        await library.source(source.id)
    library.close()


@given(st.text())
def test_cleaning_is_idempotent_and_survives_a_file(text: str) -> None:
    """Cleaning twice is cleaning once, and universal newlines change nothing."""
    once = clean_text(text)
    assert clean_text(once) == once
    assert once.encode().decode().replace("\r\n", "\n").replace("\r", "\n") == once


def test_reading_checks_the_hash(tmp_path: Path) -> None:
    """A file whose name is not its hash is not read."""
    (tmp_path / f"{'0' * 64}.txt").write_text("x")
    with pytest.raises(SourceDamaged):
        read_text(tmp_path / f"{'0' * 64}.txt")


async def test_a_text_that_the_disk_refuses_leaves_no_draft(tmp_path: Path) -> None:
    """On a full disk each try would otherwise take some of the room that is left."""
    with closing(FileLibrary(tmp_path, SystemClock(), Seal(bytes(32)))) as library:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        try:
            with pytest.raises(StoreProblem, match="cannot be used"):
                await library.keep(Page(url="u", title="t", text="word " * 40_000), "public")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not [name for _, _, names in os.walk(tmp_path) for name in names if name.endswith(".part")]


async def test_author_and_pages_are_kept_with_a_source(tmp_path: Path) -> None:
    """What a page says of its author, and where the pages of a PDF begin, comes back with the source."""
    library = FileLibrary(tmp_path, SystemClock(), Seal(bytes(32)))
    page = Page(url="u", title="t", text="one\n\ntwo", author=" Ann\n Other ", pages=(0, 5))
    source = await library.keep(page, "public")
    assert (source.author, source.pages) == ("Ann Other", (0, 5))
    assert await library.source(source.id) == source
    changed = await library.keep(Page(url="v", title="t", text="a\r\nb", pages=(0, 3)), "public")
    assert changed.pages == ()
    library.close()


OLD = """
CREATE TABLE sources (
  id TEXT NOT NULL, url TEXT NOT NULL, title TEXT NOT NULL, label TEXT NOT NULL, media TEXT NOT NULL,
  published TEXT NOT NULL, retrieved TEXT NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (id, url, label));
PRAGMA user_version=2
"""


async def test_a_library_of_the_layout_before_is_brought_up(tmp_path: Path) -> None:
    """Its sources are there as before, without author and pages, in their order; a damaged row stays damaged."""
    seal = Seal(bytes(32))
    with closing(sqlite3.connect(tmp_path / "library.db")) as old:
        old.executescript(OLD)
        for number, url in ((1, "https://a.example/"), (2, "https://b.example/"), (3, "https://c.example/")):
            row = ("0" * 64, url, "T", "public", "text/html", "2024-01-02", "2025-01-01T00:00:00+00:00")
            digest = seal.sign("sources", *row) if number < 3 else bytes(16)
            old.execute("INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, digest))
        old.execute("UPDATE sources SET title = CAST(x'ff' AS TEXT) WHERE url LIKE '%c%'")
        old.commit()
    for _ in range(2):
        library = FileLibrary(tmp_path, SystemClock(), seal)
        found = await library.source("0" * 64, "https://a.example/")
        assert (found.url, found.published, found.author, found.pages) == ("https://a.example/", "2024-01-02", "", ())
        with pytest.raises(StoreProblem, match="damaged"):
            await library.source("0" * 64)
        library.close()
