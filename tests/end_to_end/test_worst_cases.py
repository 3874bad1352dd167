"""Samples of the two sweeps with attackers, ``python -m bench.attacks`` and ``python -m bench.worst_case``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.attacks import DATA, ROOT

RUNS, ATTACKS = 30, 18


def bench(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"bench.{name}", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


def test_no_invariant_is_broken_by_worst_case_models() -> None:
    """Every personality in turn, with random modes, corpora and caps; two runs are made twice."""
    ended = bench("worst_case", "--runs", str(RUNS), "--seed", "2")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"{RUNS} worst-case runs: 0 broke an invariant" in ended.stdout
    assert len(re.findall(r"^  I\d+ +0 breaks", ended.stdout, re.M)) == 15


@pytest.mark.skipif(not DATA.is_dir(), reason="the published attacks are not here: ../shared/data/attacks")
def test_no_invariant_is_broken_by_published_attacks() -> None:
    """Some of every file, in every carrier, over real sockets; each case reaches a run."""
    ended = bench("attacks", "--sample", str(ATTACKS), "--seed", "2")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 runs broke an invariant, 0 cases reached no run" in ended.stdout


def test_without_the_attacks_the_command_says_where_they_should_be(tmp_path: Path) -> None:
    """A clone has none of the data: the exit code is 2, and the message names the option."""
    ended = bench("attacks", "--data", str(tmp_path / "none"))
    assert ended.returncode == 2
    assert "--data" in ended.stderr
