"""What an eval may not depend on, and may not leave behind: Inspect, the work folder, the environment, keys."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zipfile_zstd  # type: ignore[import-untyped]  # noqa: F401  # teaches zipfile the compression of eval logs
from eval_scene import Tool, evaluate, make_data, measured, quality, result
from scene import environment

from research.records import encode

SECRET = "sk-canary-41d07be2a96c"
FEW = ["run", "claims", "--limit", "6", "--json"]


@pytest.fixture
def tool(tmp_path: Path) -> Iterator[Tool]:
    """Another tool's command."""
    made = Tool(tmp_path / "tool")
    yield made
    made.close()


def contents(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below a folder, and what is packed in those that are zip files."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()
        if path.is_file() and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                yield from ((path / name, packed.read(name)) for name in packed.namelist())


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    "arguments", [["run", "claims"], ["retry"], ["compare", "--fail-below", "auroc=0.5"], ["view"]]
)
def test_without_inspect_the_command_that_installs_it_is_named(tmp_path: Path, arguments: list[str]) -> None:
    """Exit code 4 and one sentence; nothing is written."""
    code = "import sys\nsys.modules['inspect_ai'] = None\nfrom research.cli import run\nsys.exit(run())"
    ended = subprocess.run(
        [sys.executable, "-c", code, "--home", str(tmp_path / "home"), "eval", *arguments],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (4, "")
    assert "pip install 'research[evals]'" in ended.stderr
    assert not (tmp_path / "home").exists()


def test_the_list_needs_no_inspect(tmp_path: Path) -> None:
    """What could be measured is told before anything is installed."""
    code = "import sys\nsys.modules['inspect_ai'] = None\nfrom research.cli import run\nsys.exit(run())"
    ended = subprocess.run(
        [sys.executable, "-c", code, "eval", "list"], env=environment(tmp_path), capture_output=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, b"")


async def test_neither_the_work_folder_nor_inspects_variables_change_anything(tmp_path: Path) -> None:
    """A ``.env``, ``INSPECT_*`` and a home that cannot be written: the same figures, and no file but in our home."""
    folder, plain = tmp_path / "work", await measured(tmp_path / "plain", suite="claims", limit=6)
    folder.mkdir()
    lines = [
        "RESEARCH_MAX_CALLS=0",
        "RESEARCH_EMBEDDER=nonsense",
        "INSPECT_EVAL_MODEL=openai/gpt-4o",
        f"A_KEY={SECRET}",
    ]
    (folder / ".env").write_text("\n".join(lines))
    meddling = {
        "HOME": "/proc/nobody",
        "INSPECT_DISPLAY": "full",
        "INSPECT_EVAL_MODEL": "openai/gpt-4o",
        "INSPECT_EVAL_LIMIT": "1",
        "INSPECT_LOG_DIR": str(tmp_path / "elsewhere"),
        "INSPECT_LOG_FORMAT": "json",
        "INSPECT_LOG_LEVEL": "debug",
    }
    ended = evaluate(tmp_path / "home", *FEW, cwd=folder, extra=meddling)
    meddled = result(ended)
    assert quality(meddled) == quality(json.loads(encode(plain)))
    assert Path(meddled["log"]).is_relative_to(tmp_path / "home" / "evals" / "logs")
    assert not (tmp_path / "elsewhere").exists()
    assert (names(folder), names(tmp_path)) == ([".env"], ["home", "plain", "work"])


def test_a_key_is_in_no_file_and_in_no_output(tmp_path: Path, tool: Tool) -> None:
    """Not even the key that another tool's last words tell: they stand in log and notes without it."""
    home, data = tmp_path / "home", make_data(tmp_path / "data")
    keys = {"OPENAI_API_KEY": SECRET, "RESEARCH_API_KEY": SECRET}
    tool.order(fail="q2", says=f"401: the key {SECRET} is not valid")
    systems = ["--system", tool.system, "--system", "lexical"]
    ended = evaluate(home, "run", "retrieval", "--data", str(data), *systems, "--json", extra=keys)
    assert ended.returncode == 1
    notes = json.loads(ended.stdout)["runs"][0]["notes"]
    assert any("401: the key [secret] is not valid" in note for note in notes)
    assert SECRET not in ended.stdout + ended.stderr
    files = dict(contents(home))
    assert any(path.name == "header.json" for path in files)
    assert [path for path, held in files.items() if SECRET.encode() in held] == []
