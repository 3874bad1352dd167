"""The loaders of claims with evidence: AttributionBench and WiCE."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from claim_files import SHAPES, labels, overlap, rationales, refusal, saved

from evals.datasets.shapes import load

ATTRIBUTED: list[dict[str, Any]] = [
    {
        "id": "A_1",
        "claim": "Hesk is a town.",
        "references": ["Title: Hesk\n\nHesk is a town.", "More."],
        "attribution_label": "attributable",
        "src_dataset": "A",
    },
    {
        "id": "B_1",
        "claim": "Hesk is a port.",
        "references": ["Hesk is a town."],
        "attribution_label": "not attributable",
        "src_dataset": "B",
    },
]
WICE: list[dict[str, Any]] = [
    {
        "claim": "Hesk is a mining town in the east.",
        "label": "supported",
        "evidence": ["(meta data) TITLE: Hesk", "", "Hesk is a mining town.", "It lies in the east."],
        "supporting_sentences": [[2, 3], [0, 2, 3]],
        "meta": {"id": "w1"},
    },
    {
        "claim": "Hesk is an old town in the east.",
        "label": "partially_supported",
        "evidence": ["Hesk lies in the east."],
        "supporting_sentences": [[0]],
        "meta": {"id": "w2"},
    },
    {
        "claim": "Hesk is a port.",
        "label": "not_supported",
        "evidence": ["Hesk lies in the east."],
        "supporting_sentences": [[], [0]],
        "meta": {"id": "w3"},
    },
]


def test_attributable_is_supported_and_the_other_is_not(tmp_path: Path) -> None:
    """The labels are not swapped, and the group is the data set a claim comes from."""
    loaded = load(saved(tmp_path, ATTRIBUTED), SHAPES)
    assert labels(loaded) == {"A_1": ("supported", "A"), "B_1": ("unsupported", "B")}


def test_each_claim_has_a_corpus_of_its_own_references(tmp_path: Path) -> None:
    """The question is the claim, its one corpus is named by the case, and holds the references as they are."""
    loaded = load(saved(tmp_path, ATTRIBUTED), SHAPES)
    assert [(case.question.text, case.question.corpora) for case in loaded.cases] == [
        ("Hesk is a town.", ("A_1",)),
        ("Hesk is a port.", ("B_1",)),
    ]
    assert {id: [(d.id, d.text) for d in documents] for id, documents in loaded.corpora.items()} == {
        "A_1": [("0", "Title: Hesk\n\nHesk is a town."), ("1", "More.")],
        "B_1": [("0", "Hesk is a town.")],
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"attribution_label": "Attributable"}, '"attribution_label" is "Attributable"; the known labels are'),
        ({"claim": ""}, '"claim" is empty'),
        ({"references": []}, '"references" is empty'),
        ({"references": [" "]}, '"references[0]" is empty'),
        ({"references": "text"}, '"references" should be array, not str'),
        ({"id": "A_1"}, '"id" A_1 is taken already'),
        ({"src_dataset": None}, '"src_dataset" should be str, not null'),
    ],
)
def test_a_malformed_attributed_claim_is_named(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    """An unknown label is never taken for one of the known ones."""
    assert f"dev.jsonl, line 2: {says}" in refusal(saved(tmp_path, [ATTRIBUTED[0], {**ATTRIBUTED[1], **change}]))


def test_partial_support_is_no_support_and_is_noted(tmp_path: Path) -> None:
    """Only supported claims are supported; the note counts what was partially so."""
    loaded = load(saved(tmp_path, WICE), SHAPES)
    assert labels(loaded) == {
        "w1": ("supported", "supported"),
        "w2": ("unsupported", "partially_supported"),
        "w3": ("unsupported", "not_supported"),
    }
    assert "1 partially supported claim counted as unsupported" in loaded.notes


def test_rationale_sentences_are_the_ones_that_were_marked(tmp_path: Path) -> None:
    """Ids count from 0 and empty sentences keep theirs; of alternative sets the first is the rationale."""
    loaded = load(saved(tmp_path, WICE), SHAPES)
    assert rationales(loaded) == {
        "w1": ["Hesk is a mining town.", "It lies in the east."],
        "w2": ["Hesk lies in the east."],
        "w3": [],
    }
    assert [d.text for d in loaded.corpora["w1"]] == WICE[0]["evidence"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"label": "refuted"}, '"label" is "refuted"; the known labels are supported'),
        (
            {"supporting_sentences": [[0], [1]]},
            '"supporting_sentences" names sentence 1, but the evidence has 1 (from 0)',
        ),
        ({"supporting_sentences": [[-1]]}, '"supporting_sentences" names sentence -1'),
        ({"supporting_sentences": [0]}, '"supporting_sentences[0]" should be array, not int'),
        ({"supporting_sentences": []}, '"supporting_sentences" is empty'),
        ({"supporting_sentences": [[]]}, '"supporting_sentences" is empty, but the label is partially_supported'),
        ({"evidence": []}, '"evidence" is empty'),
        ({"meta": {}}, '"meta.id" is missing'),
        ({"meta": {"id": "w1"}}, '"meta.id" w1 is taken already'),
    ],
)
def test_a_malformed_wice_claim_is_named(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    """A sentence number outside of the evidence is an error, not an empty rationale."""
    assert f"dev.jsonl, line 2: {says}" in refusal(saved(tmp_path, [WICE[0], {**WICE[1], **change}]))


def test_the_real_attributionbench_file_loads_whole(shared_data: Path) -> None:
    """1,198 claims, as many attributable as not, of four data sets."""
    loaded = load(shared_data / "claims/attributionbench-dev", SHAPES)
    assert Counter(case.gold.label for case in loaded.cases) == {"supported": 599, "unsupported": 599}
    assert Counter(case.group for case in loaded.cases) == {
        "Stanford-GenSearch": 544,
        "ExpertQA": 470,
        "LFQA": 110,
        "AttributedQA": 74,
    }
    assert sum(len(documents) for documents in loaded.corpora.values()) == 1065 + 2 * 24 + 3 * 51 + 4 * 58


def test_the_real_wice_file_loads_whole(shared_data: Path) -> None:
    """349 claims; the marked sentences share more words with their claim than their neighbours do."""
    loaded = load(shared_data / "claims/wice-dev", SHAPES)
    assert Counter(case.group for case in loaded.cases) == {
        "partially_supported": 191,
        "supported": 115,
        "not_supported": 43,
    }
    assert overlap(loaded, 0) > 1.4 * max(overlap(loaded, 1), overlap(loaded, -1))
