"""The rule that picks a mode, line by line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.budget import Caps
from research.options import RunOptions
from research.records import Mode, Question
from research.triage import triage

OPEN = (
    "Compare how asyncio and threads evolved, explain why they differ, and say which should be preferred. Who decided?"
)


def decide(text: str = "What is PEP 8?", *, model: bool = True, **options: object) -> Mode:
    """The mode of a question under options."""
    return triage(Question(text=text), RunOptions(**options), model=model)  # type: ignore[arg-type]


@given(st.text(max_size=200), st.booleans(), st.integers(1, 5), st.integers(1, 5), st.integers(1, 5))
def test_there_are_always_five_scores_and_a_reason(
    text: str, model: bool, value: int, trust: int, maturity: int
) -> None:
    """Any question gets five scores from 1 to 5, each with a reason, and the decision says why."""
    mode = decide(text, model=model, value=value, reliability=trust, maturity=maturity)
    assert len(mode.scores) == 5
    assert all(1 <= score.value <= 5 and score.reason for score in mode.scores)
    assert all(mode.reasons)


@given(st.text(max_size=100))
def test_without_a_model_every_run_is_a_workflow(text: str) -> None:
    """Fixed steps are all that can be done without a model."""
    assert decide(text, model=False).name == "workflow"


@pytest.mark.parametrize("name", ["workflow", "hybrid", "agent"])
def test_a_forced_mode_holds(name: str) -> None:
    """--mode is obeyed, and the scores are still given."""
    mode = decide(OPEN, mode=name)
    assert (mode.name, mode.reasons) == (name, (f"The mode {name} was asked for.",))


@pytest.mark.parametrize(
    ("text", "options", "name"),
    [
        ("What is PEP 8?", {}, "hybrid"),
        (OPEN, {}, "hybrid"),
        (OPEN, {"maturity": 3}, "agent"),
        (OPEN, {"maturity": 5, "reliability": 4}, "hybrid"),
        (OPEN, {"maturity": 5, "reliability": 5}, "workflow"),
        (OPEN, {"maturity": 5, "value": 1}, "workflow"),
        ("What is PEP 8?", {"value": 2}, "workflow"),
        ("What is PEP 8?", {"maturity": 5, "value": 5, "reliability": 1}, "hybrid"),
    ],
)
def test_the_scores_decide(text: str, options: dict[str, Any], name: str) -> None:
    """With a model: hybrid, unless autonomy cannot pay or may not be risked, or everything speaks for it."""
    assert decide(text, **options).name == name


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("What is PEP 8?", 1),
        ("In what year did the founder of the company that makes the iPhone die?", 2),
        ("How do PEP 257 and PEP 8 differ, and why?", 3),
        (OPEN, 5),
        ("收集整理目前中国9阶层实际收入和财务状况,特别研究得出中国的中产有哪些特点,实际中产人数,财力等等", 2),
    ],
)
def test_complexity_is_read_off_the_question(text: str, value: int) -> None:
    """More parts, hops, comparisons and open verbs score higher; scripts without spaces count by characters."""
    assert decide(text).scores[0].value == value


def test_readiness_counts_what_is_configured() -> None:
    """A model, a cap and an approval each make a run readier for autonomy."""
    assert decide(model=False).scores[3].value == 1
    assert decide().scores[3].value == 3
    assert decide(caps=Caps(calls=10)).scores[3].value == 4
    assert decide(caps=Caps(calls=10), approve=True).scores[3].value == 5


def test_a_long_question_is_scored_at_once() -> None:
    """Twenty thousand characters of cue words take no time worth measuring."""
    assert decide("author of the " * 1400).scores[0].value >= 3
