"""The loader of SciFact, in both of its forms."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from claim_files import SHAPES, labels, overlap, rationales, refusal, saved
from hypothesis import example, given
from hypothesis import strategies as st

from evals.datasets.shapes import load

ABSTRACTS: list[dict[str, Any]] = [
    {"doc_id": 7, "title": "Mites", "abstract": ["We counted mites.", "Mites don't kill.", 'A "third" one.']},
    {"doc_id": 8, "title": "Bees", "abstract": ["We counted bees.", "They swarm."]},
]
CHECKED: list[dict[str, Any]] = [
    {"id": 1, "claim": "Bees swarm.", "evidence": {}, "cited_doc_ids": [7]},
    {
        "id": 2,
        "claim": "Mites kill.",
        "evidence": {"7": [{"sentences": [2, 1], "label": "CONTRADICT"}, {"sentences": [0], "label": "CONTRADICT"}]},
        "cited_doc_ids": [7, 8],
    },
    {
        "id": 3,
        "claim": "They swarm.",
        "evidence": {"8": [{"sentences": [1], "label": "SUPPORT"}]},
        "cited_doc_ids": [8],
    },
]
CLAIMS_CSV = """id,claim,evidence_doc_id,evidence_label,evidence_sentences,cited_doc_ids
1,Bees swarm.,,,[],[7]
2,Mites kill.,7,CONTRADICT,[2 1],[7 8]
2,Mites kill.,7,CONTRADICT,[0],[7 8]
3,They swarm.,8,SUPPORT,[1],[ 8]
"""
CORPUS_CSV = """doc_id,title,abstract,structured
7,Mites,"['We counted mites.'
 ""Mites don't kill."" 'A ""third"" one.']",False
8,Bees,"['We counted bees.' 'They swarm.']",False
"""


def scifact_json(path: Path, claims: list[dict[str, Any]] = CHECKED, corpus: list[dict[str, Any]] = ABSTRACTS) -> Path:
    """A folder of SciFact as its authors ship it."""
    saved(path, claims, "claims_dev.jsonl")
    saved(path, corpus, "corpus.jsonl")
    return path


def scifact_csv(path: Path, claims: str = CLAIMS_CSV, corpus: str = CORPUS_CSV) -> Path:
    """A folder of SciFact as CSV."""
    (path / "claims_train.csv").write_text(claims, encoding="utf-8")
    (path / "corpus.csv").write_text(corpus, encoding="utf-8")
    return path


EXPECTED = {
    "1-7": ("unsupported", "NOT_ENOUGH_INFO"),
    "2-7": ("unsupported", "CONTRADICT"),
    "2-8": ("unsupported", "NOT_ENOUGH_INFO"),
    "3-8": ("supported", "SUPPORT"),
}


def test_scifact_makes_a_case_of_each_cited_abstract(tmp_path: Path) -> None:
    """Supported, contradicted and undecided abstracts of a claim are told apart, and the note counts the last."""
    loaded = load(scifact_json(tmp_path), SHAPES)
    assert labels(loaded) == EXPECTED
    assert any(note.startswith("2 cases whose abstract neither") for note in loaded.notes)


def test_scifact_rationales_are_the_marked_sentences_with_their_title(tmp_path: Path) -> None:
    """All marked sentences, in order, from the right abstract; each sentence knows the title of its abstract."""
    loaded = load(scifact_json(tmp_path), SHAPES)
    assert rationales(loaded) == {
        "1-7": [],
        "2-7": ["We counted mites.", "Mites don't kill.", 'A "third" one.'],
        "2-8": [],
        "3-8": ["They swarm."],
    }
    assert {d.title for d in loaded.corpora["2-7"]} == {"Mites"}


def test_both_forms_of_scifact_are_the_same_data(tmp_path: Path) -> None:
    """The CSV form, with several rows to a claim and lists as numpy prints them, loads to the same cases."""
    for name in ("json", "csv"):
        (tmp_path / name).mkdir()
    one, other = load(scifact_json(tmp_path / "json"), SHAPES), load(scifact_csv(tmp_path / "csv"), SHAPES)
    assert one.digest() == other.digest() and one.notes == other.notes


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"cited_doc_ids": [9], "evidence": {}}, "the document 9 is not in corpus.jsonl"),
        ({"cited_doc_ids": [7]}, "the evidence document 8 is not among the cited ones"),
        ({"cited_doc_ids": []}, '"cited_doc_ids" is empty'),
        ({"evidence": {"8": [{"sentences": [2], "label": "SUPPORT"}]}}, "names sentence 2, but the evidence has 2"),
        ({"evidence": {"8": [{"sentences": [], "label": "SUPPORT"}]}}, "names no sentences"),
        ({"evidence": {"8": [{"sentences": [1], "label": "REFUTES"}]}}, '"label" is "REFUTES"'),
        ({"evidence": {"8": []}}, "is empty"),
        (
            {"evidence": {"8": [{"sentences": [1], "label": s} for s in ("SUPPORT", "CONTRADICT")]}},
            "the document 8 is labelled CONTRADICT and SUPPORT for the claim 3",
        ),
        ({"id": 1}, '"id" 1 is taken already'),
        ({"claim": ""}, '"claim" is empty'),
    ],
)
def test_a_malformed_scifact_claim_is_named(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    """Gold that the corpus does not hold, or that contradicts itself, is named with its line."""
    said = refusal(scifact_json(tmp_path, [*CHECKED[:2], {**CHECKED[2], **change}]))
    assert "claims_dev.jsonl, line 3: " in said and says in said


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "3,They swarm.,8,SUPPORT,[1],[ 8]",
            "3,They swarm.,8,SUPPORT,1,[8]",
            'line 5: "evidence_sentences" is not a list',
        ),
        ("3,They swarm.,8,SUPPORT,[1],[ 8]", "3,They swarm.,8,SUPPORT,[-1],[8]", 'line 5: "evidence_sentences" is not'),
        ("3,They swarm.,8,SUPPORT,[1],[ 8]", "3,They swarm.,8,SUPPORT,[1],[]", "line 5: the evidence document 8"),
        (
            "3,They swarm.,8,SUPPORT,[1],[ 8]",
            "3,They swarm.,8,support,[1],[8]",
            'line 5: "evidence_label" is "support"',
        ),
        ("3,They swarm.,8,SUPPORT,[1],[ 8]", "3,They swarm.,,SUPPORT,[1],[8]", 'line 5: "evidence_doc_id" is empty'),
        ("2,Mites kill.,7,CONTRADICT,[0]", "2,Mites live.,7,CONTRADICT,[0]", "line 4: the claim 2 differs"),
        ("2,Mites kill.,7,CONTRADICT,[0]", "2,Mites kill.,7,SUPPORT,[0]", "line 4: the document 7 is labelled"),
        ("3,They swarm.,8", "1,They swarm.,8", 'line 5: "id" 1 is taken already'),
    ],
)
def test_a_malformed_scifact_cell_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    """The CSV form is as strict as the other."""
    assert old in CLAIMS_CSV
    assert f"claims_train.csv, {says}" in refusal(scifact_csv(tmp_path, CLAIMS_CSV.replace(old, new)))


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("no list", "line 2: \"abstract\" is not a list of strings such as ['One.' 'Two.']"),
        ("['open]", 'line 2: "abstract" is not a list'),
        ("['one' two]", 'line 2: "abstract" is not a list'),
        ("[]", 'line 2: "abstract" is empty'),
        (r"['\N{no such name}']", 'line 2: "abstract" has a string that cannot be read'),
        (r"['\ud800']", 'line 2: "abstract" has a string that cannot be read'),
    ],
)
def test_a_malformed_abstract_is_named(tmp_path: Path, cell: str, says: str) -> None:
    """What is no printed list of strings is refused, not cut up."""
    said = refusal(scifact_csv(tmp_path, corpus=f'doc_id,title,abstract\n7,Mites,"{cell}"\n'))
    assert f"corpus.csv, {says}" in said


def test_scifact_without_its_corpus_or_with_two_files_of_claims_is_refused(tmp_path: Path) -> None:
    """What is missing is named, and nothing is guessed."""
    (scifact_json(tmp_path) / "corpus.jsonl").unlink()
    assert "has no corpus.jsonl" in refusal(tmp_path)
    saved(scifact_json(tmp_path), CHECKED[:1], "claims_train.jsonl")
    assert "holds claims_dev.jsonl, claims_train.jsonl; give --data one of these files" in refusal(tmp_path)
    assert len(load(tmp_path / "claims_train.jsonl", SHAPES).cases) == 1


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=4))
@example(["it's", 'say "x"', "both ' and \"", "a\\", "\n", "] 'x' ["])
def test_lists_as_numpy_prints_them_come_back(tmp_path_factory: pytest.TempPathFactory, sentences: list[str]) -> None:
    """Whatever the sentences hold, as many come back as were printed, and the same ones."""
    printed = str(np.array(sentences, dtype=object)).replace('"', '""')
    folder = scifact_csv(
        tmp_path_factory.mktemp("csv"),
        "id,claim,evidence_doc_id,evidence_label,evidence_sentences,cited_doc_ids\n1,x,,,[],[7]\n",
        f'doc_id,title,abstract\n7,t,"{printed}"\n',
    )
    assert [d.text for d in load(folder, SHAPES).corpora["1-7"]] == sentences


def test_the_real_scifact_files_load_whole(shared_data: Path) -> None:
    """809 claims with 919 cited abstracts; the marked sentences share more words with their claim than others."""
    loaded = load(shared_data / "claims/scifact", SHAPES)
    assert Counter(case.group for case in loaded.cases) == {"SUPPORT": 370, "NOT_ENOUGH_INFO": 355, "CONTRADICT": 194}
    assert len({case.id.split("-")[0] for case in loaded.cases}) == 809
    assert labels(loaded)["2-13734012"] == ("unsupported", "CONTRADICT")
    assert next(case for case in loaded.cases if case.id == "12-33409100").gold.rationale == ("8", "12")
    assert overlap(loaded, 0) > 1.4 * max(overlap(loaded, 1), overlap(loaded, -1))
