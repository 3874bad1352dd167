"""The fingerprint of the program that made a run, and what is said when another program goes on with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from research.app.making import NAMED, ROOT, Made, check_made, made
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
    for folder in ("research", "graphs"):
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
    ],
)
def test_a_change_is_named_by_its_part(program: Path, file: str, part: str) -> None:
    """One changed byte in what shapes a run changes the digest of that part and of no other."""
    path = program / file
    path.write_text(path.read_text() + " ")
    ours, theirs = made().parts, made(program).parts
    assert {name for name in ours if ours[name] != theirs[name]} == {part}
    assert ours.keys() == theirs.keys()


@pytest.mark.parametrize("file", ["research/render.py", "research/__init__.py", "research/settings.py"])
def test_what_shapes_no_run_is_no_part(program: Path, file: str) -> None:
    """How a report is shown, and the number of the version, leave the digests as they are."""
    path = program / file
    path.write_text(path.read_text() + "\n# another\n")
    assert made(program) == made()


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
