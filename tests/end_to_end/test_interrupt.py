"""Ctrl-C: once stops starting calls, records those in flight and prints the resume command; twice leaves at once."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from scene import QUESTION, begin, copy_home, essence, lines, make_home, model_server, recorded_answers, run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a corpus, to be copied."""
    return make_home(tmp_path_factory.mktemp("interrupt"))


def ask(base_url: str) -> list[str]:
    """The arguments of the run that is interrupted."""
    return ["ask", QUESTION, "--corpus", "notes", "--model", "openai:persona", "--base-url", base_url, "--json"]


class Signals:
    """Sends signals when the server receives request number ``at``."""

    def __init__(self, at: int, count: int) -> None:
        self.at = at
        self.count = count
        self.pid = 0
        self.received = 0

    def watch(self, line: dict[str, Any]) -> None:
        self.received += line["event"] == "received"
        if line["event"] == "received" and self.received == self.at:
            for _ in range(self.count):
                os.kill(self.pid, signal.SIGINT)


@pytest.mark.parametrize("at", [1, 3, 8])
def test_once_records_what_is_in_flight_and_says_how_to_go_on(home: Path, tmp_path: Path, at: int) -> None:
    """Exit code 130, the resume command on stderr, every answer recorded; resumed, the undisturbed run's report."""
    whole, own = copy_home(home, tmp_path / "whole"), copy_home(home, tmp_path / "own")
    with model_server(tmp_path / "whole.log") as server:
        expected = json.loads(run(whole, *ask(server.base_url)).stdout)
    signals = Signals(at, 1)
    with model_server(tmp_path / "log", signals.watch, latency=0.3) as server:
        process = begin(own, *ask(server.base_url))
        signals.pid = process.pid
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert out == ""
        assert "resume with: research resume" in err
        before = [line for line in lines(tmp_path / "log") if line["event"] == "answered"]
        assert recorded_answers(own) == len(before) >= 1
        resumed = run(own, "resume", "--last", "--json")
    assert resumed.returncode == 0, resumed.stderr
    received = [line["key"] for line in lines(tmp_path / "log") if line["event"] == "received"]
    assert len(received) == len(set(received))
    assert essence(json.loads(resumed.stdout)) == essence(expected)


def test_twice_leaves_at_once_and_the_run_can_be_resumed(home: Path, tmp_path: Path) -> None:
    """The second Ctrl-C does not wait for a server that does not answer; exit code 130."""
    own = copy_home(home, tmp_path)
    signals = Signals(2, 1)
    with model_server(tmp_path / "log", signals.watch, faults=[None, "hang", "hang", "hang", "hang"]) as server:
        process = begin(own, *ask(server.base_url))
        signals.pid = process.pid
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("stopping"):
                os.kill(process.pid, signal.SIGINT)
                break
        process.communicate(timeout=60)
        assert process.returncode == 130
    with model_server(tmp_path / "log2", port=server.port):
        resumed = run(own, "resume", "--last", "--json")
    assert resumed.returncode == 0, resumed.stderr + resumed.stdout
