"""One owner, sampled: the whole of it is ``python -m bench.owner``. And its judges notice what they are there for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.lives import Ended
from bench.owner_judging import Life, Whole, Woken, duplicated, judge_double, judge_woken
from research.errors import NotTheOwner
from tools.ownership import RunLock, is_owned

ROOT = Path(__file__).resolve().parents[2]
OURS = Ended(0, "", 100)
REFUSED = Ended(1, "NotTheOwner: the run reference is being worked on by process 1", 0)


def test_a_sample_of_double_resumes_and_replaced_owners_holds() -> None:
    """Five killed runs resumed twice at once, five owners replaced while they were stopped: one owner each time."""
    ended = subprocess.run(
        [sys.executable, "-m", "bench.owner", "--cases", "5", "--seed", "7"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "5 of 5 double resumes: one owner, 0 duplicated calls" in ended.stdout
    assert "5 of 5 replaced owners wrote nothing more" in ended.stdout


def test_a_log_with_a_duplicated_call_is_noticed() -> None:
    """A call that was sent by both, or that had its answer already, is named."""
    assert duplicated(["fetch a", "fetch b"], set()) == []
    assert duplicated(["fetch a", "fetch b", "fetch a"], set()) == ["sent 2 times: fetch a"]
    assert duplicated(["fetch a"], {"fetch a"}) == ["sent although its answer was recorded: fetch a"]


@pytest.mark.parametrize(
    ("lives", "wrong"),
    [
        ([Life(Ended(1, "x", 0), [], 0.1), Life(Ended(1, "y", 0), [], 0.1)], "0 finished and 0 were refused"),
        ([Life(REFUSED, ["fetch a"], 0.1), Life(Ended(70, "no", 1), [], 1.0)], "the refused one sent fetch a"),
    ],
)
def test_a_double_resume_without_one_owner_is_noticed(tmp_path: Path, lives: list[Life], wrong: str) -> None:
    """Two that stop, and a refused one that sends something, are each said to be wrong."""
    assert any(what.startswith(wrong) for what in judge_double(lives, set(), Whole("", 100), tmp_path))


def test_a_replaced_owner_that_goes_on_is_noticed() -> None:
    """A row of its, an end without a refusal and a call that it had not announced are each said to be wrong."""
    assert judge_woken(Woken(REFUSED, ["fetch a"], ["fetch a"], [])) == []
    wrong = judge_woken(Woken(OURS, ["fetch a", "fetch a"], ["fetch a"], ["runs.db intents"]))
    assert [what.split(":")[0] for what in wrong] == [
        "it wrote to runs.db intents",
        "it ended with 0",
        "it sent a call that it had not announced",
    ]


def test_looking_whether_a_run_is_owned_keeps_nobody_from_owning_it(tmp_path: Path) -> None:
    """A look says so while there is an owner, and a process that looks all the time is never taken for one."""
    assert not is_owned(tmp_path, "r")
    with RunLock(tmp_path, "r"):
        assert is_owned(tmp_path, "r")
    code = "import sys\nfrom pathlib import Path\nfrom tools.ownership import is_owned\nprint(1, flush=True)\n"
    looking = f"{code}while True: is_owned(Path(sys.argv[1]), 'r')"
    watcher = subprocess.Popen([sys.executable, "-c", looking, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert watcher.stdout is not None and watcher.stdout.readline() == b"1\n"
        for _ in range(500):
            with RunLock(tmp_path, "r"), pytest.raises(NotTheOwner), RunLock(tmp_path, "r"):
                pass
    finally:
        watcher.kill()
        watcher.communicate()
    assert not is_owned(tmp_path, "r")
