"""Whether a corpus is public or private over several calls of ``research index``: it changes when that is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from research.app.indexing import label_for


def research(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with this home and no settings of the user's."""
    world = {name: value for name, value in os.environ.items() if not name.startswith("RESEARCH_")}
    line = [sys.executable, "-m", "research", "--home", str(home), *arguments]
    return subprocess.run(line, env=world, capture_output=True, text=True, check=False, timeout=60)


def test_a_corpus_stays_what_it_was_until_it_is_told_otherwise(tmp_path: Path) -> None:
    """Each change, and a public corpus that stays so, is told on stderr also with --quiet; rebuilt it is private."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("A budget is a wall. Every call is reserved before it is sent.\n")
    for flags, label, told in (
        ((), "private", ""),
        ((), "private", ""),
        (("--public",), "public", "was private and is public from now on: its text may leave the machine"),
        ((), "public", "stays public, as it was indexed; --private makes it private"),
        (("--public",), "public", ""),
        (("--private",), "private", "was public and is private from now on"),
        ((), "private", ""),
        (("--public",), "public", "--private makes it private again"),
        (("--rebuild",), "private", "was public and is private from now on"),
        (("--rebuild", "--public"), "public", "was private and is public"),
    ):
        ended = research(tmp_path / "home", "index", str(tmp_path / "notes"), "--corpus", "n", "--quiet", *flags)
        assert ended.returncode == 0, ended.stderr
        assert told in ended.stderr
        assert bool(told) == bool(ended.stderr), (flags, ended.stderr)
        checks = json.loads(research(tmp_path / "home", "doctor", "--json").stdout)
        assert next(c["detail"] for c in checks if c["name"] == "corpus n").endswith(f", {label}"), flags


def test_a_label_that_a_failed_index_did_not_change_is_not_told(tmp_path: Path) -> None:
    """A folder without a readable file replaces nothing: the corpus is what it was, and nothing else is said."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes" / "a.md").write_text("A budget is a wall. Every call is reserved before it is sent.\n")
    home = tmp_path / "home"
    assert research(home, "index", str(tmp_path / "notes"), "--corpus", "n", "--public").returncode == 0
    ended = research(home, "index", str(tmp_path / "empty"), "--corpus", "n", "--rebuild", "--quiet")
    assert ended.returncode != 0
    assert "from now on" not in ended.stderr
    checks = json.loads(research(home, "doctor", "--json").stdout)
    assert next(c["detail"] for c in checks if c["name"] == "corpus n").endswith(", public")


@pytest.mark.parametrize("was", ["", "private", "public"])
@pytest.mark.parametrize("rebuild", [True, False])
def test_nothing_becomes_public_that_was_never_called_so(was: str, rebuild: bool) -> None:
    """Without --public only what is public stays so, and never what another folder may have taken the place of."""
    assert label_for(was, public=True, rebuild=rebuild) == "public"
    assert label_for(was, public=False, rebuild=rebuild) == "private"
    kept = was == "public" and not rebuild
    assert label_for(was, public=None, rebuild=rebuild) == ("public" if kept else "private")
