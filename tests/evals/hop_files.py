"""What the tests of multi-hop data share: rows of MuSiQue and HotpotQA, writing them, and reading gold passages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.datasets import beir, hipporag, hotpotqa, musique, nq
from evals.datasets.shapes import load
from evals.suite import Loaded
from research.errors import UsageFault

SHAPES = (beir.shape("refuse"), hipporag.SHAPE, musique.SHAPE, hotpotqa.SHAPE, nq.SHAPE)


def paragraph(idx: int, title: str, text: str, supporting: bool) -> dict[str, Any]:
    """A paragraph as MuSiQue has it."""
    return {"idx": idx, "title": title, "paragraph_text": text, "is_supporting": supporting}


MUSIQUE: list[dict[str, Any]] = [
    {
        "id": "2hop__1_2",
        "question": "Where was the designer born?",
        "answer": "Skerrow",
        "answer_aliases": ["the village of Skerrow", "Skerrow"],
        "answerable": True,
        "paragraphs": [
            paragraph(0, "Castry", "A town.", False),
            paragraph(1, "Bridge", "Designed by Edda.", True),
            paragraph(2, "Edda", "Born in Skerrow.", True),
        ],
        "question_decomposition": [
            {"id": 1, "question": "a", "answer": "Edda", "paragraph_support_idx": 1},
            {"id": 2, "question": "b", "answer": "Skerrow", "paragraph_support_idx": 2},
        ],
    },
    {
        "id": "3hop1__1_2_3",
        "question": "Who lit it?",
        "answer": "Oda",
        "answer_aliases": [],
        "answerable": True,
        "paragraphs": [
            paragraph(0, "Edda", "Born in Skerrow.", True),
            paragraph(1, "Edda", "Another Edda.", False),
            paragraph(2, "Lamp", "Lit by Oda.", True),
        ],
    },
]
HOTPOT: list[dict[str, Any]] = [
    {
        "_id": "5a",
        "question": "Are both mountains?",
        "answer": "yes",
        "type": "comparison",
        "context": [
            ["Korrin", ["Korrin is a mountain.", " It is high."]],
            ["Lake", ["A lake.", "It is deep.", ""]],
            ["Sarrow", ["Sarrow is a mountain."]],
        ],
        "supporting_facts": [["Korrin", 0], ["Sarrow", 7]],
    },
    {
        "_id": "5b",
        "question": "How deep is it?",
        "answer": "187 metres",
        "type": "bridge",
        "context": [["Lake", ["A lake.", "It is deep.", ""]]],
        "supporting_facts": [["Lake", 1]],
    },
]


def saved(path: Path, rows: object, *, name: str = "rows.jsonl") -> Path:
    """Rows written as JSONL, or as JSON when the name says so."""
    lines = [json.dumps(row) + "\n" for row in rows] if isinstance(rows, list) else []
    text = json.dumps(rows, indent=1) if name.endswith(".json") else "".join(lines)
    (path / name).write_text(text, encoding="utf-8")
    return path / name


def refusal(path: Path) -> str:
    """What is said when data is refused."""
    with pytest.raises(UsageFault) as caught:
        load(path, SHAPES)
    return str(caught.value)


def gold_titles(loaded: Loaded) -> list[set[tuple[str, str]]]:
    """Title and text of the gold passages of each case."""
    documents = {d.id: (d.title, d.text) for d in loaded.corpora["passages"]}
    return [{documents[id] for id in case.gold.grades} for case in loaded.cases]
