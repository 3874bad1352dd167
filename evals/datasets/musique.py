"""The MuSiQue shape: JSONL, a question with its paragraphs a line.

Rows: ``{"id", "question", "answer", "answer_aliases", "paragraphs": [{"idx", "title", "paragraph_text",
"is_supporting"}], "question_decomposition": [{"paragraph_support_idx"}], "answerable"}``. Gold passages are those that
are supporting. The group is the part of the id before ``__`` (``2hop``, ``3hop1``). Rows of MuSiQue-Full that are not
answerable are left out: their gold passages were taken away.

Source: Trivedi et al. 2022, "MuSiQue: Multihop Questions via Single-hop Question Composition"; CC BY 4.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from evals.datasets.pooled import Asked, pool
from evals.datasets.rows import Filled, Row, first_keys, json_rows
from evals.datasets.shapes import Shape, is_json
from evals.suite import Loaded
from research.errors import UsageFault
from research.records import Record, counted


class _Paragraph(Record):
    title: str
    is_supporting: bool
    paragraph_text: Filled | None = None
    text: Filled | None = None
    idx: int | None = None


class _Hop(Record):
    paragraph_support_idx: int | None = None


class _Question(Record):
    question: Filled
    answer: Annotated[list[Filled], msgspec.Meta(min_length=1)] | Filled
    paragraphs: Annotated[list[_Paragraph], msgspec.Meta(min_length=1)]
    id: Filled | None = None
    answer_aliases: tuple[Filled, ...] = ()
    question_decomposition: tuple[_Hop, ...] = ()
    answerable: bool = True


def fits(path: Path) -> bool:
    """Tell whether the first row of a file is a question with paragraphs."""
    return is_json(path) and first_keys(path) >= {"question", "paragraphs"}


def load(path: Path) -> Loaded:
    """Load a file."""
    rows = list(json_rows(path, _Question))
    kept = [row for row in rows if row.value.answerable]
    if not kept:
        raise UsageFault(f"{path} has no answerable question, so there is nothing to measure")
    left_out = len(rows) - len(kept)
    notes = (f"{counted(left_out, 'question')} marked as not answerable left out",) if left_out else ()
    return pool((_asked(row, _named(row)) for row in kept), notes)


def questions(path: Path) -> Iterator[Asked]:
    """Yield the questions of a file; those without an id are named by their place in it, from 0."""
    for place, row in enumerate(json_rows(path, _Question)):
        yield _asked(row, row.value.id or f"q{place}")


def _named(row: Row[_Question]) -> str:
    if row.value.id is None:
        raise row.fault('"id" is missing')
    return row.value.id


def _asked(row: Row[_Question], id: str) -> Asked:
    question = row.value
    _check_hops(row)
    answer = [question.answer] if isinstance(question.answer, str) else question.answer
    return Asked(
        id=id,
        text=question.question,
        answers=(*answer, *question.answer_aliases),
        group=_group(id, question),
        passages=tuple((one.title, _text(row, one), one.is_supporting) for one in question.paragraphs),
        row=row,
    )


def _group(id: str, question: _Question) -> str:
    prefix, mark, _ = id.partition("__")
    hops = len(question.question_decomposition) or sum(one.is_supporting for one in question.paragraphs)
    return prefix if mark else f"{hops}hop"


def _text(row: Row[_Question], paragraph: _Paragraph) -> str:
    text = paragraph.paragraph_text or paragraph.text
    if text is None:
        raise row.fault(f'"paragraph_text" of the paragraph {paragraph.title!r} is missing')
    return text


def _check_hops(row: Row[_Question]) -> None:
    """Raise ``UsageFault`` when a hop is answered from a paragraph that is not there or not marked as supporting."""
    supporting = {one.idx: one.is_supporting for one in row.value.paragraphs}
    for hop in row.value.question_decomposition:
        idx = hop.paragraph_support_idx
        if idx is not None and not supporting.get(idx):
            raise row.fault(f'"paragraph_support_idx" is {idx}, which is not the "idx" of a supporting paragraph')


SHAPE = Shape("MuSiQue", "JSONL rows with question, answer, paragraphs", fits, load)
