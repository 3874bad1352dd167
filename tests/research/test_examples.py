"""The reports in docs/examples: made by this program, and every quote of theirs in the documents that they cite."""

from __future__ import annotations

import hashlib
import re
import tarfile
from pathlib import Path

import pytest

from research.app.world import NOTICE
from research.sanitize import markdown_text

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "docs" / "examples").glob("*.md"))
FOOTNOTE = re.compile(
    r"^\[\^\d+\]: “(?P<quote>.*)” — .*?peps/(?P<file>pep-\d+\.rst)\), sha256 (?P<hash>[0-9a-f]{12}), "
    r"characters (?P<start>\d+)–(?P<end>\d+)$",
    re.MULTILINE,
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_a_report_of_this_program(example: Path) -> None:
    """It names its command, begins with the answer, and says what a report says of itself today."""
    text = example.read_text(encoding="utf-8")
    assert text.startswith("Made by `research ask ")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE)[0] == "Answer"
    assert markdown_text(NOTICE) in text


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_quote_of_an_example_stands_where_it_says(example: Path, shared_data: Path) -> None:
    """Hash, place and words of each footnote are those of the document."""
    text = example.read_text(encoding="utf-8")
    notes = list(FOOTNOTE.finditer(text))
    assert len(notes) == len(re.findall(r"^\[\^\d+\]: ", text, re.MULTILINE)) > 0
    with tarfile.open(shared_data / "worlds" / "peps_rst.tar.gz") as archive:
        for note in notes:
            member = archive.extractfile(f"peps/{note['file']}")
            assert member is not None
            data = member.read()
            assert hashlib.sha256(data).hexdigest().startswith(note["hash"])
            span = data.decode("utf-8")[int(note["start"]) : int(note["end"])]
            assert markdown_text(span) == note["quote"]
