"""What was spent, in words and as a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.budget import NANO, Caps
from research.caps import parse_cap
from research.cli.progress import Progress
from research.money import dollars, number
from research.records import Event, Mode, Usage
from research.report import BranchFacts, CapFacts, Report, UsageFacts
from research.spending import HEAD, against, spending_table

USAGE = Usage(tokens=4_210, nano_usd=12_300_000, calls=7, seconds=12.4)


@pytest.mark.parametrize(
    ("usage", "caps", "words"),
    [
        (Usage(calls=1), Caps(), "1 call, 0 s"),
        (USAGE, Caps(), "7 calls, 4,210 tokens, $0.0123, 12 s"),
        (
            USAGE,
            Caps(tokens=20_000, nano_usd=50_000_000, calls=40, seconds=60.0),
            "7/40 calls, 4,210/20,000 tokens, $0.0123/$0.0500, 12/60 s",
        ),
        (Usage(tokens=1, calls=2), Caps(calls=1), "2/1 call, 1 token, 0 s"),
        (Usage(nano_usd=None, calls=2, tokens=5), Caps(), "2 calls, 5 tokens, price unknown, 0 s"),
        (Usage(), Caps(tokens=10, nano_usd=10**9), "0 calls, 0/10 tokens, $0.00/$1.00, 0 s"),
    ],
)
def test_spending_stands_against_its_caps(usage: Usage, caps: Caps, words: str) -> None:
    """Each currency that is used or capped is named, with its cap."""
    assert against(usage, caps) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0, "$0.00"), (12.5, "$12.50"), (0.0123, "$0.0123"), (0.000012, "$0.000012"), (None, "price unknown")],
)
def test_money_has_the_digits_that_tell_something(value: float | None, words: str) -> None:
    """Small amounts are not rounded to nothing."""
    assert dollars(value) == words


@given(st.integers(1, 10**12))
def test_no_amount_is_shown_as_nothing(nano: int) -> None:
    """Down to a billionth of a dollar and back: within one part in ten, and what a flag is told is taken by it."""
    value = nano / NANO
    for shown in (dollars(value).replace("$", "").replace(",", ""), number(value)):
        assert float(shown) == pytest.approx(value, rel=0.1)
    assert parse_cap("--max-usd", number(value)) > 0
    assert dollars(-value) == f"-{dollars(value)}"


def facts(calls: int, tokens: int, usd: float | None, caps: CapFacts | None = None) -> UsageFacts:
    return UsageFacts(tokens=tokens, usd=usd, calls=calls, seconds=1.5, caps=caps or CapFacts())


def report(usd: float | None = 0.03) -> Report:
    """A report of two branches, ten calls in all."""
    branch = {"type": "web", "kind": "workflow", "outcome": "done"}
    return Report(
        run="r",
        status="done",
        exit_code=0,
        question="q",
        mode=Mode(name="workflow", scores=(), reasons=()),
        analyst="a",
        notice="",
        answer="",
        sentences=(),
        findings=(),
        sources=(),
        branches=(
            BranchFacts(task="What? " * 20, usage=facts(3, 100, usd and 0.01, CapFacts(calls=5)), **branch),
            BranchFacts(task="Why?", usage=facts(2, 50, usd and 0.005, CapFacts(calls=5)), **branch),
        ),
        not_found=(),
        skipped=(),
        disagreements=(),
        usage=facts(10, 300, usd, CapFacts(calls=20, tokens=1_000, usd=0.5, seconds=60.0)),
    )


def test_the_rows_add_up_to_the_whole_run() -> None:
    """Planning, branches and report are the whole; the caps stand below, and long names are cut."""
    steps = {
        "plan": Usage(tokens=60, calls=2),
        "assess": Usage(tokens=10, calls=1),
        "report": Usage(tokens=80, calls=2),
    }
    rows = spending_table(report(), steps)
    assert [row[0][:12] for row in rows] == [
        "planning",
        "[1] What? Wh",
        "[2] Why?",
        "report",
        "the whole ru",
        "its cap",
        "each branch'",
    ]
    assert [row[1] for row in rows] == ["3", "3", "2", "2", "10", "20", "5"]
    assert sum(int(row[2]) for row in rows[:4]) == int(rows[4][2]) == 300
    assert all(len(row) == len(HEAD) and len(row[0]) <= 40 for row in rows)


def test_without_the_steps_planning_and_report_are_what_is_left() -> None:
    """A report alone says what the branches did not use; an unknown price stays unknown."""
    row = spending_table(report(), {})[2]
    assert row == ("planning and report", "5", "150", "$0.0150", "-")
    assert spending_table(report(None), {})[2][3] == "price unknown"


def event(kind: str, branch: str = "", detail: str = "", usage: Usage | None = None) -> Event:
    return Event(run="r", kind=kind, branch=branch, detail=detail, usage=usage)


def test_progress_shows_what_was_spent_once() -> None:
    """The same figures are not repeated, a step's own are kept for the table, and lines fit the terminal."""
    lines: list[str] = []
    progress = Progress(write=lambda line, colour: lines.append(line), colour=False, width=80)
    progress(event("branch.planned", "t-1", "long " * 100))
    progress(event("spent", detail="7/40 calls", usage=USAGE))
    progress(event("round.ended", detail="7 calls"))
    progress(event("spent", detail="7/40 calls", usage=USAGE))
    progress(event("spent", "report", usage=USAGE))
    progress(event("spent", "t-1", usage=USAGE))
    assert lines[1:] == ["spent so far: 7/40 calls"]
    assert 70 < len(lines[0]) <= 80
    progress.spending(report())
    assert [line.split()[0] for line in lines[2:]] == [
        "SPENT",
        "planning",
        "[1]",
        "[2]",
        "report",
        "the",
        "its",
        "each",
    ]
    assert max(map(len, lines)) <= 80


def test_quiet_progress_shows_no_table() -> None:
    """--quiet holds for the table, too."""
    lines: list[str] = []
    Progress(write=lambda line, colour: lines.append(line), quiet=True).spending(report())
    assert lines == []
