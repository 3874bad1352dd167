"""``research eval run --data``: the figures and samples of a small BEIR folder, and what is said of a bad order."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from eval_scene import PLACES, evaluate, make_data, measured, quality, result

from evals.inspect_logs import read_log

SAMPLE = ["--limit", "4", "--seed", "5"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for the module, so that the documents are indexed once."""
    return tmp_path_factory.mktemp("data") / "home"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The BEIR folder."""
    return make_data(tmp_path_factory.mktemp("beir"))


@pytest.fixture(scope="module")
def several(home: Path, data: Path) -> dict[str, Any]:
    """What a run of three retrievers on four cases of the folder printed."""
    systems = ["--system", "lexical", "--system", "fused", "--system", "bm25"]
    return result(evaluate(home, "run", "retrieval", "--data", str(data), *SAMPLE, *systems, "--json"))


def cases(found: dict[str, Any]) -> list[str]:
    """The ids of the cases in a result's log."""
    return [entry.case for entry in read_log(Path(found["log"])).scored]


def test_each_retriever_is_scored_on_the_folder(several: dict[str, Any]) -> None:
    """Several systems stand in one object; on sentences with the queries' own words all find the document."""
    assert [one["system"] for one in several["runs"]] == ["lexical", "fused", "bm25"]
    for one in several["runs"]:
        assert (one["cases"], one["failed"], one["unscored"], one["limit"], one["seed"]) == (4, 0, 0, 4, 5)
        assert one["metrics"]["recall@5"]["mean"] == 1.0
        assert 0.9 <= one["metrics"]["ndcg@10"]["mean"] <= 1.0
        assert one["notes"][0] == "judgements from qrels.tsv"
    assert several["hindsight"] is None


async def test_a_limit_draws_cases_by_the_seed_and_says_so(
    home: Path, data: Path, several: dict[str, Any], tmp_path: Path
) -> None:
    """The same seed gives the same cases and figures, another seed other cases; note, log and stderr name the seed."""
    ended = evaluate(home, "run", "retrieval", "--data", str(data), *SAMPLE, "--system", "bm25", "--json")
    one, two = several["runs"][2], result(ended)
    other = await measured(tmp_path, suite="retrieval", data=data, system="bm25", limit=4, seed=7)
    assert cases(one) == cases(two) != cases({"log": other.log})
    assert quality(one) == quality(two)
    assert all("4 of 6 cases, drawn by seed 5" in found["notes"] for found in (one, two))
    assert "4 of 6 cases, drawn by seed 5" in ended.stderr
    spec = read_log(Path(one["log"])).spec
    assert (spec.seed, spec.limit, spec.data) == (5, 4, str(data))
    assert {"research", "python", "inspect-ai", "langgraph"} <= set(spec.versions)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("queries.jsonl", '{"_id": "q3", ', '{"_id": "q3" '), "queries.jsonl, line 3"),
        (("corpus.jsonl", '"title": "Fen", ', ""), 'corpus.jsonl, line 3: "title" is missing'),
        (("qrels.tsv", "q3\tfen\t1", "q3\tbog\t1"), "qrels.tsv, line 5: the document bog"),
        (("qrels.tsv", "q3\tfen\t1", "q9\tfen\t1"), "qrels.tsv, line 5: the query q9"),
    ],
)
def test_a_bad_row_is_named_before_anything_is_indexed(
    data: Path, tmp_path: Path, change: tuple[str, str, str], says: str
) -> None:
    """File and line, exit code 2, nothing on stdout, and the home stays empty."""
    own = Path(shutil.copytree(data, tmp_path / "own"))
    name, old, new = change
    text = (own / name).read_text()
    assert text.count(old) == 1
    (own / name).write_text(text.replace(old, new))
    ended = evaluate(tmp_path / "home", "run", "retrieval", "--data", str(own), "--json")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["run", "retrivl"], 2, "did you mean retrieval?"),
        (["run", "retrieval", "--system", "lexcal"], 2, "did you mean lexical?"),
        (["run", "claims", "--system", "bm25"], 2, "the system bm25 gives ranking"),
        (["run", "retrieval", "--system", ""], 2, "--system one name at a time"),
        (["run", "world", "--modes", "workflow,workflow"], 2, "name each system once"),
        (["run", "world", "--modes", "workflow", "--system", "agent"], 2, "not both"),
        (["run", "world", "--modes", "extractive,workflow"], 4, "--model provider:model"),
        (["run", "world", "--system", "agent", "--model", "openai:gpt-4o"], 4, "OPENAI_API_KEY"),
        (["run", "modes"], 4, "--model provider:model"),
        (["run", "retrieval", "--limit", "0"], 2, "--limit"),
        (["run", "retrieval", "--data", "/no/such/folder"], 2, "/no/such/folder does not exist"),
        (["run", "world", "--size", "3"], 2, "too small"),
        (["run", "world", "--judge", "openai:gpt-4o"], 2, "--judge is for the suite reports"),
        (["retry"], 2, "no eval logs yet"),
        (["compare", "a", "b"], 2, "no eval log a"),
        (["view"], 2, "no eval logs yet"),
    ],
)
def test_a_bad_order_is_a_sentence_before_anything_is_done(
    tmp_path: Path, arguments: list[str], code: int, says: str
) -> None:
    """The sentence says what is wrong or needed; stdout stays empty, and so does the home."""
    ended = evaluate(tmp_path / "home", *arguments)
    assert (ended.returncode, ended.stdout) == (code, ""), ended.stderr
    assert says in " ".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "home" / "evals").exists()


def test_a_folder_of_no_known_shape_is_told_what_is(tmp_path: Path) -> None:
    """An empty folder and one with another tool's files get the list of shapes."""
    (tmp_path / "notes").mkdir()
    for _ in range(2):
        ended = evaluate(tmp_path / "home", "run", "multihop", "--data", str(tmp_path / "notes"))
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "BEIR" in ended.stderr and "HotpotQA" in ended.stderr
        (tmp_path / "notes" / "notes.txt").write_text("# Notes\n")


def test_a_file_that_is_no_log_is_named(home: Path, several: dict[str, Any], tmp_path: Path) -> None:
    """A log that was cut short is refused in one sentence, by retry and by compare."""
    cut = tmp_path / "cut.eval"
    whole = several["runs"][0]["log"]
    cut.write_bytes(Path(whole).read_bytes()[:900])
    for arguments in (["retry", str(cut)], ["compare", whole, str(cut)]):
        ended = evaluate(home, *arguments)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert Path(arguments[-1]).name in ended.stderr and "cannot be read" in ended.stderr


def test_what_is_ranked_are_documents_of_the_folder(several: dict[str, Any]) -> None:
    """A retriever's outcome has ids of the corpus, each once."""
    for entry in (entry for one in several["runs"] for entry in read_log(Path(one["log"])).scored):
        assert entry.outcome is not None and entry.outcome.ranked
        assert set(entry.outcome.ranked) <= set(PLACES)
        assert len(set(entry.outcome.ranked)) == len(entry.outcome.ranked)
