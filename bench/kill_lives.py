"""The reference run led through several lives: killed at given events, killed again while resuming, or signalled.

Each case has a home and a log of its own. What must hold after it is in ``bench.kill_judging``; which cases there are,
in ``bench.kill``.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer

from bench.far_side import logged
from bench.kill_judging import Call, Expected, Life, Verdict, expected_of, journal_of, judge
from bench.lives import Work, live, plainly
from bench.reference import RUN, MakeHands, begin, go_on, reference_hands, settings_of, unheard
from bench.watched import Events
from research.app.records import runs
from research.app.running import RunHandle
from research.cli.running import INTERRUPTED, Advice, Interruption, run
from research.errors import ResearchError
from research.report import Report

SIGNALS = {"SIGTERM": (signal.SIGTERM,), "SIGINT": (signal.SIGINT,), "SIGINT twice": (signal.SIGINT, signal.SIGINT)}


class Case(NamedTuple):
    """One case of a sweep: the events of the lives at which the process ends, and by which signals; empty: by 9."""

    sweep: str
    points: tuple[int, ...]
    by: str = ""


class ScriptedRun:
    """The reference run against its scripted far side, in ``folder``. ``make`` makes the hands of each case's lives."""

    def __init__(self, folder: Path, make: MakeHands = reference_hands) -> None:
        self._make = reference_hands
        self._home, self._log = folder / "home", folder / "log"
        self._clear()
        began = time.perf_counter()
        whole = self._live(Events(), begin)
        self.expected: Expected = expected_of(whole, self._home, time.perf_counter() - began)
        self._make = make

    def attempt(self, case: Case) -> Verdict:
        """Lead the run through the case and judge it."""
        self._clear()
        lives = [self._interrupted(case)] if case.by else self._killed(case.points)
        wrong = said_wrong(lives[0], SIGNALS[case.by], self._home) if case.by else []
        if lives[-1].ended.code != 0:  # a signal that comes after the last call does not keep a run from its report
            lives.append(self._live(Events(), go_on))
        verdict = judge(lives, self.expected, self._home)
        return verdict._replace(problems=(*wrong, *verdict.problems))

    def _killed(self, points: Sequence[int]) -> list[Life]:
        """Kill the run at one event in each life; a life that ends before its event is the last."""
        lives: list[Life] = []
        for point in points:
            lives.append(self._live(Events(point), go_on if lives else begin))
            if lives[-1].ended.code != -signal.SIGKILL:
                break
        return lives

    def _interrupted(self, case: Case) -> Life:
        def act() -> None:
            for number in SIGNALS[case.by]:
                os.kill(os.getpid(), number)

        signals = Signals()
        return self._live(Events(case.points[0], act), begin, drive=signals.drive, on_start=signals.begun)

    def _live(
        self,
        events: Events,
        work: Callable[..., Coroutine[Any, Any, Report]],
        *,
        drive: Callable[[Work, Events], Report] = plainly,
        on_start: Callable[[RunHandle], None] = unheard,
    ) -> Life:
        before = len(logged(self._log))
        ended = live(
            lambda seen: work(self._home, self._log, seen, on_start=on_start, make=self._make), events, drive=drive
        )
        sent = tuple(" ".join(line[1:]) for line in logged(self._log)[before:] if line[0] == "sent")
        return Life(ended, sent, tuple((sent_as(call), call) for call in journal_of(self._home)))

    def _clear(self) -> None:
        shutil.rmtree(self._home, ignore_errors=True)
        self._log.unlink(missing_ok=True)


def sent_as(call: Call) -> str:
    """Return how the scripted far side names a call in its log."""
    if call.kind == "model":
        return f"model {call.key[:16]}"
    request = json.loads(call.request)
    return f"fetch {request['url']}" if call.kind == "fetch" else f"search {request['query']}"


class Left(ResearchError):
    """The command line left with 130 and these words on stderr."""

    exit_code = INTERRUPTED


class Signals:
    """The command line's own way of running a run: the first signal stops it, the second leaves at once."""

    def __init__(self) -> None:
        self._interruption: Interruption | None = None

    def begun(self, handle: RunHandle) -> None:
        """Hand a run that has begun to whoever handles the signals."""
        assert self._interruption is not None
        self._interruption.begun(handle)

    def drive(self, work: Work, events: Events) -> Report:
        """Do ``work`` as ``research ask`` does. Raises ``Left`` when it was interrupted."""

        async def watched(interruption: Interruption) -> Report:
            self._interruption = interruption
            return await work(events)

        shown, sys.stderr = sys.stderr, io.StringIO()
        try:
            return run(watched, Advice())
        except typer.Exit:
            raise Left(sys.stderr.getvalue()) from None
        finally:
            sys.stderr = shown


def said_wrong(life: Life, numbers: Sequence[int], home: Path) -> list[str]:
    """Check how a run that was signalled left: 130, the command to go on with, and nothing in flight after one."""
    if life.ended.code == 0:
        return []
    problems = []
    if life.ended.code != INTERRUPTED:
        problems.append(f"a signalled run ended with {life.ended.code}: {life.ended.said[-500:]}")
    if len(numbers) == 1:
        if f"resume with: research resume {RUN}" not in life.ended.said and (
            life.calls or "began" not in life.ended.said
        ):
            problems.append(f"no command to go on with in {life.ended.said!r}")
        if runs(settings_of(home))[0].status != "interrupted":
            problems.append(f"the run is {runs(settings_of(home))[0].status} after a signal")
        open_ = [name for name, call in life.calls if not call.status]
        if open_:
            problems.append(f"calls in flight at the signal were not recorded: {open_}")
    return problems
