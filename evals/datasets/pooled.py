"""Questions that bring their own passages, and the one corpus in which all these passages are put.

Reading the questions is for the loaders of each shape.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evals.datasets.rows import Row, Unique
from evals.records import Case, Document, Gold
from evals.suite import Loaded
from research.records import Question

CORPUS = "passages"
"""The name of the corpus that holds every passage of a data set."""


@dataclass(frozen=True)
class Asked:
    """A question with the passages that came with it: title, text, and whether it is one of the gold passages."""

    id: str
    text: str
    answers: tuple[str, ...]
    group: str
    passages: tuple[tuple[str, str, bool], ...]
    row: Row[object]


class Pool:
    """Passages, each once: the same title with the same text is the same passage. Ids count from 0."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], str] = {}

    def add(self, title: str, text: str) -> str:
        """Return the id of a passage, which is new or was added before."""
        return self._ids.setdefault((title, text), str(len(self._ids)))

    def documents(self) -> tuple[Document, ...]:
        """Return the passages in the order they came."""
        return tuple(Document(id=id, title=title, text=text) for (title, text), id in self._ids.items())


def pool(questions: Iterable[Asked], notes: tuple[str, ...] = ()) -> Loaded:
    """Return the questions as cases over the corpus of all their passages."""
    passages, unique = Pool(), Unique("id")
    cases: list[Case] = []
    given = 0
    for asked in questions:
        unique.add(asked.id, asked.row)
        ids = [(passages.add(title, text), gold) for title, text, gold in asked.passages]
        given += len(ids)
        cases.append(case(asked, [id for id, gold in ids if gold]))
    documents = passages.documents()
    note = f"{given:,} passages of {len(cases):,} questions pooled; {len(documents):,} of them are different"
    return Loaded(tuple(cases), {CORPUS: documents}, (note, *notes))


def case(asked: Asked, gold: Iterable[str]) -> Case:
    """Return a question as a case, with the ids of its gold passages; raises ``UsageFault`` when it has none."""
    grades = dict.fromkeys(gold, 1)
    if not grades:
        raise asked.row.fault("none of the passages is a gold passage")
    return Case(
        id=asked.id,
        question=Question(text=asked.text, corpora=(CORPUS,)),
        gold=Gold(answers=accepted(asked.answers), grades=grades),
        group=asked.group,
    )


def accepted(wordings: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Return the wordings of one answer as the one part it has, each once; nothing when there are none."""
    different = tuple(dict.fromkeys(wordings))
    return (different,) if different else ()
