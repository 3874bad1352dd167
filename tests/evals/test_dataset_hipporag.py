"""The loader of HippoRAG's pairs of questions and corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hop_files import HOTPOT, MUSIQUE, SHAPES, gold_titles, refusal, saved

from evals.datasets import hotpotqa
from evals.datasets.shapes import load


def corpus_of(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The passages of questions as HippoRAG's corpus, and one more."""
    pairs = [(p["title"], p["paragraph_text"]) for row in rows for p in row.get("paragraphs", [])]
    pairs += [(t, hotpotqa.joined(s)) for row in rows for t, s in row.get("context", [])]
    return [{"title": "More", "text": "Nobody asked."}, *({"title": t, "text": x} for t, x in dict.fromkeys(pairs))]


def test_hipporag_reads_the_corpus_of_musique_questions(tmp_path: Path) -> None:
    """The corpus is that of the file, also what no question brought; gold passages are found in it."""
    questions = saved(tmp_path, MUSIQUE, name="musique.json")
    saved(tmp_path, corpus_of(MUSIQUE), name="musique_corpus.json")
    loaded = load(tmp_path, SHAPES)
    assert len(loaded.corpora["passages"]) == 6
    assert gold_titles(loaded)[1] == {("Edda", "Born in Skerrow."), ("Lamp", "Lit by Oda.")}
    assert [case.group for case in loaded.cases] == ["2hop", "3hop1"]
    assert load(questions, SHAPES).digest() == loaded.digest()


@pytest.mark.parametrize("first_release", [False, True])
def test_hipporag_reads_the_corpus_of_hotpotqa_questions(tmp_path: Path, first_release: bool) -> None:
    """Both releases of the corpus are read, and a gold passage is found though its white space differs."""
    saved(tmp_path, HOTPOT, name="hotpotqa.json")
    rows = [{"title": t, "text": "".join(s)} for row in HOTPOT for t, s in row["context"]]
    titled = {t: s for row in HOTPOT for t, s in row["context"]}
    saved(tmp_path, titled if first_release else rows, name="hotpotqa_corpus.json")
    loaded = load(tmp_path, SHAPES)
    assert [d.title for d in loaded.corpora["passages"]] == ["Korrin", "Lake", "Sarrow"]
    assert [{title for title, _ in gold} for gold in gold_titles(loaded)] == [{"Korrin", "Sarrow"}, {"Lake"}]
    assert bool(loaded.notes) is not first_release


def test_hipporag_questions_without_ids_are_numbered(tmp_path: Path) -> None:
    """HippoRAG's small sample has no ids."""
    saved(tmp_path, [{k: v for k, v in row.items() if k != "id"} for row in MUSIQUE], name="sample.json")
    saved(tmp_path, corpus_of(MUSIQUE), name="sample_corpus.json")
    assert [(case.id, case.group) for case in load(tmp_path, SHAPES).cases] == [("q0", "2hop"), ("q1", "2hop")]


def test_a_gold_passage_that_the_corpus_lacks_is_refused(tmp_path: Path) -> None:
    """A missing gold passage is named with its question; one of two passages of its title is not taken for it."""
    saved(tmp_path, MUSIQUE, name="musique.json")
    lacking = [row for row in corpus_of(MUSIQUE) if row["text"] != "Lit by Oda."]
    saved(tmp_path, lacking, name="musique_corpus.json")
    assert "item 2: the gold passage 'Lamp' is not in the corpus" in refusal(tmp_path)
    other = [{**row, "text": row["text"].replace("Born", "She was born")} for row in corpus_of(MUSIQUE)]
    saved(tmp_path, other, name="musique_corpus.json")
    assert "item 1: the gold passage 'Edda' is not in the corpus" in refusal(tmp_path)


def test_several_pairs_are_not_guessed_between(tmp_path: Path) -> None:
    """A folder with two pairs asks for one of its files."""
    for name in ("a", "b"):
        saved(tmp_path, MUSIQUE, name=f"{name}.json")
        saved(tmp_path, corpus_of(MUSIQUE), name=f"{name}_corpus.json")
    assert "holds a.json, b.json; give --data one of these files" in refusal(tmp_path)
