"""Models by role over the wire: who is asked what with which key, what each used, and what ``research models`` says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from scene import QUESTION, copy_home, environment, make_home, model_server, run

BIG, SMALL = "openai:gpt-4o", "openai:gpt-4o-mini"
KEY = "sk-never-shown-12345678"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a corpus, to be copied."""
    return make_home(tmp_path_factory.mktemp("roles"))


def keyed(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with OpenAI's key in its environment."""
    return subprocess.run(
        [sys.executable, "-m", "research", "--home", str(home), *arguments],
        env=environment(home) | {"OPENAI_API_KEY": KEY},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_each_role_asks_its_own_model_and_the_report_adds_them_up(home: Path, tmp_path: Path) -> None:
    """The small model reads at its own server, the big one does the rest; calls, tokens and dollars are the run's."""
    own = copy_home(home, tmp_path)
    with model_server(tmp_path / "big") as big, model_server(tmp_path / "small") as small:
        given = ["--model", BIG, "--base-url", big.base_url, "--role", f"reader={SMALL}@{small.base_url}"]
        ended = run(own, "ask", QUESTION, "--corpus", "notes", *given, "--json", "--quiet")
        assert ended.returncode in (0, 3), ended.stderr
        assert {body["model"] for body in big.requests} == {"gpt-4o"}
        assert {body["model"] for body in small.requests} == {"gpt-4o-mini"}
    report = json.loads(ended.stdout)
    assert {row["role"] for row in report["roles"] if row["model"] == SMALL} == {"reader"}
    assert "reader" not in {row["role"] for row in report["roles"] if row["model"] == BIG}
    for what in ("calls", "tokens"):
        assert sum(row[what] for row in report["roles"]) == report["usage"][what]
    assert sum(row["usd"] for row in report["roles"]) == pytest.approx(report["usage"]["usd"], abs=1e-12)
    shown = run(own, "show", "--last").stdout
    assert "| Role | Model | Calls | Tokens | Money |" in shown
    assert f"| reader | {SMALL} |" in shown


def test_a_reader_that_is_of_no_use_is_escalated_and_the_report_counts_it(home: Path, tmp_path: Path) -> None:
    """The big model reads what the small one could not, and the report says how often and why."""
    own = copy_home(home, tmp_path)
    babbling = model_server(tmp_path / "small", answer=lambda body: {"text": "I would rather talk."})
    with model_server(tmp_path / "big") as big, babbling as small:
        given = ["--model", BIG, "--base-url", big.base_url, "--role", f"reader={SMALL}@{small.base_url}"]
        ended = run(own, "ask", QUESTION, "--corpus", "notes", *given, "--json")
        assert ended.returncode in (0, 3), ended.stderr
        assert small.requests
    report = json.loads(ended.stdout)
    (raised,) = [row for row in report["roles"] if (row["role"], row["model"]) == ("reader", BIG)]
    assert raised["calls"] > 0
    (told,) = report["routing"]
    assert told.startswith(f"reading was escalated to {BIG} {raised['calls']} time")
    assert f"stronger model: {BIG} answers for the reader" in ended.stderr
    assert report["findings"]
    assert f"- Models: reading was escalated to {BIG}" in run(own, "show", "--last").stdout


def test_a_writer_that_cannot_be_paid_is_replaced_by_the_cheaper_model_and_the_report_says_so(
    home: Path, tmp_path: Path
) -> None:
    """Under a cap on money the small model writes where the big one's call does not fit, and the cap holds."""
    own = copy_home(home, tmp_path)
    with model_server(tmp_path / "log") as server:
        given = ["--model", SMALL, "--base-url", server.base_url, "--role", f"writer={BIG}", "--max-usd", "0.003"]
        ended = run(own, "ask", QUESTION, "--corpus", "notes", *given, "--json")
        assert ended.returncode in (0, 3), ended.stderr
    report = json.loads(ended.stdout)
    assert report["usage"]["usd"] <= 0.003
    assert [row["model"] for row in report["roles"] if row["role"] == "writer" and row["calls"]] == [SMALL]
    assert any(told.startswith(f"writing was given to the cheaper {SMALL}") for told in report["routing"])


def test_a_fork_takes_a_role_s_new_model_and_keeps_the_others(home: Path, tmp_path: Path) -> None:
    """At compose the writer is another model, and what was read is not read again."""
    own = copy_home(home, tmp_path)
    with model_server(tmp_path / "log") as server:
        roles = ["--model", SMALL, "--base-url", server.base_url, "--role", f"planner={BIG}"]
        begun = run(own, "ask", QUESTION, "--corpus", "notes", *roles, "--quiet")
        assert begun.returncode in (0, 3), begun.stderr
        before = len(server.requests)
        ended = run(own, "fork", "--last", "--at", "compose", "--role", f"writer={BIG}", "--json", "--quiet")
        assert ended.returncode in (0, 3), ended.stderr
        asked = server.requests[before:]
    report = json.loads(ended.stdout)
    assert {"writer": BIG}.items() <= {row["role"]: row["model"] for row in report["roles"]}.items()
    assert {row["role"] for row in report["roles"]} <= {"writer", "checker"}
    assert asked
    assert f"{BIG} (planner, writer)" in report["analyst"]


def test_roles_that_leave_one_without_a_model_are_refused(home: Path) -> None:
    """Nothing is begun, and the exit code is that of a missing setting."""
    ended = run(home, "ask", QUESTION, "--corpus", "notes", "--role", f"writer={BIG}")
    assert ended.returncode == 4
    assert "no model is set for the planner, the researcher, the reader and the checker" in ended.stderr


@pytest.mark.parametrize("words", [("ask", "What?", "--corpus", "c"), ("eval", "run", "reports"), ("models",)])
def test_every_command_that_asks_a_model_takes_roles(tmp_path: Path, words: tuple[str, ...]) -> None:
    """A mistyped role is told by each, with what was meant."""
    ended = run(tmp_path, *words, "--role", "raeder=openai:m")
    assert ended.returncode == 2
    assert "there is no role raeder; did you mean reader?" in ended.stderr


def test_models_says_who_answers_and_where_each_figure_is_from(tmp_path: Path) -> None:
    """Reachable, not reachable and not asked; windows and prices of the config file, the price list, or assumed."""
    (tmp_path / "config.toml").write_text(
        '[prices]\n"persona" = { prompt = 1, completion = 2 }\n[windows]\n"persona" = 9000\n', encoding="utf-8"
    )
    with model_server(tmp_path / "log") as server:
        roles = {
            "planner": "anthropic:claude-sonnet-4-5",
            "reader": f"persona@{server.base_url}",
            "checker": f"other@{server.base_url}",
            "writer": "gpt-4o@http://127.0.0.1:9/v1",
            "researcher": SMALL,
        }
        flags = [word for role, model in roles.items() for word in ("--role", f"{role}={model}")]
        ended = run(tmp_path, "models", *flags, "--json")
    assert ended.returncode == 0, ended.stderr
    rows: dict[str, dict[str, Any]] = {row["roles"][0]: row for row in json.loads(ended.stdout)}
    said = {role: (row["reachable"], row["said"]) for role, row in rows.items()}
    assert said["reader"] == (True, "it has the model")
    assert said["checker"] == (True, "it lists 1 model, and not this one")
    assert said["writer"][0] is False
    assert said["planner"] == (None, "not asked: there is no key, set ANTHROPIC_API_KEY")
    figures = {
        role: (row["window"], row["window_from"], row["prompt"], row["price_from"]) for role, row in rows.items()
    }
    assert figures["reader"] == (9000, "config.toml", 1.0, "config.toml")
    assert figures["checker"] == (32_768, "assumed", None, "not known")
    assert figures["researcher"][1::2] == ("genai-prices", "genai-prices")


def test_models_prints_no_key_and_sends_it_to_no_other_server(tmp_path: Path) -> None:
    """With a key in the environment neither the table nor the JSON holds it, also where a server is not reached."""
    with model_server(tmp_path / "log") as server:
        given = ["--model", "openai:persona", "--base-url", server.base_url]
        texts = [keyed(tmp_path, "models", *given, *more) for more in ((), ("--json",))]
    for ended in texts:
        assert ended.returncode == 0
        assert "it has the model" in ended.stdout
        assert KEY not in ended.stdout + ended.stderr
    none = run(tmp_path, "models")
    assert none.returncode == 0
    assert "no model is configured" in none.stdout
