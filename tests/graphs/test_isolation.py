"""Who is shown what was read outside: no planner, no sibling; told by a mark that each page carries."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec
import pytest
from hostile_run import MARK, mark_of, worked

from research.forked import Ended
from research.records import build
from research.requests import ModelRequest
from tools.fakes.hostile import Greed
from tools.fakes.scripted import MemoryJournal, MemoryRecords


def asked(journal: MemoryJournal) -> list[tuple[str, ModelRequest]]:
    """Return each request to a model, with its branch."""
    rows = [row.intent for row in journal.rows if row.intent.kind == "model"]
    return [(row.branch, msgspec.json.decode(row.request, type=ModelRequest)) for row in rows]


async def read(records: MemoryRecords) -> dict[str, set[str]]:
    """Return the marks of what each branch's own searches could find, by the queries that it says it asked."""
    ended = [build(Ended, row).outcome for row in await records.every("outcome")]
    return {outcome.task: {mark_of(query) for query in outcome.asked} for outcome in ended}


@pytest.mark.parametrize("mode", ["workflow", "hybrid", "agent"])
@pytest.mark.parametrize("greed", ["sensible", "endless"])
async def test_no_planner_and_no_sibling_is_shown_a_page(
    tmp_path: Path, greed: Greed, mode: Literal["workflow", "hybrid", "agent"]
) -> None:
    """A planner's prompts hold no word of any page; a branch's hold only what its own searches found."""
    report, journal, records = await worked(tmp_path, greed, mode)
    own, shown = await read(records), 0
    assert len(own) > 1 and report.branches
    for branch, request in asked(journal):
        marks = set(MARK.findall("\n".join(message.content for message in request.messages)))
        if request.role == "planner" and branch == "plan":
            assert not marks
        if branch in own:
            assert marks <= own[branch]
            shown += len(marks)
    assert shown > 0
    assert any(branch == "plan" for branch, _ in asked(journal))
