"""What another process does at the worst moment: between the look at a run and the lock that makes it one's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCENE = """
import asyncio, fcntl, shutil, sys, threading
from pathlib import Path
from research import app
from research.app.orders import cancel
from research.errors import Fatal, StoreProblem, UsageFault
from research.settings import load

folder = Path(sys.argv[1])
(folder / "notes").mkdir()
(folder / "notes" / "walls.md").write_text("A budget is a wall. Every call is reserved in the budget first.")
(folder / "notes" / "lock.md").write_text("Each run has one owner. The owner holds a lock for the run.")
settings = load({"home": str(folder / "home"), "corpora": ["notes"]}, {"RESEARCH_CONCURRENCY": "1"})
question, runs = "How is a budget reserved? Who holds the lock of a run?", folder / "home" / "runs.db"
unheard = lambda _: None

def dying(kind):
    def listen(event):
        if event.kind == kind:
            raise Fatal("the process died")
    return listen

async def resume(listen):
    return await app.resume(None, settings, approve=None, listen=listen, on_start=unheard)

async def prepare():
    await app.index(folder / "notes", "notes", settings, public=True, embedder="hashing", progress=unheard)
    for life in (
        lambda: app.ask(question, settings.options(), settings, listen=dying("branch.planned"), on_start=unheard),
        lambda: resume(dying("compose")),
    ):
        try:
            await life()
        except Fatal:
            shutil.copy(runs, folder / "older.db") if not (folder / "older.db").exists() else None

def roll_back():
    for file in runs.parent.glob("runs.db*"):
        file.unlink()
    shutil.copy(folder / "older.db", runs)

def before_the_lock(do):
    done = []
    def hook(event, arguments):
        if event == "fcntl.flock" and arguments[1] & fcntl.LOCK_EX and not done:
            done.append(True)
            other = threading.Thread(target=do)
            other.start()
            other.join()
    sys.addaudithook(hook)

asyncio.run(prepare())
"""
"""A run that died when its report was to be written, and what its file was when it had died before that.

An audit hook is told by the interpreter of each lock before it is taken, and does what another process might do then.
"""

ENDED = """
before_the_lock(lambda: asyncio.run(resume(unheard)))
heard = []
print(asyncio.run(resume(heard.append)).status, len(heard))
"""
ROLLED_BACK = """
before_the_lock(roll_back)
try:
    asyncio.run(resume(unheard))
except StoreProblem as problem:
    print("of at least" in str(problem), "--from-journal" in str(problem))
"""
CANCELLED = """
before_the_lock(lambda: asyncio.run(resume(unheard)))
try:
    asyncio.run(cancel(None, settings))
except UsageFault as refusal:
    print("had just ended" in str(refusal), [row.status for row in app.runs(settings)])
"""


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (ENDED, "done 0"),  # its report is given as it is: nothing is worked again, so nothing is told
        (ROLLED_BACK, "True True"),
        (CANCELLED, "True ['done']"),
    ],
    ids=["ended", "rolled back", "cancelled"],
)
def test_what_was_done_before_the_lock_was_taken_counts(tmp_path: Path, then: str, said: str) -> None:
    """A run that another process has ended by then is neither worked nor cancelled; one that is older is refused."""
    command = [sys.executable, "-c", SCENE + then, str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert (ended.returncode, ended.stdout) == (0, said + "\n"), ended.stderr[-2000:]
