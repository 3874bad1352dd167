"""The PEP world: 736 documents indexed with no network and no key, ten questions, every quote checked from outside.

The check reads the JSON that the command printed and the files it names, and uses none of the program's code.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from scene import run

QUESTIONS = [
    ("Who is the author of PEP 572 and when was it created?", {"pep-0572"}),
    ("What is the status of PEP 498?", {"pep-0498"}),
    ("Which PEP superseded PEP 426, and who wrote it?", {"pep-0426", "pep-0566"}),
    ("What does PEP 8 say about the maximum line length?", {"pep-0008"}),
    ("Why was the global interpreter lock made optional?", {"pep-0703"}),
    ("Compare PEP 484 and PEP 526.", {"pep-0484", "pep-0526"}),
    ("How does the match statement bind names?", set()),
    ("What are the advantages of type hints?", set()),
    ("Which PEP does PEP 3124 require, and what is it about?", {"pep-3124"}),
    ("What is the boiling point of tungsten?", set()),
]
"""Single-hop and multi-hop; with the documents that an answer must cite, where there is no doubt which they are."""


@pytest.fixture(scope="module")
def home(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the whole PEP world is indexed."""
    folder = tmp_path_factory.mktemp("peps")
    with tarfile.open(shared_data / "worlds" / "peps_rst.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    ended = run(folder / "home", "index", str(folder / "peps"), "--corpus", "peps", "--public", "--json", "-q")
    assert ended.returncode == 0, ended.stderr
    summary = json.loads(ended.stdout)
    assert summary["files"] == len(list((folder / "peps").glob("*.rst"))) >= 736
    assert summary["skipped"] == []
    return folder / "home"


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("question", "expected"), QUESTIONS)
def test_every_quote_is_in_its_stored_source(home: Path, question: str, expected: set[str]) -> None:
    """Hash, offsets and quote of every finding agree with the file on disk, and the right documents are cited."""
    ended = run(home, "ask", question, "--corpus", "peps", "--json", "--quiet")
    assert ended.returncode == 0, ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    sources = {source["id"]: source for source in report["sources"]}
    for finding in report["findings"]:
        data = Path(sources[finding["source"]]["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == finding["source"]
        assert data.decode("utf-8")[finding["start"] : finding["end"]] == finding["quote"]
    cited = {id for sentence in report["sentences"] for id in sentence["findings"]}
    assert cited <= {finding["id"] for finding in report["findings"]}
    assert expected <= {Path(source["url"]).stem for source in report["sources"]}
    if not expected and "tungsten" in question:
        assert report["answer"] == ""
        assert report["not_found"]
    else:
        assert report["findings"]


def test_indexing_again_reads_only_what_changed(home: Path) -> None:
    """A second index of the same folder changes nothing."""
    ended = run(home, "index", str(home.parent / "peps"), "--corpus", "peps", "--public", "--json", "-q")
    summary = json.loads(ended.stdout)
    assert (summary["added"], summary["changed"], summary["removed"], summary["embedded"]) == (0, 0, 0, 0)
