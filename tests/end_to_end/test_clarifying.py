"""``ask --clarify`` with the real command at a pseudo-terminal: asked once, answered or skipped, never asked again."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scene import QUESTION, begin, command, copy_home, environment, lines, make_home, model_server, run

from tools.fakes.persona import Answer, answer_to, asked_schema

ASKED = "Which run do you mean: one of the demo, or one of your own?"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a corpus, to be copied."""
    return make_home(tmp_path_factory.mktemp("clarifying"))


def unsure(body: dict[str, Any]) -> Answer:
    """A model that finds the question unclear, and else plays its part."""
    if "unclear" in (asked_schema(body) or {}).get("properties", {}):
        return {"json": {"unclear": True, "question": ASKED}}
    return answer_to(body)


class Terminal:
    """A command at a terminal of its own: stdin and stderr are the terminal, stdout is read apart."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self._own, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command(home, *arguments),
            env=environment(home),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def until(self, words: str) -> None:
        """Read what is shown until ``words`` are."""
        while words not in self.shown:
            self.shown += os.read(self._own, 4096).decode("utf-8", "replace")

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._own, text.encode())

    def report(self) -> Any:
        """Return the JSON on stdout, once the command has ended well."""
        out, _ = self.process.communicate(timeout=100)
        os.close(self._own)
        assert self.process.returncode == 0, (self.process.returncode, self.shown)
        return json.loads(out)


def questions(log: Path) -> list[str]:
    """The keys of the requests received."""
    return [line["key"] for line in lines(log) if line["event"] == "received"]


def asking(base_url: str, *flags: str) -> list[str]:
    """The arguments of a run that may ask back."""
    model = ["--model", "openai:persona", "--base-url", base_url]
    return ["ask", QUESTION, "--corpus", "notes", *model, "--clarify", "--json", *flags]


def test_the_answer_is_planned_with_and_never_asked_for_again(home: Path, tmp_path: Path) -> None:
    """The planner, the readers and the writer see it; the report tells it; fork and resume ask nobody."""
    own, log = copy_home(home, tmp_path), tmp_path / "log"
    with model_server(log, answer=unsure) as server:
        terminal = Terminal(own, *asking(server.base_url, "-q"))
        terminal.until("Enter goes on without an answer.")
        assert ASKED in terminal.shown
        terminal.type("one of the demo\n")
        report = terminal.report()
        assert report["clarification"] == {"asked": ASKED, "answered": "one of the demo", "skipped": ""}
        assert report["question"] == QUESTION and report["answer"]
        texts = [request["messages"][-1]["content"] for request in server.requests]
        asked, *rest = ["one of the demo" in text for text in texts]
        assert not asked and rest[0] and rest[-1]
        assert report["usage"]["calls"] > len(texts) - 1

        at = len(server.requests)
        for point in ("plan", "branch", "compose"):
            forked = json.loads(run(own, "fork", report["run"], "--at", point, "--json", "-q").stdout)
            assert forked["clarification"] == report["clarification"]
            assert forked["origin"]["calls"] >= 1
        later = [request["messages"] for request in server.requests[at:]]
        assert all("asked one thing back" not in messages[0]["content"] for messages in later)
        assert any("one of the demo" in messages[-1]["content"] for messages in later)
    replayed = run(own, "replay", report["run"])
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    markdown = run(own, "show", report["run"]).stdout
    assert "Asked before planning: " in markdown and "one of the demo" in markdown
    assert run(own, "verify", report["run"]).returncode == 0


@pytest.mark.parametrize("typed", ["\n", "  \n", "\x04"])
def test_enter_skips(home: Path, tmp_path: Path, typed: str) -> None:
    """An empty line or the end of the input goes on without an answer, and the report says so."""
    own = copy_home(home, tmp_path)
    with model_server(tmp_path / "log", answer=unsure) as server:
        terminal = Terminal(own, *asking(server.base_url, "-q"))
        terminal.until("Enter goes on without an answer.")
        terminal.type(typed)
        report = terminal.report()
    assert report["clarification"] == {"asked": ASKED, "answered": "", "skipped": "the answer was skipped"}
    assert report["status"] == "done"


def test_a_clear_question_is_not_asked_about(home: Path, tmp_path: Path) -> None:
    """One call finds out that nothing is unclear; the person sees no question."""
    with model_server(tmp_path / "log") as server:
        terminal = Terminal(copy_home(home, tmp_path), *asking(server.base_url, "-q"))
        report = terminal.report()
    assert report["clarification"]["skipped"] == "the planner found nothing unclear"


def test_without_a_terminal_nobody_is_asked_and_the_report_says_so(home: Path, tmp_path: Path) -> None:
    """No call is spent on a question that nobody could answer."""
    own = copy_home(home, tmp_path)
    with model_server(tmp_path / "log", answer=unsure) as server:
        ended = run(own, *asking(server.base_url, "-q"), stdin="one of the demo\n")
        asked = [request["messages"][0]["content"] for request in server.requests]
    report = json.loads(ended.stdout)
    assert ended.returncode == 0
    assert report["clarification"]["skipped"] == "there is no terminal to ask at"
    assert not any("asked one thing back" in text for text in asked)
    assert "Nothing was asked before planning: there is no terminal" in run(own, "show", "--last").stdout


def killed_at_the_question(own: Path, server_url: str) -> str:
    """A run whose process was killed while it waited for the person; its id."""
    terminal = Terminal(own, *asking(server_url))
    terminal.until("Enter goes on without an answer.")
    os.killpg(terminal.process.pid, signal.SIGKILL)
    terminal.process.communicate(timeout=100)
    (row,) = json.loads(run(own, "runs", "--json").stdout)
    assert row["status"] == "waiting"
    return str(row["id"])


def test_a_run_killed_at_the_question_asks_again_and_pays_once(home: Path, tmp_path: Path) -> None:
    """kill -9 at the prompt: resume asks the person with the recorded question; the model is not asked again."""
    own, log = copy_home(home, tmp_path), tmp_path / "log"
    with model_server(log, answer=unsure) as server:
        name = killed_at_the_question(own, server.base_url)
        (first,) = questions(log)
        terminal = Terminal(own, "resume", name, "--json", "-q")
        terminal.until("Enter goes on without an answer.")
        terminal.type("my own\n")
        report = terminal.report()
        assert questions(log).count(first) == 1
    assert report["clarification"]["answered"] == "my own"


def test_a_waiting_question_is_skipped_where_nobody_can_answer(home: Path, tmp_path: Path) -> None:
    """Resumed without a terminal, the run goes on and the report says why there is no answer."""
    own = copy_home(home, tmp_path)
    with model_server(tmp_path / "log", answer=unsure) as server:
        name = killed_at_the_question(own, server.base_url)
        resumed = begin(own, "resume", name, "--json", "-q")
        out, _ = resumed.communicate(timeout=100)
    assert json.loads(out)["clarification"] == {
        "asked": ASKED,
        "answered": "",
        "skipped": "there is no terminal to ask at",
    }


@pytest.mark.parametrize("how", [(), ("--from-journal",)])
def test_a_run_killed_after_the_answer_has_it(home: Path, tmp_path: Path, how: tuple[str, ...]) -> None:
    """kill -9 while the planner is asked: the answer is recorded, so resume asks neither person nor model for it."""
    own, log = copy_home(home, tmp_path), tmp_path / "log"
    running: list[Terminal] = []

    def kill(line: dict[str, Any]) -> None:
        if line["event"] == "received" and running and len(questions(log)) >= 2:
            os.killpg(running.pop().process.pid, signal.SIGKILL)

    with model_server(log, kill, answer=unsure) as server:
        terminal = Terminal(own, *asking(server.base_url, "-q"))
        terminal.until("Enter goes on without an answer.")
        running.append(terminal)
        terminal.type("one of the demo\n")
        terminal.process.communicate(timeout=100)
        assert terminal.process.returncode == -signal.SIGKILL
        report = json.loads(run(own, "resume", "--last", *how, "--json", "-q").stdout)
        assert questions(log).count(questions(log)[0]) == 1
    assert report["clarification"]["answered"] == "one of the demo"


def refused(home: Path, *flags: str) -> tuple[int, str]:
    """The exit code and the sentence of flags that are refused."""
    ended = run(home, "ask", QUESTION, "--corpus", "notes", "--clarify", *flags)
    return ended.returncode, ended.stderr


def test_it_needs_a_model_and_a_plan_to_be_made(home: Path) -> None:
    """Without a model there is nobody to find a question unclear; with a plan there is nothing to ask before."""
    code, said = refused(home)
    assert code == 4 and "--clarify needs a language model" in said
    code, said = refused(home, "--model", "openai:x", "--plan", "p.json")
    assert code == 2 and "--plan brings one" in said


ESTIMATED: list[Callable[[dict[str, Any]], Answer]] = [unsure, answer_to]


@pytest.mark.parametrize("playing", ESTIMATED, ids=["asked", "clear"])
def test_a_run_that_asks_back_stays_in_its_range(
    home: Path, tmp_path: Path, playing: Callable[[dict[str, Any]], Answer]
) -> None:
    """The call that finds out what is unclear, and the answer in every prompt, are in the estimate."""
    own = copy_home(home, tmp_path)
    with model_server(tmp_path / "log", answer=playing) as server:
        estimate = Terminal(own, *asking(server.base_url, "--dry-run")).report()
        terminal = Terminal(own, *asking(server.base_url, "-q"))
        if playing is unsure:
            terminal.until("Enter goes on without an answer.")
            terminal.type("word " * 199 + "\n")
        used = terminal.report()["usage"]
    for name in ("calls", "tokens"):
        assert estimate["least"][name] <= used[name] <= estimate["most"][name]
    plain = [step["least_cost"]["calls"] for step in estimate["steps"] if step["what"] == "planning"]
    assert plain == [2]
