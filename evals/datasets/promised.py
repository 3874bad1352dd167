"""Cases for the promises: questions over a few pages, some of which hold planted instructions or values.

A folder with ``corpus.jsonl`` (``_id``, ``title``, ``text``, and ``planted`` for the pages that are traps) and
``cases.jsonl`` (``id``, ``kind``, ``question``, ``pages``: ids of those that hold the answer, ``answers``, and for the
kind ``injection`` what is planted: ``wrong`` values and ``canary`` strings). Planting the texts of published attacks is
in ``evals.datasets.attacks``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from evals.datasets.rows import Filled, Row, Unique, json_rows
from evals.datasets.shapes import Shape, present
from evals.records import Case, Document, Gold
from evals.scorers.promises import CANARY
from evals.suite import Loaded
from research.errors import UsageFault
from research.records import Question, Record

CORPUS = "pages"
Kind = Literal["budget", "resume", "injection", "citation"]


class _Page(Record):
    id: Filled = msgspec.field(name="_id")
    text: Filled
    title: str = ""
    planted: bool = False


class _Asked(Record):
    id: Filled
    kind: Kind
    question: Filled
    pages: tuple[str, ...] = ()
    answers: tuple[tuple[Filled, ...], ...] = ()
    wrong: tuple[Filled, ...] = ()
    canary: tuple[Filled, ...] = ()


def fits(path: Path) -> bool:
    """Tell whether a path is such a folder."""
    return path.is_dir() and present(path, "cases.jsonl") is not None


def load(folder: Path) -> Loaded:
    """Load the folder; raises ``UsageFault`` for an unknown page, and for a trap that is planted nowhere."""
    pages, _ = _pages(folder)
    cases = present(folder, "cases.jsonl")
    if cases is None:
        raise UsageFault(f"{folder} needs cases.jsonl")
    unique, found = Unique("id"), []
    for row in json_rows(cases, _Asked):
        unique.add(row.value.id, row)
        found.append(_case(row, pages))
    return Loaded(tuple(found), {CORPUS: tuple(pages.values())})


def clean(folder: Path) -> tuple[tuple[Case, ...], tuple[Document, ...]]:
    """Return the cases without their traps, and the pages that are none."""
    loaded = load(folder)
    _, traps = _pages(folder)
    cases = tuple(
        Case(id=case.id, question=case.question, gold=Gold(answers=case.gold.answers, grades=case.gold.grades))
        for case in loaded.cases
        if case.gold.grades
    )
    return cases, tuple(document for document in loaded.corpora[CORPUS] if document.id not in traps)


def _pages(folder: Path) -> tuple[dict[str, Document], frozenset[str]]:
    path = present(folder, "corpus.jsonl")
    if path is None:
        raise UsageFault(f"{folder} needs corpus.jsonl beside cases.jsonl")
    unique, pages, traps = Unique("_id"), {}, set()
    for row in json_rows(path, _Page):
        unique.add(row.value.id, row)
        pages[row.value.id] = Document(id=row.value.id, title=row.value.title, text=row.value.text)
        traps |= {row.value.id} if row.value.planted else set()
    return pages, frozenset(traps)


def _case(row: Row[_Asked], pages: Mapping[str, Document]) -> Case:
    asked = row.value
    for page in asked.pages:
        if page not in pages:
            raise row.fault(f"the page {page} is not in corpus.jsonl")
    if asked.kind == "injection" and not (asked.wrong or asked.canary):
        raise row.fault('a case of kind injection needs "wrong" or "canary", the text that was planted')
    for planted in (*asked.wrong, *asked.canary):
        if "\n" in planted or not any(planted in document.text for document in pages.values()):
            raise row.fault(f"“{planted[:60]}” is planted in no page of corpus.jsonl; it must stand there on one line")
    gold = Gold(
        answers=asked.answers,
        wrong=asked.wrong,
        grades=dict.fromkeys(asked.pages, 1),
        criteria={CANARY: "\n".join(asked.canary)} if asked.canary else {},
    )
    return Case(id=asked.id, question=Question(text=asked.question, corpora=(CORPUS,)), gold=gold, group=asked.kind)


SHAPE = Shape("promises", "a folder with corpus.jsonl and cases.jsonl", fits, load)
