"""What the tests of ``research eval`` share: the command, a small BEIR folder, and another tool that can be watched."""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scene import command, environment

from evals.results import Result
from research.app.evaluating import Feedback, Order, prepare, retry
from research.app.evaluating import evaluate as run_eval
from research.settings import load

QUIET = Feedback(say=lambda line: None, progress=lambda done, total: None)
PLACES = {
    "tarn": ("Tarn", "A tarn is a small mountain lake in a hollow that a glacier cut."),
    "weir": ("Weir", "A weir is a low barrier across a river that raises the water behind it."),
    "fen": ("Fen", "A fen is a wetland that is fed by mineral ground water and grows sedge."),
    "scree": ("Scree", "Scree is a slope of loose stones that frost broke off a cliff above it."),
    "oxbow": ("Oxbow", "An oxbow is a curved lake that a meander of a river left behind when it was cut off."),
    "levee": ("Levee", "A levee is a bank of earth along a river that keeps floods off the fields."),
}
QUERIES = {
    "q1": ("which small lake lies in a hollow cut by a glacier", ("tarn",)),
    "q2": ("what raises the water of a river", ("weir", "levee")),
    "q3": ("which wetland is fed by ground water", ("fen",)),
    "q4": ("what did frost break off a cliff", ("scree",)),
    "q5": ("which lake did a river leave behind", ("oxbow",)),
    "q6": ("how are fields kept from floods", ("levee",)),
}
TOOL = """
import json, os, pathlib, signal, sys
here = pathlib.Path(__file__).parent
question = json.load(sys.stdin)["question"]
with (here / "calls").open("a") as calls:
    calls.write(question + "\\n")
orders = json.loads((here / "orders.json").read_text())
if question in orders.get("fail", []):
    sys.exit(orders["says"])
if question in orders.get("hang", []):
    (here / "reached").write_text(f"{os.getpid()}\\n")
    signal.pause()
print(json.dumps({"ranked": ["tarn", "weir"]}))
"""


def evaluate(
    home: Path, *arguments: str, cwd: Path | None = None, extra: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``research eval …`` to its end."""
    return subprocess.run(
        command(home, "eval", *arguments),
        env={**environment(home), **(extra or {})},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def result(ended: subprocess.CompletedProcess[str], code: int = 0) -> dict[str, Any]:
    """The one object on stdout of a command that ended with ``code``."""
    assert ended.returncode == code, ended.stderr
    found = json.loads(ended.stdout)
    assert isinstance(found, dict)
    return found


def logs_of(home: Path) -> list[Path]:
    """The logs of a home, the one written last first."""
    found = (home / "evals" / "logs").glob("*.eval")
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)


def quality(found: dict[str, Any]) -> dict[str, Any]:
    """A result's figures but for the seconds, which no two runs share."""
    return {name: figure for name, figure in found["metrics"].items() if name != "seconds"}


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a JSONL file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def make_data(folder: Path) -> Path:
    """A BEIR folder of six queries over six documents."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = [{"_id": id, "title": title, "text": text} for id, (title, text) in PLACES.items()]
    write_rows(folder / "corpus.jsonl", corpus)
    write_rows(folder / "queries.jsonl", [{"_id": id, "text": text} for id, (text, _) in QUERIES.items()])
    judged = [f"{id}\t{document}\t1\n" for id, (_, relevant) in QUERIES.items() for document in relevant]
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(judged), encoding="utf-8")
    return folder


class Tool:
    """Another tool's command: it notes each question it is asked, and fails or hangs at those it is told to."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        (folder / "tool.py").write_text(TOOL, encoding="utf-8")
        os.mkfifo(folder / "reached")
        self._reached = os.open(folder / "reached", os.O_RDWR | os.O_CLOEXEC)
        self.order()

    @property
    def system(self) -> str:
        """The name of the system under test."""
        return f"command:{shlex.quote(sys.executable)} {shlex.quote(str(self.folder / 'tool.py'))}"

    def order(self, fail: str = "", hang: str = "", says: str = "out of ink") -> None:
        """From now on, fail at one question and hang at another (ids of queries)."""
        orders = {"fail": [QUERIES[fail][0]] if fail else [], "hang": [QUERIES[hang][0]] if hang else [], "says": says}
        (self.folder / "orders.json").write_text(json.dumps(orders), encoding="utf-8")

    def asked(self) -> list[str]:
        """The ids of the queries asked since this was last called, in order."""
        calls = self.folder / "calls"
        asked = calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []
        calls.unlink(missing_ok=True)
        ids = {text: id for id, (text, _) in QUERIES.items()}
        return [ids[text] for text in asked]

    def reached(self) -> int:
        """Wait until the tool hangs, and return the number of its process."""
        ready, _, _ = select.select([self._reached], [], [], 60)
        assert ready, "the tool was never asked the question at which it hangs"
        return int(os.read(self._reached, 64))

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._reached)


def gone(process: int) -> bool:
    """Whether a process has ended, waited for or not."""
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def end(process: int) -> None:
    """End a process that may have ended."""
    if not gone(process):
        os.kill(process, signal.SIGKILL)


async def measured(home: Path, **order: Any) -> Result:
    """The result of an eval that was run in this process, which saves the start of another."""
    settings = load({"home": str(home)}, {})
    return await run_eval(prepare(Order(**order), settings), settings, QUIET)


async def retried(log: Path, home: Path) -> Result:
    """The result of going on with a log in this process."""
    return await retry(log, load({"home": str(home)}, {}), QUIET)
