"""Nothing below the home is read or written through a symbolic link, and no name from outside leads anywhere else."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.errors import ResearchError, SourceDamaged, StoreProblem, UsageFault
from research.ports import Page
from tools.clock import SystemClock
from tools.corpus_folder import Lock, corpus_folder, make_folder
from tools.database import Database
from tools.inside import open_inside, read_inside, steps, write_inside
from tools.library import FileLibrary, read_text, text_path
from tools.ownership import RunLock, is_owned, marks
from tools.run_store import SCHEMA, VERSION
from tools.seal import Seal, open_seal

SECRET = "what the user keeps elsewhere\n"
BAD = [
    *("", ".", "..", "../a", "a/../b", "/etc/passwd", "a//b", "a/", "a\0b", "a\nb", "a\\b", "C:\\a", "~", "a b", "ä"),
    *("a" * 256, "a/" * 600 + "a", "․․/a", "a\u202eb", "-", "$HOME", "a;b", "a*"),
]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A file of the user's outside the home."""
    file = tmp_path / "elsewhere.txt"
    file.write_text(SECRET, encoding="utf-8")
    return file


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", [name for name in BAD if name != "-"])
def test_a_name_that_code_did_not_make_is_refused(name: str, home: Path) -> None:
    """Whatever leads out, hides something or is too long opens nothing."""
    with pytest.raises(StoreProblem):
        open_inside(home, name, os.O_WRONLY | os.O_CREAT, make=True)
    with pytest.raises(StoreProblem):
        write_inside(home, name, b"x")
    assert list(home.iterdir()) == []


@given(name=st.text(max_size=40))
def test_every_name_that_passes_stays_inside(name: str) -> None:
    """For any text: refused, or a path below the folder as it stands."""
    try:
        parts = steps(name)
    except StoreProblem:
        return
    assert (Path("/root") / name).parts == ("/", "root", *parts)
    assert ".." not in parts


def test_a_file_is_written_whole_and_read_again(home: Path) -> None:
    """Folders on the way are made; no draft is left."""
    write_inside(home, "texts/ab/x.txt", b"one")
    write_inside(home, "texts/ab/x.txt", b"two")
    assert read_inside(home, "texts/ab/x.txt") == b"two"
    assert [path.name for path in (home / "texts" / "ab").iterdir()] == ["x.txt"]


@pytest.mark.parametrize("name", ["file", "folder/file"])
def test_a_link_in_any_step_is_not_followed(name: str, home: Path, elsewhere: Path, tmp_path: Path) -> None:
    """Reading and writing through it are refused; what it leads to stays as it is."""
    first = name.split("/")[0]
    (home / first).symlink_to(elsewhere if name == first else tmp_path)
    with pytest.raises(StoreProblem, match="symbolic link"):
        read_inside(home, name)
    with pytest.raises(StoreProblem, match="symbolic link"):
        open_inside(home, name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    assert elsewhere.read_text(encoding="utf-8") == SECRET
    assert not (tmp_path / "file").exists()


def test_a_link_to_the_home_itself_is_the_users_affair(home: Path, tmp_path: Path) -> None:
    """A home on another disk, reached through a link, works as ever."""
    (tmp_path / "shortcut").symlink_to(home)
    write_inside(tmp_path / "shortcut", "a/b", b"x")
    assert read_inside(tmp_path / "shortcut", "a/b") == b"x"


def test_a_pipe_in_the_place_of_a_file_is_refused_at_once(home: Path) -> None:
    """Nobody waits for a writer that never comes."""
    os.mkfifo(home / "pipe")
    with pytest.raises(StoreProblem):
        read_inside(home, "pipe")


def test_a_stored_text_that_is_a_link_is_not_read_and_is_replaced(home: Path, elsewhere: Path) -> None:
    """A planted text is damage; keeping the same page again puts the text back and leaves the other file alone."""
    page = Page(url="https://a.example/", title="T", text="A text.")
    with closing(FileLibrary(home / "library", SystemClock(), Seal(bytes(32)))) as library:
        source = asyncio.run(library.keep(page, "public"))
        path = text_path(home / "library", source.id)
        path.unlink()
        path.symlink_to(elsewhere)
        with pytest.raises(SourceDamaged, match="symbolic link"):
            read_text(path)
        asyncio.run(library.keep(page, "public"))
    assert read_text(path) == "A text."
    assert not path.is_symlink()
    assert elsewhere.read_text(encoding="utf-8") == SECRET


def test_a_folder_of_texts_that_is_a_link_takes_no_text_out(home: Path, tmp_path: Path) -> None:
    """A page is not stored where a link leads."""
    out = tmp_path / "out"
    out.mkdir()
    with closing(FileLibrary(home / "library", SystemClock(), Seal(bytes(32)))) as library:
        (home / "library" / "texts").symlink_to(out)
        with pytest.raises(StoreProblem, match="symbolic link"):
            asyncio.run(library.keep(Page(url="https://a.example/", title="T", text="A text."), "public"))
    assert list(out.iterdir()) == []


def lock(home: Path) -> None:
    with RunLock(home / "locks", "run-1"):
        pass


def owned(home: Path) -> None:
    is_owned(home / "locks", "run-1")


def key(home: Path) -> None:
    open_seal(home / "key", (), create=True)


def runs(home: Path) -> None:
    Database(home / "runs.db", SCHEMA, VERSION).close()


def corpus(home: Path) -> None:
    make_folder(home / "corpora" / "notes")


def corpus_lock(home: Path) -> None:
    Lock(home / "corpora" / "lock", exclusive=True).release()


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("locks/run-1.lock", lock),
        ("locks/run-1.lock", owned),
        ("key", key),
        ("runs.db", runs),
        ("runs.db-wal", runs),
        ("runs.opening", runs),
        ("corpora/notes", corpus),
        ("corpora/lock", corpus_lock),
    ],
)
@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_planted_for_a_file_of_the_home_is_refused(
    name: str, use: Callable[[Path], None], dangling: bool, home: Path, elsewhere: Path
) -> None:
    """Lock, key, database, its log, the turn and a corpus: none is read, made or cut short where a link leads."""
    (home / name).parent.mkdir(exist_ok=True)
    target = elsewhere.with_name("new") if dangling else elsewhere
    before = elsewhere.stat()
    (home / name).symlink_to(target)
    with pytest.raises(StoreProblem):
        use(home)
    assert elsewhere.read_text(encoding="utf-8") == SECRET
    assert elsewhere.stat().st_mode == before.st_mode
    assert not elsewhere.with_name("new").exists()


def test_a_lock_that_is_a_link_is_no_mark(home: Path, elsewhere: Path) -> None:
    """Listing runs reads nothing through it."""
    (home / "locks").mkdir()
    (home / "locks" / "run-1.lock").symlink_to(elsewhere)
    assert marks(home / "locks") == {}


@pytest.mark.parametrize("name", [name for name in BAD if name not in ("-", ".", "..")])
def test_ids_of_runs_sources_and_corpora_are_held_to_one_pattern(name: str, home: Path) -> None:
    """What a user, a file or a model names is refused before any path is made of it."""
    for use in (
        lambda: RunLock(home / "locks", name),
        lambda: text_path(home, name),
        lambda: corpus_folder(home, name),
    ):
        with pytest.raises(ResearchError):
            use()
    assert list(home.iterdir()) == []


def test_a_corpus_name_may_not_begin_with_a_dot(home: Path) -> None:
    """Neither . nor .. nor a hidden folder is a corpus."""
    for name in (".", "..", ".git"):
        with pytest.raises(UsageFault):
            corpus_folder(home, name)
