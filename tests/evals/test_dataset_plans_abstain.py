"""The loaders of FanOutQA's decompositions and of CLAPnq's answerable and unanswerable questions."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evals.datasets import clapnq, fanoutqa
from evals.datasets.shapes import load
from evals.suite import Loaded
from research.errors import UsageFault

SHAPES = (fanoutqa.SHAPE, clapnq.SHAPE)


def part(id: str, page: str | None, *after: str, inner: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """A sub-question; its wording is its id with a question mark."""
    evidence = {"title": page} if page else None
    return {"id": id, "question": f"{id}?", "decomposition": inner, "depends_on": after, "evidence": evidence}


FLAT = {"id": "f", "question": "f?", "decomposition": [part("a", "A"), part("b", "B", "a"), part("c", "A", "a")]}
NESTED = {
    "id": "n",
    "question": "n?",
    "decomposition": [part("d", "D"), part("e", None, "d", inner=(part("g", "G"), part("h", "H", "g")))],
}


def fanout(path: Path, *rows: dict[str, Any]) -> Path:
    """Questions written as a JSON array."""
    (path / "dev.json").write_text(json.dumps(rows), encoding="utf-8")
    return path / "dev.json"


def refusal(path: Path) -> str:
    """What is said when data is refused."""
    with pytest.raises(UsageFault) as caught:
        load(path, SHAPES)
    return str(caught.value)


def test_parts_of_every_depth_and_pages_are_gold(tmp_path: Path) -> None:
    """A decomposed sub-question and its parts are all gold, in order; a page that answers two stands once."""
    flat, nested = load(fanout(tmp_path, FLAT, NESTED), SHAPES).cases
    assert (flat.gold.parts, flat.gold.pages) == (("a?", "b?", "c?"), ("A", "B"))
    assert (nested.gold.parts, nested.gold.pages) == (("d?", "e?", "g?", "h?"), ("D", "G", "H"))
    assert (flat.id, flat.question.text, flat.question.corpora) == ("f", "f?", ())


def test_cases_are_grouped_by_steps_one_after_another(tmp_path: Path) -> None:
    """What depends on nothing is one step; a chain and a nested chain add up."""
    single = {"id": "s", "question": "s?", "decomposition": [part("a", "A"), part("b", "B")]}
    loaded = load(fanout(tmp_path, single, FLAT, NESTED), SHAPES)
    assert [case.group for case in loaded.cases] == ["1 level", "2 levels", "3 levels"]


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ([], '"decomposition" is empty'),
        ([part("a", None)], 'the sub-question a has neither "evidence" nor "decomposition"'),
        ([part("a", " ")], '"decomposition[0].evidence.title" is empty'),
        ([part("a", "A", "z")], '"depends_on" of the sub-question a names z, which is not there'),
        ([part("a", "A"), part("a", "B")], "two sub-questions have the same"),
        ([part("a", "A", "b"), part("b", "B", "a")], "depends on itself"),
        ([part("a", None, inner=(part("b", "B", "a"),))], "depends on itself"),
        ([{"id": "a"}], '"decomposition[0].question" is missing'),
    ],
)
def test_a_malformed_decomposition_is_named(tmp_path: Path, parts: list[dict[str, Any]], says: str) -> None:
    """The question is named with its line and number in the array."""
    bad = {"id": "x", "question": "x?", "decomposition": parts}
    said = refusal(fanout(tmp_path, FLAT, bad))
    assert "dev.json, line 1, item 2: " in said and says in said


def test_a_question_twice_and_a_bottomless_one_are_refused(tmp_path: Path) -> None:
    """An id that is taken, and a chain that no stack can hold, are faults of the data."""
    assert '"id" f is taken already' in refusal(fanout(tmp_path, FLAT, FLAT))
    chain = [part("p0", "P"), *(part(f"p{n}", "P", f"p{n - 1}") for n in range(1, 3000))]
    said = refusal(fanout(tmp_path, {"id": "x", "question": "x?", "decomposition": chain[::-1]}))
    assert "nested or chained too deeply" in said


def test_the_real_fanoutqa_file_loads_whole(shared_data: Path) -> None:
    """155 questions; what the file holds at every depth is there."""
    loaded = load(shared_data / "plans/fanoutqa", SHAPES)
    assert Counter(case.group for case in loaded.cases) == {"2 levels": 138, "3 levels": 12, "1 level": 5}
    assert sum(len(case.gold.parts) for case in loaded.cases) == 1128 - 3
    assert all(case.gold.pages for case in loaded.cases)


def asked(id: str, answer: str, *passages: tuple[str, str]) -> dict[str, Any]:
    """A question of CLAPnq."""
    texts = [{"title": title, "text": text, "sentences": [text]} for title, text in passages]
    return {"id": id, "input": f"what is {id}", "passages": texts, "output": [{"answer": ""}, {"answer": answer}]}


YES = [asked("y1", "A town.", ("Hesk", "A town.")), asked("y2", "A port.", ("Brelle", "A port."))]
NO = [asked("n1", "", ("Hesk", "A town.")), asked("n2", "", ("Castry", "At the sea."))]


def clap(path: Path, yes: list[dict[str, Any]], no: list[dict[str, Any]]) -> Path:
    """A folder of CLAPnq."""
    for name, rows in (("answerable", yes), ("unanswerable", no)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (path / f"clapnq_dev_{name}.jsonl").write_text(text, encoding="utf-8")
    return path


def kinds(loaded: Loaded) -> dict[str, tuple[bool | None, list[str]]]:
    """Whether each case is answerable, and the titles of its gold passages."""
    titles = {d.id: d.title for d in loaded.corpora["passages"]}
    return {case.id: (case.gold.answerable, [titles[id] for id in case.gold.grades]) for case in loaded.cases}


def test_the_two_files_are_not_taken_for_one_another(tmp_path: Path) -> None:
    """Though the one name ends in the other, answerable is answerable; only those have gold passages."""
    loaded = load(clap(tmp_path, YES, NO), SHAPES)
    assert kinds(loaded) == {
        "y1": (True, ["Hesk"]),
        "y2": (True, ["Brelle"]),
        "n1": (False, []),
        "n2": (False, []),
    }
    assert [case.group for case in loaded.cases] == ["answerable"] * 2 + ["unanswerable"] * 2
    assert loaded.notes[0] == "2 answerable questions, 2 unanswerable"


def test_all_passages_are_one_corpus_and_each_stands_once(tmp_path: Path) -> None:
    """Every question is asked over the passages of all questions."""
    loaded = load(clap(tmp_path, YES, NO), SHAPES)
    assert [(d.title, d.text) for d in loaded.corpora["passages"]] == [
        ("Hesk", "A town."),
        ("Brelle", "A port."),
        ("Castry", "At the sea."),
    ]
    assert {case.question.corpora for case in loaded.cases} == {("passages",)}


@pytest.mark.parametrize(
    ("yes", "no", "says"),
    [
        (NO, YES, "clapnq_dev_answerable.jsonl, line 1: no output has an answer"),
        (YES, [*NO, asked("x", "A.", ("t", "x"))], "clapnq_dev_unanswerable.jsonl, line 3: an output has an answer"),
        (YES, [NO[0], asked("y1", "", ("t", "x"))], 'line 2: "id" y1 is taken already'),
        (YES, [asked("x", "")], 'unanswerable.jsonl, line 1: "passages" is empty'),
        ([asked("x", "A.", ("t", ""))], NO, 'answerable.jsonl, line 1: "passages[0].text" is empty'),
        ([{**YES[0], "input": ""}], NO, 'answerable.jsonl, line 1: "input" is empty'),
        (YES, [], "clapnq_dev_unanswerable.jsonl holds no rows"),
    ],
)
def test_a_malformed_or_misplaced_question_is_named(
    tmp_path: Path, yes: list[dict[str, Any]], no: list[dict[str, Any]], says: str
) -> None:
    """A question in the wrong file is refused, so that no label can be inverted unseen."""
    assert says in refusal(clap(tmp_path, yes, no))


def test_a_missing_half_is_asked_for(tmp_path: Path) -> None:
    """With one of the files alone, the other is named."""
    (clap(tmp_path, YES, NO) / "clapnq_dev_unanswerable.jsonl").unlink()
    assert "should have one file *unanswerable.jsonl, but has none" in refusal(tmp_path)


def test_the_real_clapnq_files_load_whole(shared_data: Path) -> None:
    """300 questions of either kind over 597 passages."""
    loaded = load(shared_data / "claims/clapnq-dev", SHAPES)
    assert Counter(case.gold.answerable for case in loaded.cases) == {True: 300, False: 300}
    assert len(loaded.corpora["passages"]) == 597
    assert all(bool(case.gold.grades) is case.gold.answerable for case in loaded.cases)
