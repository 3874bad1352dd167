"""Files that the user names for reports: written whole, through the user's own links, and through nobody else's."""

from __future__ import annotations

import os
from pathlib import Path

from research.cli.output import write_whole


def test_a_link_that_the_user_names_is_written_where_it_leads(tmp_path: Path) -> None:
    """The link stays a link, its target has the report, and no draft is left."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (tmp_path / "report.md").symlink_to(kept / "of-today.md")
    write_whole(tmp_path / "report.md", "A report.\n")
    assert (tmp_path / "report.md").is_symlink()
    assert (kept / "of-today.md").read_text(encoding="utf-8") == "A report.\n"
    assert [path.name for path in kept.iterdir()] == ["of-today.md"]


def test_a_link_planted_beside_the_report_is_not_written_through(tmp_path: Path) -> None:
    """Drafts have names that nobody can foretell, and are made anew."""
    victim = tmp_path / "victim"
    victim.write_text("kept", encoding="utf-8")
    (tmp_path / f".report.md.{os.getpid()}").symlink_to(victim)
    write_whole(tmp_path / "report.md", "A report.\n")
    assert victim.read_text(encoding="utf-8") == "kept"
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == "A report.\n"
