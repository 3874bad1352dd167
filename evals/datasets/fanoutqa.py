"""The FanOutQA shape: a JSON array of questions with the decomposition that a person made.

Rows: ``{"id", "question", "decomposition": [{"id", "question", "decomposition": [...], "depends_on": [id],
"evidence": {"title"}}]}``. The parts are all sub-questions, at every depth, each wording once; the pages are the titles
of their evidence. The group is how many steps must be taken one after another: a sub-question comes after those it
depends on, and one that is itself decomposed takes as many steps as its own parts.

Source: Zhu et al. 2024, "FanOutQA: A Multi-Hop, Multi-Document Question Answering Benchmark for Large Language
Models"; code MIT, questions CC BY-SA.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from evals.datasets.rows import Filled, Row, Unique, first_keys, json_rows
from evals.datasets.shapes import Shape, is_json
from evals.records import Case, Gold
from evals.suite import Loaded
from research.records import Question, Record, counted


class _Page(Record):
    title: Filled


class _Part(Record):
    id: Filled
    question: Filled
    decomposition: list[_Part]
    depends_on: list[Filled]
    evidence: _Page | None


class _Question(Record):
    id: Filled
    question: Filled
    decomposition: Annotated[list[_Part], msgspec.Meta(min_length=1)]


def fits(path: Path) -> bool:
    """Tell whether the first row of a file is a question with a decomposition."""
    return is_json(path) and first_keys(path) >= {"question", "decomposition"}


def load(path: Path) -> Loaded:
    """Load a file."""
    unique, cases = Unique("id"), []
    for row in json_rows(path, _Question):
        unique.add(row.value.id, row)
        try:
            cases.append(_case(row))
        except RecursionError as error:
            raise row.fault("the decomposition is nested or chained too deeply") from error
    return Loaded(tuple(cases), {})


def _case(row: Row[_Question]) -> Case:
    parts = list(_all_parts(row.value.decomposition))
    by_id = {part.id: part for part in parts}
    if len(by_id) < len(parts):
        raise row.fault('two sub-questions have the same "id"')
    for part in parts:
        if part.evidence is None and not part.decomposition:
            raise row.fault(f'the sub-question {part.id} has neither "evidence" nor "decomposition"')
        for id in part.depends_on:
            if id not in by_id:
                raise row.fault(f'"depends_on" of the sub-question {part.id} names {id}, which is not there')
    levels = max(_Levels(row, by_id).last(part.id) for part in row.value.decomposition)
    return Case(
        id=row.value.id,
        question=Question(text=row.value.question),
        gold=Gold(
            parts=tuple(dict.fromkeys(part.question for part in parts)),
            pages=tuple(dict.fromkeys(part.evidence.title for part in parts if part.evidence)),
        ),
        group=counted(levels, "level"),
    )


def _all_parts(parts: list[_Part]) -> Iterator[_Part]:
    for part in parts:
        yield part
        yield from _all_parts(part.decomposition)


class _Levels:
    """The step, from 1, at which each sub-question is done."""

    def __init__(self, row: Row[_Question], parts: Mapping[str, _Part]) -> None:
        self._row = row
        self._parts = parts
        self._known: dict[str, int] = {}
        self._open: set[str] = set()

    def last(self, id: str) -> int:
        """Return the step at which a sub-question is done; raises ``UsageFault`` when it waits for itself."""
        if id in self._open:
            raise self._row.fault(f"the sub-question {id} depends on itself")
        if id not in self._known:
            self._open.add(id)
            part = self._parts[id]
            before = max((self.last(other) for other in part.depends_on), default=0)
            inner = max((self.last(inside.id) for inside in part.decomposition), default=1)
            self._known[id] = before + inner
            self._open.discard(id)
        return self._known[id]


SHAPE = Shape("FanOutQA", "a JSON array with question, decomposition", fits, load)
