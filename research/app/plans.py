"""Plans as files: one that is read for a run, and one that is written for a person to edit. No run is begun here."""

from __future__ import annotations

from pathlib import Path

from research.errors import UsageFault
from research.plan_file import LONGEST, plan_from
from research.records import Plan, Question


def plan_in(path: Path, question: Question, branches: int) -> Plan:
    """Return the plan in a file for ``question``. Raises ``UsageFault`` where there is none that can be worked."""
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except OSError as error:
        raise UsageFault(f"--plan {path} cannot be read: {error.strerror}") from None
    return plan_from(data, question, branches, str(path))
