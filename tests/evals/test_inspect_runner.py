"""The runner: real evals of a tiny suite with scripted systems. Run as a script, it is the child that gets killed."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import subprocess
import sys
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from evals.inspect_logs import read_log
from evals.inspect_runner import log_paths, run, view_command
from evals.records import Case, Citation, Document, Gold, Outcome, Score, Scored, Spec
from evals.suite import Loaded, Metric, Suite
from research import __version__
from research.cancellation import Stopping
from research.errors import EffectFailed, NotTheOwner, UsageFault
from research.records import Question, encode

System = Callable[[Question], Awaitable[Outcome]]
HERE = Path(__file__).resolve()


def right(case: Case, outcome: Outcome) -> Score | None:
    """1 for the right answer; unscored where there is no gold."""
    if not case.gold.answers:
        return Score(value=None, why="no gold answer")
    return Score(value=float(outcome.answer == case.gold.answers[0][0]))


def first_only(case: Case, outcome: Outcome) -> Score | None:
    """A metric that applies to the first case alone, and is never judged there."""
    return Score(value=None, why="never judged") if case.id == "c0" else None


def cited(case: Case, outcome: Outcome) -> Score | None:
    """The share of citations found in their document."""
    found = [citation.start >= 0 for citation in outcome.citations]
    return Score(value=sum(found) / len(found)) if found else None


SUITE = Suite(
    name="tiny",
    measures="nothing",
    needs="nothing",
    costs="nothing",
    source="here",
    gives=("answer",),
    default_system="echo",
    load=lambda request: data(),
    metrics=(Metric("right", right, ""), Metric("first_only", first_only, ""), Metric("cited", cited, "")),
)


def data(count: int = 10) -> Loaded:
    """Cases c0, c1, …; the right answer is the question; the second has no gold."""
    cases = tuple(
        Case(
            id=f"c{place}",
            question=Question(text=f"question {place}", corpora=("pages",)),
            gold=Gold(answers=((f"question {place}",),) if place != 1 else ()),
            group="even" if place % 2 == 0 else "odd",
        )
        for place in range(count)
    )
    return Loaded(cases, {"pages": (Document(id="p", text="The moon is round."),)})


def spec_of(loaded: Loaded, epochs: int = 1) -> Spec:
    """The specification of a run over ``loaded``."""
    return Spec(
        suite="tiny",
        system="echo",
        data=None,
        seed=7,
        limit=3,
        epochs=epochs,
        options={"model": "none", "parallel": "2"},
        digest=loaded.digest(),
        versions={"research": "1"},
    )


async def echo(question: Question) -> Outcome:
    """Answers with the question."""
    return Outcome(answer=question.text)


async def evaluated(
    logs: Path,
    system: System,
    loaded: Loaded | None = None,
    *,
    epochs: int = 1,
    parallel: int = 2,
    previous: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Run the tiny suite."""
    loaded = loaded or data()
    spec = spec_of(loaded, epochs)
    return await run(SUITE, loaded, spec, system, logs=logs, parallel=parallel, progress=progress, previous=previous)


class Counting:
    """Echo that knows what it was asked; ``broken`` questions raise what they are mapped to."""

    def __init__(self, broken: dict[str, BaseException] | None = None) -> None:
        self.asked: list[str] = []
        self.broken = broken or {}

    async def __call__(self, question: Question) -> Outcome:
        self.asked.append(question.text)
        if question.text in self.broken:
            raise self.broken[question.text]
        return Outcome(answer=question.text)


def by_case(scored: tuple[Scored, ...]) -> dict[str, Scored]:
    """The entries of one epoch by case."""
    return {entry.case: entry for entry in scored}


async def test_every_case_is_run_scored_and_read_back(tmp_path: Path) -> None:
    """Scores, groups and the specification come back from the log as they went in; progress counts to the end."""
    steps: list[tuple[int, int]] = []
    path = await evaluated(tmp_path, echo, progress=lambda done, total: steps.append((done, total)))
    log = read_log(path)
    assert log.status == "success"
    assert log.missing == ()
    assert log.spec == spec_of(data())
    assert [entry.case for entry in log.scored] == [f"c{place}" for place in range(10)]
    assert by_case(log.scored)["c3"].scores["right"] == Score(value=1.0)
    assert by_case(log.scored)["c3"].group == "odd"
    assert steps == [(done, 10) for done in range(1, 11)]
    assert not path.with_name(log.journal).exists()


async def test_an_unscored_metric_is_never_zero(tmp_path: Path) -> None:
    """What could not be judged has no value and a reason in the log; what does not apply has no entry."""
    log = read_log(await evaluated(tmp_path, echo))
    scores = by_case(log.scored)
    assert scores["c1"].scores["right"] == Score(value=None, why="no gold answer")
    assert scores["c0"].scores["first_only"] == Score(value=None, why="never judged")
    assert set(scores["c2"].scores) == {"right"}


async def test_inspect_shows_the_same_figures(tmp_path: Path) -> None:
    """In Inspect's own reading, the figures leave out what was not judged, and the sample gives the reason."""
    from inspect_ai.log import read_eval_log_async

    wrong = Counting()

    async def half(question: Question) -> Outcome:
        await wrong(question)
        return Outcome(answer="no" if question.text == "question 0" else question.text)

    log = await read_eval_log_async(await evaluated(tmp_path, half))
    assert log.results is not None
    assert log.results.scores[0].metrics["right"].value == pytest.approx(8 / 9)
    assert set(log.results.scores[0].metrics) == {"right"}
    assert log.samples is not None
    unjudged = next(sample for sample in log.samples if sample.id == "c1").scores or {}
    assert unjudged["tiny"].value == {}
    assert unjudged["tiny"].explanation == "right: no gold answer"


async def test_a_system_sees_the_question_and_its_quotes_are_located(tmp_path: Path) -> None:
    """The runner finds a quote's place itself and measures the seconds; claimed ones are not believed."""
    ticks = iter(range(0, 100, 5))

    async def quoting(question: Question) -> Outcome:
        assert type(question) is Question
        quotes = (
            Citation(document="p", quote="The moon is round.", start=99),
            Citation(document="p", quote="The sun is square.", start=1),
        )
        return Outcome(answer="x", citations=quotes, seconds=-1.0)

    loaded = data(1)
    path = await run(
        SUITE,
        loaded,
        spec_of(loaded),
        quoting,
        logs=tmp_path,
        parallel=1,
        progress=lambda done, total: None,
        clock=lambda: float(next(ticks)),
    )
    (entry,) = read_log(path).scored
    assert entry.outcome is not None
    assert [(one.start, one.end) for one in entry.outcome.citations] == [(0, 18), (-1, -1)]
    assert entry.outcome.seconds == 5.0
    assert entry.scores["cited"] == Score(value=0.5)


async def test_a_failed_case_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    """One refusal among ten: nine scored, one failed with its sentence, and the log's status is error."""
    sentence = "the model refused: try another"
    log = read_log(await evaluated(tmp_path, Counting({"question 4": EffectFailed(sentence)})))
    assert log.status == "error"
    assert log.missing == ()
    failed = [entry for entry in log.scored if entry.error]
    assert [(entry.case, entry.error, entry.outcome, entry.scores) for entry in failed] == [("c4", sentence, None, {})]
    assert sum("right" in entry.scores for entry in log.scored) == 9


async def test_a_bug_in_a_system_fails_its_case_only(tmp_path: Path) -> None:
    """An exception that is nobody's sentence is kept with its type, and so is a cancellation from inside."""
    broken: dict[str, BaseException] = {
        "question 0": ZeroDivisionError("by zero"),
        "question 2": TimeoutError("no answer in 5 s"),
        "question 3": asyncio.CancelledError(),
        "question 5": TimeoutError(),
    }
    log = read_log(await evaluated(tmp_path, Counting(broken), data(6)))
    assert {entry.case: entry.error for entry in log.scored if entry.error} == {
        "c0": "ZeroDivisionError('by zero')",
        "c2": "no answer in 5 s",
        "c3": "the system was cancelled from inside",
        "c5": "it timed out",
    }
    assert [entry.case for entry in log.scored if entry.scores] == ["c1", "c4"]


async def test_retry_runs_the_failed_case_only(tmp_path: Path) -> None:
    """A retry asks the system for what failed, scores everything anew, and retrying that asks for nothing."""
    first = await evaluated(tmp_path, Counting({"question 4": EffectFailed("down")}))
    again = Counting()
    second = await evaluated(tmp_path, again, previous=first)
    assert again.asked == ["question 4"]
    log = read_log(second)
    assert (log.status, len(log.scored), log.missing) == ("success", 10, ())
    before = by_case(read_log(first).scored)
    assert all(entry == before[entry.case] for entry in log.scored if entry.case != "c4")
    never = Counting()
    third = await evaluated(tmp_path, never, previous=second)
    assert never.asked == []
    assert read_log(third).scored == log.scored
    assert log_paths(tmp_path) == [third, second, first]
    assert log_paths(tmp_path)[0] == third


async def test_a_stopped_retry_loses_nothing_it_started_from(tmp_path: Path) -> None:
    """A retry that ends at its first case still has all outcomes of the log it goes on from."""
    first = await evaluated(tmp_path, Counting({"question 0": EffectFailed("down")}))
    with pytest.raises(Stopping):
        await evaluated(tmp_path, Counting({"question 0": Stopping("stop")}), parallel=1, previous=first)
    second = log_paths(tmp_path)[0]
    assert second != first
    log = read_log(second)
    assert log.missing == ("c0",)
    assert log.scored == read_log(first).scored[1:]
    again = Counting()
    await evaluated(tmp_path, again, previous=second)
    assert again.asked == ["question 0"]


async def test_a_retry_scores_with_the_metrics_of_now(tmp_path: Path) -> None:
    """Outcomes are kept, scores are not: a scorer that was mended judges the old outcomes."""
    first = await evaluated(tmp_path, echo, data(2))
    loaded = data(2)
    mended = Metric("right", lambda case, outcome: Score(value=0.25), "")
    suite = Suite(**{**SUITE.__dict__, "metrics": (mended,)})
    path = await run(
        suite,
        loaded,
        spec_of(loaded),
        Counting({f"question {place}": AssertionError() for place in range(2)}),
        logs=tmp_path,
        parallel=1,
        progress=lambda done, total: None,
        previous=first,
    )
    assert [entry.scores for entry in read_log(path).scored] == [{"right": Score(value=0.25)}] * 2


@pytest.mark.parametrize("change", [{"digest": "other"}, {"seed": 8}, {"system": "other"}, {"suite": "other"}])
async def test_a_retry_on_something_else_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    """Other data, seed, system or suite: a sentence with the log's path, and nothing is run."""
    path = await evaluated(tmp_path, echo, data(1))
    system = Counting()
    with pytest.raises(UsageFault, match=f"{path.name} is of another run"):
        await run(
            SUITE,
            data(1),
            replace(spec_of(data(1)), **change),
            system,
            logs=tmp_path,
            parallel=1,
            progress=lambda done, total: None,
            previous=path,
        )
    assert system.asked == []
    assert log_paths(tmp_path) == [path]


async def test_epochs_run_each_case_again(tmp_path: Path) -> None:
    """Three epochs are three outcomes of each case, told apart; a retry runs only the epoch that failed."""
    asked: list[str] = []

    async def third_time_bad(question: Question) -> Outcome:
        asked.append(question.text)
        if asked.count("question 1") == 3 and question.text == "question 1":
            raise EffectFailed("tired")
        return Outcome(answer=f"{question.text} {asked.count(question.text)}")

    first = await evaluated(tmp_path, third_time_bad, data(2), epochs=3, parallel=1)
    log = read_log(first)
    assert [(entry.case, entry.epoch) for entry in log.scored] == [(c, e) for e in (1, 2, 3) for c in ("c0", "c1")]
    assert [entry.outcome and entry.outcome.answer for entry in log.scored] == [
        *("question 0 1", "question 1 1", "question 0 2", "question 1 2", "question 0 3", None)
    ]
    again = Counting()
    second = await evaluated(tmp_path, again, data(2), epochs=3, previous=first)
    assert again.asked == ["question 1"]
    assert len(read_log(second).scored) == 6


async def test_cases_run_in_parallel(tmp_path: Path) -> None:
    """Two systems are in flight at once: each waits for the other."""
    met = {"question 0": asyncio.Event(), "question 1": asyncio.Event()}

    async def rendezvous(question: Question) -> Outcome:
        met[question.text].set()
        for event in met.values():
            await event.wait()
        return Outcome(answer=question.text)

    log = read_log(await evaluated(tmp_path, rendezvous, data(2), parallel=2))
    assert log.status == "success"


async def test_no_more_than_the_asked_number_run_at_once(tmp_path: Path) -> None:
    """With three at once, four are never seen in flight."""
    flying: list[int] = [0, 0]

    async def watched(question: Question) -> Outcome:
        flying[0] += 1
        flying[1] = max(flying)
        for _ in range(5):
            await asyncio.to_thread(int)
        flying[0] -= 1
        return Outcome(answer="")

    await evaluated(tmp_path, watched, parallel=3)
    assert flying == [0, 3]


async def test_a_cancelled_eval_leaves_a_readable_log(tmp_path: Path) -> None:
    """Cancelling the task that runs an eval raises as it should; what was finished is read and not run again."""
    reached = asyncio.Event()

    async def stuck(question: Question) -> Outcome:
        if question.text == "question 3":
            reached.set()
            await asyncio.Event().wait()
        return Outcome(answer=question.text)

    task = asyncio.create_task(evaluated(tmp_path, stuck, parallel=1))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    log = read_log(log_paths(tmp_path)[0])
    assert log.status == "cancelled"
    assert [entry.case for entry in log.scored] == ["c0", "c1", "c2"]
    assert log.missing == tuple(f"c{place}" for place in range(3, 10))
    again = Counting()
    await evaluated(tmp_path, again, previous=log_paths(tmp_path)[0])
    assert sorted(again.asked) == [f"question {place}" for place in range(3, 10)]


@pytest.mark.parametrize("error", [Stopping("asked to stop"), NotTheOwner("process 7 owns it")])
async def test_what_ends_a_run_ends_the_eval(tmp_path: Path, error: Exception) -> None:
    """Stopping and NotTheOwner come through as they are; no case is failed by them, and none is begun after."""
    system = Counting({"question 5": error})

    async def held(question: Question) -> Outcome:
        if question.text == "question 6":
            await asyncio.Event().wait()
        return await system(question)

    with pytest.raises(type(error), match=str(error)):
        await evaluated(tmp_path, held, parallel=2)
    log = read_log(log_paths(tmp_path)[0])
    assert log.status == "cancelled"
    assert [entry.case for entry in log.scored] == [f"c{place}" for place in range(5)]
    assert not any(entry.error for entry in log.scored)
    assert system.asked[-1] == "question 5"


async def test_a_system_that_stops_by_itself_is_told_apart_from_a_cancelled_eval(tmp_path: Path) -> None:
    """When Inspect alone ends an eval, it is Stopping: exit code 130 and the command that goes on."""
    tasks: list[asyncio.Task[object]] = []

    async def cutting(question: Question) -> Outcome:
        if not tasks:
            tasks.extend(task for task in asyncio.all_tasks() if "_evaluate" in repr(task.get_coro()))
            tasks[0].cancel()
        await asyncio.Event().wait()
        return Outcome()

    with pytest.raises(Stopping, match="research eval retry") as stopped:
        await evaluated(tmp_path, cutting)
    assert stopped.value.exit_code == 130
    log = read_log(log_paths(tmp_path)[0])
    assert (log.status, log.scored, len(log.missing)) == ("cancelled", (), 10)
    assert not log_paths(tmp_path)[0].with_name(log.journal).exists()


async def test_a_doctored_log_names_no_file_elsewhere(tmp_path: Path) -> None:
    """A journal that is not a name beside the log is not opened."""
    from inspect_ai.log import read_eval_log_async, write_eval_log_async

    path = await evaluated(tmp_path / "logs", Counting({"question 1": EffectFailed("down")}), data(2))
    entry = Scored(case="c1", group="", outcome=Outcome(answer="planted"), scores={})
    (tmp_path / f"{'a' * 32}.journal").write_bytes(encode(entry).encode() + b"\n")
    for name, planted in ((f"../{'a' * 32}.journal", 0), (f"{'a' * 32}.journal", 1)):
        log = await read_eval_log_async(str(path))
        assert log.eval.metadata is not None
        assert log.samples is not None
        log.eval.metadata["journal"] = name
        log.samples = [sample for sample in log.samples if sample.id != "c1"]
        doctored = tmp_path / ("logs" if not planted else ".") / "doctored.eval"
        await write_eval_log_async(log, str(doctored))
        assert len(read_log(doctored).scored) == 1 + planted


async def test_a_broken_scorer_does_not_lose_what_was_paid_for(tmp_path: Path) -> None:
    """A scorer that raises fails the case, but its outcome is in the log and is not asked for again."""

    def broken(case: Case, outcome: Outcome) -> Score | None:
        raise ZeroDivisionError

    loaded = data(2)
    suite = Suite(**{**SUITE.__dict__, "metrics": (Metric("right", broken, ""),)})
    path = await run(suite, loaded, spec_of(loaded), echo, logs=tmp_path, parallel=1, progress=lambda done, total: None)
    log = read_log(path)
    assert log.status == "error"
    assert [entry.outcome and entry.outcome.answer for entry in log.scored] == ["question 0", "question 1"]
    again = Counting()
    assert read_log(await evaluated(tmp_path, again, loaded, previous=path)).status == "success"
    assert again.asked == []


def child(logs: Path, *, stop_at: str = "", env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start this file as a script that evaluates; it writes a line to stderr when ``stop_at`` is reached, and waits."""
    root = HERE.parents[2]
    environment = {"PATH": os.environ["PATH"], "HOME": str(logs / "home"), "PYTHONPATH": str(root), **(env or {})}
    return subprocess.Popen(
        [sys.executable, str(HERE), str(logs), stop_at],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=logs,
    )


async def test_a_killed_eval_is_resumed_where_it_was(tmp_path: Path) -> None:
    """After SIGKILL every finished case is on disk with its scores; a retry runs the others only."""
    process = child(tmp_path, stop_at="question 39")
    assert process.stderr is not None
    assert process.stderr.readline() == b"reached\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    loaded = data(250)
    log = read_log(log_paths(tmp_path)[0])
    assert log.status == "started"
    assert [entry.case for entry in log.scored] == [f"c{place}" for place in range(39)]
    assert by_case(log.scored)["c38"].scores["right"] == Score(value=1.0)
    assert log.missing == tuple(f"c{place}" for place in range(39, 250))
    killed = log_paths(tmp_path)[0]
    again = Counting()
    path = await evaluated(tmp_path, again, loaded, previous=killed, parallel=4)
    assert sorted(again.asked) == sorted(f"question {place}" for place in range(39, 250))
    assert read_log(path).status == "success"
    with killed.with_name(log.journal).open("r+b") as journal:
        journal.truncate(journal.seek(0, os.SEEK_END) - 5)
    assert [entry.case for entry in read_log(killed).scored] == [f"c{place}" for place in range(38)]


def test_ctrl_c_ends_an_eval_and_leaves_its_log(tmp_path: Path) -> None:
    """SIGINT, handled by asyncio alone: the process ends by KeyboardInterrupt and the log says cancelled."""
    process = child(tmp_path, stop_at="question 3")
    assert process.stderr is not None
    assert process.stderr.readline() == b"reached\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert b"KeyboardInterrupt" in errors
    log = read_log(log_paths(tmp_path)[0])
    assert (log.status, len(log.scored)) == ("cancelled", 3)


def test_nothing_is_printed(tmp_path: Path) -> None:
    """A whole eval with failed cases writes nothing to stdout or stderr but what the script itself says."""
    process = child(tmp_path, stop_at="-", env={"INSPECT_DISPLAY": "plain", "INSPECT_LOG_LEVEL": "debug"})
    said, errors = process.communicate(timeout=100)
    assert (process.returncode, said, errors) == (0, b"", b"")
    assert read_log(log_paths(tmp_path)[0]).status == "error"


async def test_other_libraries_log_as_before(tmp_path: Path) -> None:
    """An eval leaves the root logger and the exception hook as they were."""
    import logging

    root = logging.getLogger()
    before = (root.level, list(root.handlers), sys.excepthook)
    await evaluated(tmp_path, echo, data(1))
    assert (root.level, list(root.handlers), sys.excepthook) == before


async def test_the_log_says_what_made_it(tmp_path: Path) -> None:
    """The header has the versions of the program, the interpreter and Inspect."""
    from inspect_ai.log import read_eval_log_async

    log = await read_eval_log_async(await evaluated(tmp_path, echo, data(1)), header_only=True)
    assert log.eval.metadata is not None
    assert log.eval.metadata["programs"] == {
        "research": __version__,
        "python": platform.python_version(),
        "inspect-ai": log.eval.packages["inspect_ai"],
    }


async def test_a_damaged_log_is_a_sentence(tmp_path: Path) -> None:
    """However a log is cut or flipped, reading it gives a log or a UsageFault with its path, never another error."""
    whole = (await evaluated(tmp_path, echo, data(2))).read_bytes()
    path = tmp_path / "damaged.eval"
    faults = 0
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        for damaged in (whole[:place], whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]):
            path.write_bytes(damaged)
            try:
                read_log(path)
            except UsageFault as fault:
                faults += 1
                assert str(path) in str(fault)
    assert faults >= 60


def test_what_is_no_log_is_a_sentence(tmp_path: Path) -> None:
    """A missing file, a text, an empty file, another zip file and an empty folder are told apart from logs."""
    other = tmp_path / "other.eval"
    for content in (b"", b"{}", b"PK\x03\x04 nonsense"):
        other.write_bytes(content)
        with pytest.raises(UsageFault, match="cannot be read as an eval log"):
            read_log(other)
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("header.json", "{}")
    with pytest.raises(UsageFault, match="cannot be read as an eval log"):
        read_log(other)
    with pytest.raises(UsageFault, match="there is no eval log"):
        read_log(tmp_path / "absent.eval")
    assert log_paths(tmp_path / "nowhere") == []


def test_the_viewer_is_inspects_own(tmp_path: Path) -> None:
    """The options of the viewer's command exist, and it does not render what a log holds."""
    command = view_command(tmp_path)
    assert command[:5] == [sys.executable, "-m", "inspect_ai", "view", "start"]
    asked = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    assert all(option in asked.stdout for option in command if option.startswith("--"))
    assert "--no-trust-content" in command


def test_without_inspect_the_command_that_installs_it_is_named() -> None:
    """The question whether Inspect is there imports nothing of it."""
    code = "import sys, evals.inspect_present as present; present.require_inspect(); print('inspect_ai' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HERE.parents[2]
    )
    assert ended.stdout == "False\n"
    code = (
        "import sys; sys.path = [p for p in sys.path if 'site-packages' not in p]\n"
        "import research.errors, evals.inspect_present as present\n"
        "try: present.require_inspect()\n"
        "except research.errors.SettingMissing as error: print(error)"
    )
    ended = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, cwd=HERE.parents[2]
    )
    assert "pip install 'research[evals]'" in ended.stdout


def main() -> None:
    """Evaluate 250 cases one after the other; wait for ever at the question that is named."""
    logs, stop_at = Path(sys.argv[1]), sys.argv[2]

    async def scripted(question: Question) -> Outcome:
        if question.text == stop_at:
            sys.stderr.write("reached\n")
            sys.stderr.flush()
            await asyncio.Event().wait()
        if stop_at == "-" and question.text == "question 2":
            raise ValueError("bad")
        return Outcome(answer=question.text)

    asyncio.run(evaluated(logs, scripted, data(250), parallel=1))


if __name__ == "__main__":
    main()


async def test_a_case_is_known_by_what_was_asked(tmp_path: Path) -> None:
    """The log keeps a hash of question and gold, so that two runs cannot be compared on different cases of one name."""
    loaded = data(2)
    rows = read_log(await evaluated(tmp_path, echo, loaded)).scored
    assert [row.asked for row in rows] == [case.asked() for case in loaded.cases]
    assert len({row.asked for row in rows}) == 2


async def test_a_system_that_times_itself_is_believed(tmp_path: Path) -> None:
    """What waits around a system, such as a judge, is not its time; one that does not time itself is timed."""

    async def timed(question: Question) -> Outcome:
        return Outcome(answer=question.text, seconds=42.0 if question.text == "question 0" else 0.0)

    rows = read_log(await evaluated(tmp_path, timed, data(2))).scored
    seconds = [row.outcome.seconds for row in rows if row.outcome is not None]
    assert seconds[0] == 42.0 and 0 < seconds[1] < 42
