"""The WiCE shape: JSONL, a claim of Wikipedia with the sentences of the page it cites a line.

Rows: ``{"claim", "evidence": [sentence], "label", "supporting_sentences": [[number]], "meta": {"id"}}``. Both
``partially_supported`` and ``not_supported`` are unsupported: a sentence of which a part is not in its source may not
stand. ``supporting_sentences`` are alternatives, the smallest first; the rationale is the first of them.

Source: Kamoi et al. 2023, "WiCE: Real-World Entailment for Claims in Wikipedia"; annotations ODC-BY, texts CC BY-SA.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from evals.datasets.evidence import check_numbers, claim_case, numbered
from evals.datasets.rows import Filled, Row, Unique, first_keys, json_rows, label_of
from evals.datasets.shapes import Shape, is_json
from evals.records import Case, Document
from evals.suite import Loaded
from research.records import Record, counted

PARTIAL = "partially_supported"
LABELS = {"supported": "supported", PARTIAL: "unsupported", "not_supported": "unsupported"}


class _Meta(Record):
    id: Filled


class _Claim(Record):
    claim: Filled
    label: str
    evidence: Annotated[list[str], msgspec.Meta(min_length=1)]
    supporting_sentences: Annotated[list[list[int]], msgspec.Meta(min_length=1)]
    meta: _Meta


def fits(path: Path) -> bool:
    """Tell whether the first row of a file is a claim with supporting sentences."""
    return is_json(path) and first_keys(path) >= {"claim", "evidence", "supporting_sentences"}


def load(path: Path) -> Loaded:
    """Load a file."""
    unique, cases = Unique("meta.id"), []
    corpora: dict[str, tuple[Document, ...]] = {}
    for row in json_rows(path, _Claim):
        unique.add(row.value.meta.id, row)
        cases.append(_case(row))
        corpora[row.value.meta.id] = numbered(row.value.evidence)
    partial = sum(case.group == PARTIAL for case in cases)
    several = "the rationale is the first of a claim's alternative sets of supporting sentences"
    notes = (f"{counted(partial, 'partially supported claim')} counted as unsupported", several)
    return Loaded(tuple(cases), corpora, notes)


def _case(row: Row[_Claim]) -> Case:
    claim = row.value
    for numbers in claim.supporting_sentences:
        check_numbers(row, "supporting_sentences", numbers, claim.evidence)
    label = label_of(row, "label", claim.label, LABELS)
    rationale = claim.supporting_sentences[0]
    if claim.label != "not_supported" and not rationale:
        raise row.fault(f'"supporting_sentences" is empty, but the label is {claim.label}')
    return claim_case(claim.meta.id, claim.claim, label, group=claim.label, rationale=rationale)


SHAPE = Shape("WiCE", "JSONL rows with claim, evidence, supporting_sentences, label", fits, load)
