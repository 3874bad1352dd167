"""``research eval compare``: paired differences of two logs, and the floors that a log is held to."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from eval_scene import evaluate, make_data, measured

from evals.regression import Floors
from research.app.eval_logs import hold


class Logs:
    """A home with logs: a good and a bad retriever on six cases, the good one on two, and, newest, another suite."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.good = self.bad = self.few = self.other = ""

    async def make(self, data: Path, answers: Path) -> None:
        """Run the evals."""
        bad = f"command:cat {answers}"
        self.good = Path((await measured(self.home, suite="retrieval", data=data, system="bm25")).log).name
        self.bad = Path((await measured(self.home, suite="retrieval", data=data, system=bad)).log).name
        self.few = Path((await measured(self.home, suite="retrieval", data=data, system="bm25", limit=2)).log).name
        self.other = Path((await measured(self.home, suite="multihop", data=data, system="bm25")).log).name

    def path(self, name: str) -> Path:
        """The file of a log."""
        return self.home / "evals" / "logs" / name


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Logs:
    """The home with its logs."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "answers").write_text('{"ranked": ["tarn", "weir"]}')
    made = Logs(folder / "home")
    asyncio.run(made.make(make_data(folder / "data"), folder / "answers"))
    return made


def test_a_table_shows_what_differs_on_the_same_cases(logs: Logs) -> None:
    """Before, after and the difference with its interval in per cent; without floors a worse log is no failure."""
    ended = evaluate(logs.home, "compare", logs.good, logs.bad)
    assert ended.returncode == 0, ended.stderr
    rows = {line.split()[0]: line for line in ended.stdout.splitlines()}
    assert rows["metric"].split()[1:4] == ["before", "after", "difference"]
    assert rows["recall@5"].split()[1:3] == ["100.0", "25.0"]
    assert "-75.0 [" in rows["recall@5"]
    assert rows["recall@5"].split()[-4:] == ["0", "5", "1", "6"]


def test_a_fall_is_a_failure_and_a_rise_is_none(logs: Logs) -> None:
    """A bare number is how far any fraction may fall: the worse log breaks it everywhere, the better one keeps it."""
    ended = evaluate(logs.home, "compare", logs.good, logs.bad, "--fail-below", "0.05", "--json")
    assert ended.returncode == 1
    found = json.loads(ended.stdout)
    assert set(found) == {"comparison", "result", "breaches"}
    assert found["comparison"]["metrics"]["recall@5"]["difference"] == -0.75
    assert found["result"]["log"].endswith(logs.bad)
    broken = {line.split()[0] for line in found["breaches"]}
    assert broken == {"ndcg@10", "recall@5", "recall@10", "recall@100"}
    assert all(line in ended.stderr for line in found["breaches"])
    floors = Floors(least={"ndcg@10": 0.9, "seconds": 1000.0}, fall=0.0)
    assert hold(logs.path(logs.good), logs.path(logs.bad), floors, 0).breaches == []


def test_one_log_is_held_to_floors(logs: Logs) -> None:
    """Below a floor, above a ceiling for what is better lower, and a metric that was not measured: all are breaches."""
    floors = ["ndcg@10=0.9", "seconds=0", "answer_accuracy=0.5", "recall@5=0.2"]
    ended = evaluate(logs.home, "compare", logs.bad, *(word for floor in floors for word in ("--fail-below", floor)))
    assert (ended.returncode, ended.stdout) == (1, "")
    said = ended.stderr.splitlines()
    assert [line.split()[1] for line in said] == ["ndcg@10", "seconds", "answer_accuracy"]
    assert "below 0.9" in said[0] and "above 0" in said[1] and "was not measured" in said[2]


def test_cases_of_one_side_are_counted_and_not_compared(logs: Logs) -> None:
    """The figures are over the shared cases, and the others are told."""
    ended = evaluate(logs.home, "compare", logs.good, logs.few, "--json")
    assert ended.returncode == 0
    comparison = json.loads(ended.stdout)["comparison"]
    assert (comparison["cases"], len(comparison["only_before"]), comparison["only_after"]) == (2, 4, [])
    assert "4 cases not compared: in the first log only" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["GOOD"], "name two logs"),
        (["GOOD", "--fail-below", "0.1"], "name two logs"),
        (["GOOD", "OTHER"], "is of the suite retrieval"),
        (["GOOD", "BAD", "--fail-below", "5"], "a NUMBER from 0 to 1"),
        (["GOOD", "--fail-below", "ndcg@10=high"], "METRIC=NUMBER"),
        (["20"], "name two logs"),
    ],
)
def test_a_gate_that_could_not_hold_is_a_usage_error(logs: Logs, arguments: list[str], says: str) -> None:
    """Exit code 2 and a sentence: nothing was compared, so nothing was let through."""
    named = {"GOOD": logs.good, "BAD": logs.bad, "OTHER": logs.other}
    ended = evaluate(logs.home, "compare", *(named.get(word, word) for word in arguments))
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    assert says in ended.stderr


def test_without_a_name_the_newest_log_is_held(logs: Logs) -> None:
    """``compare --fail-below`` after ``run`` is a gate in two commands."""
    ended = evaluate(logs.home, "compare", "--fail-below", "all_recall@5=0.9", "--json")
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["result"]["suite"] == "multihop"
