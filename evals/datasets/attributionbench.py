"""The AttributionBench shape: JSONL, an answer's sentence with the passages it cites a line.

Rows: ``{"id", "claim", "references": [text], "attribution_label", "src_dataset"}``. ``attributable`` is supported,
``not attributable`` unsupported. The references of a claim are a corpus of their own, named by its id.

Source: Li et al. 2024, "AttributionBench: How Hard is Automatic Attribution Evaluation?" (OSU-NLP-Group). The data has
no licence file: for research, not to be passed on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from evals.datasets.evidence import claim_case, numbered
from evals.datasets.rows import Filled, Unique, first_keys, json_rows, label_of
from evals.datasets.shapes import Shape, is_json
from evals.records import Document
from evals.suite import Loaded
from research.records import Record

LABELS = {"attributable": "supported", "not attributable": "unsupported"}


class _Claim(Record):
    id: Filled
    claim: Filled
    references: Annotated[list[Filled], msgspec.Meta(min_length=1)]
    attribution_label: str
    src_dataset: Filled


def fits(path: Path) -> bool:
    """Tell whether the first row of a file is a claim with an attribution label."""
    return is_json(path) and first_keys(path) >= {"claim", "attribution_label"}


def load(path: Path) -> Loaded:
    """Load a file."""
    unique, cases = Unique("id"), []
    corpora: dict[str, tuple[Document, ...]] = {}
    for row in json_rows(path, _Claim):
        claim = row.value
        unique.add(claim.id, row)
        label = label_of(row, "attribution_label", claim.attribution_label, LABELS)
        cases.append(claim_case(claim.id, claim.claim, label, group=claim.src_dataset))
        corpora[claim.id] = numbered(claim.references)
    return Loaded(tuple(cases), corpora)


SHAPE = Shape("AttributionBench", "JSONL rows with claim, references, attribution_label", fits, load)
