"""A full disk, one that may not be written, no handles, no memory: one sentence, what was recorded stays, resume works.

The limits are those of the operating system on the real command: RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_AS, and file
systems in memory that are full, without inodes, or read-only. The model's server is the witness of what was paid.
"""

from __future__ import annotations

import json
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from scene import QUESTION, command, copy_home, environment, essence, lines, make_home, model_server, run

LIMITED = "import os, resource, sys\nkind, most = map(int, sys.argv[1:3])\n" + (
    "resource.setrlimit(kind, (most, most))\nos.execv(sys.argv[3], sys.argv[3:])"
)
PLAIN = ["ask", QUESTION, "--corpus", "notes", "--json", "-q"]
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a corpus, to be copied."""
    return make_home(tmp_path_factory.mktemp("resources"))


def limited(home: Path, kind: int, most: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with at most ``most`` of one resource."""
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(kind), str(most), *command(home, *arguments)],
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def calls(home: Path) -> list[str]:
    """The rows of calls in the journal: before each, and after each."""
    if not (home / "runs.db").exists():
        return []
    with closing(sqlite3.connect(home / "runs.db")) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        asked = [table for table in ("intents", "outcomes") if table in tables]
        return [f"{table} {row!r}" for table in asked for row in connection.execute(f"SELECT * FROM {table}")]


def refused(ended: subprocess.CompletedProcess[str]) -> str:
    """Check that a command failed with one sentence, and return it."""
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr
    assert "Traceback" not in ended.stderr and "bug" not in ended.stderr and "panicked" not in ended.stderr
    (sentence,) = [line for line in ended.stderr.splitlines() if line.startswith("research: ")]
    return sentence


def goes_on(home: Path) -> dict[str, Any]:
    """Go on with the run, or begin it where none had begun, with room; what was recorded is still there."""
    before = calls(home)
    begun = json.loads(run(home, "runs", "--json").stdout)
    ended = run(home, "resume", "--last", "--json", "-q") if begun else run(home, *PLAIN)
    assert ended.returncode == 0, ended.stderr
    assert set(before) <= set(calls(home))
    assert run(home, "verify", "--last").returncode == 0
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


@contextmanager
def disk(folder: Path, options: str) -> Iterator[Path]:
    """A file system in memory; where it may not be mounted, the test says so and is skipped."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def inflate(balloon: Path, spare: int) -> None:
    """Fill the disk of ``balloon`` but for ``spare`` bytes."""
    with balloon.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            file.truncate(max(0, file.tell() - spare))


def asked(base_url: str) -> list[str]:
    """The arguments of a run with a model."""
    return ["ask", QUESTION, "--corpus", "notes", "--model", "openai:persona", "--base-url", base_url, "--json", "-q"]


def paid(log: Path) -> list[str]:
    """The requests that the model's server received."""
    return [line["key"] for line in lines(log) if line["event"] == "received"]


def answered(home: Path) -> int:
    """How many answers of the model are recorded."""
    with closing(sqlite3.connect(home / "runs.db")) as connection:
        where = "i.kind = 'model' AND o.status = 'answered'"
        query = f"SELECT count(*) FROM outcomes o JOIN intents i USING (seq) WHERE {where}"
        return int(connection.execute(query).fetchone()[0])


def resumed(home: Path, log: Path, undisturbed: dict[str, Any]) -> None:
    """Go on with a run of the model: the undisturbed report, and only what was not recorded is sent again."""
    recorded, before = answered(home), paid(log)
    assert essence(goes_on(home)) == essence(undisturbed)
    again = [key for key in paid(log)[len(before) :] if key in before]
    assert len(again) <= len(set(before)) - recorded


@pytest.fixture(scope="module")
def undisturbed(home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of a run with a model that has all it needs."""
    folder = tmp_path_factory.mktemp("whole")
    with model_server(folder / "log") as server:
        ended = run(copy_home(home, folder), *asked(server.base_url))
    assert ended.returncode == 0, ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


@pytest.mark.parametrize("most", [120_000, 250_000])
def test_no_room_for_a_file_while_asking(home: Path, undisturbed: dict[str, Any], tmp_path: Path, most: int) -> None:
    """RLIMIT_FSIZE stops the journal: the store is named, the rows stay, and the rest is paid for once."""
    own = copy_home(home, tmp_path)
    with model_server(tmp_path / "log") as server:
        ended = limited(own, resource.RLIMIT_FSIZE, most, *asked(server.base_url))
        assert "runs.db cannot be used" in refused(ended)
        assert "resume with: research resume" in ended.stderr
        resumed(own, tmp_path / "log", undisturbed)


@pytest.mark.parametrize("most", [0, 100_000])
def test_no_room_for_a_file_while_indexing(home: Path, tmp_path: Path, most: int) -> None:
    """RLIMIT_FSIZE stops the index with a sentence; the same command then makes the corpus whole."""
    own, words = tmp_path / "home", ("index", str(home.parent / "documents"), "--corpus", "notes", "--json", "-q")
    assert "cannot be" in refused(limited(own, resource.RLIMIT_FSIZE, most, *words))
    ended = run(own, *words)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["files"] == 3
    assert goes_on(own)["status"] == "done"


def test_no_room_for_an_export(home: Path, tmp_path: Path) -> None:
    """A report that does not fit leaves the old file as it was and no draft; with room it is the new one."""
    own, out = copy_home(home, tmp_path), tmp_path / "out" / "report.md"
    assert run(own, *PLAIN).returncode == 0
    out.parent.mkdir()
    out.write_text("old")
    words = ("resume", "--last", "-q", "-o", str(out))
    ended = limited(own, resource.RLIMIT_FSIZE, 500, *words)
    assert ended.returncode == 1
    assert ended.stderr == f"research: {out} could not be written: File too large\n"
    assert [(path.name, path.read_text()) for path in out.parent.iterdir()] == [("report.md", "old")]
    assert run(own, *words).returncode == 0
    assert out.read_text() == run(own, "show", "--last").stdout


def test_a_full_disk(home: Path, undisturbed: dict[str, Any], tmp_path: Path) -> None:
    """No byte is left in the middle of a run: the store is named; with room it goes on and pays for the rest once."""
    with disk(tmp_path / "disk", "size=24m") as full, model_server(tmp_path / "log") as server:
        own = copy_home(home, full)
        inflate(full / "balloon", 200_000)
        assert "cannot be used" in refused(run(own, *asked(server.base_url)))
        (full / "balloon").unlink()
        if json.loads(run(own, "runs", "--json").stdout):
            resumed(own, tmp_path / "log", undisturbed)
        else:
            assert paid(tmp_path / "log") == []


def test_a_disk_without_inodes(home: Path, tmp_path: Path) -> None:
    """No file can be made: one sentence; with room the same question is answered."""
    with disk(tmp_path / "disk", "size=24m,nr_inodes=200") as full:
        own = copy_home(home, full)
        made = []
        with pytest.raises(OSError, match="No space left"):
            for number in range(200):
                made.append(full / str(number))
                made[-1].touch()
        refused(run(own, *PLAIN))
        for path in made:
            path.unlink(missing_ok=True)
        assert goes_on(own)["status"] == "done"


def test_a_home_that_may_not_be_written(home: Path, tmp_path: Path) -> None:
    """Reading goes on, asking and resuming are refused with a sentence; once it may be written, both work."""
    with disk(tmp_path / "disk", "size=24m") as place:
        own = copy_home(home, place)
        report = run(own, *PLAIN)
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        assert "cannot be" in refused(run(own, *PLAIN))
        assert "cannot be" in refused(run(own, "resume", "--last", "-q"))
        assert run(own, "show", "--last", "--json").stdout == report.stdout
        assert run(own, "verify", "--last").returncode == 0
        subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
        assert run(own, *PLAIN).returncode == 0
        assert goes_on(own)["status"] == "done"


@pytest.mark.parametrize("most", [6, 12, 20, 40])
def test_too_few_handles(home: Path, tmp_path: Path, most: int) -> None:
    """RLIMIT_NOFILE: one sentence wherever it hits, and never a report that leaves out what could not be opened."""
    own = copy_home(home, tmp_path)
    refused(limited(own, resource.RLIMIT_NOFILE, most, *PLAIN))
    assert goes_on(own)["status"] == "done"


@pytest.mark.parametrize("most", [30, 200, 600])
def test_too_little_memory(home: Path, tmp_path: Path, most: int) -> None:
    """RLIMIT_AS in megabytes: one sentence wherever it hits, in an import, a thread or a call.

    Where it hits in Rust, the process ends with that library's own line; nothing is lost then, either.
    """
    own = copy_home(home, tmp_path)
    ended = limited(own, resource.RLIMIT_AS, most * MEGABYTE, *PLAIN)
    if ended.returncode == -signal.SIGABRT:
        assert "memory allocation of" in ended.stderr and not ended.stdout
    else:
        refused(ended)
    assert goes_on(own)["status"] == "done"


def test_the_limits_are_those_of_the_command(home: Path, tmp_path: Path) -> None:
    """With room the limited command answers: what the others show comes of the limit alone."""
    ended = limited(copy_home(home, tmp_path), resource.RLIMIT_NOFILE, 256, *PLAIN)
    assert ended.returncode == 0, ended.stderr
