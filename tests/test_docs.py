"""What README and docs show is true: the picture, the exit codes, the commands and the links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from bench.picture import BLOCK, picture
from research import errors
from research.cli.commands import application

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"```console\n(.*?)```", re.S)


def commands() -> list[tuple[str, str]]:
    """Every ``$ research …`` line of README and docs, with its page."""
    found = []
    for page in PAGES:
        for block in FENCE.findall(page.read_text(encoding="utf-8")):
            for line in block.splitlines():
                match = re.match(r"\$ (?:timeout \S+ \S+ \S+ )?(research .*)", line)
                if match:
                    found.append((page.name, match[1].split("  #")[0].strip()))
    return found


def test_the_picture_is_that_of_the_compiled_graph() -> None:
    """A changed edge makes the README stale; ``python -m bench.picture --write`` renews it."""
    match = BLOCK.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert match is not None
    assert match[2] == picture()


@pytest.mark.parametrize(("page", "line"), commands())
def test_every_command_shown_has_the_flags_it_shows(page: str, line: str) -> None:
    """Sub-commands and flags in README and docs exist under that name."""
    group = get_command(application)
    words = re.findall(r'"[^"]*"|\S+', line)[1:]
    words = words[2:] if words[:1] == ["--home"] else words
    command: Any = group
    while hasattr(command, "commands"):
        assert words[0] in command.commands, f"{page}: {line}"
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known, f"{page}: {line}"


def test_the_exit_codes_of_the_readme_are_those_of_the_errors() -> None:
    """Each code that an error can carry is in the README's table."""
    table = set(map(int, re.findall(r"^\| (\d+) \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)))
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ResearchError)
    ]
    assert {kind.exit_code for kind in kinds} | {0, 3, 5, 130} == table


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Links to files of the project exist."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_make_targets_of_the_readme_exist() -> None:
    """The two commands are in the Makefile."""
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert {"demo", "test"} <= set(targets)
