"""Ctrl-C once, twice, and before anything has begun; how an error becomes a sentence; how a report is written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from research.cli.errors import guarded
from research.cli.output import refuse_unwritable, table, write_whole
from research.cli.progress import IndexLines, Progress
from research.cli.running import Advice, Interruption, home_hint
from research.cli.session import Session
from research.errors import SettingMissing, StoreProblem, UsageFault
from research.records import Event

SCRIPT = """
import asyncio, os, signal, sys
from research.cli.errors import guarded
from research.cli.running import Advice, run
from research.cli.session import Session
from research.cancellation import Stopping

class Handle:
    id = "r-1"
    def __init__(self): self.stopped = asyncio.Event()
    def stop(self): "drains" in sys.argv and self.stopped.set()
    def in_flight(self): return 2

async def work(signals):
    handle = Handle()
    if "begun" in sys.argv:
        signals.begun(handle)
    for _ in range(sys.argv.count("signal")):
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.to_thread(int)
    await handle.stopped.wait()
    raise Stopping("the run was asked to stop")

sys.exit(guarded(lambda: run(work, Advice(home=" --home /h")), Session()))
"""


def interrupted(*arguments: str) -> tuple[int, list[str]]:
    """Run the script; return its exit code and what it said."""
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    return ended.returncode, ended.stderr.splitlines()


def test_the_first_signal_waits_for_calls_in_flight() -> None:
    """One Ctrl-C stops the run gently and prints the command that goes on with it."""
    code, said = interrupted("begun", "drains", "signal")
    assert code == 130
    assert said == [
        "stopping: waiting for 2 calls in flight; press Ctrl-C again to leave at once",
        "resume with: research resume r-1 --home /h",
    ]


def test_the_second_signal_leaves_at_once() -> None:
    """A call that never ends does not hold the user."""
    code, said = interrupted("begun", "signal", "signal")
    assert code == 130
    assert said[-1] == "resume with: research resume r-1 --home /h"
    assert len(said) == 2


def test_a_signal_before_the_run_has_begun_cancels() -> None:
    """There is nothing to resume, and that is said."""
    assert interrupted("signal") == (130, ["interrupted before the run began; nothing was spent"])


def test_a_run_that_begins_after_the_signal_is_stopped() -> None:
    """A signal that came too early for the run is not forgotten."""
    stops: list[str] = []
    interruption = Interruption(cancel=lambda: stops.append("cancel"), leave=lambda: None, advice=Advice())
    interruption.signal()

    class Handle:
        id = "r-1"

        def stop(self) -> None:
            stops.append("stop")

        def in_flight(self) -> int:
            return 0

    interruption.begun(Handle())
    assert stops == ["cancel", "stop"]


def test_a_printed_command_has_the_home_it_needs() -> None:
    """The hint can be pasted into a shell."""
    assert home_hint("/a b") == " --home '/a b'"
    assert home_hint(None) == ""


def test_a_known_error_is_its_sentence_and_code(capsys: pytest.CaptureFixture[str]) -> None:
    """A ResearchError is printed as one safe line and its exit code is returned."""

    def fail() -> None:
        raise SettingMissing("set \x1b[31mOPENAI_API_KEY\nfirst")

    assert guarded(fail, Session()) == 4
    assert capsys.readouterr().err == "research: set OPENAI_API_KEY first\n"


def test_a_bug_is_one_sentence_and_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The trace-back of an unexpected error is in the log, without the keys, and not on the terminal."""
    session = Session()
    session.home_flag = str(tmp_path)

    def fail() -> None:
        raise ZeroDivisionError("by zero")

    assert guarded(fail, session) == 1
    said = capsys.readouterr().err
    assert said == f"research: ZeroDivisionError: by zero; this is a bug; details in {tmp_path}/logs/last-error.txt\n"
    log = tmp_path / "logs" / "last-error.txt"
    assert "Traceback" in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("leaving", "code"), [(0, 0), (3, 3), (None, 0), ("words", 1)])
def test_an_exit_code_is_passed_on(leaving: object, code: int) -> None:
    """What a command leaves with is what the process leaves with."""

    def leave() -> None:
        sys.exit(leaving)  # type: ignore[arg-type]

    assert guarded(leave, Session()) == code


def shown(*events: Event, **options: bool) -> list[tuple[str, str]]:
    """What progress writes for events: line and colour."""
    lines: list[tuple[str, str]] = []
    progress = Progress(write=lambda line, colour: lines.append((line, colour)), **options)
    for event in events:
        progress(event)
    return lines


EVENTS = (
    Event(run="r", kind="branch.planned", branch="t-1", detail="Find one"),
    Event(run="r", kind="branch.planned", branch="t-2", detail="Find two"),
    Event(run="r", kind="call.sent", branch="t-2", detail="search “x\x1b[2J\ny”"),
    Event(run="r", kind="call.answered", branch="t-2", detail="search"),
    Event(run="r", kind="call.failed", branch="t-1", detail="fetch: 404"),
    Event(run="r", kind="notice", detail="extractive"),
)


def test_progress_numbers_branches_and_keeps_lines_safe() -> None:
    """Each event is one line without control characters, with the number of its branch."""
    assert [line for line, _ in shown(*EVENTS, colour=False)] == [
        "[1] Find one",
        "[2] Find two",
        "[2/2] search “x y”",
        "[1/2] failed: fetch: 404",
        "notice: extractive",
    ]


def test_progress_is_quiet_or_coloured_as_asked() -> None:
    """--quiet shows nothing; colour marks what went wrong."""
    assert shown(*EVENTS, quiet=True) == []
    assert [colour for _, colour in shown(*EVENTS, colour=True)] == ["", "", "", "31", ""]


def test_index_progress_shows_one_line_a_second() -> None:
    """Hundreds of files do not make hundreds of lines, and the last one is always shown."""

    class Step:
        phase, total, name = "files", 700, "a.md"

        def __init__(self, done: int) -> None:
            self.done = done

    lines: list[str] = []
    times = iter([0.0, *(number * 0.01 for number in range(1, 701))])
    steps = IndexLines(Progress(write=lambda line, colour: lines.append(line), colour=False), lambda: next(times))
    for number in range(1, 701):
        steps(Step(number))
    assert 6 <= len(lines) <= 8
    assert lines[-1] == "files 700 of 700 a.md"


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """A report replaces the file in one step, leaves no draft, and a refusal of the disk is a sentence."""
    path = tmp_path / "r.md"
    path.write_text("old", encoding="utf-8")
    write_whole(path, "new ü\n")
    assert path.read_text(encoding="utf-8") == "new ü\n"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(StoreProblem, match="could not be written"):
        write_whole(tmp_path / "no" / "r.md", "x")


def test_a_report_that_could_not_be_written_is_refused_before_it_is_paid_for(tmp_path: Path) -> None:
    """A folder, or a file in a folder that is not there, is no --output."""
    refuse_unwritable(tmp_path / "r.md")
    for path in (tmp_path, tmp_path / "no" / "r.md"):
        with pytest.raises(UsageFault, match="cannot be written"):
            refuse_unwritable(path)


def test_a_table_is_aligned_and_safe() -> None:
    """Cells are one line each, cut to a width, without control characters."""
    assert table(("A", "B"), [("x\x07\ny", "long" * 9)], widest=10) == "A    B\nx y  longlongl…\n"
