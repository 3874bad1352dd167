"""Approving a plan from the command line: what is shown is what is approved, and a changed row approves nothing."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from scene import QUESTION, make_home, run


def test_the_hash_that_is_shown_is_the_one_that_is_approved(tmp_path: Path) -> None:
    """`ask --approve` prints it, `resume --yes` says it again, and JSON has it whole."""
    home = make_home(tmp_path)
    waiting = run(home, "ask", QUESTION, "--corpus", "notes", "--approve", "--json")
    assert waiting.returncode == 5
    action = json.loads(waiting.stdout)["action"]
    assert len(action) == 64
    assert f"the plan {action[:12]} waits for approval" in " ".join(waiting.stderr.split())
    ended = run(home, "resume", "--last", "--yes", "--json")
    assert ended.returncode == 0, ended.stderr
    assert f"approved: the plan {action[:12]}" in " ".join(ended.stderr.split())


def test_a_row_of_what_was_shown_that_was_changed_or_taken_away_approves_nothing(tmp_path: Path) -> None:
    """The rows are signed and counted: the run is told to be damaged, and no branch begins."""
    home = make_home(tmp_path)
    statements = ("UPDATE records SET json = replace(json, '20', '21') {}", "DELETE FROM records {}")
    for statement in statements:
        assert run(home, "ask", QUESTION, "--corpus", "notes", "--approve").returncode == 5
        id = json.loads(run(home, "runs", "--json").stdout)[0]["id"]
        with closing(sqlite3.connect(home / "runs.db")) as database, database:
            changed = database.execute(statement.format("WHERE kind = 'shown' AND run = ?"), (id,)).rowcount
        assert changed == 1
        refused = run(home, "resume", id, "--yes")
        assert refused.returncode == 1
        assert "is missing or is not what was written" in " ".join(refused.stderr.split())
