"""On each of the four kinds of budget, a run with a too-small cap ends in a report, and the server saw the cap kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scene import QUESTION, copy_home, lines, make_home, model_server, run

from tools.fakes.persona import in_own_words

PRICED = "openai:gpt-4o-mini"
DOLLARS_PER_TOKEN = {"prompt": 0.15e-6, "completion": 0.60e-6}
"""What the test sets as the model's price in config.toml, so that no list of prices is part of the test."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a corpus, to be copied."""
    return make_home(tmp_path_factory.mktemp("budgets"))


def ask(home: Path, log: Path, *flags: str, **options: Any) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """Ask with a model behind the loopback server; return exit code, report and the server's finished calls."""
    (home / "config.toml").write_text(f'[prices]\n"{PRICED}" = {{ prompt = 0.15, completion = 0.60 }}\n')
    with model_server(log, **options) as server:
        arguments = ["ask", QUESTION, "--corpus", "notes", "--model", PRICED, "--base-url", server.base_url]
        ended = run(home, *arguments, "--json", "--quiet", *flags)
    assert "Traceback" not in ended.stderr
    assert ended.stdout, ended.stderr
    return ended.returncode, json.loads(ended.stdout), [x for x in lines(log) if x["event"] == "answered"]


def tokens(calls: list[dict[str, Any]]) -> int:
    return sum(call["prompt_tokens"] + call["completion_tokens"] for call in calls)


def dollars(calls: list[dict[str, Any]]) -> float:
    kinds = ("prompt", "completion")
    return sum(call[f"{kind}_tokens"] * DOLLARS_PER_TOKEN[kind] for call in calls for kind in kinds)


@pytest.mark.parametrize("cap", [2_500, 6_000])
def test_a_cap_on_tokens_is_kept(home: Path, tmp_path: Path, cap: int) -> None:
    """The server's own count of tokens stays within the cap; the report says what was skipped."""
    own = copy_home(home, tmp_path)
    code, report, calls = ask(own, tmp_path / "log", "--max-tokens-total", str(cap))
    assert (code, report["status"], report["exit_code"]) == (3, "partial", 3)
    assert 0 < tokens(calls) <= cap
    assert report["usage"]["tokens"] <= cap == report["usage"]["caps"]["tokens"]
    assert report["skipped"]


def test_a_budget_too_small_to_plan_says_what_would_be_needed(home: Path, tmp_path: Path) -> None:
    """Nothing is sent, and the report names the tokens that planning needs."""
    code, report, calls = ask(copy_home(home, tmp_path), tmp_path / "log", "--max-tokens-total", "200")
    assert (code, calls) == (3, [])
    assert "needs at least" in report["skipped"][0]["why"]


def test_a_cap_on_money_is_kept(home: Path, tmp_path: Path) -> None:
    """What the server's tokens cost at the set price stays within the cap."""
    own = copy_home(home, tmp_path)
    code, report, calls = ask(own, tmp_path / "log", "--max-usd", "0.001")
    assert code == 3
    assert 0 < dollars(calls) <= 0.001
    assert dollars(calls) == pytest.approx(report["usage"]["usd"], rel=1e-3)
    assert report["skipped"]


@pytest.mark.parametrize("cap", [1, 4, 9])
def test_a_cap_on_calls_is_kept(home: Path, tmp_path: Path, cap: int) -> None:
    """Model calls alone, as the server saw them, and all calls together, stay within the cap."""
    own = copy_home(home, tmp_path)
    code, report, _ = ask(own, tmp_path / "log", "--max-calls", str(cap))
    received = [line for line in lines(tmp_path / "log") if line["event"] == "received"]
    assert code == 3
    assert len(received) <= cap
    assert report["usage"]["calls"] <= cap
    assert report["skipped"]


def test_a_cap_on_seconds_is_kept(home: Path, tmp_path: Path) -> None:
    """By the server's clock no request comes after the deadline, and the run still ends in a report."""
    own = copy_home(home, tmp_path)
    code, report, calls = ask(own, tmp_path / "log", "--max-seconds", "4", latency=1.5)
    assert code == 3
    assert report["usage"]["seconds"] <= 4 + 1
    assert len(calls) >= 1
    arrived = [line["arrived"] for line in lines(tmp_path / "log")]
    assert max(arrived) - min(arrived) <= 4
    assert report["skipped"]


def test_a_failing_server_is_charged_by_the_attempt(home: Path, tmp_path: Path) -> None:
    """Each retry is a call under the cap: a server that fails every other request gets no more than the cap."""
    own = copy_home(home, tmp_path)
    code, report, _ = ask(own, tmp_path / "log", "--max-calls", "6", every=(2, "500"))
    received = [line for line in lines(tmp_path / "log") if line["event"] == "received"]
    assert code == 3
    assert len(received) <= 6
    assert report["usage"]["calls"] <= 6


def test_an_unknown_price_with_a_cap_on_money_is_refused_before_anything_is_sent(home: Path, tmp_path: Path) -> None:
    """The sentence names both ways out."""
    with model_server(tmp_path / "log") as server:
        arguments = ["ask", QUESTION, "--corpus", "notes", "--model", "openai:no-such", "--base-url", server.base_url]
        ended = run(copy_home(home, tmp_path), *arguments, "--max-usd", "1")
    assert ended.returncode == 2
    assert "config.toml" in ended.stderr
    assert "--max-tokens-total" in ended.stderr
    assert lines(tmp_path / "log") == []


def test_a_report_whose_checks_were_not_paid_for_is_not_done(home: Path, tmp_path: Path) -> None:
    """The writer's call is the last that the cap pays for: its sentences are not checked, and the report says so."""
    own = copy_home(home, tmp_path)
    flags = ("--branches", "1", "--rounds", "1", "--max-calls", "6")
    code, report, _ = ask(own, tmp_path / "log", *flags, answer=in_own_words)
    assert {sentence["verdict"] for sentence in report["sentences"]} == {"could not check"}
    assert (code, report["status"]) == (3, "partial")
    assert [skipped["what"] for skipped in report["skipped"]] == ["checking"]


def test_what_the_branches_left_pays_for_the_checks(home: Path, tmp_path: Path) -> None:
    """A fifth of eight calls is one, the writer's; the checks are paid from what the branch did not need."""
    own = copy_home(home, tmp_path)
    flags = ("--branches", "1", "--rounds", "1", "--max-calls", "8")
    code, report, _ = ask(own, tmp_path / "log", *flags, answer=in_own_words)
    assert report["checks"]["asked"] == len({sentence["text"] for sentence in report["sentences"]})
    assert {sentence["verdict"] for sentence in report["sentences"]} == {"supported"}
    assert (code, report["status"], report["skipped"]) == (0, "done", [])
    assert report["usage"]["calls"] <= 8
