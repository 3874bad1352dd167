"""The SciFact shape: a folder with ``claims_*.jsonl`` and ``corpus.jsonl``, or the same as CSV files.

JSONL rows: ``{"id", "claim", "evidence": {doc_id: [{"sentences": [number], "label"}]}, "cited_doc_ids": [doc_id]}`` and
``{"doc_id", "title", "abstract": [sentence]}``. CSV rows have one piece of evidence each (``evidence_doc_id``,
``evidence_label``, ``evidence_sentences``), with the lists as numpy prints them: ``[31715818 3512154]``, ``['One.'
'Two.']``.

A case is a claim with one of the abstracts it cites, named ``claim-abstract``. ``SUPPORT`` is supported, ``CONTRADICT``
unsupported; an abstract that is cited but is evidence for neither is ``NOT_ENOUGH_INFO``, and unsupported as well. The
rationale are all sentences that an annotator marked.

Source: Wadden et al. 2020, "Fact or Fiction: Verifying Scientific Claims"; annotations CC BY 4.0, abstracts ODC-BY.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec

from evals.datasets.evidence import check_numbers, claim_case, numbered
from evals.datasets.rows import Filled, Row, Unique, csv_rows, json_rows, label_of
from evals.datasets.shapes import Shape
from evals.records import Case, Document
from evals.suite import Loaded
from research.errors import UsageFault
from research.records import Record, counted

NEITHER = "NOT_ENOUGH_INFO"
LABELS = {"SUPPORT": "supported", "CONTRADICT": "unsupported"}
CLAIMS = re.compile(r"claims_\w+\.(jsonl|csv)(\.gz)?")

_STRING = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_STRINGS = re.compile(rf"\[\s*(?:(?:{_STRING})[\s,]*)*\]", re.DOTALL)
_NUMBERS = re.compile(r"\[[\s,0-9]*\]")

Abstracts = dict[str, tuple[str, tuple[str, ...]]]
"""Title and sentences by document id."""


@dataclass
class _Checked:
    """A claim with what the annotators found: by document id, its label and the sentences that decide."""

    id: str
    claim: str
    cited: list[str]
    row: Row[object]
    found: dict[str, tuple[str, list[int]]] = field(default_factory=dict)

    def add(self, row: Row[object], document: str, label: str, sentences: list[int]) -> None:
        """Note a piece of evidence; raises ``UsageFault`` when it contradicts another one."""
        before, numbers = self.found.setdefault(document, (label, []))
        if before != label:
            raise row.fault(f"the document {document} is labelled {label} and {before} for the claim {self.id}")
        if not sentences:
            raise row.fault("a piece of evidence names no sentences")
        if document not in self.cited:
            raise row.fault(f"the evidence document {document} is not among the cited ones")
        numbers.extend(sentences)


class _Piece(Record):
    sentences: list[int]
    label: str


class _Claim(Record):
    id: int
    claim: Filled
    evidence: dict[str, Annotated[list[_Piece], msgspec.Meta(min_length=1)]]
    cited_doc_ids: Annotated[list[int], msgspec.Meta(min_length=1)]


class _Abstract(Record):
    doc_id: int
    title: str
    abstract: Annotated[list[str], msgspec.Meta(min_length=1)]


class _ClaimCells(Record):
    id: Filled
    claim: Filled
    evidence_doc_id: str
    evidence_label: str
    evidence_sentences: Filled
    cited_doc_ids: Filled


class _AbstractCells(Record):
    doc_id: Filled
    title: str
    abstract: Filled


def fits(path: Path) -> bool:
    """Tell whether a path is a folder with a file of claims, or is such a file."""
    return bool(_claim_files(path)) if path.is_dir() else bool(CLAIMS.fullmatch(path.name))


def load(path: Path) -> Loaded:
    """Load a folder with one file of claims, or a file of claims with its corpus beside it."""
    file = path if path.is_file() else _only(path)
    end = ".csv" if ".csv" in file.name else ".jsonl"
    corpus = next((p for p in (file.with_name(f"corpus{end}{gz}") for gz in ("", ".gz")) if p.is_file()), None)
    if corpus is None:
        raise UsageFault(f"{file.parent} has no corpus{end}; the claims of {file.name} need it")
    claims, abstracts = (_csv_claims, _csv_abstracts) if end == ".csv" else (_json_claims, _json_abstracts)
    return _loaded(claims(file), abstracts(corpus), corpus)


def _loaded(claims: Iterator[_Checked], abstracts: Abstracts, corpus: Path) -> Loaded:
    cases: list[Case] = []
    corpora: dict[str, tuple[Document, ...]] = {}
    for claim in claims:
        for document in claim.cited:
            if document not in abstracts:
                raise claim.row.fault(f"the document {document} is not in {corpus.name}")
            title, sentences = abstracts[document]
            case = _case(claim, document, sentences)
            cases.append(case)
            corpora[case.id] = numbered(sentences, title)
    neither = sum(case.group == NEITHER for case in cases)
    notes = (
        "a case is a claim with one of the abstracts it cites",
        f"{counted(neither, 'case')} whose abstract neither supports nor contradicts the claim counted as unsupported",
    )
    return Loaded(tuple(cases), corpora, notes)


def _case(claim: _Checked, document: str, sentences: tuple[str, ...]) -> Case:
    id = f"{claim.id}-{document}"
    if document not in claim.found:
        return claim_case(id, claim.claim, "unsupported", group=NEITHER)
    label, numbers = claim.found[document]
    check_numbers(claim.row, "evidence_sentences", numbers, sentences)
    rationale = sorted(set(numbers))
    return claim_case(id, claim.claim, LABELS[label], group=label, rationale=rationale)


def _json_claims(path: Path) -> Iterator[_Checked]:
    unique = Unique("id")
    for row in json_rows(path, _Claim):
        unique.add(str(row.value.id), row)
        cited = list(dict.fromkeys(str(id) for id in row.value.cited_doc_ids))
        claim = _Checked(str(row.value.id), row.value.claim, cited, row)
        for document, pieces in row.value.evidence.items():
            for piece in pieces:
                label_of(row, "label", piece.label, LABELS)
                claim.add(row, document, piece.label, piece.sentences)
        yield claim


def _csv_claims(path: Path) -> Iterator[_Checked]:
    """Yield the claims, whose pieces of evidence are rows one after another."""
    unique, claim = Unique("id"), None
    for row in csv_rows(path, _ClaimCells):
        cells = row.value
        cited = [str(id) for id in dict.fromkeys(_numbers(row, "cited_doc_ids", cells.cited_doc_ids))]
        if claim is None or cells.id != claim.id:
            if claim is not None:
                yield claim
            unique.add(cells.id, row)
            claim = _Checked(cells.id, cells.claim, cited, row)
        elif (cells.claim, cited) != (claim.claim, claim.cited):
            raise row.fault(f"the claim {cells.id} differs from what {claim.row.where} says of it")
        sentences = _numbers(row, "evidence_sentences", cells.evidence_sentences)
        if cells.evidence_doc_id:
            label_of(row, "evidence_label", cells.evidence_label, LABELS)
            claim.add(row, cells.evidence_doc_id, cells.evidence_label, sentences)
        elif cells.evidence_label or sentences:
            raise row.fault('"evidence_doc_id" is empty, but there is a label or a sentence')
    if claim is not None:
        yield claim


def _json_abstracts(path: Path) -> Abstracts:
    unique = Unique("doc_id")
    abstracts: Abstracts = {}
    for row in json_rows(path, _Abstract):
        unique.add(str(row.value.doc_id), row)
        abstracts[str(row.value.doc_id)] = (row.value.title, tuple(row.value.abstract))
    return abstracts


def _csv_abstracts(path: Path) -> Abstracts:
    unique = Unique("doc_id")
    abstracts: Abstracts = {}
    for row in csv_rows(path, _AbstractCells):
        unique.add(row.value.doc_id, row)
        abstracts[row.value.doc_id] = (row.value.title, _strings(row, "abstract", row.value.abstract))
    return abstracts


def _numbers(row: Row[object], field: str, cell: str) -> list[int]:
    if not _NUMBERS.fullmatch(cell.strip()):
        raise row.fault(f'"{field}" is not a list of numbers such as [3 15]')
    return [int(number) for number in re.findall(r"[0-9]+", cell)]


def _strings(row: Row[object], field: str, cell: str) -> tuple[str, ...]:
    """Return the strings of a list as numpy or Python prints it; adjacent ones are two strings, not one."""
    if not _STRINGS.fullmatch(cell.strip()):
        raise row.fault(f"\"{field}\" is not a list of strings such as ['One.' 'Two.']")
    try:
        strings = tuple(str(ast.literal_eval(one)) for one in re.findall(_STRING, cell, re.DOTALL))
        "".join(strings).encode()
    except (ValueError, SyntaxError) as error:
        raise row.fault(f'"{field}" has a string that cannot be read ({error})') from error
    if not strings:
        raise row.fault(f'"{field}" is empty')
    return strings


def _claim_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if CLAIMS.fullmatch(path.name) and path.is_file())


def _only(folder: Path) -> Path:
    files = _claim_files(folder)
    if len(files) != 1:
        raise UsageFault(f"{folder} holds {', '.join(file.name for file in files)}; give --data one of these files")
    return files[0]


SHAPE = Shape("SciFact", "a folder with claims_*.jsonl and corpus.jsonl, or both as .csv", fits, load)
