"""The loaders of questions that bring their passages: MuSiQue, HotpotQA and 2Wiki, NQ; and what fits no shape."""

from __future__ import annotations

import copy
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hop_files import HOTPOT, MUSIQUE, SHAPES, gold_titles, paragraph, refusal, saved
from hypothesis import given
from hypothesis import strategies as st

from evals.datasets import hotpotqa, musique
from evals.datasets.pooled import Pool
from evals.datasets.shapes import load
from research.errors import UsageFault


def test_musique_pools_paragraphs_and_keeps_what_is_gold(tmp_path: Path) -> None:
    """The same paragraph of two questions is one document and gold for both; the same title with other text is not."""
    loaded = load(saved(tmp_path, MUSIQUE), SHAPES)
    assert [(d.title, d.text) for d in loaded.corpora["passages"]] == [
        ("Castry", "A town."),
        ("Bridge", "Designed by Edda."),
        ("Edda", "Born in Skerrow."),
        ("Edda", "Another Edda."),
        ("Lamp", "Lit by Oda."),
    ]
    assert gold_titles(loaded) == [
        {("Bridge", "Designed by Edda."), ("Edda", "Born in Skerrow.")},
        {("Edda", "Born in Skerrow."), ("Lamp", "Lit by Oda.")},
    ]
    assert loaded.notes == ("6 passages of 2 questions pooled; 5 of them are different",)


def test_musique_aliases_are_wordings_and_hops_the_group(tmp_path: Path) -> None:
    """An answer and its aliases are one part, each wording once; the group is the number of hops in the id."""
    first, second = load(saved(tmp_path, MUSIQUE), SHAPES).cases
    assert first.gold.answers == (("Skerrow", "the village of Skerrow"),)
    assert (first.group, second.group) == ("2hop", "3hop1")
    assert (first.id, first.question.corpora) == ("2hop__1_2", ("passages",))


def test_unanswerable_musique_questions_are_left_out_and_counted(tmp_path: Path) -> None:
    """MuSiQue-Full's contrast questions, which share their ids, are not asked."""
    contrast = {**MUSIQUE[0], "answerable": False, "question_decomposition": []}
    loaded = load(saved(tmp_path, [*MUSIQUE, contrast]), SHAPES)
    assert len(loaded.cases) == 2
    assert "1 question marked as not answerable left out" in loaded.notes
    assert "no answerable question" in refusal(saved(tmp_path, [contrast], name="none.jsonl"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"question": ""}, '"question" is empty'),
        ({"answer": None}, '"answer" should be'),
        ({"answer": []}, '"answer" is empty'),
        ({"id": None}, '"id" is missing'),
        ({"id": "2hop__1_2"}, '"id" 2hop__1_2 is taken already'),
        ({"paragraphs": []}, '"paragraphs" is empty'),
        ({"paragraphs": [{"title": "x", "paragraph_text": "y"}]}, '"paragraphs[0].is_supporting" is missing'),
        ({"paragraphs": [{"title": "x", "is_supporting": True}]}, "paragraph_text"),
        ({"paragraphs": [paragraph(0, "x", "y", False)]}, "none of the passages is a gold passage"),
        ({"question_decomposition": [{"paragraph_support_idx": 1}]}, '"paragraph_support_idx" is 1'),
        ({"question_decomposition": [{"paragraph_support_idx": 9}]}, '"paragraph_support_idx" is 9'),
        ({"answer_aliases": "Oda"}, '"answer_aliases" should be array, not str'),
    ],
)
def test_a_malformed_musique_row_is_named(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    """The bad row is named with its line, also where it contradicts itself."""
    said = refusal(saved(tmp_path, [MUSIQUE[0], {**MUSIQUE[1], **change}]))
    assert "rows.jsonl, line 2: " in said and says in said


def test_hotpotqa_joins_sentences_and_finds_gold_by_title(tmp_path: Path) -> None:
    """Sentences are joined with one space, whether or not they bring it; pages of supporting facts are gold."""
    loaded = load(saved(tmp_path, HOTPOT, name="dev.json"), SHAPES)
    assert [(d.title, d.text) for d in loaded.corpora["passages"]] == [
        ("Korrin", "Korrin is a mountain. It is high."),
        ("Lake", "A lake. It is deep."),
        ("Sarrow", "Sarrow is a mountain."),
    ]
    assert [{title for title, _ in gold} for gold in gold_titles(loaded)] == [{"Korrin", "Sarrow"}, {"Lake"}]
    assert [(case.id, case.group) for case in loaded.cases] == [("5a", "comparison"), ("5b", "bridge")]
    assert loaded.cases[0].gold.answers == (("yes",),)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"_id": "5a"}, '"id" 5a is taken already'),
        ({"answer": " "}, '"answer" is empty'),
        ({"supporting_facts": []}, '"supporting_facts" is empty'),
        ({"supporting_facts": [["Castry", 0]]}, "'Castry' is not in the context"),
        ({"supporting_facts": [["Lake", "0"]]}, '"supporting_facts[0][1]" should be int, not str'),
        ({"context": [["Lake", "A lake."]]}, '"context[0][1]" should be array, not str'),
        ({"context": [["Lake"]]}, '"context[0]"'),
    ],
)
def test_a_malformed_hotpotqa_row_is_named(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    """An item of the array is named with its line and number."""
    said = refusal(saved(tmp_path, [HOTPOT[0], {**HOTPOT[1], **change}], name="dev.json"))
    assert "dev.json, line" in said and "item 2: " in said and says in said


def test_nq_reads_gzipped_questions_with_their_gold_passage(tmp_path: Path) -> None:
    """Only passages marked as gold are gold, and all answers are wordings of one part."""
    row = {"question": "who", "answers": ["Oda", "Oda Lind"], "ctxs": []}
    row["ctxs"] = [{"title": "a", "text": "x", "isgold": False}, {"title": "b", "text": "y", "isgold": True}]
    (tmp_path / "nq.jsonl.gz").write_bytes(gzip.compress(json.dumps(row).encode()))
    loaded = load(tmp_path, SHAPES)
    assert gold_titles(loaded) == [{("b", "y")}] and loaded.cases[0].gold.answers == (("Oda", "Oda Lind"),)


def test_what_has_no_known_shape_is_told_the_known_ones(tmp_path: Path) -> None:
    """The refusal lists the shapes, for a folder, a file and a path that is not there."""
    (tmp_path / "notes.txt").write_text("hello")
    for path in (tmp_path, tmp_path / "notes.txt", saved(tmp_path, [{"a": 1}])):
        said = refusal(path)
        assert all(shape.name in said for shape in SHAPES) and "corpus.jsonl" in said
    assert "does not exist" in refusal(tmp_path / "nowhere")
    saved(tmp_path, MUSIQUE, name="one.jsonl")
    assert "none of the shapes" in refusal(tmp_path)


def test_a_broken_first_row_is_named_and_not_called_unknown(tmp_path: Path) -> None:
    """When the first line is no JSON, that is what is said."""
    (tmp_path / "rows.jsonl").write_text('{"question": "x", \n')
    assert "rows.jsonl, line 1: the JSON is malformed" in refusal(tmp_path)


TEXTS = st.tuples(st.text("ab ", max_size=3), st.text("ab ", max_size=3))


@given(st.lists(TEXTS, max_size=12))
def test_a_pool_has_each_passage_once_under_one_id(passages: list[tuple[str, str]]) -> None:
    """Equal passages get equal ids, different ones different ids, and the document of an id is the passage."""
    pool = Pool()
    ids = [pool.add(title, text) for title, text in passages]
    documents = {document.id: (document.title, document.text) for document in pool.documents()}
    assert [documents[id] for id in ids] == passages
    assert len(documents) == len(set(passages)) == len(set(ids))


@given(st.lists(st.text("ab. ", max_size=6), max_size=5))
def test_joined_sentences_lose_no_letter(sentences: list[str]) -> None:
    """Joining adds at most white space between sentences, and takes none from within."""
    text = hotpotqa.joined(sentences)
    assert "".join(text.split()) == "".join("".join(sentences).split())
    assert all(sentence.strip() in text for sentence in sentences)


VALUES = st.sampled_from([None, 0, "", "x", [], {}, [["Lake"]], ["x"], True])


@given(st.sampled_from(sorted(MUSIQUE[0])), st.sampled_from(sorted(HOTPOT[0])), VALUES)
def test_a_field_of_any_type_loads_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, one: str, other: str, value: object
) -> None:
    """Whatever stands in a field, the loader gives cases with gold or a UsageFault."""
    folder = tmp_path_factory.mktemp("any")
    for rows, field, loader in ((MUSIQUE, one, musique.load), (HOTPOT, other, hotpotqa.load)):
        changed = copy.deepcopy(rows)
        changed[1][field] = value
        try:
            loaded = loader(saved(folder, changed))
        except UsageFault as fault:
            assert "rows.jsonl" in str(fault)
        else:
            assert all(case.gold.grades and case.gold.answers for case in loaded.cases)


def test_the_real_musique_file_loads_whole(shared_data: Path) -> None:
    """200 questions of two hops, 3,986 paragraphs, 3,012 of them different."""
    loaded = load(shared_data / "multihop/musique-train200", SHAPES)
    assert Counter(case.group for case in loaded.cases) == {"2hop": 200}
    assert len(loaded.corpora["passages"]) == 3012
    assert {len(case.gold.grades) for case in loaded.cases} == {2}
    assert loaded.notes == ("3,986 passages of 200 questions pooled; 3,012 of them are different",)


def test_the_real_nq_file_loads_whole(shared_data: Path) -> None:
    """2,655 questions, each with its gold passage."""
    loaded = load(shared_data / "multihop/nq-oracle", SHAPES)
    assert len(loaded.cases) == 2655
    assert {len(case.gold.grades) for case in loaded.cases} == {1}
