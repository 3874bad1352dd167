"""The judge's run: whose budget it has, how it ends, and what it says it used."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from evals.records import Case, Gold, Outcome, Spec
from research import app
from research.app.judge import judge_run, judged, warning_of
from research.app.records import Home
from research.budget import Caps
from research.cancellation import Stopping
from research.errors import Fatal, WrongVersion
from research.options import RunOptions
from research.records import Question, encode
from research.settings import Settings, load, prepare_home
from tools.fakes.openai_server import OpenAIServer
from tools.run_store import COLUMNS, SELECT

CRITERIA = {"insight": json.dumps({"weight": 1.0, "criteria": [{"criterion": "C", "explanation": "E", "weight": 1.0}]})}
CASE = Case(id="1", question=Question(text="What is a tarn?"), gold=Gold(criteria=CRITERIA))


async def reporting(question: Question) -> Outcome:
    """A system that reports the same each time."""
    return Outcome(report="# Tarn\n\nA tarn is a small lake.", seconds=1.0)


def home(tmp_path: Path) -> Settings:
    """Settings of an eval home that is ready."""
    settings = load({"home": str(tmp_path / "evals")}, {})
    prepare_home(settings.home)
    return settings


def spec(url: str = "http://127.0.0.1:9/v1", system: str = "extractive", nonce: str = "one", **run: Any) -> Spec:
    """An eval of one case with a judge behind ``url``."""
    options = {"run": encode(RunOptions(**run)), "judge": "openai:grader", "judge_url": url, "nonce": nonce}
    return Spec(suite="reports", system=system, data=None, seed=0, options=options)


def silent(line: str) -> None:
    """Tell nobody."""


def test_the_run_is_named_by_the_eval_and_the_systems_model() -> None:
    """A retry has the nonce of its eval and finds the answers; a new eval or another model of the system does not."""
    assert judge_run(spec()) == judge_run(spec())
    runs = [spec(), spec(nonce="two"), spec(system="workflow", model="openai:a"), spec(system="workflow", model="x:b")]
    assert len({judge_run(one) for one in runs}) == 4
    assert judge_run(spec(model="openai:a")) == judge_run(spec()), "extractive uses no model"


def test_a_log_without_a_nonce_has_a_run_too() -> None:
    """An eval that was begun before there were nonces can be retried."""
    options = {name: value for name, value in spec().options.items() if name != "nonce"}
    assert judge_run(Spec(suite="reports", system="extractive", data=None, seed=0, options=options))


def test_a_judge_that_is_the_systems_model_is_warned_of() -> None:
    """Only where the system uses that model."""
    assert "openai:grader" in (warning_of(spec(system="workflow", model="azure:grader")) or "")
    assert warning_of(spec(model="openai:grader")) is None
    assert warning_of(spec(system="workflow", model="openai:other")) is None


async def graded(settings: Settings, order: Spec) -> tuple[Outcome, int]:
    """The outcome of the one case, and how many calls the judge has used."""
    async with judged(reporting, [CASE], {}, order, settings, silent) as system:
        outcome = await system(CASE.question)
    return outcome, system.usage.calls


async def test_a_new_eval_has_the_whole_budget_and_a_retry_pays_nothing(tmp_path: Path) -> None:
    """With one call allowed: the retry is answered from the journal, and the next eval can ask again."""
    settings = home(tmp_path)
    async with OpenAIServer(script=[{"text": "no grades"}] * 9) as server:
        first = await graded(settings, spec(server.base_url, caps=Caps(calls=1)))
        assert len(server.requests) == 1
        assert await graded(settings, spec(server.base_url, caps=Caps(calls=1))) == first
        assert len(server.requests) == 1
        assert (await graded(settings, spec(server.base_url, nonce="two", caps=Caps(calls=1))))[1] == 1
        assert len(server.requests) == 2
    assert first[1] == 1 and first[0].judged["race"].value is None


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (Stopping("asked to stop"), "interrupted", 130),
        (Fatal("the disk is full"), "failed", 1),
        (asyncio.CancelledError(), "interrupted", 130),
    ],
)
async def test_the_run_says_how_the_eval_ended(raised: BaseException, status: str, code: int, tmp_path: Path) -> None:
    """Only an eval that came to its end leaves a judge's run that is done."""
    settings = home(tmp_path)
    with pytest.raises(type(raised)):
        async with judged(reporting, [CASE], {}, spec(), settings, silent):
            raise raised
    (row,) = app.runs(settings)
    assert (row.id, row.status, row.exit_code) == (judge_run(spec()), status, code)
    async with judged(reporting, [CASE], {}, spec(), settings, silent):
        pass
    (row,) = app.runs(settings)
    assert (row.status, row.exit_code) == ("done", 0)


async def test_a_retry_by_another_program_is_refused(tmp_path: Path) -> None:
    """Verdicts of two judges are not put together: what differs is named with the ways out, and nothing is asked."""
    settings = home(tmp_path)
    async with judged(reporting, [CASE], {}, spec(), settings, silent):
        pass
    there = Home(settings)
    with closing(sqlite3.connect(there.runs)) as database:
        row = database.execute(SELECT).fetchone()
        values = dict(zip(COLUMNS, row[:-1], strict=True))
        program = msgspec.json.decode(values["made"])
        program["parts"]["prompt race.md of the judge"] = "another"
        values["made"] = encode(program)
        digest = there.seal().sign("runs", *values.values())
        database.execute("UPDATE runs SET made = ?, digest = ?", (values["made"], digest))
        database.commit()
    with pytest.raises(WrongVersion, match=r"differs from this one in prompt race\.md of the judge; .* run the suite"):
        async with judged(reporting, [CASE], {}, spec(), settings, silent):
            pass
    (again,) = app.runs(settings)
    assert (again.status, again.fence) == ("done", 1)
    async with judged(reporting, [CASE], {}, spec(nonce="two"), settings, silent):
        pass
