"""Claims as cases: each with a corpus of its own, named by the case's id, that holds the texts it is checked against.

Reading claims is for the loaders of each shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evals.datasets.rows import Row
from evals.records import Case, Document, Gold
from research.records import Question


def claim_case(id: str, claim: str, label: str, *, group: str, rationale: Iterable[int] = ()) -> Case:
    """Return a claim as a case. ``rationale`` are the numbers, from 0, of the texts that decide."""
    return Case(
        id=id,
        question=Question(text=claim, corpora=(id,)),
        gold=Gold(label=label, rationale=tuple(str(number) for number in rationale)),
        group=group,
    )


def numbered(texts: Iterable[str], title: str = "") -> tuple[Document, ...]:
    """Return the texts as documents whose ids are their numbers, from 0; an empty text keeps its number."""
    return tuple(Document(id=str(number), title=title, text=text) for number, text in enumerate(texts))


def check_numbers(row: Row[object], field: str, numbers: Iterable[int], texts: Sequence[str]) -> None:
    """Raise ``UsageFault`` when a number is not that of one of the texts."""
    for number in numbers:
        if not 0 <= number < len(texts):
            raise row.fault(f'"{field}" names sentence {number}, but the evidence has {len(texts)} (from 0)')
