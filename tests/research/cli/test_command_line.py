"""The real command in a subprocess: help at once, bad input as a sentence, settings shown, keys never."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "research"]
ROOT = Path(__file__).resolve().parents[3]
HEAVY = {
    "langgraph",
    "langchain_core",
    "langchain",
    "chromadb",
    "pydantic",
    "httpx",
    "numpy",
    "rich",
    "asyncio",
    "msgspec",
}


def research(
    home: Path, *arguments: str | bytes, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command with this home and an environment without settings."""
    world = {name: value for name, value in os.environ.items() if not name.startswith("RESEARCH_")}
    ended = subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env={**world, "RESEARCH_HOME": str(home), **environment},
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
    )
    return subprocess.CompletedProcess(ended.args, ended.returncode, ended.stdout.decode(), ended.stderr.decode())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["ask", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """--help and --version answer from typer and the standard library alone."""
    code = (
        "import sys\nfrom research.cli import run\nprint(run(), file=sys.stderr)\n"
        f"print(*sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stderr == "0\n\n"
    assert "research" in ended.stdout


def test_help_names_every_command_and_exit_code(tmp_path: Path) -> None:
    """The help is the map: all commands, all exit codes."""
    shown = research(tmp_path, "--help").stdout
    for word in ("ask", "resume", "index", "runs", "show", "verify", "doctor", "setup", "config", "130 interrupted"):
        assert word in shown


LONG = b"why " * 250_000


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "words"),
    [
        (["ask", ""], b"", 2, "the question is empty"),
        (["ask", "-", "--corpus", "a"], b" \n", 2, "the question is empty"),
        (["ask", "-", "--corpus", "a"], LONG, 2, "too long: at most 20,000 characters"),
        (["ask", "-", "--corpus", "a"], b"a" * 20_001, 2, "a question of 20,001 characters is too long"),
        (["ask", "-", "--corpus", "a"], b"caf\xe9", 2, "not UTF-8 text (byte 3)"),
        (["ask", b"caf\xe9", "--corpus", "a"], b"", 2, "the question is not text"),
        (["ask", "-", "--corpus", "a"], b"a\x00b", 2, "the question is not text"),
        (["ask", "?!"], b"", 2, "the question holds no word"),
        (["ask", "why?"], b"", 2, "say what to answer from: --corpus NAME"),
        (["ask", "why?", "--web", "--search", "exa"], b"", 4, "needs a key: set the environment variable EXA_API_KEY"),
        (
            ["ask", "why?", "--web", "--search", "exo"],
            b"",
            2,
            "there is no search service exo (`research doctor` lists",
        ),
        (["ask", "why?", "--search", "arxiv", "--corpus", "a"], b"", 2, "so it needs --web"),
        (["ask", "why?", "--corpus", "a", "--max-usd", "0"], b"", 2, "--max-usd must be more than 0"),
        (["ask", "why?", "--corpus", "a", "--max-calls=-1"], b"", 2, "--max-calls must be more than 0"),
        (["ask", "why?", "--corpus", "a", "--branch-max-seconds", "nan"], b"", 2, "must be a finite number of seconds"),
        (
            ["ask", "why?", "--corpus", "a", "--max-tokens-total", "lots"],
            b"",
            2,
            "must be a number of tokens, not “lots”",
        ),
        (["ask", "why?", "--corpus", "a", "--mode", "fast"], b"", 2, "--mode must be auto, workflow, hybrid or agent"),
        (
            ["ask", "why?", "--corpus", "a", "--output", "/no/such/r.md"],
            b"",
            2,
            "--output /no/such/r.md cannot be written",
        ),
        (
            ["ask", "why?", "--corpus", "a", "--output", "r.pdf"],
            b"",
            2,
            "--output r.pdf cannot be written: a report is written as .md (Markdown) or .json",
        ),
        (["fork", "--last", "--at", "plan", "-o", "r.HTML"], b"", 2, "no .HTML is made"),
        (["resume", "--last", "-o", "r.docx"], b"", 2, "no .docx is made"),
        (["diff", "", "abc"], b"", 2, "the run's ID is empty; `research runs` lists them"),
        (["diff", "abc", " "], b"", 2, "the run's ID is empty; `research runs` lists them"),
        (["diff", "abc"], b"", 2, "say which run: its ID (`research runs` lists them), or --last"),
        (["diff", "abc", "def", "--last"], b"", 2, "give a run's ID or --last, not both"),
        (["ask", "why?", "--max-usdd", "1"], b"", 2, "--max-usd"),
        (["index", "/no/such/folder", "--corpus", "a"], b"", 2, "there is no folder “/no/such/folder”"),
        (["index", ".", "--corpus", "../a"], b"", 2, "--corpus must be one or more names"),
        (["resume", "abc", "--last"], b"", 2, "give a run's ID or --last, not both"),
        (["resume", "abc", "--yes", "--no"], b"", 2, "give --yes or --no, not both"),
        (["show", "abc", "--plan", "--sources"], b"", 2, "give --sources or --plan, not both"),
        (["setup", "everything"], b"", 2, "write: research setup embeddings, or: research setup reranker"),
        (["shwo"], b"", 2, "Did you mean 'show'?"),
    ],
)
def test_bad_input_gets_a_sentence(
    tmp_path: Path, arguments: list[str | bytes], stdin: bytes, code: int, words: str
) -> None:
    """Each mistake is told in one sentence on stderr with its exit code, nothing on stdout and nothing in the home."""
    ended = research(tmp_path, *arguments, stdin=stdin)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_config_show_tells_values_and_where_they_come_from(tmp_path: Path) -> None:
    """Flag, environment, file and default are told apart; keys are only ever set or not set."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text("max_usd = 0.25\n", encoding="utf-8")
    arguments = ("config", "show", "--home", str(home), "--json")
    ended = research(tmp_path, *arguments, RESEARCH_MODE="hybrid", OPENAI_API_KEY="sk-1234567890")
    shown = json.loads(ended.stdout)
    assert shown["home"] == {"value": str(home), "origin": "flag --home"}
    assert shown["mode"] == {"value": "hybrid", "origin": "environment RESEARCH_MODE"}
    assert shown["max_usd"] == {"value": 0.25, "origin": str(home / "config.toml")}
    assert shown["rounds"] == {"value": 2, "origin": "default"}
    assert shown["OPENAI_API_KEY"]["value"] == "set"
    assert shown["TAVILY_API_KEY"]["value"] == "not set"
    assert "sk-1234567890" not in ended.stdout + ended.stderr


def test_home_may_stand_before_or_after_the_command(tmp_path: Path) -> None:
    """--home is the same on either side, and the one after the command wins."""
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    for arguments, home in (
        (["--home", one, "config", "show"], one),
        (["config", "show", "--home", two], two),
        (["--home", one, "config", "show", "--home", two], two),
    ):
        assert json.loads(research(tmp_path, *arguments, "--json").stdout)["home"]["value"] == home
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command", [["runs"], ["show", "--last"], ["resume", "--last"], ["verify", "--last"], ["ask", "a", "--corpus", "a"]]
)
def test_a_home_of_another_version_is_refused(tmp_path: Path, command: list[str]) -> None:
    """The sentence names both layouts and what to do, and nothing is touched."""
    (tmp_path / "VERSION").write_text("99\n", encoding="utf-8")
    ended = research(tmp_path, *command)
    assert ended.returncode == 1
    assert "has layout 99 and this program uses layout 2" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["VERSION"]


def test_a_reader_who_goes_away_is_no_error(tmp_path: Path) -> None:
    """stdout that is closed early ends the command quietly."""
    line = f"{sys.executable} -m research config show | true; echo ${{PIPESTATUS[0]}}"
    world = {**os.environ, "RESEARCH_HOME": str(tmp_path)}
    ended = subprocess.run(["bash", "-c", line], cwd=ROOT, env=world, capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("0\n", "")


def test_a_terminal_that_cannot_show_a_character_gets_an_escape(tmp_path: Path) -> None:
    """An ASCII stream is no reason to fail."""
    ended = research(tmp_path, "config", "show", "--home", str(tmp_path / "ü"), PYTHONIOENCODING="ascii")
    assert ended.returncode == 0
    assert "\\xfc" in ended.stdout
