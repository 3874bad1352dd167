"""The fingerprint of the program that made a run, and what is said when another program goes on with it."""

from __future__ import annotations

import re
import shutil
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from research.app.making import LIBRARY, NAMED, ROOT, Made, check_made, differing, made
from research.errors import WrongVersion
from research.records import encode

NOW = Made(program="0.2.0", state=1, parts={"prompt reader.md": "aa", "graphs/*.py": "bb"})


def before(**changes: object) -> str:
    """A stored fingerprint that differs from ``NOW`` in ``changes``."""
    values = {"program": NOW.program, "state": NOW.state, "parts": NOW.parts, **changes}
    return encode(Made(**values))  # type: ignore[arg-type]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A copy of the packages, to be changed."""
    for folder in ("research", "graphs", "tools", "evals"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("research/prompts/reader.md", "prompt reader.md"),
        ("graphs/orchestrator.py", "the graph (graphs/orchestrator.py)"),
        ("graphs/branch.py", "the branch's graph (graphs/branch.py)"),
        ("research/analysts/schemas.py", "tools and schemas (research/analysts/schemas.py)"),
        ("research/access.py", "rights (research/access.py)"),
        ("graphs/nodes.py", "graphs/*.py"),
        ("research/citations.py", "research/*.py"),
        ("research/prompts/__init__.py", "research/prompts/*.py"),
        ("research/app/world.py", "research/app/*.py"),
        ("research/app/rerankers.py", "research/app/*.py"),
        ("tools/chat_messages.py", "what a model is sent (tools/chat_messages.py)"),
        ("tools/page_text.py", "the text of a page (tools/page_text.py)"),
        ("tools/tokens.py", "the count of tokens (tools/tokens.py)"),
        ("tools/journal.py", "tools/*.py"),
    ],
)
def test_a_change_is_named_by_its_part(program: Path, file: str, part: str) -> None:
    """One changed byte in what shapes a run changes the digest of that part and of no other."""
    path = program / file
    path.write_text(path.read_text() + " ")
    ours, theirs = made().parts, made(program).parts
    assert {name for name in ours if ours[name] != theirs[name]} == {part}
    assert ours.keys() == theirs.keys()


READ_OR_SHOWN = (
    "settings options values caps spelling secret plan_file estimate affording rehearsal render sanitize compare "
    "replaying"
)
"""Modules of ``research/``: read before a run begins, or how it is shown and looked at again."""
ABOUT = (
    "clock cross_encoder_setup database downloads folder_files indexing last_good minilm_setup model_listing orders "
    "ownership row_checks salvage seal"
)
"""Modules of ``tools/``: about who may write, what is damaged and what was done before."""


def test_every_other_source_is_a_part(program: Path) -> None:
    """A byte more in any file that may shape a run is a change: a new module is a part unless it is known not to be."""
    folders = ("research", "research/analysts", "research/prompts", "graphs", "tools")
    files = [path for folder in folders for path in sorted((program / folder).glob("*.py"))]
    before = made(program)
    quiet = set()
    for path in files:
        text = path.read_text(encoding="utf-8")
        path.write_text(text + "\n", encoding="utf-8")
        if made(program) == before:
            quiet.add(path.relative_to(program).as_posix())
        path.write_text(text, encoding="utf-8")
    known = {f"research/{name}.py" for name in ("__init__", "__main__", *READ_OR_SHOWN.split())}
    assert quiet == known | {f"tools/{name}.py" for name in ("__init__", *ABOUT.split())}


@pytest.mark.parametrize("file", ["tools/fakes/scripted.py", "research/cli/ask.py", "research/app/records.py"])
def test_what_shapes_no_run_is_no_part(program: Path, file: str) -> None:
    """Fakes, the command line, and how runs are listed leave the digests as they are."""
    path = program / file
    path.write_text(path.read_text() + "\n# another\n")
    assert made(program) == made()


@pytest.mark.parametrize("file", ["evals/prompts/race.md", "evals/judging.py"])
def test_the_judge_is_a_part_of_an_eval_alone(program: Path, file: str) -> None:
    """What shapes verdicts differs for the judge's run, and for no run that is asked."""
    path = program / file
    path.write_text(path.read_text() + " ")
    assert made(program) == made()
    assert made(program, judge=True) != made(judge=True)


def test_the_libraries_are_those_that_are_declared() -> None:
    """Each dependency that shapes a run is there with its version; what only carries words is not."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = {re.split("[<>=]", one)[0] for one in declared}
    parts = {name.removeprefix(LIBRARY): one for name, one in made().parts.items() if name.startswith(LIBRARY)}
    assert {"langgraph", "langchain-core", "trafilatura", "tiktoken", "numpy"} <= parts.keys()
    assert not {"httpx", "typer", "pytest", "inspect-ai"} & parts.keys()
    assert parts == {name: version(name) for name in parts}
    assert names - parts.keys() <= {"httpx", "httpcore", "idna", "platformdirs", "typer", "langgraph-checkpoint"}


def test_another_library_is_named_with_both_versions() -> None:
    """The sentence says what was there and what is here, also for one that is new."""
    now = Made(program="0.2.0", state=1, parts={f"{LIBRARY}trafilatura": "2.1", f"{LIBRARY}lxml": "6"})
    was = encode(Made(program="0.2.0", state=1, parts={f"{LIBRARY}trafilatura": "2.0"}))
    assert differing(was, now) == "the library lxml (none, here 6), the library trafilatura (2.0, here 2.1)"
    assert differing("", now) == differing(encode(now), now) == ""


def test_a_new_prompt_is_a_part(program: Path) -> None:
    """A file that is added shapes runs, too."""
    (program / "research/prompts/translator.md").write_text("new")
    assert set(made(program).parts) - set(made().parts) == {"prompt translator.md"}


def test_the_same_program_goes_on_in_silence() -> None:
    """Nothing is said when nothing differs, and when nothing was kept to compare with."""
    assert check_made("r", before(), NOW) == ""
    assert check_made("r", "", NOW) == ""


def test_another_number_alone_goes_on_and_says_so() -> None:
    """Both versions are named, and that nothing else differs."""
    said = check_made("r", before(program="0.1.0"), NOW)
    assert said.startswith("the run was begun by version 0.1.0 and goes on unchanged with 0.2.0")


def test_another_program_is_refused_with_both_ways_out() -> None:
    """Each part that was changed, added or taken away is named, with the versions and the two ways to go on."""
    parts = {"prompt reader.md": "ab", "prompt old.md": "cc"}
    with pytest.raises(WrongVersion) as refusal:
        check_made("r", before(program="0.1.0", state=0, parts=parts), NOW)
    said = str(refusal.value)
    assert said.startswith(
        "refused: the run r was begun by a program that differs from this one in its version (0.1.0, here 0.2.0), the "
        "version of the graph's state (0, here 1), prompt old.md, prompt reader.md and 1 more part;"
    )
    assert "go on with the version that began it, or `research resume r --from-journal`" in said


def test_a_few_parts_are_named_and_the_others_counted() -> None:
    """The sentence stays one sentence, however much differs."""
    parts = {f"prompt {number}.md": "aa" for number in range(9)}
    with pytest.raises(WrongVersion, match=f"and {9 + len(NOW.parts) - NAMED} more parts; go on"):
        check_made("r", before(parts=parts), NOW)


def test_a_fingerprint_that_cannot_be_read_is_another_program() -> None:
    """What a later version wrote is not taken for nothing."""
    with pytest.raises(WrongVersion):
        check_made("r", '{"other": 1}', NOW)


def test_working_it_anew_says_what_differs() -> None:
    """A run that is worked again from its start is migrated, which is said with what differs."""
    said = check_made("r", before(parts={**NOW.parts, "prompt reader.md": "ab"}), NOW, anew=True)
    assert said.startswith("migrated: ") and said.endswith("prompt reader.md")
