"""Running a suite on Inspect: cases in parallel, epochs, retry, and a log that Inspect's viewer opens.

This file and ``evals.inspect_logs``, which reads the logs, are all that know Inspect. A case becomes a sample, a
system a solver that is given the case's question and nothing else, a suite's metrics one scorer. No model is used.
"""

from __future__ import annotations

import asyncio
import logging
import platform
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from types import TracebackType

import msgspec
from inspect_ai import Epochs, Task, eval_async
from inspect_ai.dataset import MemoryDataset
from inspect_ai.log import EvalLog
from inspect_ai.scorer import Score as InspectScore
from inspect_ai.scorer import Scorer, Target, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from evals.inspect_logs import (
    Journal,
    Log,
    figures_of,
    log_name,
    read_log,
    sample_of,
    score_of,
    view_command,
)
from evals.inspect_present import log_paths
from evals.locating import located
from evals.records import Case, Outcome, Score, Scored, Spec, System
from evals.suite import Loaded, Suite
from research import __version__
from research.cancellation import Stopping
from research.errors import Fatal, ResearchError, SettingMissing, StoreProblem, UsageFault
from research.records import plain

__all__ = ["Log", "log_paths", "read_log", "run", "view_command"]

FLUSHES = 50
"""How often Inspect writes its file in a run: the whole of it each time. The journal has the cases in between."""

Progress = Callable[[int, int], None]


class CaseFailed(Exception):
    """A system raised a ``ResearchError``. ``message`` is its sentence, which Inspect puts into the log."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


async def run(
    suite: Suite,
    loaded: Loaded,
    spec: Spec,
    system: System,
    *,
    logs: Path,
    parallel: int,
    progress: Progress,
    previous: Path | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Path:
    """Run ``system`` on every case, ``spec.epochs`` times, ``parallel`` cases at once; return the log's path.

    With ``previous`` the outcomes that log has are scored anew and only the other cases are run. A case whose system
    raises becomes a failed one. ``Fatal`` (``Stopping``, ``NotTheOwner``) and cancellation end the eval: they are
    raised, and what was finished stays in the log. Raises ``UsageFault`` when ``previous`` is of another run.
    """
    recorded = _recorded(spec, previous) if previous else ()
    journal = Journal(logs)
    whole = False
    try:
        work = Work(suite, loaded, spec, system, recorded, journal, progress, clock)
        work.running = asyncio.create_task(_evaluate(work, logs, parallel))
        ended = await work.running
        if work.fatal is not None:
            raise work.fatal
        if not ended or ended[0].status == "cancelled":
            raise _stopped()
        if ended[0].error is not None:
            raise Fatal(f"the eval broke off ({ended[0].error.message}); `research eval retry` goes on")
        whole = True
    finally:
        journal.close(whole=whole)
    return Path(ended[0].location)


def _stopped() -> BaseException:
    """Return what to raise for an eval that was stopped from outside; Inspect swallows the cancellation."""
    if _cancelling():
        return asyncio.CancelledError()
    return Stopping("the eval was stopped; `research eval retry` goes on")


def _cancelling() -> bool:
    """Whether somebody cancelled the current task."""
    current = asyncio.current_task()
    return current is not None and current.cancelling() > 0


async def _evaluate(work: Work, logs: Path, parallel: int) -> list[EvalLog]:
    """Hand the work to Inspect, with everything turned off that prints, listens or writes elsewhere."""
    _silence(logs)
    hook = sys.excepthook
    name = log_name(work.spec)
    task = Task(
        name=name,
        dataset=MemoryDataset([sample_of(case) for case in work.cases.values()], name=name),
        solver=work.solver(),
        scorer=work.scorer(),
        epochs=Epochs(work.spec.epochs, []),
    )
    try:
        return await eval_async(
            task,
            model="none/none",
            metadata=work.metadata(),
            log_dir=str(logs),
            log_format="eval",
            log_level="notset",
            log_level_transcript="critical",
            log_buffer=max(1, work.total // FLUSHES),
            log_realtime=False,
            log_model_api=False,
            log_refusals=False,
            log_header_only=True,
            max_samples=parallel,
            fail_on_error=False,
            score_display=False,
            ctl_server=False,
        )
    except OSError as error:
        raise StoreProblem(f"the eval log cannot be written in {logs}: {error.strerror or error}") from error
    finally:
        sys.excepthook = hook


def _silence(logs: Path) -> None:
    """Keep Inspect off the terminal and out of the log records of other libraries; its own files go below ``logs``.

    It takes its display from the environment, prints its log records to stdout and adds itself to the root logger. It
    keeps notes in the user's home, and fails where that cannot be written.
    """
    try:
        from inspect_ai._util import appdirs
        from inspect_ai._util.logger import init_logger
        from inspect_ai.util._display import init_display_type
    except ImportError as error:
        raise SettingMissing(
            f"inspect-ai {version('inspect-ai')} is not a version this works with: pip install 'research[evals]'"
        ) from error
    traces = logs / "traces"
    traces.mkdir(exist_ok=True)
    appdirs.user_data_path = lambda *_: traces  # type: ignore[attr-defined]
    init_display_type("none")
    root = logging.getLogger()
    before = list(root.handlers)
    init_logger("notset", "critical", trace_dir=traces)
    for handler in [handler for handler in root.handlers if handler not in before]:
        root.removeHandler(handler)


def _recorded(spec: Spec, previous: Path) -> Sequence[Scored]:
    """Return the cases that have an outcome in an earlier log. Raises ``UsageFault`` when that is of another run."""
    log = read_log(previous)
    for name in ("suite", "system", "seed", "digest"):
        was, now = getattr(log.spec, name), getattr(spec, name)
        if was != now:
            what = "cases and documents" if name == "digest" else name
            detail = "" if name == "digest" else f" ({was} there, {now} here)"
            raise UsageFault(f"{previous} is of another run: its {what} differ{detail}; run the suite anew")
    return [entry for entry in log.scored if entry.outcome is not None]


class Work:
    """One run: what the solver and the scorer need, what is done, and the ``Fatal`` that ended it."""

    def __init__(
        self,
        suite: Suite,
        loaded: Loaded,
        spec: Spec,
        system: System,
        recorded: Sequence[Scored],
        journal: Journal,
        progress: Progress,
        clock: Callable[[], float],
    ) -> None:
        self.suite, self.loaded, self.spec = suite, loaded, spec
        self.cases = {case.id: case for case in loaded.cases}
        self.total = len(self.cases) * spec.epochs
        self.fatal: Fatal | None = None
        self.running: asyncio.Task[list[EvalLog]] | None = None
        self._system, self._journal, self._progress, self._clock = system, journal, progress, clock
        self._recorded = {(entry.case, entry.epoch): entry.outcome for entry in recorded}
        self._scores: dict[tuple[str, int], dict[str, Score]] = {}
        self._done = 0
        for entry in recorded:  # so that a retry that is killed has at least what it started from
            journal.write(entry)

    def metadata(self) -> dict[str, object]:
        """Return what stands in the log's header."""
        programs = {"research": __version__, "python": platform.python_version(), "inspect-ai": version("inspect-ai")}
        return {"spec": plain(self.spec), "programs": programs, "journal": self._journal.name}

    def solver(self) -> Solver:
        """Return the system as Inspect's solver. It sees the question alone; its outcome is kept in the metadata."""

        @solver(name=self.spec.system)
        def system() -> Solver:
            async def solve(state: TaskState, generate: Generate) -> TaskState:
                case = self.cases[str(state.sample_id)]
                with _Ended(self):
                    try:
                        outcome = self._recorded.get((case.id, state.epoch)) or await self._outcome(case)
                        state.metadata["outcome"] = plain(outcome)
                        self._judge(case, state.epoch, outcome)
                    except Fatal as error:
                        self._stop(error)
                        await asyncio.get_running_loop().create_future()  # until the eval's end cancels this case
                return state

            return solve

        return system()

    async def _outcome(self, case: Case) -> Outcome:
        """Await the system and find its quotes."""
        began = self._clock()
        try:
            outcome = await self._system(case.question)
        except Fatal:
            raise
        except (ResearchError, TimeoutError) as error:  # Inspect takes a TimeoutError for one of its own limits
            raise CaseFailed(str(error) or "it timed out") from None
        except asyncio.CancelledError:
            if _cancelling():
                raise
            raise CaseFailed("the system was cancelled from inside") from None
        if outcome.seconds <= 0:  # a system that does not time itself
            outcome = msgspec.structs.replace(outcome, seconds=self._clock() - began)
        return located(outcome, self.loaded.corpora, case.question)

    def _judge(self, case: Case, epoch: int, outcome: Outcome) -> None:
        """Score an outcome and write it to the journal: with no await since it came, nothing can stop it before."""
        scores: dict[str, Score] = {}
        try:
            scores = self.suite.judge(case, outcome)
        finally:
            self._journal.write(_scored(case, epoch, outcome, scores))
        self._scores[case.id, epoch] = scores

    def _stop(self, error: Fatal) -> None:
        """End the whole eval; the first to say so is told to the user."""
        self.fatal = self.fatal or error
        if self.running is not None:
            self.running.cancel()

    def scorer(self) -> Scorer:
        """Return the suite's metrics as one scorer of Inspect's."""

        @scorer(metrics=[figures_of(self.suite)], name=self.suite.name)
        def metrics() -> Scorer:
            async def score(state: TaskState, target: Target) -> InspectScore:
                return score_of(self._scores.pop((str(state.sample_id), state.epoch)), state.metadata["outcome"])

            return score

        return metrics()

    def ended(self) -> None:
        """Count a case that ended."""
        self._done += 1
        self._progress(self._done, self.total)


def _scored(case: Case, epoch: int, outcome: Outcome, scores: dict[str, Score]) -> Scored:
    return Scored(case=case.id, group=case.group, outcome=outcome, scores=scores, epoch=epoch, asked=case.asked())


class _Ended:
    """Counts a case as ended, well or badly, unless the eval was stopped under it."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None or issubclass(kind, Exception):
            self._work.ended()
