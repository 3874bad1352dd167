"""`research cancel` and `pause` from another process, while the server holds the run's calls: no signal, no sleep."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from scene import QUESTION, begin, copy_home, essence, lines, make_home, model_server, recorded_answers, run

FIRST_READING = 2
"""The server's request number 2: the plan is made, every branch has asked for its reading, and none has an answer."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a corpus, to be copied."""
    return make_home(tmp_path_factory.mktemp("orders"))


def ask(base_url: str) -> list[str]:
    """The arguments of the run that gets orders."""
    return ["ask", QUESTION, "--corpus", "notes", "--model", "openai:persona", "--base-url", base_url, "--json"]


class Orders:
    """Runs a command when the server receives request number ``at``, and then kills process ``pid`` where told to."""

    def __init__(self, home: Path, at: int, *command: str) -> None:
        self.home = home
        self.at = at
        self.command = command
        self.pid = 0
        self.kill = False
        self.received = 0
        self.ended: subprocess.CompletedProcess[str] | None = None

    def watch(self, line: dict[str, Any]) -> None:
        self.received += line["event"] == "received"
        if line["event"] == "received" and self.received == self.at and self.ended is None:
            self.ended = run(self.home, *self.command)
            if self.kill:
                os.kill(self.pid, signal.SIGKILL)


def status(home: Path) -> str:
    """The status of the last run, as `research runs` shows it."""
    return str(json.loads(run(home, "runs", "--json").stdout)[0]["status"])


def test_a_cancelled_run_ends_with_what_is_in_flight_recorded(home: Path, tmp_path: Path) -> None:
    """Exit code 130, status cancelled, no later call; resume is refused with the ways on; a second cancel, too."""
    own = copy_home(home, tmp_path)
    orders = Orders(own, FIRST_READING, "cancel", "--last")
    with model_server(tmp_path / "log", orders.watch) as server:
        ended = run(own, *ask(server.base_url))
        received = [line["key"] for line in lines(tmp_path / "log") if line["event"] == "received"]
        assert orders.ended is not None and orders.ended.returncode == 0, orders.ended
        assert "is told to end" in orders.ended.stderr
        assert (ended.returncode, ended.stdout) == (130, "")
        assert "was cancelled; `research fork " in ended.stderr
        assert recorded_answers(own) == len(received) <= 1 + 4  # the plan, and the readings that were in flight
        assert status(own) == "cancelled"
        for words in (["resume", "--last"], ["cancel", "--last"], ["pause", "--last"]):
            refused = run(own, *words)
            assert refused.returncode == 2
            assert "--at compose` writes a report" in refused.stderr
        assert status(own) == "cancelled"
        assert len(received) == sum(line["event"] == "received" for line in lines(tmp_path / "log"))


def test_a_paused_run_goes_on_to_the_same_report(home: Path, tmp_path: Path) -> None:
    """Status interrupted; resumed, it is not stopped by the old order, and sends no request twice."""
    whole, own = copy_home(home, tmp_path / "whole"), copy_home(home, tmp_path / "own")
    with model_server(tmp_path / "whole.log") as server:
        expected = json.loads(run(whole, *ask(server.base_url)).stdout)
    orders = Orders(own, FIRST_READING, "pause", "--last", "--json")
    with model_server(tmp_path / "log", orders.watch) as server:
        ended = run(own, *ask(server.base_url))
        assert orders.ended is not None and json.loads(orders.ended.stdout)["under_way"] is True
        assert ended.returncode == 130, ended.stderr
        assert "was paused; `research resume " in ended.stderr
        assert status(own) == "interrupted"
        resumed = run(own, "resume", "--last", "--json")
    assert resumed.returncode == 0, resumed.stderr
    received = [line["key"] for line in lines(tmp_path / "log") if line["event"] == "received"]
    assert len(received) == len(set(received))
    assert essence(json.loads(resumed.stdout)) == essence(expected)


@pytest.mark.parametrize("killed", [False, True], ids=["goes on", "killed"])
def test_one_branch_is_cancelled_and_its_siblings_are_unharmed(home: Path, tmp_path: Path, killed: bool) -> None:
    """Branch 2 keeps what it found and asks nothing more, also when the run is killed at once and resumed."""
    own = copy_home(home, tmp_path)
    orders = Orders(own, FIRST_READING, "cancel", "--last", "--branch", "2")
    orders.kill = killed
    with model_server(tmp_path / "log", orders.watch) as server:
        process = begin(own, *ask(server.base_url))
        orders.pid = process.pid
        out, err = process.communicate(timeout=100)
        if killed:
            assert process.returncode == -signal.SIGKILL
            resumed = run(own, "resume", "--last", "--json")
            code, out, err = resumed.returncode, resumed.stdout, resumed.stderr
        else:
            code = process.returncode
    assert code == 3, err
    report = json.loads(out)
    assert [branch["outcome"] for branch in report["branches"]] == ["done", "cancelled", "done", "done"]
    second = report["branches"][1]["task"]
    assert {"what": second, "why": "cancelled by the user"} in report["skipped"]
    assert report["status"] == "partial" and report["findings"]
    assert all(branch["usage"]["calls"] >= 3 for number, branch in enumerate(report["branches"]) if number != 1)


def test_a_run_that_nobody_works_on_is_marked_at_once(home: Path, tmp_path: Path) -> None:
    """A killed run is cancelled without a process; it cannot be paused, and a finished one not cancelled."""
    own = copy_home(home, tmp_path)
    orders = Orders(own, FIRST_READING, "runs")
    orders.kill = True
    with model_server(tmp_path / "log", orders.watch) as server:
        process = begin(own, *ask(server.base_url))
        orders.pid = process.pid
        process.communicate(timeout=100)
    paused = run(own, "pause", "--last")
    assert paused.returncode == 2 and "nobody is working on the run" in paused.stderr
    wrong = run(own, "cancel", "--last", "--branch", "9")
    assert wrong.returncode == 2 and "from 1 to 4" in wrong.stderr
    cancelled = run(own, "cancel", "--last", "--json")
    assert cancelled.returncode == 0, cancelled.stderr
    told = json.loads(cancelled.stdout)
    assert (told["status"], told["under_way"], status(own)) == ("cancelled", False, "cancelled")
    assert run(own, "ask", QUESTION, "--corpus", "notes", "-q").returncode in (0, 3)
    finished = run(own, "cancel", "--last")
    assert finished.returncode == 2 and "has ended" in finished.stderr
