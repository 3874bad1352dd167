"""Bad input gets one sentence that says what to do, an exit code, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scene import QUESTION, begin, copy_home, environment, make_home, model_server, run

NOTES = ("--corpus", "notes")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a corpus."""
    return make_home(tmp_path_factory.mktemp("bad"))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["ask", "", *NOTES], 2, "question"),
        (["ask", "x" * 100_000, *NOTES], 2, "characters"),
        (["ask", QUESTION], 2, "--corpus"),
        (["ask", QUESTION, "--corpus", "nots"], 2, "notes"),
        (["ask", QUESTION, "--corpus", "../../etc"], 2, "names"),
        (["ask", QUESTION, "--web", "--search", "searxng"], 4, "--searx"),
        (["ask", QUESTION, "--web", "--search", "brave"], 4, "BRAVE_API_KEY"),
        (["ask", QUESTION, "--web", "--search", "wikipdia"], 2, "wikipedia"),
        (["ask", QUESTION, "--web", "--search", "mcp.notes"], 2, "[mcp.notes]"),
        (["ask", QUESTION, *NOTES, "--search", "wikipedia"], 2, "--web"),
        (["ask", QUESTION, *NOTES, "--model", "opnai:gpt-4o"], 2, "openai"),
        (["ask", QUESTION, *NOTES, "--model", "gpt"], 2, "provider:model"),
        (["ask", QUESTION, *NOTES, "--model", "openai:gpt-4o"], 4, "OPENAI_API_KEY"),
        (["ask", QUESTION, *NOTES, "--mode", "agent"], 4, "--model"),
        (["ask", QUESTION, *NOTES, "--mode", "agnt"], 2, "agent"),
        (["ask", QUESTION, *NOTES, "--max-usd", "0"], 2, "--max-usd"),
        (["ask", QUESTION, *NOTES, "--max-calls", "-3"], 2, "--max-calls"),
        (["ask", QUESTION, *NOTES, "--max-seconds", "soon"], 2, "--max-seconds"),
        (["ask", QUESTION, *NOTES, "--branch-max-tokens-total", "nan"], 2, "--branch-max-tokens-total"),
        (["ask", QUESTION, *NOTES, "--max-cals", "3"], 2, "--max-calls"),
        (["resume", "no-such-run"], 2, "run"),
        (["show", "--last"], 2, "run"),
        (["verify", "--last"], 2, "run"),
        (["index", "/no/such/folder", "--corpus", "x"], 2, "/no/such/folder"),
    ],
)
def test_one_sentence_and_an_exit_code(home: Path, arguments: list[str], code: int, says: str) -> None:
    """The sentence names what is wrong or what to do; there is no trace-back and nothing on stdout."""
    ended = run(home, *arguments)
    assert ended.returncode == code, ended.stderr
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_a_folder_with_nothing_to_read_is_refused(home: Path, tmp_path: Path) -> None:
    """The sentence says which kinds of file are read; no corpus is made."""
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    ended = run(home, "index", str(tmp_path), "--corpus", "empty")
    assert ended.returncode == 2
    assert ".pdf" in ended.stderr


def test_bad_files_among_good_ones_are_named_and_counted(tmp_path: Path) -> None:
    """Empty, binary and broken files are skipped with a reason; the good one is indexed and can be asked."""
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "good.md").write_text("# Walls\n\nA budget is a wall.\n")
    (documents / "latin.txt").write_bytes("Ein Budget ist eine Mauer, sagt der Prüfer.".encode("latin-1"))
    (documents / "empty.txt").write_bytes(b"")
    (documents / "binary.txt").write_bytes(bytes(range(256)) * 50)
    (documents / "broken.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    ended = run(tmp_path / "home", "index", str(documents), "--corpus", "mixed", "--json")
    assert ended.returncode == 0, ended.stderr
    summary = json.loads(ended.stdout)
    assert summary["files"] == 2
    assert {file["name"] for file in summary["skipped"]} == {"empty.txt", "binary.txt", "broken.pdf"}
    assert all(file["reason"] for file in summary["skipped"])


def test_another_version_of_the_home_is_refused(home: Path, tmp_path: Path) -> None:
    """Both numbers and the way out are named, and nothing in the home is touched."""
    own = copy_home(home, tmp_path)
    (own / "VERSION").write_text("99\n")
    ended = run(own, "ask", QUESTION, *NOTES)
    assert ended.returncode == 1
    assert "99" in ended.stderr
    assert "--home" in ended.stderr


def test_a_setting_that_does_not_exist_is_named_with_a_suggestion(home: Path, tmp_path: Path) -> None:
    """A mistyped cap in the config file would be no cap, so it is an error."""
    own = copy_home(home, tmp_path)
    (own / "config.toml").write_text("max_cals = 3\n")
    ended = run(own, "ask", QUESTION, *NOTES)
    assert ended.returncode == 2
    assert "max_calls" in ended.stderr


def test_a_changed_source_fails_verification(home: Path, tmp_path: Path) -> None:
    """One changed character in a stored text is found offline, and the exit code is 1."""
    own = copy_home(home, tmp_path)
    report = json.loads(run(own, "ask", QUESTION, *NOTES, "--json", "-q").stdout)
    assert run(own, "verify", "--last").returncode == 0
    path = Path(report["sources"][0]["path"])
    path.write_text(path.read_text(encoding="utf-8").replace("e", "3", 1), encoding="utf-8")
    ended = run(own, "verify", "--last")
    assert ended.returncode == 1
    assert report["findings"][0]["source"][:12] in ended.stdout + ended.stderr


def test_a_question_can_come_from_stdin(home: Path, tmp_path: Path) -> None:
    """``ask -`` reads the question, and the report is the same as with an argument."""
    own = copy_home(home, tmp_path)
    piped = run(own, "ask", "-", *NOTES, "--json", "-q", stdin=QUESTION + "\n")
    assert piped.returncode == 0, piped.stderr
    assert json.loads(piped.stdout)["question"] == QUESTION


def test_a_question_of_a_megabyte_is_refused(home: Path) -> None:
    """It is a document, and the sentence says how long a question may be."""
    ended = run(home, "ask", "-", *NOTES, stdin="budget " * 150_000)
    assert ended.returncode == 2
    assert "20,000 characters" in ended.stderr


def test_an_index_in_progress_is_never_answered_from_as_if_whole(tmp_path: Path) -> None:
    """After kill -9 in the middle, ask says how far it got; the same command finishes it; then ask answers."""
    documents = tmp_path / "documents"
    documents.mkdir()
    for number in range(400):
        (documents / f"{number}.md").write_text(f"# Note {number}\n\nThe budget of note {number} is a wall.\n" * 20)
    home = tmp_path / "home"
    indexing = begin(home, "index", str(documents), "--corpus", "many")
    assert indexing.stderr is not None
    for line in indexing.stderr:
        if line.startswith("files") and not line.startswith("files 400"):
            indexing.kill()
            break
    indexing.communicate()
    ended = run(home, "ask", "What is a budget?", "--corpus", "many")
    assert ended.returncode == 4
    assert "research index" in ended.stderr
    partial = run(home, "ask", "What is a budget?", "--corpus", "many", "--allow-partial", "--json", "-q")
    assert partial.returncode == 3
    assert any("many" in loss["what"] for loss in json.loads(partial.stdout)["skipped"])
    assert run(home, "index", str(documents), "--corpus", "many", "-q").returncode == 0
    assert run(home, "ask", "What is a budget?", "--corpus", "many", "-q").returncode == 0


def test_no_key_appears_anywhere(home: Path, tmp_path: Path) -> None:
    """A key given in the environment is in no output and in no file of the home."""
    secret = "sk-canary-5b1f0e9d77aa"
    own = copy_home(home, tmp_path)
    with model_server(tmp_path / "log", every=(3, "500")) as server:
        import subprocess

        from scene import command

        flags = ["--model", "openai:persona", "--base-url", server.base_url]
        ended = subprocess.run(
            command(own, "ask", QUESTION, *NOTES, *flags),
            env={**environment(own), "RESEARCH_API_KEY": secret, "OPENAI_API_KEY": secret},
            capture_output=True,
            text=True,
            check=False,
        )
        shown = subprocess.run(
            command(own, "config", "show"),
            env={**environment(own), "RESEARCH_API_KEY": secret},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode in (0, 3), ended.stderr
    assert secret not in ended.stdout + ended.stderr + shown.stdout + shown.stderr
    for path in own.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path
