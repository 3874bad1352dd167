"""Who owns a run: one process, a mark of how far it got, and a way to take a run from a process that hangs."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from research.errors import NotTheOwner, StoreProblem
from tools.ownership import GARBLED, RunLock, is_owned, marks


def test_the_mark_outlives_its_owner(tmp_path: Path) -> None:
    """The next owner reads how many rows of calls the run had; all marks can be read at once."""
    with RunLock(tmp_path, "r") as lock:
        lock.mark(41)
        lock.mark(7)
    with RunLock(tmp_path, "none"):
        pass
    assert marks(tmp_path) == {"none": 0, "r": 7}
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
        assert lock.marked == 5
        old.stdin.write("\n")
        old.stdin.flush()
        assert old.stdout.readline() == "marked\n"
        assert marks(tmp_path) == {"r": 5}
        assert is_owned(tmp_path, "r")
        with pytest.raises(NotTheOwner, match=f"process {os.getpid()}"), RunLock(tmp_path, "r"):
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
        with pytest.raises(StoreProblem, match=r"r\.lock cannot be used: Bad file descriptor"):
            lock.mark(7)
    assert (tmp_path / "other").read_bytes() == b"a row"


@pytest.mark.parametrize("made", [False, True])
def test_a_mark_that_is_gone_stays_gone_until_it_is_written(tmp_path: Path, made: bool) -> None:
    """Whoever mends a run whose lock file is missing or empty does not take it for one without calls."""
    if made:
        (tmp_path / "r.lock").touch()
    with RunLock(tmp_path, "r", mending=True) as lock:
        assert lock.marked == GARBLED
    assert marks(tmp_path) == {"r": GARBLED}


def test_a_process_that_was_stopped_while_it_looked_is_not_waited_for(tmp_path: Path) -> None:
    """It shares the lock for good: the sentence says so, and --take-over goes past it."""
    with RunLock(tmp_path, "r") as lock:
        lock.mark(4)
    code = "import fcntl, os, signal, sys\nfile = open(sys.argv[1])\nfcntl.flock(file, fcntl.LOCK_SH)\n"
    code += "os.kill(os.getpid(), signal.SIGSTOP)"
    looking = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "r.lock")])
    try:
        assert os.WIFSTOPPED(os.waitpid(looking.pid, os.WUNTRACED)[1])
        with pytest.raises(NotTheOwner, match=r"only looks at .*r\.lock.*--take-over"), RunLock(tmp_path, "r"):
            pass
        with RunLock(tmp_path, "r", take_over=True) as lock:
            assert lock.marked == 4
            assert is_owned(tmp_path, "r")
    finally:
        looking.kill()
        looking.wait()


def test_a_lock_on_a_file_that_was_replaced_meanwhile_is_no_lock(tmp_path: Path) -> None:
    """Between opening the file and locking it another process may take the run over: the new file is locked then."""
    code = (
        "import os, sys; from pathlib import Path; from tools.ownership import RunLock, is_owned\n"
        "folder = Path(sys.argv[1]); (folder / 'new').write_text(f'{7:<20}{5:<20}\\n'); done = []\n"
        "def replace(event, arguments):\n"
        "    if event == 'fcntl.flock' and not done:\n"
        "        done.append(1); os.replace(folder / 'new', folder / 'r.lock')\n"
        "sys.addaudithook(replace)\n"
        "with RunLock(folder, 'r') as lock: print(lock.marked, is_owned(folder, 'r'))"
    )
    with RunLock(tmp_path, "r") as lock:
        lock.mark(3)
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert ended.stdout == "5 True\n"


def test_a_run_that_is_given_up_leaves_no_mark(tmp_path: Path) -> None:
    """The file goes; a second time there is none to take away, and that is said."""
    with RunLock(tmp_path, "r") as lock:
        lock.mark(3)
        lock.forget()
        with pytest.raises(StoreProblem, match="cannot be used"):
            lock.forget()
    assert marks(tmp_path) == {}


def test_only_files_of_runs_hold_marks(tmp_path: Path) -> None:
    """A folder, a pipe that nobody writes to and a name with a line break are no locks, and nobody waits for them."""
    with RunLock(tmp_path, "run-1") as lock:
        lock.mark(3)
    (tmp_path / "folder.lock").mkdir()
    os.mkfifo(tmp_path / "pipe.lock")
    (tmp_path / "two\nlines.lock").write_text("1 2")
    assert marks(tmp_path) == {"run-1": 3}
    assert not is_owned(tmp_path, "pipe")
    for name in ("pipe", "folder"):
        with pytest.raises(StoreProblem, match="cannot be used"), RunLock(tmp_path, name):
            pass
