"""The sweeps of ``bench.kill``: a sample of each keeps every promise, and a broken promise is noticed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LETTER = re.compile(r"^([A-F])  (\d+) ", re.MULTILINE)


def sweep(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command that the README names."""
    return subprocess.run(
        [sys.executable, "-m", "bench.kill", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )


@pytest.mark.timeout(500)
def test_a_sample_of_every_sweep_loses_nothing_and_repeats_nothing() -> None:
    """Kills, double and fivefold kills, kills over the wire and in an index or export, and signals: all is kept."""
    ended = sweep("A=16", "B=5", "C=3", "D=2", "E=2", "F=6")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    tried = [(letter, int(cases)) for letter, cases in LETTER.findall(ended.stdout)]
    wanted = [("A", 16), ("B", 5), ("C", 3), ("D", 2), ("E", 2), ("E", 2), ("F", 2), ("F", 2), ("F", 2)]
    assert tried == wanted
    assert ended.stdout.splitlines()[-1].endswith(" 5 double crashes: 0 steps lost, 0 recorded calls repeated")


@pytest.mark.timeout(500)
@pytest.mark.parametrize(
    ("broken", "cases", "said"),
    [
        ("answers", "A=5", "recorded calls were sent again"),
        ("outcomes", "A=3", "calls were in flight at one cut"),
        ("charges", "A=6", "are due"),
        ("intents", "A=3", "sent without a row before it"),
        ("intents", "C=2", "sent without a row before it"),
        ("charges", "D=2", "are due"),
        ("index", "E=1", "there are vectors of no passage"),
        ("exports", "E=1", "neither the old nor the new one"),
    ],
)
def test_a_broken_promise_is_noticed(broken: str, cases: str, said: str) -> None:
    """With a journal, an index or a writer that breaks one promise the command fails and says which."""
    ended = sweep(cases, "--broken", broken)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "BROKEN" in ended.stdout
    assert said in ended.stdout
