"""The BEIR shape: ``corpus.jsonl``, ``queries.jsonl`` and judgements in ``qrels.tsv`` or ``qrels/test.tsv``.

Rows: ``{"_id", "title", "text"}``; ``{"_id", "text", "metadata"}``, of which ``metadata.answer`` (a string or a list of
accepted wordings), ``metadata.type`` and, a word of ours, ``metadata.wrong`` (a list of wordings that make an answer
wrong, such as the other side of a comparison) are read; and ``query-id, corpus-id, score`` with a header, the score a
whole number from 0 (judged as not relevant). A document without text stays in the corpus, and a note counts it.

Format: Thakur et al. 2021, "BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information Retrieval Models".
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Literal

import msgspec

from evals.datasets.pooled import CORPUS, accepted
from evals.datasets.rows import Filled, Row, Unique, json_rows, tsv_rows, whole_number
from evals.datasets.shapes import Shape, present
from evals.records import Case, Document, Gold
from evals.suite import Loaded
from research.errors import UsageFault
from research.records import Question, Record, counted

HEADER = ("query-id", "corpus-id", "score")
QRELS = ("qrels.tsv", "qrels/test.tsv", "qrels/dev.tsv", "qrels/train.tsv")

Grades = dict[str, dict[str, int]]
"""Score by document id, by query id; with the scores of 0."""


class _Passage(Record):
    id: Filled = msgspec.field(name="_id")
    title: str
    text: str


class _Metadata(Record):
    answer: list[Filled] | Filled | None = None
    type: str | None = None
    wrong: tuple[Filled, ...] = ()


class _Query(Record):
    id: Filled = msgspec.field(name="_id")
    text: Filled
    metadata: _Metadata | None = None


def fits(path: Path) -> bool:
    """Tell whether a folder has the shape: one of its files by name is enough, so that a missing one is named."""
    return path.is_dir() and any(present(path, name) for name in ("corpus.jsonl", "queries.jsonl", *QRELS))


def load(folder: Path, unjudged: Literal["refuse", "leave out"]) -> Loaded:
    """Load a folder.

    A query that no document is relevant to is refused, or left out as BEIR does it, and a note says how many were.
    """
    documents = _documents(_needed(folder, "corpus.jsonl"))
    queries = _queries(_needed(folder, "queries.jsonl"))
    qrels = _needed(folder, *QRELS)
    grades = _grades(qrels, {query.value.id for query in queries}, {document.id for document in documents})
    cases, left_out = [], 0
    for query in queries:
        relevant = {id: score for id, score in grades[query.value.id].items() if score > 0}
        if relevant:
            cases.append(_case(query.value, relevant))
        elif unjudged == "refuse":
            raise query.fault(f"{query.value.id} has no relevant document in {qrels}; add one or remove the query")
        else:
            left_out += 1
    if not cases:
        raise UsageFault(f"{qrels}: no query has a relevant document, so there is nothing to measure")
    return Loaded(tuple(cases), {CORPUS: documents}, _notes(folder, qrels, documents, left_out))


def shape(unjudged: Literal["refuse", "leave out"]) -> Shape:
    """Return the shape, with what is done about queries that no document is relevant to."""
    needs = "a folder with corpus.jsonl, queries.jsonl and qrels.tsv or qrels/test.tsv"
    return Shape("BEIR", needs, fits, lambda folder: load(folder, unjudged))


def _needed(folder: Path, *names: str) -> Path:
    path = present(folder, *names)
    if path is None:
        raise UsageFault(f"{folder} has no {' or '.join(names)}; a BEIR folder needs it")
    return path


def _documents(path: Path) -> tuple[Document, ...]:
    unique, documents = Unique("_id"), []
    for row in json_rows(path, _Passage):
        unique.add(row.value.id, row)
        documents.append(Document(id=row.value.id, title=row.value.title, text=row.value.text))
    return tuple(documents)


def _queries(path: Path) -> list[Row[_Query]]:
    unique, queries = Unique("_id"), []
    for row in json_rows(path, _Query):
        unique.add(row.value.id, row)
        queries.append(row)
    return queries


def _grades(path: Path, queries: set[str], documents: set[str]) -> Grades:
    grades: Grades = defaultdict(dict)
    for row in tsv_rows(path, HEADER):
        query, document, cell = row.value
        score = whole_number(row, "score", cell)
        if score < 0:
            raise row.fault(f'"score" is {score}; scores start at 0')
        if query not in queries:
            raise row.fault(f"the query {query} is not in queries.jsonl")
        if document not in documents:
            raise row.fault(f"the document {document} is not in corpus.jsonl")
        if document in grades[query]:
            raise row.fault(f"{document} is judged twice for {query}; remove one of the two lines")
        grades[query][document] = score
    return grades


def _case(query: _Query, relevant: dict[str, int]) -> Case:
    metadata = query.metadata or _Metadata()
    answer = [metadata.answer] if isinstance(metadata.answer, str) else metadata.answer or []
    return Case(
        id=query.id,
        question=Question(text=query.text, corpora=(CORPUS,)),
        gold=Gold(answers=accepted(answer), wrong=metadata.wrong, grades=relevant),
        group=metadata.type or "",
    )


def _notes(folder: Path, qrels: Path, documents: tuple[Document, ...], left_out: int) -> tuple[str, ...]:
    notes = [f"judgements from {qrels.relative_to(folder)}"]
    if left_out:
        noun = "query" if left_out == 1 else "queries"
        notes.append(f"{left_out:,} {noun} without a relevant document left out, as BEIR does it")
    if empty := sum(not document.text.strip() for document in documents):
        notes.append(f"{counted(empty, 'document')} of the corpus without text")
    return tuple(notes)
