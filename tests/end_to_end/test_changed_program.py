"""A run is killed and resumed by another program: refused and named, or gone on with and said; never mixed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from scene import QUESTION, begin, command, copy_home, environment, essence, lines, make_home, model_server, run

ROOT = Path(__file__).resolve().parents[2]
KILLED_AT = 9
"""The line of the server's log at which the run is killed: it has planned, and its branches are reading."""

Change = tuple[str, str, str]
READER = ("research/prompts/reader.md", "\n-----\n", " Be brief.\n-----\n")
NODE = ("graphs/orchestrator.py", '"gather"', '"collect"')
TOOL = ("research/analysts/schemas.py", "Look for texts.", "Look for some texts.")
NUMBER = ("research/__init__.py", '__version__ = "', '__version__ = "9.')


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a corpus, to be copied."""
    return make_home(tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="module")
def killed(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A home with a run that was killed by signal 9, to be copied, and the port of its model's server."""
    folder = tmp_path_factory.mktemp("killed")
    home, pids, seen = copy_home(fresh, folder), [0], [0]

    def watch(_: dict[str, Any]) -> None:
        seen[0] += 1
        if seen[0] == KILLED_AT:
            os.kill(pids[0], signal.SIGKILL)

    with model_server(folder / "log", watch) as server:
        process = begin(home, *ask(server.base_url))
        pids[0] = process.pid
        process.communicate(timeout=100)
        assert process.returncode == -signal.SIGKILL
        return home, server.port


def ask(base_url: str) -> list[str]:
    """The arguments of the run."""
    return ["ask", QUESTION, "--corpus", "notes", "--model", "openai:persona", "--base-url", base_url, "--json"]


def changed(folder: Path, *changes: Change) -> Path:
    """A copy of the program with ``changes``: the file, what stood there, what stands there now."""
    for package in ("research", "graphs", "tools", "evals"):
        shutil.copytree(ROOT / package, folder / package)
    for file, old, new in changes:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    return folder


def by(program: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command of the copied program."""
    return subprocess.run(
        command(home, *arguments),
        cwd=program,
        env={**environment(home), "PYTHONPATH": str(program)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def stored(home: Path) -> dict[str, list[str]]:
    """Every row of the runs."""
    with closing(sqlite3.connect(f"file:{home / 'runs.db'}?mode=ro", uri=True)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: [repr(row) for row in connection.execute(f"SELECT * FROM {table}")] for table in tables}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ([READER], "prompt reader.md;"),
        ([NODE], "the graph (graphs/orchestrator.py);"),
        ([TOOL], "tools and schemas (research/analysts/schemas.py);"),
        ([NUMBER, READER], "its version (0.1.0, here 9.0.1.0), prompt reader.md;"),
    ],
)
def test_a_program_that_would_mix_is_refused(
    killed: tuple[Path, int], tmp_path: Path, changes: list[Change], named: str
) -> None:
    """Exit code 1, one sentence that names what differs and both ways out; nothing sent, no row written."""
    home = copy_home(killed[0], tmp_path)
    before = stored(home)
    with model_server(tmp_path / "log", port=killed[1]):
        ended = by(changed(tmp_path / "program", *changes), home, "resume", "--last", "--json")
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr
    (said,) = ended.stderr.splitlines()
    assert said.startswith("research: refused: the run ") and named in said
    assert "go on with the version that began it" in said and "--from-journal" in said
    assert lines(tmp_path / "log") == []
    assert stored(home) == before


def test_another_number_alone_goes_on_and_says_so(killed: tuple[Path, int], tmp_path: Path) -> None:
    """The same report as from the program that began it, and one line on stderr that says which went on."""
    ours, theirs = copy_home(killed[0], tmp_path / "ours"), copy_home(killed[0], tmp_path / "theirs")
    with model_server(tmp_path / "log", port=killed[1]):
        expected = run(ours, "resume", "--last", "--json")
        ended = by(changed(tmp_path / "program", NUMBER), theirs, "resume", "--last", "--json")
    assert (expected.returncode, ended.returncode) == (0, 0), ended.stderr
    assert essence(json.loads(ended.stdout)) == essence(json.loads(expected.stdout))
    assert "goes on unchanged with 9.0.1.0" in ended.stderr
    assert "goes on unchanged" not in expected.stderr


def test_from_journal_migrates(killed: tuple[Path, int], tmp_path: Path) -> None:
    """Worked again from its start by the new program, which from then on is the run's own; nothing is paid twice."""
    home = copy_home(killed[0], tmp_path)
    program = changed(tmp_path / "program", NODE, NUMBER)
    with model_server(tmp_path / "log", port=killed[1]):
        expected = run(copy_home(killed[0], tmp_path / "ours"), "resume", "--last", "--json")
        sent = len(lines(tmp_path / "log"))
        ended = by(program, home, "resume", "--last", "--from-journal", "--json")
    assert ended.returncode == 0, ended.stderr
    assert "migrated: the run is worked again from its start by this program" in ended.stderr
    assert "its version (0.1.0, here 9.0.1.0), the graph (graphs/orchestrator.py)" in ended.stderr
    assert essence(json.loads(ended.stdout)) == essence(json.loads(expected.stdout))
    assert len(lines(tmp_path / "log")) - sent == sent
    (row,) = stored(home)["runs"]
    assert '"program":"9.0.1.0"' in row


def test_a_finished_run_is_given_again_by_any_program(fresh: Path, tmp_path: Path) -> None:
    """resume, show and verify give what was published, whatever has changed since."""
    home = copy_home(fresh, tmp_path)
    report = run(home, "ask", QUESTION, "--corpus", "notes", "--json", "-q")
    assert report.returncode == 0, report.stderr
    program = changed(tmp_path / "program", READER, NODE, TOOL, NUMBER)
    for words in (("resume", "--last", "--json"), ("show", "--last", "--json")):
        again = by(program, home, *words)
        assert (again.returncode, json.loads(again.stdout)) == (0, json.loads(report.stdout)), again.stderr
    assert by(program, home, "verify", "--last").returncode == 0
