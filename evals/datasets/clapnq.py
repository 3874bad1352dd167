"""The CLAPNQ shape: a folder with a JSONL file of answerable questions and one of unanswerable questions.

Files: ``*answerable.jsonl`` and ``*unanswerable.jsonl``. Rows: ``{"id", "input", "passages": [{"title", "text"}],
"output": [{"answer"}]}``. The passages of both files are one corpus; an answerable question's gold passages are its
own. A row whose answers do not agree with the name of its file is refused.

Source: Rosenthal et al. 2025, "CLAPnq: Cohesive Long-form Answers from Passages in Natural Questions for RAG systems";
Apache-2.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from evals.datasets.pooled import CORPUS, Pool
from evals.datasets.rows import Filled, Row, Unique, json_rows
from evals.datasets.shapes import Shape, json_files
from evals.records import Case, Gold
from evals.suite import Loaded
from research.errors import UsageFault
from research.records import Question, Record, counted


class _Passage(Record):
    title: str
    text: Filled


class _Output(Record):
    answer: str


class _Asked(Record):
    id: Filled
    input: Filled
    passages: Annotated[list[_Passage], msgspec.Meta(min_length=1)]
    output: list[_Output]


def fits(path: Path) -> bool:
    """Tell whether a folder has a file of either kind by name."""
    return path.is_dir() and bool(_files(path, answerable=True) or _files(path, answerable=False))


def load(folder: Path) -> Loaded:
    """Load a folder."""
    pool, unique = Pool(), Unique("id")
    cases: list[Case] = []
    for answerable in (True, False):
        for row in json_rows(_file(folder, answerable=answerable), _Asked):
            unique.add(row.value.id, row)
            _check(row, answerable)
            ids = [pool.add(passage.title, passage.text) for passage in row.value.passages]
            cases.append(_case(row.value, answerable, ids))
    answers = sum(bool(case.gold.answerable) for case in cases)
    notes = (
        f"{counted(answers, 'answerable question')}, {len(cases) - answers:,} unanswerable",
        "unanswerable is meant of a question's own passage: among all passages another may answer it",
    )
    return Loaded(tuple(cases), {CORPUS: pool.documents()}, notes)


def _case(asked: _Asked, answerable: bool, ids: Sequence[str]) -> Case:
    return Case(
        id=asked.id,
        question=Question(text=asked.input, corpora=(CORPUS,)),
        gold=Gold(answerable=answerable, grades=dict.fromkeys(ids, 1) if answerable else {}),
        group="answerable" if answerable else "unanswerable",
    )


def _check(row: Row[_Asked], answerable: bool) -> None:
    answered = any(output.answer.strip() for output in row.value.output)
    if answerable and not answered:
        raise row.fault("no output has an answer, but the file is that of the answerable questions")
    if answered and not answerable:
        raise row.fault("an output has an answer, but the file is that of the unanswerable questions")


def _file(folder: Path, *, answerable: bool) -> Path:
    files = _files(folder, answerable=answerable)
    if len(files) != 1:
        name = "*answerable.jsonl" if answerable else "*unanswerable.jsonl"
        found = f"has {', '.join(file.name for file in files)}" if files else "has none"
        raise UsageFault(f"{folder} should have one file {name}, but {found}")
    return files[0]


def _files(folder: Path, *, answerable: bool) -> list[Path]:
    """Return the files of one kind; the name of the one kind is the end of that of the other."""
    stems = [(file, file.name.split(".")[0]) for file in json_files(folder)]
    if answerable:
        return [file for file, stem in stems if stem.endswith("answerable") and not stem.endswith("unanswerable")]
    return [file for file, stem in stems if stem.endswith("unanswerable")]


SHAPE = Shape("CLAPNQ", "a folder with *_answerable.jsonl and *_unanswerable.jsonl", fits, load)
