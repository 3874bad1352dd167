"""The shape of the NQ-open samples with an oracle passage: JSONL (or gzipped), a question with its passages a line.

Rows: ``{"question", "answers": [wording], "ctxs": [{"title", "text", "isgold"}]}``. Gold passages are those marked so.
A guard for single-hop questions beside the multi-hop ones.

Source: Liu et al. 2023, "Lost in the Middle" (nelson-liu/lost-in-the-middle, MIT); Natural Questions, CC BY-SA 3.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from evals.datasets.pooled import Asked, pool
from evals.datasets.rows import Filled, first_keys, json_rows
from evals.datasets.shapes import Shape, is_json
from evals.suite import Loaded
from research.records import Record


class _Passage(Record):
    title: str
    text: Filled
    isgold: bool


class _Question(Record):
    question: Filled
    answers: Annotated[list[Filled], msgspec.Meta(min_length=1)]
    ctxs: Annotated[list[_Passage], msgspec.Meta(min_length=1)]


def fits(path: Path) -> bool:
    """Tell whether the first row of a file is a question with ctxs."""
    return is_json(path) and first_keys(path) >= {"question", "ctxs"}


def load(path: Path) -> Loaded:
    """Load a file; a question's id is its place in it, from 0."""
    return pool(_questions(path))


def _questions(path: Path) -> Iterator[Asked]:
    for place, row in enumerate(json_rows(path, _Question)):
        passages = tuple((one.title, one.text, one.isgold) for one in row.value.ctxs)
        yield Asked(f"q{place}", row.value.question, tuple(row.value.answers), "1hop", passages, row)


SHAPE = Shape("NQ with oracle passages", "JSONL rows with question, answers, ctxs", fits, load)
