"""`research fork` and `diff` with the real command: what came before is used again, and the server's log is witness."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from scene import QUESTION, begin, copy_home, lines, make_home, model_server, run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a corpus, to be copied."""
    return make_home(tmp_path_factory.mktemp("forks"))


def ask(base_url: str) -> list[str]:
    """The arguments of the run that is forked."""
    return ["ask", QUESTION, "--corpus", "notes", "--model", "openai:persona", "--base-url", base_url, "--json", "-q"]


def received(log: Path, since: int = 0) -> list[str]:
    """The requests that the server received, from line ``since`` of its log on."""
    return [line["key"] for line in lines(log)[since:] if line["event"] == "received"]


def kept(home: Path, run_id: str) -> str:
    """All that is shown of one run: a fork of it must not change it."""
    rows = json.loads(run(home, "runs", "--json").stdout)
    row = next(row for row in rows if row["id"] == run_id)
    return json.dumps(row) + run(home, "show", run_id, "--json").stdout


def test_a_finished_run_is_forked_at_each_point(home: Path, tmp_path: Path) -> None:
    """At compose the writer is asked, at branch not the planner, at plan all; the origin is as it was."""
    own, log = copy_home(home, tmp_path), tmp_path / "log"
    with model_server(log) as server:
        first = json.loads(run(own, *ask(server.base_url)).stdout)
        whole, name = received(log), first["run"]
        before = kept(own, name)

        at = len(lines(log))
        composed = json.loads(run(own, "fork", name, "--at", "compose", "--json", "-q").stdout)
        report = received(log, at)
        # Same model, same prompts: the requests are those that the first run sent last, and no others.
        assert sorted(report) == sorted(whole[-len(report) :]) and len(report) == composed["usage"]["calls"] == 1
        assert composed["origin"]["run"] == name and composed["origin"]["at"] == "compose"
        assert composed["origin"]["calls"] == first["usage"]["calls"] - 1
        assert composed["origin"]["tokens"] + composed["usage"]["tokens"] == first["usage"]["tokens"]
        assert [composed[part] for part in ("answer", "findings", "status")] == [
            first[part] for part in ("answer", "findings", "status")
        ]

        at = len(lines(log))
        branched = json.loads(run(own, "fork", name, "--at", "branch", "--json", "-q").stdout)
        assert sorted(received(log, at)) == sorted(whole[1:])
        assert branched["origin"]["calls"] == 1

        at = len(lines(log))
        capped = run(own, "fork", name, "--at", "plan", "--max-calls", "9", "--json", "-q")
        planned = json.loads(capped.stdout)
        assert received(log, at)[0] == whole[0]
        assert planned["usage"]["calls"] <= 9 == planned["usage"]["caps"]["calls"]
        assert planned["origin"]["calls"] == 0

        again = json.loads(run(own, "fork", composed["run"], "--at", "compose", "--json", "-q").stdout)
        assert again["origin"] == {**composed["origin"], "run": composed["run"]}
        assert kept(own, name) == before
    for report in (composed, branched, planned):
        checked = run(own, "verify", report["run"])
        assert checked.returncode == 0, checked.stdout
    markdown = run(own, "show", composed["run"]).stdout
    assert f"Forked from {name} at compose: {first['usage']['calls'] - 1} calls and " in markdown
    rows = {row["id"]: row["origin"] for row in json.loads(run(own, "runs", "--json").stdout)}
    assert rows[name] is None and rows[composed["run"]]["run"] == name
    assert f"{name} compose" in run(own, "runs").stdout


def test_a_fork_counts_its_own_calls_against_its_caps(home: Path, tmp_path: Path) -> None:
    """A cap far below what the origin spent is enough for the report; one that the report would pass cuts it short."""
    own, log = copy_home(home, tmp_path), tmp_path / "log"
    with model_server(log) as server:
        first = json.loads(run(own, *ask(server.base_url)).stdout)
        enough = json.loads(run(own, "fork", "--last", "--at", "compose", "--max-calls", "9", "--json", "-q").stdout)
        assert enough["usage"]["calls"] == 1 and enough["usage"]["caps"]["calls"] == 9 < first["usage"]["calls"]
        at = len(lines(log))
        short = json.loads(run(own, "fork", first["run"], "--at", "compose", "--max-calls", "1", "--json", "-q").stdout)
        assert len(received(log, at)) <= 1 and short["answer"]


def test_a_killed_run_becomes_a_report_of_what_was_found(home: Path, tmp_path: Path) -> None:
    """Forked at compose without resuming: partial, branches that had not ended are named, nothing else is asked."""
    own, log = copy_home(home, tmp_path), tmp_path / "log"
    process: list[Any] = []
    answered: list[str] = []

    def watch(line: dict[str, Any]) -> None:
        if line["event"] == "received" and len(answered) >= 5:  # the plan and four readings are answered
            os.kill(process[0].pid, signal.SIGKILL)
        if line["event"] == "answered":
            answered.append(line["key"])

    with model_server(log, watch) as server:
        process.append(begin(own, *ask(server.base_url)))
        process[0].communicate(timeout=100)
        assert process[0].returncode == -signal.SIGKILL
    answered.clear()
    at = len(lines(log))
    with model_server(log, port=server.port):
        forked = run(own, "fork", "--last", "--at", "compose", "--json", "-q")
    assert forked.returncode == 3, forked.stderr
    report = json.loads(forked.stdout)
    assert report["findings"] and report["answer"]
    assert len(received(log, at)) == report["usage"]["calls"]
    late = [branch["task"] for branch in report["branches"] if branch["outcome"] == "cancelled"]
    assert late and {loss["what"] for loss in report["skipped"]} == set(late)
    assert all("had not ended" in loss["why"] for loss in report["skipped"])


def test_nothing_found_is_nothing_to_write_from(home: Path, tmp_path: Path) -> None:
    """A run killed while planning has no plan and no findings: each point says what can be done instead."""
    own = copy_home(home, tmp_path)
    process: list[Any] = []
    with model_server(tmp_path / "log", lambda _: os.kill(process[0].pid, signal.SIGKILL)) as server:
        process.append(begin(own, *ask(server.base_url)))
        process[0].communicate(timeout=100)
    for at, way in (("compose", "--at plan"), ("branch", "--at plan")):
        refused = run(own, "fork", "--last", "--at", at)
        assert refused.returncode == 2 and way in refused.stderr, refused.stderr
    assert len(json.loads(run(own, "runs", "--json").stdout)) == 1


def test_a_killed_fork_is_resumed(home: Path, tmp_path: Path) -> None:
    """kill -9 at the fork's first call: resume writes the report and asks neither planner nor branches."""
    own, log = copy_home(home, tmp_path), tmp_path / "log"
    process: list[Any] = []

    def watch(line: dict[str, Any]) -> None:
        if process:
            os.kill(process[0].pid, signal.SIGKILL)

    with model_server(log, watch) as server:
        first = json.loads(run(own, *ask(server.base_url)).stdout)
        process.append(begin(own, "fork", "--last", "--at", "compose", "-q"))
        process[0].communicate(timeout=100)
        assert process[0].returncode == -signal.SIGKILL
        process.clear()
        at = len(lines(log))
        resumed = json.loads(run(own, "resume", "--last", "--json", "-q").stdout)
    assert resumed["origin"]["run"] == first["run"] != resumed["run"]
    assert set(received(log, at)) <= set(received(log)[-8:]) and len(received(log, at)) == 1
    assert resumed["answer"] == first["answer"]


def test_a_plan_is_printed_edited_and_worked(home: Path, tmp_path: Path) -> None:
    """`show --plan --json` with one task left: one branch, no planner; a mistyped field is refused before a call."""
    own, log, file = copy_home(home, tmp_path), tmp_path / "log", tmp_path / "plan.json"
    with model_server(log) as server:
        first = json.loads(run(own, *ask(server.base_url)).stdout)
        plan = json.loads(run(own, "show", "--last", "--plan", "--json").stdout)
        file.write_text(json.dumps({**plan, "tasks": plan["tasks"][1:2]}))
        at = len(lines(log))
        words = ["fork", first["run"], "--at", "plan", "--plan", str(file), "--rounds", "1", "--json", "-q"]
        report = json.loads(run(own, *words).stdout)
        assert [branch["task"] for branch in report["branches"]] == [plan["tasks"][1]["objective"]]
        assert received(log)[0] not in received(log, at)
        file.write_text(json.dumps({**plan, "task": []}))
        at = len(lines(log))
        wrong = run(own, *words)
        assert wrong.returncode == 2 and "task is no field" in wrong.stderr
        assert run(own, "fork", first["run"], "--at", "branch", "--plan", str(file)).returncode == 2
        assert len(lines(log)) == at


def test_two_runs_are_compared(home: Path, tmp_path: Path) -> None:
    """Plans, findings, claims and cost, with a model and without; exit code 0; a run is equal to itself."""
    own = copy_home(home, tmp_path)
    with model_server(tmp_path / "log") as server:
        first = json.loads(run(own, *ask(server.base_url)).stdout)
    second = json.loads(run(own, "ask", QUESTION, "--corpus", "notes", "--json", "-q").stdout)
    ended = run(own, "diff", first["run"], second["run"], "--json")
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["cost"]["calls"] == second["usage"]["calls"] - first["usage"]["calls"]
    claims = {sentence["text"] for sentence in first["sentences"]}
    assert {*found["claims"]["first"], *found["claims"]["both"]} == claims
    assert len(found["plan"]["first"]) == 4 and found["plan"]["second"]
    text = run(own, "diff", first["run"], second["run"]).stdout
    assert max(map(len, text.splitlines())) <= 100 and f"- {first['run']}: done" in text
    same = json.loads(run(own, "diff", first["run"], first["run"], "--json").stdout)
    for part in ("plan", "findings", "claims", "skipped", "disagreements"):
        assert same[part]["first"] == same[part]["second"] == []
    assert set(same["cost"].values()) <= {0, None}
