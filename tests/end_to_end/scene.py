"""The real command in a subprocess, a small corpus, and a model server on loopback that a test can watch."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.fakes.openai_server import OpenAIServer

DOCUMENTS = {
    "walls.md": "# Walls\n\nA budget is a wall. Every call is reserved in the budget before it is sent. "
    "A branch gets its own budget, which is carved out of the budget of the run.\n",
    "journal.md": "# Journal\n\nThe journal keeps one row before each call and one row after it. "
    "A recorded answer is used again after a crash, and it is never paid twice.\n",
    "lock.md": "# Lock\n\nEach run has one owner. The owner holds a lock of the operating system for the run. "
    "A second process that resumes the run is refused.\n",
}
QUESTION = "How is a budget reserved? What does the journal keep? Who holds the lock of a run?"


def environment(home: Path) -> dict[str, str]:
    """An environment with nothing of the user's: no keys, no settings."""
    return {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore", "LANG": "C.UTF-8"}


def command(home: Path, *arguments: str) -> list[str]:
    """The command line of ``research`` with its state in ``home``."""
    return [sys.executable, "-m", "research", "--home", str(home), *arguments]


def run(home: Path, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        command(home, *arguments),
        env=environment(home),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def begin(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the command; its streams are read with ``communicate``."""
    return subprocess.Popen(
        command(home, *arguments), env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def begin_seeded(home: Path, seed: int, *arguments: str) -> subprocess.Popen[str]:
    """Start the command in a process whose sets are ordered by ``seed``."""
    return subprocess.Popen(
        command(home, *arguments),
        env={**environment(home), "PYTHONHASHSEED": str(seed)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def make_home(folder: Path) -> Path:
    """A home with the corpus ``notes`` indexed by the real command."""
    documents, home = folder / "documents", folder / "home"
    documents.mkdir(parents=True)
    for name, text in DOCUMENTS.items():
        (documents / name).write_text(text, encoding="utf-8")
    ended = run(home, "index", str(documents), "--corpus", "notes", "--public")
    assert ended.returncode == 0, ended.stderr
    return home


def copy_home(home: Path, folder: Path) -> Path:
    """A home of its own for a test that changes it."""
    return Path(shutil.copytree(home, folder / "home"))


@contextmanager
def model_server(
    log: Path, watch: Callable[[dict[str, Any]], None] | None = None, **options: Any
) -> Iterator[OpenAIServer]:
    """The loopback model server in a thread of its own; ``watch`` sees every log line before the server goes on."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = OpenAIServer(log=log, watch=watch, **options)
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(30)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


def lines(log: Path) -> list[dict[str, Any]]:
    """The server's log."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def recorded_answers(home: Path) -> int:
    """How many model answers the journal of ``home`` holds."""
    journal = home / "runs.db"
    if not journal.exists():
        return 0
    connection = sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=10)
    try:
        where = "WHERE i.kind = 'model' AND o.status = 'answered'"
        query = f"SELECT count(*) FROM outcomes o JOIN intents i USING (seq) {where}"
        return int(connection.execute(query).fetchone()[0])
    finally:
        connection.close()


def essence(report: dict[str, Any]) -> dict[str, Any]:
    """What two runs of the same question must agree on: all of the report but its id, its paths and its cost."""
    kept = {key: report[key] for key in ("status", "exit_code", "mode", "answer", "sentences", "findings", "skipped")}
    kept |= {key: report[key] for key in ("disagreements", "not_found", "question", "analyst", "notice")}
    kept["sources"] = [{key: source[key] for key in ("id", "url", "title")} for source in report["sources"]]
    kept["branches"] = [{key: b[key] for key in ("task", "type", "kind", "outcome")} for b in report["branches"]]
    return kept
