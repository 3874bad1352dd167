"""The shape of HotpotQA and 2WikiMultihopQA: a JSON array (or JSONL) of questions with their context.

Rows: ``{"_id", "question", "answer", "type", "context": [[title, [sentence]]], "supporting_facts": [[title, sentence
number]]}``. A passage is the sentences of a title, joined; gold passages are those whose title a supporting fact names.
The group is the type (``bridge``, ``comparison``, ``compositional`` …). Sentence numbers are not used: some of
HotpotQA's lie outside of their paragraph.

Sources: Yang et al. 2018, "HotpotQA: A Dataset for Diverse, Explainable Multi-hop Question Answering", CC BY-SA 4.0;
Ho et al. 2020, "Constructing A Multi-hop QA Dataset for Comprehensive Evaluation of Reasoning Steps", Apache-2.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from evals.datasets.pooled import Asked, pool
from evals.datasets.rows import Filled, Row, first_keys, json_rows
from evals.datasets.shapes import Shape, is_json
from evals.suite import Loaded
from research.records import Record


class _Question(Record):
    id: Filled = msgspec.field(name="_id")
    question: Filled
    answer: Filled
    context: Annotated[list[tuple[Filled, list[str]]], msgspec.Meta(min_length=1)]
    supporting_facts: Annotated[list[tuple[Filled, int]], msgspec.Meta(min_length=1)]
    type: str = ""
    answer_aliases: tuple[Filled, ...] = ()


def fits(path: Path) -> bool:
    """Tell whether the first row of a file is a question with context and supporting facts."""
    return is_json(path) and first_keys(path) >= {"question", "context", "supporting_facts"}


def load(path: Path) -> Loaded:
    """Load a file."""
    return pool(questions(path))


def questions(path: Path) -> Iterator[Asked]:
    """Yield the questions of a file."""
    for row in json_rows(path, _Question):
        yield _asked(row)


def joined(sentences: Sequence[str]) -> str:
    """Return the sentences as one text, with a space between two of them where neither brings white space.

    HotpotQA's sentences begin with their space, those of 2WikiMultihopQA do not.
    """
    text = ""
    for sentence in sentences:
        gap = " " if text and sentence and not (text[-1].isspace() or sentence[0].isspace()) else ""
        text += gap + sentence
    return text.strip()


def _asked(row: Row[_Question]) -> Asked:
    question = row.value
    gold = {title for title, _ in question.supporting_facts}
    if absent := gold - {title for title, _ in question.context}:
        raise row.fault(f"the supporting page {min(absent)!r} is not in the context; use the distractor setting")
    return Asked(
        id=question.id,
        text=question.question,
        answers=(question.answer, *question.answer_aliases),
        group=question.type,
        passages=tuple((title, joined(sentences), title in gold) for title, sentences in question.context),
        row=row,
    )


SHAPE = Shape("HotpotQA or 2WikiMultihopQA", "a JSON array with question, context, supporting_facts", fits, load)
