"""The house rules as tests: who may import whom, where the world is touched, how long things may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("research", "graphs", "tools", "evals")
SEES_EVERYTHING = ("research/app/", "research/cli/", "research/__main__.py")
LIBRARIES_OF_THE_HANDS = {
    "aiosqlite", "chromadb", "httpx", "langchain", "langchain_core", "langchain_openai", "langgraph", "onnxruntime",
    "openai", "pydantic", "pypdfium2", "requests", "socket", "sqlite3", "subprocess", "trafilatura", "urllib.request",
}  # fmt: skip
MODULES_OF_TIME = {"time", "datetime", "date"}
FUNCTION_LINES = 70
FILE_LINES = 500
NO_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "core", "misc"}


def sources(*folders: str) -> list[Path]:
    """Every Python file below the folders."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name(path: Path) -> str:
    """A path as it is spoken of."""
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, wherever in the file, but for those that only type checkers see."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name(path)}: relative import"
            yield node.module or ""


def within(module: str, packages: set[str]) -> bool:
    """Whether a module is one of the packages or inside one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def judgement() -> list[Path]:
    """The files of research/ that are words and judgement alone."""
    return [path for path in sources("research") if not name(path).startswith(SEES_EVERYTHING)]


def test_the_words_know_no_hands_and_no_wiring() -> None:
    """research/ imports neither tools, graphs nor evals, no socket, no database, no langgraph."""
    forbidden = {"tools", "graphs", "evals", "research.app", "research.cli"} | LIBRARIES_OF_THE_HANDS
    wrong = [(name(path), module) for path in judgement() for module in imports(path) if within(module, forbidden)]
    assert not wrong


@pytest.mark.parametrize("folder", ["tools", "graphs", "evals"])
def test_each_folder_knows_only_the_words(folder: str) -> None:
    """tools, graphs and evals never import one another, nor what puts them together."""
    others = ({"tools", "graphs", "evals"} - {folder}) | {"research.app", "research.cli", "research.settings"}
    wrong = [(name(p), module) for p in sources(folder) for module in imports(p) if within(module, others)]
    assert not wrong


def test_nothing_imports_the_command_line() -> None:
    """Only the command line knows itself."""
    outside = [path for path in sources(*FOLDERS) if not name(path).startswith(("research/cli/", "research/__main__"))]
    assert not [name(path) for path in outside for module in imports(path) if within(module, {"research.cli"})]


def test_langgraph_is_imported_in_graphs_alone() -> None:
    """The engine can be told from the rest by its folder."""
    outside = [path for path in sources(*FOLDERS) if not name(path).startswith("graphs/")]
    assert not [name(path) for path in outside for module in imports(path) if within(module, {"langgraph"})]


def test_the_environment_is_read_in_one_file() -> None:
    """os.environ and os.getenv appear in research/settings.py and nowhere else."""
    pattern = re.compile(r"\bos\.(environ|getenv)\b|\bfrom os import .*\b(environ|getenv)\b")
    readers = {name(path) for path in sources(*FOLDERS) if pattern.search(path.read_text(encoding="utf-8"))}
    assert readers == {"research/settings.py"}


def test_judgement_reads_no_clock() -> None:
    """Time comes in by the Clock port."""
    wrong = [
        (name(p), m) for p in judgement() for m in imports(p) if m in {"time", "datetime"} and "settings" not in name(p)
    ]
    assert not wrong


def test_the_time_of_day_is_read_in_one_file() -> None:
    """Only tools/clock.py asks what day it is; whoever waits or measures asks a monotonic clock."""
    asked = {"time", "time_ns", "now", "utcnow", "today", "localtime", "gmtime", "ctime"}
    readers = set()
    for path in sources(*FOLDERS):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in asked:
                owner = node.func.value
                if (owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")) in MODULES_OF_TIME:
                    readers.add(name(path))
            if isinstance(node, ast.ImportFrom) and node.module == "time":
                readers |= {name(path) for alias in node.names if alias.name in asked}
    assert readers == {"tools/clock.py"}


def test_broad_handlers_stand_at_the_two_borders() -> None:
    """``except Exception`` exists at the node border and in the command line, and a bare except nowhere."""
    places = set()
    for path in sources(*FOLDERS, "bench"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler):
                caught = {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)} if node.type else {"bare"}
                if caught & {"Exception", "BaseException", "bare"}:
                    places.add(name(path))
    assert all(place == "graphs/border.py" or place.startswith("research/cli/") for place in places), places


def test_functions_and_files_are_short() -> None:
    """A function that outgrows 70 lines or a file that outgrows 500 is telling something about the design."""
    long = []
    for path in sources(*FOLDERS):
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > FILE_LINES:
            long.append(f"{name(path)}: {lines} lines")
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > FUNCTION_LINES:
                    long.append(f"{name(path)}: {node.name} has {length} lines")
    assert not long


def test_names_tell_something() -> None:
    """No utils, no helpers, and no module that hides one of the standard library."""
    files = sources(*FOLDERS)
    assert not [name(path) for path in files if path.stem in NO_NAMES or re.search(r"_v2$|^enhanced_", path.stem)]
    hidden = [
        name(path) for path in files if path.parent == ROOT / path.parts[-2] and path.stem in sys.stdlib_module_names
    ]
    assert not hidden


def test_every_module_says_what_it_holds() -> None:
    """Each file opens with a docstring."""
    assert not [name(path) for path in sources(*FOLDERS, "tests", "bench") if not ast.get_docstring(tree(path))]


def test_tests_replace_nothing_and_do_not_sleep() -> None:
    """No Mock, no patch, no sleep; and every test says in a sentence what it shows."""
    wrong = []
    for path in sources("tests"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called in {"Mock", "MagicMock", "AsyncMock", "patch", "sleep"}:
                    wrong.append(f"{name(path)}:{node.lineno} {called}")
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                if not ast.get_docstring(node):
                    wrong.append(f"{name(path)}:{node.lineno} {node.name} says nothing")
                if "monkeypatch" in [argument.arg for argument in node.args.args]:
                    wrong.append(f"{name(path)}:{node.lineno} monkeypatch")
    assert not wrong


def test_importing_a_package_does_nothing(tmp_path: Path) -> None:
    """Importing every module of ours writes nothing to a fresh home and prints nothing."""
    modules = [name(path)[:-3].replace("/", ".").removesuffix(".__init__") for path in sources(*FOLDERS)]
    wanted = [module for module in modules if not module.endswith("__main__")]
    code = f"import importlib\nfor m in {wanted!r}: importlib.import_module(m)"
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_the_four_packages_are_ours() -> None:
    """Another distribution ships a package named ``evals``; what is imported here is this project's."""
    for folder in FOLDERS:
        module = __import__(folder)
        assert Path(str(module.__file__)).resolve().parent == ROOT / folder


def test_no_registry_is_named() -> None:
    """No address of a package registry is committed."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    pattern = re.compile("py" + r"pi\.org|registry\.npm|files\.python" + "hosted")
    wrong = []
    for file in tracked:
        try:
            text = (ROOT / file).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        if pattern.search(text):
            wrong.append(file)
    assert not wrong
