"""An owner that was stopped in the middle of a write: who it is, what to do, and that nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from scene import QUESTION, make_home, run

OWNER = """
import os, signal, sqlite3, sys
from pathlib import Path
from tools.ownership import RunLock
home, run = Path(sys.argv[1]), sys.argv[2]
with RunLock(home / "locks", run) as lock:
    lock.mark(lock.marked)
    database = sqlite3.connect(home / "runs.db", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    database.execute("DELETE FROM records")
    os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_a_run_of_an_owner_that_was_stopped_while_it_wrote_goes_on_when_that_ended(tmp_path: Path) -> None:
    """Until then the process is named, as often as one tries; what it had not finished to write was never there."""
    home = make_home(tmp_path)
    assert run(home, "ask", QUESTION, "--corpus", "notes", "--approve").returncode == 5
    id = json.loads(run(home, "runs", "--json").stdout)[0]["id"]
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(home), id])
    try:
        assert os.WIFSTOPPED(os.waitpid(owner.pid, os.WUNTRACED)[1])
        for flags in (("--take-over",), ()):  # the first attempt has taken the lock, if not the store
            refused = run(home, "resume", id, "--yes", *flags)
            assert refused.returncode == 1
            said = " ".join(refused.stderr.split())
            assert f"the process {owner.pid} has kept it locked" in said
            assert f"`kill -9 {owner.pid}`" in said
            assert "what was recorded before is kept" in said
    finally:
        owner.kill()
        owner.wait()
    ended = run(home, "resume", id, "--yes", "--take-over", "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["skipped"] == []
    assert run(home, "verify", id).returncode == 0
