"""A home that cannot be written: a copy on a read-only disk, or somebody else's. What only reads, works there."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from scene import QUESTION, command, copy_home, environment, lines, make_home, model_server, run

PRICED = "openai:gpt-4o-mini"
BOUND = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner")
"""Before a command: takes from the superuser the right to write where the file's mode says no."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a corpus and two runs: one done, and one that waits and so has calls and no report."""
    folder = tmp_path_factory.mktemp("read_only")
    home = make_home(folder)
    with model_server(folder / "log") as server:
        given = ["ask", QUESTION, "--corpus", "notes", "--model", PRICED, "--base-url", server.base_url, "--quiet"]
        assert run(home, *given, "--approve").returncode == 5
        assert lines(folder / "log")
    assert run(home, "ask", QUESTION, "--corpus", "notes", "--quiet").returncode == 0
    return home


@pytest.fixture
def sealed(home: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it in which nothing may be written."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("the superuser may write anywhere, and there is no setpriv to take that right away")
    own = copy_home(home, tmp_path)
    places = [own, *own.rglob("*")]
    for place in places:
        place.chmod(place.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    yield own
    for place in places:
        place.chmod(place.stat().st_mode | stat.S_IWUSR)


def bound(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command without the right to write in ``home``."""
    line = [*(BOUND if os.geteuid() == 0 else ()), *command(home, *arguments)]
    world = environment(home)
    return subprocess.run(line, env=world, capture_output=True, text=True, check=False, timeout=100)


def test_nothing_can_be_written_there(sealed: Path) -> None:
    """What begins a run is refused in a sentence: the tests below prove something."""
    ended = bound(sealed, "ask", QUESTION, "--corpus", "notes", "--quiet")
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["runs"], "waiting"),
        (["show", "--last"], "## Answer"),
        (["show", "--last", "--plan"], "search:"),
        (["verify", "--last"], "quotes are in their stored sources"),
        (["ask", QUESTION, "--corpus", "notes", "--dry-run"], "the whole run"),
        (["ask", QUESTION, "--corpus", "notes", "--dry-run", "--model", PRICED], "each further branch"),
    ],
)
def test_what_only_reads_works_on_a_read_only_home(sealed: Path, arguments: list[str], words: str) -> None:
    """And says nothing on stderr."""
    ended = bound(sealed, *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert words in ended.stdout


def test_runs_are_compared_on_a_read_only_home(sealed: Path) -> None:
    """Also one that has no report, whose cost is read from its journal; the last one can be named by --last."""
    rows = [line.split() for line in run(sealed, "runs").stdout.splitlines()[1:]]
    waiting = next(row[0] for row in rows if row[1] == "waiting")
    ended = bound(sealed, "diff", waiting, "--last")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [line.split()[0] for line in ended.stdout.splitlines()[:2]] == ["-", "+"]
    assert [line.split()[1].strip(":") for line in ended.stdout.splitlines()[:2]] == [row[0] for row in rows[::-1]]
    cost = next(line.split() for line in ended.stdout.partition("COST")[2].splitlines() if line.startswith("- "))
    assert cost[1] == "1", "the waiting run asked for its plan"


def test_doctor_reads_a_read_only_home(sealed: Path) -> None:
    """The home is noted not to be writable, which is no failure: its stores and corpora are read all the same."""
    ended = bound(sealed, "doctor")
    assert ended.returncode == 0, ended.stdout
    (noted,) = [row for row in ended.stdout.splitlines() if row.startswith("home writable ")]
    assert " note " in noted and "cannot be written" in noted and "runs cannot be started in it" in noted
    assert "whole, 3 files" in ended.stdout
    assert not [row for row in ended.stdout.splitlines() if row.startswith(("runs ", "library ")) and " ok " not in row]
