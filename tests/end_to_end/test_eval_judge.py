"""``--judge`` and the budget of a case: models on loopback, the journal of the eval home, and the logs."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from eval_scene import evaluate, logs_of, quality, result, retried
from judge_server import JudgeServer
from scene import begin, lines, recorded_answers

from evals.inspect_logs import read_log

REPORTS = ["run", "reports", "--limit", "2", "--parallel", "1", "--json"]
GRADED = {"race", "race_comprehensiveness", "race_insight", "race_instruction_following", "race_readability"}
CHECKED = {"fact_accuracy", "fact_effective"}
READS = 200_000
"""Bound on reading the journal while waiting for the last answer to be recorded."""


def judge(server: JudgeServer, name: str = "openai:grader") -> list[str]:
    """The flags that name the judge."""
    return ["--judge", name, "--judge-base-url", server.base_url]


def answered(log: Path) -> list[str]:
    """The hashes of the requests that the server answered."""
    return [line["key"] for line in lines(log) if line["event"] == "answered"]


async def test_a_judge_grades_reports_and_is_paid_once(tmp_path: Path) -> None:
    """Its metrics and name are in result and log, its calls in the journal; a retry asks it nothing.

    It is not told what made the report. There is no warning: a model is set, but the system does not use it.
    """
    home = tmp_path / "home"
    async with JudgeServer(log=tmp_path / "log") as server:
        model = ["--model", "openai:grader", "--base-url", server.base_url]
        ended = await asyncio.to_thread(evaluate, home, *REPORTS, *judge(server), *model)
        first = result(ended)
        calls = answered(tmp_path / "log")
        assert len(calls) == len(set(calls)) == server.judged >= 3
        again = result(await asyncio.to_thread(evaluate, home, "retry", "--json"))
        assert answered(tmp_path / "log") == calls
    assert set(first["metrics"]) >= GRADED | CHECKED
    assert first["metrics"]["race"]["mean"] == pytest.approx(0.8)
    assert quality(first) == quality(again)
    assert recorded_answers(home / "evals" / "home") == len(calls)
    assert f"the judge openai:grader has used {len(calls)} calls" in ended.stderr
    assert "warning" not in ended.stderr
    assert not any("How this was made" in str(body["messages"]) for body in server.requests)
    log = read_log(Path(first["log"]))
    assert log.spec.options["judge"] == "openai:grader"
    said = [entry.outcome.judged["race"].said for entry in log.scored if entry.outcome and entry.outcome.judged]
    assert said and all("race-" in one and "judge openai:grader" in one for one in said)


async def test_a_judge_that_was_killed_is_asked_no_answered_question_again(tmp_path: Path) -> None:
    """kill -9 at the judge's third request: the retry finds the recorded answers in the journal."""
    home, log = tmp_path / "home", tmp_path / "log"
    process: list[int] = []
    paid: list[str] = []

    def watch(line: dict[str, Any]) -> None:
        if line["event"] == "answered":
            paid.append(line["key"])
        elif line["n"] == 3 and line["event"] == "received" and len(process) == 1:
            for _ in range(READS):
                if recorded_answers(home / "evals" / "home") >= len(paid):
                    break
            os.kill(process[0], signal.SIGKILL)
            process.append(0)

    async with JudgeServer(log=log, watch=watch, latency=0.2) as server:
        running = begin(home, "eval", *REPORTS, *judge(server))
        process.append(running.pid)
        await asyncio.to_thread(running.communicate, timeout=100)
        assert running.returncode == -signal.SIGKILL
        before = list(paid)
        again = result(await asyncio.to_thread(evaluate, home, "retry", "--json"))
    received = [line["key"] for line in lines(log) if line["event"] == "received"]
    assert before and all(received.count(key) == 1 for key in before)
    assert again["metrics"]["race"]["n"] == 2


async def test_a_judge_that_is_the_systems_own_model_is_warned_of(tmp_path: Path) -> None:
    """The warning names the judge, and the eval goes on."""
    async with JudgeServer() as server:
        flags = ["--model", "openai:persona", "--base-url", server.base_url, "--system", "workflow", "--limit", "1"]
        ended = await asyncio.to_thread(evaluate, tmp_path, "run", "reports", *flags, *judge(server, "openai:persona"))
    assert ended.returncode == 0, ended.stderr
    assert "warning: the judge openai:persona is the system's own model" in ended.stderr


def spent(home: Path) -> list[tuple[int, int]]:
    """Tokens and calls of each case of the newest log, as its outcome has them."""
    outcomes = [entry.outcome for entry in read_log(logs_of(home)[0]).scored]
    return [(one.usage.tokens, one.usage.calls) for one in outcomes if one is not None and one.usage is not None]


async def test_a_cap_on_calls_is_kept_in_every_case(tmp_path: Path) -> None:
    """Three calls a case with the extractive analyst: no case has more, and a retry has the same cap."""
    ended = evaluate(tmp_path, "run", "promises", "--limit", "4", "--max-calls", "3", "--json")
    assert result(ended)["metrics"]["within_budget"]["mean"] == 1.0
    used = spent(tmp_path)
    assert len(used) == 4 and 0 < max(calls for _, calls in used) <= 3
    options = read_log(Path((await retried(logs_of(tmp_path)[0], tmp_path)).log)).spec.options["run"]
    assert '"calls":3' in options


async def test_a_cap_on_tokens_is_kept_in_every_case(tmp_path: Path) -> None:
    """With a model, no case has used more than the cap, by its outcome and by the server's own count of each run."""
    cap, log = 6_000, tmp_path / "log"
    async with JudgeServer(log=log) as server:
        flags = ["--model", "openai:persona", "--base-url", server.base_url, "--max-tokens-total", str(cap), "--json"]
        flags += ["--system", "workflow", "--limit", "2"]
        found = result(await asyncio.to_thread(evaluate, tmp_path / "home", "run", "promises", *flags))
    assert found["metrics"]["within_budget"]["mean"] == 1.0
    used = [tokens for tokens, _ in spent(tmp_path / "home")]
    assert len(used) == 2 and min(used) > 0 and max(used) <= cap
    served = sum(x["prompt_tokens"] + x["completion_tokens"] for x in lines(log) if x["event"] == "answered")
    assert 0 < served <= sum(used)
    with closing(sqlite3.connect(tmp_path / "home" / "evals" / "home" / "runs.db")) as journal:
        assert journal.execute("SELECT count(DISTINCT run) FROM intents WHERE kind = 'model'").fetchone() == (2,)
