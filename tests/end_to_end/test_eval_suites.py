"""``research eval list`` and each shipped suite: what other tools rely on, by the real command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from eval_scene import evaluate, result
from scene import environment

SUITES = ("multihop", "retrieval", "claims", "plans", "abstain", "world", "reports", "promises", "modes")
HEAVY = {"inspect_ai", "langgraph", "langchain_core", "chromadb", "pydantic", "httpx"}
KEYS = {"suite", "system", "cases", "unscored", "failed", "metrics", "usage", "log"}
FIGURES = {"mean", "low", "high"}
GIVEN = {
    "multihop": ("fused", {"recall@2", "recall@5", "all_recall@5", "ndcg@10"}),
    "retrieval": ("fused", {"ndcg@10", "recall@5", "recall@10", "recall@100"}),
    "claims": ("support", {"macro_f1", "auroc", "checked_rate", "checked_accuracy"}),
    "plans": ("planner", {"part_recall", "page_recall", "plan_width", "tokens", "calls"}),
    "abstain": ("extractive", {"abstention_accuracy", "refused", "answered", "unsupported_rate", "tokens", "calls"}),
    "world": (
        "extractive",
        {"answer_accuracy", "citation_precision", "citation_recall", "unsupported_rate", "abstention_accuracy"},
    ),
    "reports": ("extractive", {"citations_resolve", "quotes_verbatim", "claim_coverage", "unsupported_rate"}),
    "promises": ("extractive-resumed", {"resume_fidelity", "injection_resisted", "quotes_verbatim", "within_budget"}),
    "modes": ("extractive", {"answer_accuracy", "tokens", "calls", "seconds"}),
}
FLAGS = {
    "claims": ["--limit", "12"],
    "plans": ["--limit", "2"],
    "abstain": ["--limit", "8"],
    "world": ["--size", "30", "--limit", "5"],
    "reports": ["--limit", "2"],
    "promises": ["--limit", "4", "--max-calls", "20"],
    "modes": ["--size", "30", "--limit", "5", "--system", "extractive"],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all suites."""
    return tmp_path_factory.mktemp("suites") / "home"


def imported_by(tmp_path: Path, *arguments: str) -> set[str]:
    """The top-level modules that a command imports."""
    code = (
        "import sys\nfrom research.cli import run\ncode = run()\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\nsys.exit(code)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    return set(ended.stderr.split())


def test_the_list_has_all_nine_suites_with_what_each_needs_and_costs(tmp_path: Path) -> None:
    """``--json`` is a list with a row for each suite, and none of its cells that a user needs is empty."""
    ended = evaluate(tmp_path / "home", "list", "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    rows = json.loads(ended.stdout)
    assert tuple(row["suite"] for row in rows) == SUITES
    for row in rows:
        assert all(row[key] for key in ("measures", "needs", "costs", "source", "metrics", "default", "systems")), row
        assert row["default"] in row["systems"]
        assert GIVEN[row["suite"]][0] in row["systems"]
        assert GIVEN[row["suite"]][1] <= set(row["metrics"])
    assert not (tmp_path / "home").exists()


def test_the_list_for_people_names_suites_and_systems(tmp_path: Path) -> None:
    """Each suite and each kind of system is in the text; one suite's own list has its published rows."""
    whole = evaluate(tmp_path, "list")
    assert all(f"{name}: " in whole.stdout for name in SUITES)
    assert all(name in whole.stdout for name in ("bm25", "extractive", "command:CMD", "file:PATH"))
    one = evaluate(tmp_path, "list", "multihop")
    assert "HippoRAG" in one.stdout and "recall@5" in one.stdout
    wrong = evaluate(tmp_path, "list", "multihp")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "did you mean multihop?" in wrong.stderr


def test_listing_imports_neither_the_runner_nor_an_engine(tmp_path: Path) -> None:
    """``eval list`` answers without Inspect, LangGraph or Chroma; ``--help`` without numpy, too."""
    assert not HEAVY & imported_by(tmp_path, "eval", "list")
    assert not (HEAVY | {"numpy", "msgspec", "asyncio"}) & imported_by(tmp_path, "eval", "--help")


@pytest.mark.parametrize("suite", SUITES)
def test_a_shipped_suite_prints_one_object_with_the_agreed_names(home: Path, suite: str) -> None:
    """Stdout is that object and nothing else; every figure has an interval; the log it names is there."""
    found = result(evaluate(home, "run", suite, "--json", "--quiet", *FLAGS.get(suite, ())))
    system, metrics = GIVEN[suite]
    assert set(found) >= KEYS
    assert (found["suite"], found["system"], found["failed"]) == (suite, system, 0)
    assert found["cases"] > 1
    assert metrics <= set(found["metrics"])
    for figure in found["metrics"].values():
        assert set(figure) >= FIGURES
        if figure["n"] > 1:
            assert figure["method"] and figure["low"] <= figure["mean"] <= figure["high"]
        else:
            assert (figure["low"], figure["high"]) == (None, None)
    assert {"tokens", "calls", "seconds"} <= set(found["usage"])
    assert Path(found["log"]).is_file()


def test_a_table_is_printed_without_json(home: Path) -> None:
    """Per cent with intervals in columns on stdout; the notes and the log are said on stderr."""
    ended = evaluate(home, "run", "claims", "--limit", "6", "--system", "support", "--system", "coverage")
    assert ended.returncode == 0, ended.stderr
    head, first, *_ = ended.stdout.splitlines()
    assert head.split() == ["support", "coverage"]
    assert first.startswith("macro_f1") and first.count("[") == 2
    assert "6 of 18 cases, drawn by seed 0" in ended.stderr
    assert ended.stderr.count("log: ") == 2
