"""A report cannot point to what it does not hold."""

from __future__ import annotations

from typing import Any

import pytest

from research.errors import CitationBroken
from research.records import Disagreement, Mode
from research.report import Report, ReportFinding, ReportSentence, ReportSource, UsageFacts, checked

SOURCE = "a" * 64


def report(**changed: Any) -> Report:
    """Return a sound report of one sentence, finding and source, with ``changed`` fields."""
    fields: dict[str, Any] = {
        "run": "run-1",
        "status": "done",
        "exit_code": 0,
        "question": "What is a budget?",
        "mode": Mode(name="workflow", scores=(), reasons=()),
        "analyst": "extractive",
        "notice": "",
        "answer": "A budget is a wall.",
        "sentences": (ReportSentence(text="A budget is a wall.", findings=("f-1",)),),
        "findings": (
            ReportFinding(
                id="f-1",
                statement="A budget is a wall.",
                quote="A budget is a wall.",
                source=SOURCE,
                start=0,
                end=19,
                verdict="supported",
            ),
        ),
        "sources": (ReportSource(id=SOURCE, url="https://a.example/", title="T", path="texts/a", label="public"),),
        "branches": (),
        "not_found": (),
        "skipped": (),
        "disagreements": (),
        "usage": UsageFacts(tokens=0, usd=0.0, calls=0, seconds=0.0),
    }
    return Report(**fields | changed)


def test_a_sound_report_passes_unchanged() -> None:
    """Checking adds and removes nothing; a sentence without findings claims nothing and may stand."""
    sound = report(sentences=(ReportSentence(text="In short:"), ReportSentence(text="A wall.", findings=("f-1",))))
    assert checked(sound) is sound


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"sentences": (ReportSentence(text="It is so.", findings=("f-1", "f-9")),)}, "f-9"),
        ({"sentences": (ReportSentence(text="It is so.", findings=("f-9",), section="More"),)}, "f-9"),
        ({"disagreements": (Disagreement(about="the wall", findings=("f-1", "f-8")),)}, "f-8"),
        ({"findings": ()}, "f-1"),
        ({"sources": ()}, SOURCE[:12]),
    ],
)
def test_a_dangling_citation_is_refused_by_name(changed: dict[str, Any], named: str) -> None:
    """A sentence or disagreement with an unknown finding, or a finding from an unlisted source, is no report."""
    with pytest.raises(CitationBroken, match=named):
        checked(report(**changed))
