"""Failed, killed and interrupted evals: the others are scored, and a retry runs only what is missing."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from eval_scene import QUERIES, Tool, end, evaluate, gone, logs_of, make_data, measured, result, retried
from scene import command, environment

from evals.inspect_logs import read_log
from evals.regression import Floors
from research.app.eval_logs import hold
from research.errors import UsageFault


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The BEIR folder."""
    return make_data(tmp_path_factory.mktemp("beir"))


@pytest.fixture
def tool(tmp_path: Path) -> Iterator[Tool]:
    """Another tool's command."""
    made = Tool(tmp_path / "a tool")
    yield made
    made.close()


def ordered(data: Path, tool: Tool, *flags: str) -> list[str]:
    """The arguments of a run, one case at a time."""
    return ["run", "retrieval", "--data", str(data), "--system", tool.system, "--parallel", "1", "--json", *flags]


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start ``research eval …``."""
    return subprocess.Popen(
        command(home, "eval", *arguments),
        env=environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_failed_case_is_counted_named_and_tried_again(data: Path, tool: Tool, tmp_path: Path) -> None:
    """Exit code 1 with the others scored; the printed retry runs that case alone and exits 0."""
    home = tmp_path / "home"
    tool.order(fail="q4")
    ended = evaluate(home, *ordered(data, tool))
    found = result(ended, 1)
    assert (found["cases"], found["failed"], found["metrics"]["ndcg@10"]["n"]) == (6, 1, 5)
    assert any(note.startswith("q4 failed: ") and note.endswith("out of ink") for note in found["notes"])
    name = Path(found["log"]).name
    assert f"research eval retry {name} --home {home}" in ended.stderr
    assert re.fullmatch(r"[\w.-]+_retrieval-command-[\w.-]{1,100}\.eval", name)
    assert sorted(tool.asked()) == sorted(QUERIES)
    tool.order()
    again = result(evaluate(home, "retry", name, "--json"))
    assert tool.asked() == ["q4"]
    assert (again["cases"], again["failed"], again["metrics"]["ndcg@10"]["n"]) == (6, 0, 6)
    assert again["log"] != found["log"]


def test_a_killed_eval_goes_on_where_it_was(data: Path, tool: Tool, tmp_path: Path) -> None:
    """kill -9 in the fourth case: the retry runs it and what comes after, and no other case."""
    home = tmp_path / "home"
    tool.order(hang="q4")
    process = start(home, *ordered(data, tool))
    hanging = tool.reached()
    try:
        process.kill()
        out, _ = process.communicate(timeout=60)
    finally:
        end(hanging)
    assert out == ""
    assert tool.asked() == ["q1", "q2", "q3", "q4"]
    assert set(read_log(logs_of(home)[0]).missing) == {"q4", "q5", "q6"}
    tool.order()
    again = result(evaluate(home, "retry", "--json"))
    assert tool.asked() == ["q4", "q5", "q6"]
    assert (again["cases"], again["failed"], again["metrics"]["ndcg@10"]["n"]) == (6, 0, 6)


async def test_one_interrupt_ends_an_eval_and_names_the_retry(data: Path, tool: Tool, tmp_path: Path) -> None:
    """Ctrl-C: exit code 130, the tool is gone, the last line is the command that goes on; no floor lets it through."""
    home = tmp_path / "home"
    tool.order(hang="q3")
    process = start(home, *ordered(data, tool))
    hanging = tool.reached()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert gone(hanging)
    assert "Traceback" not in err
    (log,) = logs_of(home)
    assert err.strip().splitlines()[-1] == f"go on with: research eval retry {log.name} --home {home}"
    held = hold(log, None, Floors(least={"ndcg@10": 0.0}), 0)
    assert held.breaches == ["4 cases not run yet: the eval was stopped"]
    tool.asked()
    tool.order()
    assert (await retried(log, home)).cases == 6
    assert tool.asked() == ["q3", "q4", "q5", "q6"]


async def test_a_retry_on_changed_data_is_refused(data: Path, tmp_path: Path) -> None:
    """One changed document, or a folder that is gone: exit code 2, it is named, and no new log is begun."""
    home, own = tmp_path / "home", Path(shutil.copytree(data, tmp_path / "own"))
    log = Path((await measured(home, suite="retrieval", data=own, system="bm25")).log)
    corpus = own / "corpus.jsonl"
    corpus.write_text(corpus.read_text().replace("small mountain lake", "large mountain lake"))
    ended = evaluate(home, "retry", "--json")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert str(own) in ended.stderr and "run the suite anew" in ended.stderr
    shutil.rmtree(own)
    with pytest.raises(UsageFault, match=f"{own} does not exist"):
        await retried(log, home)
    assert logs_of(home) == [log]
