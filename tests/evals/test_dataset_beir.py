"""The BEIR loader: what it keeps, what it refuses, and the real sets."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.datasets import beir
from evals.records import Case
from evals.suite import Loaded
from research.errors import UsageFault

CORPUS = [
    {"_id": "d1", "title": "Hesk", "text": "Hesk is a mining town."},
    {"_id": "d2", "title": "Castry", "text": "Castry lies at the mouth of the Ilvane."},
    {"_id": "d3", "title": "", "text": ""},
]
QUERIES: list[dict[str, Any]] = [
    {"_id": "q1", "text": "Where is Castry?", "metadata": {"answer": ["mouth of the Ilvane"], "type": "bridge"}},
    {"_id": "q2", "text": "What is Hesk?", "metadata": {"answer": "a mining town", "wrong": ["a port"]}},
    {"_id": "q3", "text": "Is it?"},
]
QRELS = "query-id\tcorpus-id\tscore\nq1\td2\t2\nq1\td1\t1\nq1\td3\t0\nq2\td1\t1\nq3\td3\t0\n"


def lines(rows: list[dict[str, Any]]) -> str:
    """Rows as JSONL."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def folder(path: Path, *, corpus: str = "", queries: str = "", qrels: str = "", name: str = "qrels.tsv") -> Path:
    """A BEIR folder, of the good rows where nothing else is given."""
    (path / name).parent.mkdir(exist_ok=True)
    (path / "corpus.jsonl").write_text(corpus or lines(CORPUS), encoding="utf-8")
    (path / "queries.jsonl").write_text(queries or lines(QUERIES), encoding="utf-8")
    (path / name).write_text(qrels or QRELS, encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    """What is said when a folder is refused."""
    with pytest.raises(UsageFault) as caught:
        beir.load(path, "leave out")
    return str(caught.value)


def by_id(loaded: Loaded) -> dict[str, Case]:
    """The cases by id."""
    return {case.id: case for case in loaded.cases}


def test_documents_keep_title_text_and_order(tmp_path: Path) -> None:
    """Nothing of a document is lost, and one without text stays."""
    loaded = beir.load(folder(tmp_path), "leave out")
    documents = loaded.corpora["passages"]
    assert [(d.id, d.title, d.text) for d in documents] == [(r["_id"], r["title"], r["text"]) for r in CORPUS]
    assert "1 document of the corpus without text" in loaded.notes


def test_scores_become_grades_and_those_of_0_do_not(tmp_path: Path) -> None:
    """A grade is the score that was given; a document that was judged not relevant is not gold."""
    cases = by_id(beir.load(folder(tmp_path), "leave out"))
    assert cases["q1"].gold.grades == {"d2": 2, "d1": 1}
    assert cases["q2"].gold.grades == {"d1": 1}


def test_answers_wrong_wordings_and_types_are_read(tmp_path: Path) -> None:
    """The metadata's answer, as a string or a list, is one part with its wordings; its type is the group."""
    cases = by_id(beir.load(folder(tmp_path), "leave out"))
    assert (cases["q1"].gold.answers, cases["q1"].group) == ((("mouth of the Ilvane",),), "bridge")
    assert (cases["q2"].gold.answers, cases["q2"].gold.wrong) == ((("a mining town",),), ("a port",))
    assert cases["q1"].question.text == "Where is Castry?" and cases["q1"].question.corpora == ("passages",)


def test_unjudged_queries_are_left_out_and_counted_or_refused(tmp_path: Path) -> None:
    """Retrieval leaves a query without relevant documents out and says so; multi-hop names it and stops."""
    loaded = beir.load(folder(tmp_path), "leave out")
    assert [case.id for case in loaded.cases] == ["q1", "q2"]
    assert "1 query without a relevant document left out, as BEIR does it" in loaded.notes
    with pytest.raises(UsageFault, match=r"queries.jsonl, line 3: q3 has no relevant document"):
        beir.load(tmp_path, "refuse")


@pytest.mark.parametrize("name", ["qrels.tsv", "qrels/test.tsv", "qrels/dev.tsv"])
def test_judgements_are_found_where_beir_ships_them(tmp_path: Path, name: str) -> None:
    """qrels.tsv or a file of qrels/, and the notes say which was read."""
    loaded = beir.load(folder(tmp_path, name=name), "leave out")
    assert len(loaded.cases) == 2 and f"judgements from {name}" in loaded.notes


def test_gzipped_files_are_read(tmp_path: Path) -> None:
    """Each of the files may be gzipped."""
    folder(tmp_path)
    for name in ("corpus.jsonl", "queries.jsonl", "qrels.tsv"):
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress((tmp_path / name).read_bytes()))
        (tmp_path / name).unlink()
    assert beir.fits(tmp_path) and len(beir.load(tmp_path, "leave out").cases) == 2


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels.tsv"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    """A folder with two of the three files is a BEIR folder, and the third is asked for."""
    (folder(tmp_path) / name).unlink()
    assert beir.fits(tmp_path)
    assert f"has no {name}" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"_id": "d9", "text": "x"}, '"title" is missing'),
        ({"_id": "d9", "title": "x"}, '"text" is missing'),
        ({"_id": "", "title": "x", "text": "x"}, '"_id" is empty'),
        ({"_id": 9, "title": "x", "text": "x"}, '"_id" should be str, not int'),
        ({"_id": "d9", "title": None, "text": "x"}, '"title" should be str, not null'),
        ({"_id": "d1", "title": "x", "text": "x"}, '"_id" d1 is taken already'),
    ],
)
def test_a_malformed_document_is_named(tmp_path: Path, row: dict[str, Any], says: str) -> None:
    """The corpus's bad row is named with its line."""
    assert f"corpus.jsonl, line 4: {says}" in refusal(folder(tmp_path, corpus=lines([*CORPUS, row])))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"_id": "q9"}, '"text" is missing'),
        ({"_id": "q9", "text": ""}, '"text" is empty'),
        ({"_id": "q1", "text": "x"}, '"_id" q1 is taken already'),
        ({"_id": "q9", "text": "x", "metadata": {"answer": [""]}}, '"metadata.answer[0]" is empty'),
        ({"_id": "q9", "text": "x", "metadata": {"answer": 3}}, '"metadata.answer" should be'),
        ({"_id": "q9", "text": "x", "metadata": []}, '"metadata" should be'),
    ],
)
def test_a_malformed_query_is_named(tmp_path: Path, row: dict[str, Any], says: str) -> None:
    """The queries' bad row is named with its line."""
    assert f"queries.jsonl, line 4: {says}" in refusal(folder(tmp_path, queries=lines([*QUERIES, row])))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("q2\td9\t1", "the document d9 is not in corpus.jsonl"),
        ("q9\td1\t1", "the query q9 is not in queries.jsonl"),
        ("q2\td2\t1.5", '"score" is "1.5", not an integer'),
        ("q2\td2\t-1", '"score" is -1; scores start at 0'),
        ("q2\td2", "2 cells, but the header has 3"),
        ("q1\td2\t1", "d2 is judged twice for q1"),
    ],
)
def test_a_malformed_judgement_is_named(tmp_path: Path, row: str, says: str) -> None:
    """A gold id that is not there, a score that is no grade: named with its line before anything is run."""
    assert f"qrels.tsv, line 7: {says}" in refusal(folder(tmp_path, qrels=QRELS + row + "\n"))


def test_judgements_of_0_alone_leave_nothing_to_measure(tmp_path: Path) -> None:
    """A set in which nothing is relevant is refused, not scored as perfect or as nothing."""
    assert "nothing to measure" in refusal(folder(tmp_path, qrels="query-id\tcorpus-id\tscore\nq1\td1\t0\n"))


@given(data=st.dictionaries(st.text("dq1", min_size=1, max_size=2), st.integers(-1, 3), max_size=6))
def test_judgements_are_kept_as_given_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, int]
) -> None:
    """Any judgements of q1 come out as they went in, less the zeros; or there is a reason that names the file."""
    path = folder(
        tmp_path_factory.mktemp("beir"),
        qrels="query-id\tcorpus-id\tscore\n" + "".join(f"q1\t{id}\t{score}\n" for id, score in data.items()),
    )
    try:
        loaded = beir.load(path, "leave out")
    except UsageFault as fault:
        assert "qrels.tsv" in str(fault)
    else:
        assert loaded.cases[0].gold.grades == {id: score for id, score in data.items() if score}
        assert set(data) <= {"d1", "d2", "d3"} and min(data.values()) >= 0


@pytest.mark.parametrize(
    ("name", "cases", "documents", "judged"),
    [
        ("multihop/hotpotqa-train100", 100, 994, 200),
        ("multihop/hotpotqa-train500", 500, 4968, 1000),
        ("multihop/musique-train100", 100, 1890, 237),
        ("retrieval/cranfield", 225, 1400, 1612),
        ("retrieval/scifact-train", 809, 5183, 919),
    ],
)
def test_the_real_sets_load_whole(shared_data: Path, name: str, cases: int, documents: int, judged: int) -> None:
    """Every case, document and judgement of the public sets is there."""
    loaded = beir.load(shared_data / name, "refuse")
    assert (len(loaded.cases), len(loaded.corpora["passages"])) == (cases, documents)
    assert sum(len(case.gold.grades) for case in loaded.cases) == judged


def test_the_real_groups_and_answers_are_those_of_the_files(shared_data: Path) -> None:
    """HotpotQA's yes and no stay answers, and its types are the groups."""
    loaded = beir.load(shared_data / "multihop/hotpotqa-train100", "refuse")
    groups = [case.group for case in loaded.cases]
    assert (groups.count("bridge"), groups.count("comparison")) == (78, 22)
    assert all(len(case.gold.answers) == 1 for case in loaded.cases)
    assert loaded.cases[1].gold.answers == (("yes",),)
