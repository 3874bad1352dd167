"""What the tests of claims share: writing rows, reading labels and rationales off what was loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.datasets import attributionbench, scifact, wice
from evals.datasets.shapes import load
from evals.suite import Loaded
from research.errors import UsageFault

SHAPES = (attributionbench.SHAPE, wice.SHAPE, scifact.SHAPE)


def saved(path: Path, rows: list[dict[str, Any]], name: str = "dev.jsonl") -> Path:
    """Rows written as JSONL."""
    (path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path / name


def refusal(path: Path) -> str:
    """What is said when data is refused."""
    with pytest.raises(UsageFault) as caught:
        load(path, SHAPES)
    return str(caught.value)


def labels(loaded: Loaded) -> dict[str, tuple[str, str]]:
    """Label and group by case."""
    return {case.id: (case.gold.label, case.group) for case in loaded.cases}


def rationales(loaded: Loaded) -> dict[str, list[str]]:
    """The texts of each case's rationale, looked up in the case's own corpus."""
    texts = {id: {d.id: d.text for d in documents} for id, documents in loaded.corpora.items()}
    return {case.id: [texts[case.id][id] for id in case.gold.rationale] for case in loaded.cases}


def overlap(loaded: Loaded, shift: int) -> float:
    """The mean share of a claim's long words that stand in its marked sentences, each moved by ``shift`` places."""
    shares = []
    for case in loaded.cases:
        texts = [document.text for document in loaded.corpora[case.id]]
        moved = [texts[place] for id in case.gold.rationale if 0 <= (place := int(id) + shift) < len(texts)]
        words = {word for word in case.question.text.lower().split() if len(word) > 5}
        if words and moved:
            shares.append(len(words & set(" ".join(moved).lower().split())) / len(words))
    return sum(shares) / len(shares)
