"""kill -9 at spread points of a run: resumed, it gives the same report and sends no answered request again."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from scene import QUESTION, begin, copy_home, essence, lines, make_home, model_server, recorded_answers, run

POINTS = 20
READS = 200_000
"""Bound on reading the journal while waiting for the last answer to be recorded."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a corpus, to be copied."""
    return make_home(tmp_path_factory.mktemp("kill"))


def ask(base_url: str) -> list[str]:
    """The arguments of the run that is killed."""
    return ["ask", QUESTION, "--corpus", "notes", "--model", "openai:persona", "--base-url", base_url, "--json", "-q"]


@pytest.fixture(scope="module")
def undisturbed(home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    """The report of a run that nobody kills, and how many lines it makes in the server's log."""
    folder = tmp_path_factory.mktemp("whole")
    with model_server(folder / "log") as server:
        ended = run(copy_home(home, folder), *ask(server.base_url))
    assert ended.returncode == 0, ended.stderr
    events = lines(folder / "log")
    assert len(events) >= POINTS
    return json.loads(ended.stdout), len(events)


class Killer:
    """Kills the process at line ``at`` of the server's log, once all that the server has answered is recorded.

    The server waits meanwhile, so a request that was received is in flight. An answer that was sent but not yet
    recorded is the one thing that nobody can tell from a lost one; such an answer is charged and asked for again.
    """

    def __init__(self, home: Path, at: int) -> None:
        self.home = home
        self.at = at
        self.pid = 0
        self.answered = 0
        self.seen = 0

    def watch(self, line: dict[str, Any]) -> None:
        self.seen += 1
        self.answered += line["event"] == "answered"
        if self.seen != self.at:
            return
        for _ in range(READS):
            if recorded_answers(self.home) >= self.answered:
                break
        os.kill(self.pid, signal.SIGKILL)


@pytest.mark.parametrize("point", range(POINTS))
def test_a_killed_run_loses_nothing_and_pays_nothing_twice(
    home: Path, undisturbed: tuple[dict[str, Any], int], tmp_path: Path, point: int
) -> None:
    """At 20 points spread over the run: the same report, and no answered request in the server's log again."""
    expected, events = undisturbed
    own = copy_home(home, tmp_path)
    killer = Killer(own, 1 + point * (events - 2) // (POINTS - 1))
    with model_server(tmp_path / "log", killer.watch) as server:
        process = begin(own, *ask(server.base_url))
        killer.pid = process.pid
        process.communicate(timeout=100)
        assert process.returncode == -signal.SIGKILL
        end = len(lines(tmp_path / "log"))
        resumed = run(own, "resume", "--last", "--json", "-q")
    assert resumed.returncode == 0, resumed.stderr
    # What the server wrote to a socket after the kill reached nobody: only lines up to the kill are answers.
    before, after = lines(tmp_path / "log")[: killer.at], lines(tmp_path / "log")[end:]
    answered = {line["key"] for line in before if line["event"] == "answered"}
    assert not answered & {line["key"] for line in after if line["event"] == "received"}
    assert essence(json.loads(resumed.stdout)) == essence(expected)


def test_a_second_process_cannot_resume_a_running_run(home: Path, tmp_path: Path) -> None:
    """While one process works on a run, another that resumes it exits with a sentence and sends nothing."""
    own = copy_home(home, tmp_path)
    second: list[Any] = []

    def watch(line: dict[str, Any]) -> None:
        if not second:
            second.append(run(own, "resume", "--last", "--json"))

    with model_server(tmp_path / "log", watch) as server:
        first = run(own, *ask(server.base_url))
    assert first.returncode == 0, first.stderr
    assert second[0].returncode == 1
    assert "being worked on by process" in second[0].stderr
    assert "Traceback" not in second[0].stderr
