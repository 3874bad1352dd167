"""kill -9 between the hops of a chain: resumed, it gives the same report, and no recorded retrieval is done again."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from embedding_server import embedding_server
from scene import begin, copy_home, essence, run

QUESTION = "When was the birthplace of the inventor of the Rosen lamp founded?"
PAGES = {
    "rosen-lamp.md": "# Rosen lamp\n\nThe Rosen lamp is a lamp for miners. The Rosen lamp was invented by Ann Varga.\n",
    "varga.md": "# Ann Varga\n\nAnn Varga was an engineer of mines. Ann Varga was born in Lundby.\n",
    "lundby.md": "# Lundby\n\nLundby is a town by a lake. Lundby was founded in 1652.\n",
    "skara.md": "# Skara\n\nSkara is a town on a plain. Skara was founded in 988.\n",
}
FIRST = "Who invented the Rosen lamp?"
ASK = ("ask", QUESTION, "--corpus", "pages", "--json", "-q")


def unseen(texts: list[str]) -> None:
    """Look at no request."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the corpus ``pages``, whose every query is embedded by a service."""
    folder = tmp_path_factory.mktemp("chain")
    (folder / "pages").mkdir()
    for name, text in PAGES.items():
        (folder / "pages" / name).write_text(text, encoding="utf-8")
    with embedding_server(folder / "home", unseen):
        made = ("--corpus", "pages", "--public", "--embedder", "openai:words")
        ended = run(folder / "home", "index", str(folder / "pages"), *made)
    assert ended.returncode == 0, ended.stderr
    return folder / "home"


@pytest.fixture(scope="module")
def undisturbed(home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of a run that nobody kills."""
    own = copy_home(home, tmp_path_factory.mktemp("whole"))
    with embedding_server(own, unseen):
        ended = run(own, *ASK)
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def answered(home: Path) -> dict[str, int]:
    """How often each query's retrieval was recorded as answered."""
    connection = sqlite3.connect(f"file:{home / 'runs.db'}?mode=ro", uri=True, timeout=10)
    try:
        rows = connection.execute(
            "SELECT json_extract(i.request, '$.query'), count(*) FROM intents i JOIN outcomes o USING (seq) "
            "WHERE i.kind = 'retrieve' AND o.status = 'answered' GROUP BY 1"
        )
        return {str(query): int(times) for query, times in rows}
    finally:
        connection.close()


class Killer:
    """Kills the process when the first query that names ``name`` arrives, and notes every query.

    A query of a later hop is worded from the answer to the one before, so what led to it is recorded by then.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.pid = 0
        self.asked: list[str] = []

    def watch(self, texts: list[str]) -> None:
        self.asked += texts
        if self.pid and any(self.name in text for text in texts):
            pid, self.pid = self.pid, 0
            os.kill(pid, signal.SIGKILL)


def test_the_chain_is_followed_to_its_end(undisturbed: dict[str, Any]) -> None:
    """Undisturbed, the third hop answers, and the report tells the two before it."""
    assert undisturbed["answer"] == "Lundby was founded in 1652."
    assert [sentence["text"] for sentence in undisturbed["sentences"] if sentence["section"]] == [
        "The Rosen lamp was invented by Ann Varga.",
        "Ann Varga was born in Lundby.",
    ]


@pytest.mark.parametrize("name", ["Ann Varga", "Lundby"])
def test_a_run_killed_between_two_hops_goes_on_at_its_hop(
    home: Path, undisturbed: dict[str, Any], tmp_path: Path, name: str
) -> None:
    """Killed as the second or the third hop is asked: the same report, and no recorded retrieval a second time."""
    own = copy_home(home, tmp_path)
    killer = Killer(name)
    with embedding_server(own, killer.watch):
        process = begin(own, *ASK)
        killer.pid = process.pid
        process.communicate(timeout=100)
        assert process.returncode == -signal.SIGKILL
        before = answered(own)
        assert FIRST in before
        assert not any("founded" in query and "Lundby" in query for query in before)
        asked = len(killer.asked)
        resumed = run(own, "resume", "--last", "--json", "-q")
    assert resumed.returncode == 0, resumed.stderr
    assert not set(killer.asked[asked:]) & set(before)
    assert {query: answered(own)[query] for query in before} == before
    assert essence(json.loads(resumed.stdout)) == essence(undisturbed)
