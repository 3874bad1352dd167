"""DeepResearch Bench: report prompts with weighted criteria, and optionally reference reports and a corpus.

A folder with ``query.jsonl`` (``id``, ``prompt``, ``language``, ``topic``) and ``criteria.jsonl`` (``id``, ``prompt``,
``dimension_weight``, ``criterions``), as published. ``reference.jsonl`` (``id``, ``prompt``, ``article``) is read when
it is there; so is ``corpus.jsonl`` (``_id``, ``title``, ``text``), and then the prompts are asked of that corpus and
not of the web. What the criteria are good for is in ``evals.race``.
"""

from __future__ import annotations

import math
from pathlib import Path

import msgspec

from evals.datasets.rows import Filled, Row, Unique, json_rows
from evals.datasets.shapes import Shape, present
from evals.race import DIMENSIONS, REFERENCE, Criterion, Dimension
from evals.records import Case, Document, Gold
from evals.suite import Loaded
from research.errors import UsageFault
from research.records import Question, Record, counted, encode

CORPUS = "reports"


class _Query(Record):
    id: int | str
    prompt: Filled
    language: str = ""
    topic: str = ""


class _Criteria(Record):
    id: int | str
    prompt: Filled
    dimension_weight: dict[str, float]
    criterions: dict[str, tuple[Criterion, ...]]


class _Reference(Record):
    id: int | str
    prompt: Filled
    article: Filled


class _Page(Record):
    id: Filled = msgspec.field(name="_id")
    text: Filled
    title: str = ""


def fits(path: Path) -> bool:
    """Tell whether a path is such a folder."""
    return path.is_dir() and present(path, "query.jsonl") is not None


def load(folder: Path) -> Loaded:
    """Load the folder; raises ``UsageFault`` for a prompt without criteria, and for what belongs to no prompt."""
    query, criteria = present(folder, "query.jsonl"), present(folder, "criteria.jsonl")
    if query is None or criteria is None:
        raise UsageFault(f"{folder} needs query.jsonl and criteria.jsonl")
    judged = _criteria(criteria)
    references = _references(present(folder, "reference.jsonl"))
    documents = _documents(present(folder, "corpus.jsonl"))
    cases, unique = [], Unique("id")
    for row in json_rows(query, _Query):
        id = str(row.value.id)
        unique.add(id, row)
        if id not in judged:
            raise row.fault(f"the prompt {id} has no criteria in {criteria}; add them or remove the prompt")
        cases.append(_case(row, judged.pop(id), references.pop(id, None), bool(documents)))
    for orphan in judged.values():
        raise orphan.fault(f"these criteria are of {orphan.value.id}, which is no prompt in {query}")
    for report in references.values():
        raise report.fault(f"this reference report is of {report.value.id}, which is no prompt in {query}")
    compared = sum(REFERENCE in case.gold.criteria for case in cases)
    notes = (f"{counted(compared, 'reference report')} to compare with",) if compared else ()
    return Loaded(tuple(cases), {CORPUS: documents} if documents else {}, notes)


def _criteria(path: Path) -> dict[str, Row[_Criteria]]:
    unique, found = Unique("id"), {}
    for row in json_rows(path, _Criteria):
        unique.add(str(row.value.id), row)
        _weights(row, "dimension_weight", row.value.dimension_weight)
        if row.value.criterions.keys() != row.value.dimension_weight.keys():
            raise row.fault('"criterions" and "dimension_weight" do not name the same dimensions')
        for name, criteria in row.value.criterions.items():
            if name not in DIMENSIONS:
                raise row.fault(f"the dimension {name} is none of {', '.join(DIMENSIONS)}")
            _weights(row, name, {str(at): criterion.weight for at, criterion in enumerate(criteria)})
        found[str(row.value.id)] = row
    return found


def _weights(row: Row[_Criteria], name: str, weights: dict[str, float]) -> None:
    total = sum(weights.values())
    if not math.isclose(total, 1, abs_tol=0.011) or any(not 0 <= weight <= 1 for weight in weights.values()):
        raise row.fault(f"the weights of {name} must be from 0 to 1 and sum to 1, not to {total:.3f}")


def _references(path: Path | None) -> dict[str, Row[_Reference]]:
    if path is None:
        return {}
    unique, found = Unique("id"), {}
    for row in json_rows(path, _Reference):
        unique.add(str(row.value.id), row)
        found[str(row.value.id)] = row
    return found


def _documents(path: Path | None) -> tuple[Document, ...]:
    if path is None:
        return ()
    unique, documents = Unique("_id"), []
    for row in json_rows(path, _Page):
        unique.add(row.value.id, row)
        documents.append(Document(id=row.value.id, title=row.value.title, text=row.value.text))
    return tuple(documents)


def _case(row: Row[_Query], judged: Row[_Criteria], reference: Row[_Reference] | None, held: bool) -> Case:
    query, criteria = row.value, judged.value
    if query.prompt != criteria.prompt:
        raise judged.fault(f"the prompt of {query.id} is another one than at {row.where}")
    if reference is not None and query.prompt != reference.value.prompt:
        raise reference.fault(f"the prompt of {query.id} is another one than at {row.where}")
    rubric = {
        name: encode(Dimension(weight=criteria.dimension_weight[name], criteria=criteria.criterions[name]))
        for name in DIMENSIONS
        if name in criteria.criterions
    }
    question = Question(text=query.prompt, corpora=(CORPUS,)) if held else Question(text=query.prompt, web=True)
    gold = Gold(criteria={**rubric, REFERENCE: reference.value.article} if reference else rubric)
    return Case(id=str(query.id), question=question, gold=gold, group=query.language or query.topic)


SHAPE = Shape("DeepResearch Bench", "a folder with query.jsonl and criteria.jsonl", fits, load)
