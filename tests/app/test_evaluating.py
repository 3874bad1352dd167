"""Preparing an eval and finding its log: what is checked before a case is run, and what stands in the specification."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from eval_scene import make_data

from evals.inspect_logs import log_name
from evals.records import Outcome, Spec
from evals.suite import Request
from evals.suites import suite as find_suite
from research.app.eval_logs import find_log, folders, known_logs
from research.app.evaluating import Feedback, Order, prepare, retry
from research.errors import EffectFailed, ResearchError, SettingMissing, UnknownName, UsageFault
from research.records import Question, encode
from research.settings import Settings, load
from tools.embeddings import HashingEmbedder

SECRET = "sk-canary-9e13"
WITH_KEY = {"OPENAI_API_KEY": SECRET, "RESEARCH_API_KEY": SECRET}


def settings(home: Path, environment: dict[str, str] | None = None, **flags: Any) -> Settings:
    """Settings of a user with this home."""
    return load({"home": str(home), **flags}, environment or {})


def test_a_specification_has_all_that_shaped_the_run_and_no_key(tmp_path: Path) -> None:
    """Data, seed, limit, caps, model and note are in it; the same order has the same digest, another seed another."""
    data = make_data(tmp_path / "data")
    user = settings(tmp_path, WITH_KEY, model="openai:gpt-4o-mini", max_calls="7")
    order: dict[str, Any] = {"suite": "retrieval", "system": "bm25", "data": data, "limit": 2}
    spec = prepare(Order(**order, seed=3), user).spec
    assert (spec.suite, spec.system, spec.data, spec.seed, spec.limit) == ("retrieval", "bm25", str(data), 3, 2)
    assert '"calls":7' in spec.options["run"] and "gpt-4o-mini" in spec.options["run"]
    assert "2 of 6 cases, drawn by seed 3" in spec.notes
    assert SECRET not in encode(spec)
    assert prepare(Order(**order, seed=3), user).spec.digest == spec.digest
    assert prepare(Order(**order, seed=4), user).spec.digest != spec.digest


def test_a_suite_has_a_system_of_its_own(tmp_path: Path) -> None:
    """Without a name the suite's default is measured; nothing is written for it."""
    prepared = prepare(Order(suite="claims"), settings(tmp_path / "home"))
    assert prepared.spec.system == "support"
    assert len(prepared.loaded.cases) == 18
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("order", "flags", "error", "says"),
    [
        ({"suite": "claim"}, {}, UnknownName, "did you mean claims"),
        ({"suite": "claims", "system": "suport"}, {}, UnknownName, "did you mean support"),
        ({"suite": "multihop", "system": "fused"}, {"rerank": "model"}, UsageFault, "the system fused uses none"),
        ({"suite": "claims", "system": "planner"}, {}, UsageFault, "the system planner gives plan"),
        ({"suite": "world", "system": "agent"}, {}, SettingMissing, "needs a language model"),
        ({"suite": "world", "system": "agent"}, {"model": "openai:gpt-4o"}, SettingMissing, "OPENAI_API_KEY"),
        ({"suite": "world", "judge": "openai:gpt-4o"}, {}, UsageFault, "--judge is for the suite reports"),
        ({"suite": "reports", "judge": "openai:gpt-4o"}, {}, SettingMissing, "OPENAI_API_KEY"),
        ({"suite": "reports", "judge": "gpt"}, {}, UsageFault, "provider:model"),
        ({"suite": "reports", "system": "command: "}, {}, UsageFault, "command:CMD"),
        ({"suite": "reports", "judge_url": "http://127.0.0.1:9/v1"}, {}, UsageFault, "needs a judge"),
        ({"suite": "retrieval", "data": Path("/no/such")}, {}, UsageFault, "/no/such does not exist"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    tmp_path: Path, order: dict[str, Any], flags: dict[str, Any], error: type[ResearchError], says: str
) -> None:
    """One sentence, before a document is indexed or a call is made."""
    with pytest.raises(error, match=says):
        prepare(Order(**order), settings(tmp_path, **flags))


@pytest.mark.parametrize("order", [{"suite": "world", "system": "workflow"}, {"suite": "reports", "judge": "openai:x"}])
def test_a_cap_on_money_needs_a_known_price(tmp_path: Path, order: dict[str, Any]) -> None:
    """Of the system's model as of the judge's: else the cap would fail every case."""
    user = settings(tmp_path, WITH_KEY, model="openai:x", max_usd="1")
    with pytest.raises(UsageFault, match="the price of openai:x is not known"):
        prepare(Order(**order), user)


def test_a_system_without_a_model_needs_no_key(tmp_path: Path) -> None:
    """A configured model whose key is missing does not keep the extractive analyst from being measured."""
    assert prepare(Order(suite="abstain"), settings(tmp_path, model="openai:gpt-4o")).spec.system == "extractive"


def made_logs(user: Settings, *names: str) -> list[Path]:
    """Empty files in the folder of logs, the last one the newest."""
    _, folder = folders(user)
    folder.mkdir(parents=True)
    for age, name in enumerate(names):
        (folder / name).touch()
        os.utime(folder / name, (age, age))
    return [folder / name for name in names]


def test_a_log_is_found_by_path_name_or_beginning(tmp_path: Path) -> None:
    """A whole name wins over the longer one it begins; without any name it is the newest."""
    user = settings(tmp_path)
    old, new = made_logs(user, "2026-a.eval", "2026-a.eval.more.eval")
    assert known_logs(user) == [new, old]
    assert find_log(None, user) == new
    assert find_log("2026-a.eval", user) == old
    assert find_log("2026-a.eval.m", user) == new
    assert find_log(str(old), settings(tmp_path / "other")) == old


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("2026", UsageFault, "is the beginning of 2 logs"),
        ("2027", UnknownName, "there is no eval log 2027"),
        ("", UsageFault, "is the beginning of 2 logs"),
        (".", UnknownName, "there is no eval log"),
        ("x" * 5_000, UnknownName, "there is no eval log x"),
    ],
)
def test_a_name_of_no_one_log_is_refused(tmp_path: Path, name: str, error: type[ResearchError], says: str) -> None:
    """Several, none, a folder, or a name longer than names can be: a sentence and never a guess."""
    user = settings(tmp_path)
    made_logs(user, "2026-a.eval", "2026-b.eval")
    with pytest.raises(error, match=says):
        find_log(name, user)


def test_without_logs_the_command_that_makes_one_is_named(tmp_path: Path) -> None:
    """A new home has no newest log."""
    with pytest.raises(UsageFault, match="research eval run SUITE"):
        find_log(None, settings(tmp_path))


def test_a_log_has_a_name_that_fits_file_names_and_shells() -> None:
    """Of a command of any length it keeps letters and figures, and the suite at its beginning."""
    name = log_name(Spec(suite="retrieval", system=f"command:tool '{{a b}}' {'x' * 300}", data=None, seed=0))
    assert re.fullmatch(r"retrieval-command-tool-a-b-x{10,60}", name)


async def foreign_log(folder: Path, spec: Spec) -> Path:
    """A log from elsewhere: a sound one of no case's outcome, whose specification says whatever ``spec`` does."""
    from evals.inspect_runner import run

    async def mute(question: Question) -> Outcome:
        raise EffectFailed("it says nothing")

    suite = find_suite("claims")
    loaded = suite.load(Request(data=None, seed=0)).sampled(1, 0)
    return await run(suite, loaded, spec, mute, logs=folder, parallel=1, progress=lambda done, total: None)


def quiet(line: str) -> None:
    """Says nothing."""


async def test_a_log_from_elsewhere_runs_no_command(tmp_path: Path) -> None:
    """Who is sent a log and goes on with it does not run what it names, nor send a key to a server it names."""
    user = settings(tmp_path / "home", WITH_KEY)
    run = encode(user.options())
    canary = tmp_path / "canary"
    command = Spec(suite="claims", system=f"command:touch {canary}", data=None, seed=0, options={"run": run})
    server = encode(settings(tmp_path / "home", WITH_KEY, model="x:y", base_url="http://127.0.0.1:9/v1").options())
    judged = {"run": run, "judge": "x:y", "judge_url": "http://127.0.0.1:9/v1"}
    for spec in (
        command,
        Spec(suite="claims", system="model-check", data=None, seed=0, options={"run": server}),
        Spec(suite="reports", system="extractive", data=None, seed=0, options=judged),
    ):
        path = await foreign_log(tmp_path / "sent", spec)
        with pytest.raises(UsageFault, match="if you trust it"):
            await retry(path, user, Feedback(say=quiet, progress=lambda done, total: None))
    assert not canary.exists()


async def test_a_log_of_another_version_is_refused(tmp_path: Path) -> None:
    """A specification without the options of a run is not guessed at."""
    path = await foreign_log(tmp_path / "sent", Spec(suite="claims", system="support", data=None, seed=0))
    with pytest.raises(UsageFault, match="written by another version"):
        await retry(path, settings(tmp_path / "home"), Feedback(say=quiet, progress=lambda done, total: None))


def test_a_specification_names_the_embedder_that_is_used(tmp_path: Path) -> None:
    """``auto`` is not what a retry needs to know, once the sentence model has been set up in between."""
    spec = prepare(Order(suite="retrieval"), settings(tmp_path)).spec
    assert spec.options["embedder"] == HashingEmbedder.name
