"""One question, one report: Python orders sets anew in each process, and no result may hang on that order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scene import QUESTION, begin_seeded, make_home

SEEDS = (0, 1, 6)
"""With sums in the order of a set, the relevance of a sentence fell short of its least with 0 and 6, not with 1."""


def told(report: dict[str, Any]) -> dict[str, Any]:
    """What a reader sees of a report, without its id and times."""
    return {name: report[name] for name in ("answer", "sentences", "findings", "not_found", "skipped")}


def test_every_process_writes_the_same_report(tmp_path: Path) -> None:
    """The same question over the same corpus gives the same sentences and findings under other hash seeds."""
    home = make_home(tmp_path)
    runs = [begin_seeded(home, seed, "ask", QUESTION, "--corpus", "notes", "--json") for seed in SEEDS]
    printed = [run.communicate(timeout=100) for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], printed
    first, *others = (told(json.loads(out)) for out, _ in printed)
    assert first["sentences"]
    assert all(other == first for other in others)
