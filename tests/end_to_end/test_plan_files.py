"""``ask --plan-only`` and ``ask --plan`` with the real command: a plan is written, edited and worked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scene import QUESTION, copy_home, lines, make_home, model_server, run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a corpus, to be copied."""
    return make_home(tmp_path_factory.mktemp("plans"))


def received(log: Path, since: int = 0) -> list[str]:
    """The requests that the server received, from line ``since`` of its log on."""
    return [line["key"] for line in lines(log)[since:] if line["event"] == "received"]


def tasks(report: dict[str, Any]) -> list[str]:
    """The objectives of a report's branches."""
    return [branch["task"] for branch in report["branches"]]


def test_a_plan_is_written_edited_and_worked_without_a_planning_call(home: Path, tmp_path: Path) -> None:
    """Planning is one recorded call and exit code 0; the edited plan is worked as a new run that asks no planner."""
    own, log, file = copy_home(home, tmp_path), tmp_path / "log", tmp_path / "plan.json"
    with model_server(log) as server:
        asked = ["ask", QUESTION, "--corpus", "notes", "--model", "openai:persona", "--base-url", server.base_url]
        planned = run(own, *asked, "--plan-only", str(file), "-q")
        assert (planned.returncode, planned.stdout) == (0, ""), planned.stderr
        (planner,) = received(log)
        plan = json.loads(file.read_text())
        assert [task["effort"] for task in plan["tasks"]] == ["normal"] * 4
        assert all(task["wanted"] for task in plan["tasks"])
        (row,) = json.loads(run(own, "runs", "--json").stdout)
        assert row["status"] == "waiting"

        edited = {**plan["tasks"][2], "effort": "quick", "wanted": "who holds it"}
        file.write_text(json.dumps({**plan, "tasks": [edited]}))
        at = len(lines(log))
        worked = json.loads(run(own, *asked, "--plan", str(file), "--rounds", "1", "--json", "-q").stdout)
        assert tasks(worked) == [edited["objective"]] and worked["findings"]
        assert planner not in received(log, at) and received(log, at)
        assert worked["origin"] is None

        at = len(lines(log))
        onward = json.loads(run(own, "resume", row["id"], "--yes", "--json", "-q").stdout)
        assert tasks(onward) == [task["objective"] for task in plan["tasks"]]
        assert planner not in received(log, at)
        assert run(own, "verify", worked["run"]).returncode == 0
        assert run(own, "replay", worked["run"]).returncode == 0


def test_an_unedited_plan_leads_to_the_report_of_a_run_that_planned(home: Path, tmp_path: Path) -> None:
    """Without a model too: a plan of rules, of several hops also, is worked from its file as it is by itself."""
    own, file = copy_home(home, tmp_path), tmp_path / "plan.json"
    asked = ["ask", QUESTION, "--corpus", "notes"]
    whole = json.loads(run(own, *asked, "--json", "-q").stdout)
    shown = run(own, *asked, "--plan-only", "-", "-q")
    assert shown.returncode == 0
    file.write_text(shown.stdout)
    worked = json.loads(run(own, *asked, "--plan", str(file), "--json", "-q").stdout)
    assert tasks(worked) == tasks(whole)
    assert worked["sentences"] == whole["sentences"]
    assert worked["findings"] == whole["findings"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        ("{", "is no plan"),
        ('{"tasks": []}', "tasks is empty"),
        ('{"tasks": [{"objective": "o", "queries": ["q"], "type": "web"}]}', "the run is not on the web"),
        (
            '{"tasks": [{"objective": "o", "queries": ["q"], "type": "corpus", "corpus": "notes", "effort": "vast"}]}',
            "tasks[0].effort: Invalid enum value",
        ),
    ],
)
def test_a_bad_plan_file_is_refused_before_anything_is_spent(
    home: Path, tmp_path: Path, content: str | None, said: str
) -> None:
    """One sentence with the file, exit code 2, and no run."""
    own, file = copy_home(home, tmp_path), tmp_path / "plan.json"
    if content is not None:
        file.write_text(content)
    ended = run(own, "ask", QUESTION, "--corpus", "notes", "--plan", str(file))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr and str(file) in ended.stderr and ended.stderr.count("\n") == 1
    assert json.loads(run(own, "runs", "--json").stdout) == []


@pytest.mark.parametrize("flags", [("--plan", "p"), ("--approve",), ("--dry-run",), ("--output", "r.md")])
def test_flags_that_cannot_go_with_plan_only_are_refused(home: Path, tmp_path: Path, flags: tuple[str, ...]) -> None:
    """The run ends with the plan, so what asks for more is a mistake; a file in no folder is one, too."""
    file = tmp_path / "plan.json"
    ended = run(home, "ask", QUESTION, "--corpus", "notes", "--plan-only", str(file), *flags)
    assert ended.returncode == 2 and flags[0] in ended.stderr
    nowhere = run(home, "ask", QUESTION, "--corpus", "notes", "--plan-only", str(tmp_path / "no" / "plan.json"))
    assert nowhere.returncode == 2 and "must be a folder" in nowhere.stderr
    assert not file.exists()


def test_a_plan_and_a_dry_run_do_not_go_together(home: Path) -> None:
    """An estimate is of a run that still has to plan, and says so."""
    ended = run(home, "ask", QUESTION, "--corpus", "notes", "--plan", "p.json", "--dry-run")
    assert ended.returncode == 2 and "--dry-run reckons with a plan" in ended.stderr


def test_where_no_plan_can_be_paid_there_is_none(home: Path, tmp_path: Path) -> None:
    """Too small a budget for the planning call: the code of a partial run, the reason, and no file."""
    own, file = copy_home(home, tmp_path), tmp_path / "plan.json"
    with model_server(tmp_path / "log") as server:
        flags = ["--model", "openai:persona", "--base-url", server.base_url, "--max-tokens-total", "50"]
        ended = run(own, "ask", QUESTION, "--corpus", "notes", *flags, "--plan-only", str(file), "-q")
    assert ended.returncode == 3 and "no plan was made: planning" in ended.stderr and ended.stdout == ""
    assert not file.exists()
