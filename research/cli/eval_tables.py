"""What ``research eval`` prints beside the figures: hindsight on the triage, and what a comparison leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research.cli.output import emit, table

if TYPE_CHECKING:
    from evals.hindsight import Hindsight
    from evals.results import Comparison


def show_hindsight(hindsight: Hindsight) -> None:
    """Print what each mode gave and cost, and where the triage chose well and where badly."""
    head, *body = hindsight.rows()
    emit("\n" + table(head, body))
    for heading, choices in (("the triage chose badly", hindsight.badly), ("the triage chose well", hindsight.well)):
        cells = [(choice.chosen, choice.best, choice.question, choice.reason) for choice in choices]
        emit(f"\n{heading}: {len(cells)}\n")
        if cells:
            emit(table(("CHOSEN", "BEST", "QUESTION", "WHY"), cells, widest=80))
    if hindsight.left_out:
        emit(f"\nnot compared: {', '.join(hindsight.left_out)}\n")


def left_out(comparison: Comparison) -> list[str]:
    """Return which cases the figures of a comparison leave out."""
    from research.records import counted

    why = (
        ("in the first log only", comparison.only_before),
        ("in the second log only", comparison.only_after),
        ("failed on one side", comparison.failed),
    )
    return [f"{counted(len(cases), 'case')} not compared: {words}" for words, cases in why if cases]
