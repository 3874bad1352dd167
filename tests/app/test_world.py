"""The ports of a run, opened and closed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHILDREN = Path("/proc/self/task") / str(os.getpid()) / "children"
BRIEFLY = """
import asyncio, os, pathlib, sys
from research.app.records import Home
from research.app.stores import run_files
from research.app.world import open_judgement, open_world
from research.options import RunOptions
from research.settings import load
from tools.clock import SystemClock

settings = load({"home": sys.argv[1]}, {})
options = RunOptions(web=True, searx="http://127.0.0.1:9")
children = pathlib.Path(f"/proc/self/task/{os.getpid()}/children")

async def main():
    with run_files(Home(settings), SystemClock()) as files:
        async with open_world(options, settings, open_judgement(options, settings), files.read("run-1")):
            while not children.read_text():
                await asyncio.sleep(0.01)
        print(len(children.read_text().split()))

asyncio.run(main())
"""


@pytest.mark.skipif(not CHILDREN.exists(), reason="this kernel does not list a process's children")
def test_a_world_that_is_closed_while_it_warms_up_leaves_no_process_behind(tmp_path: Path) -> None:
    """A run may end before its parser is ready; the processes end with it, and nothing is said of closed loops."""
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", BRIEFLY, str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
