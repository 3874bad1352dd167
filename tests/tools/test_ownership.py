"""Who owns a run: one process, a mark of how far it got, and a way to take a run from a process that hangs."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from research.errors import NotTheOwner, StoreProblem
from tools.ownership import GARBLED, RunLock, holder, is_owned, marks


def test_the_mark_outlives_its_owner(tmp_path: Path) -> None:
    """The next owner reads how many rows of calls the run had; all marks can be read at once."""
    with RunLock(tmp_path, "r") as lock:
        lock.mark(41)
        lock.mark(7)
    with RunLock(tmp_path, "none"):
        pass
    assert marks(tmp_path) == {"r": 7}
    with RunLock(tmp_path, "r") as again:
        assert again.marked == 7


@pytest.mark.parametrize("text", [b"\xff" * 41, b"12 x\n", b"x 12\n", b"12\n", b"1 2 3\n", b"-3 -4\n", b" ", bytes(41)])
@pytest.mark.parametrize("take_over", [False, True])
def test_a_damaged_mark_is_not_taken_for_none(tmp_path: Path, text: bytes, take_over: bool) -> None:
    """A lock file with anything but two numbers in it is named with the way out, and only mending makes it whole."""
    (tmp_path / "r.lock").write_bytes(text)
    with (
        pytest.raises(StoreProblem, match=r"r\.lock is damaged.*resume r --from-journal"),
        RunLock(tmp_path, "r", take_over=take_over),
    ):
        pass
    with RunLock(tmp_path, "r", mending=True) as lock:
        assert lock.marked == GARBLED
    assert marks(tmp_path) == {"r": GARBLED}
    with RunLock(tmp_path, "r", mending=True) as lock:
        lock.mark(3)
    assert marks(tmp_path) == {"r": 3}


def test_an_empty_lock_was_just_made(tmp_path: Path) -> None:
    """It has no mark, and may be owned."""
    (tmp_path / "r.lock").touch()
    assert marks(tmp_path) == {}
    with RunLock(tmp_path, "r") as lock:
        assert lock.marked == 0


def test_a_run_is_taken_from_a_process_that_hangs(tmp_path: Path) -> None:
    """The lock file is replaced, the mark is kept, and what the old owner marks from then on is lost."""
    code = (
        "import sys; from pathlib import Path; from tools.ownership import RunLock\n"
        f"with RunLock(Path({str(tmp_path)!r}), 'r') as lock:\n"
        "    lock.mark(5); print('mine', flush=True); sys.stdin.readline()\n"
        "    lock.mark(99); print('marked', flush=True)\n"
        "    sys.stdin.read()"
    )
    old = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert old.stdin is not None
    assert old.stdout is not None
    assert old.stdout.readline() == "mine\n"
    with pytest.raises(NotTheOwner, match=f"{old.pid}.*--take-over"), RunLock(tmp_path, "r"):
        pass
    with RunLock(tmp_path, "r", take_over=True) as lock:
        assert (lock.marked, lock.replaced) == (5, old.pid)
        old.stdin.write("\n")
        old.stdin.flush()
        assert old.stdout.readline() == "marked\n"
        assert marks(tmp_path) == {"r": 5}
        assert is_owned(tmp_path, "r")
        assert holder(tmp_path, "r") != old.pid
        with pytest.raises(NotTheOwner), RunLock(tmp_path, "r"):
            pass
    old.kill()
    old.wait()
    assert not is_owned(tmp_path, "r")


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    """A file where the folder of locks should be gives a sentence that names it."""
    (tmp_path / "locks").write_text("")
    with pytest.raises(StoreProblem, match="locks"), RunLock(tmp_path / "locks", "r"):
        pass


def test_a_lock_that_could_not_be_marked_is_let_go(tmp_path: Path) -> None:
    """On a full disk the same process may try again once there is room; it does not take itself for another owner."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(StoreProblem, match="cannot be used"), RunLock(tmp_path, "r"):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with RunLock(tmp_path, "r") as lock:
        assert lock.marked == 0


def test_a_mark_that_comes_late_is_written_nowhere(tmp_path: Path) -> None:
    """The number of the closed file belongs to whatever was opened next."""
    lock = RunLock(tmp_path, "r")
    with lock:
        pass
    with (tmp_path / "other").open("w+b") as other:
        other.write(b"a row")
        other.flush()
        with pytest.raises(OSError, match="descriptor"):
            lock.mark(7)
    assert (tmp_path / "other").read_bytes() == b"a row"
