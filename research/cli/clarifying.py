"""Working on a run from the command line until it has a report, asking the person what the run asks meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import typer

from research.cli.output import say
from research.cli.running import INTERRUPTED, Advice, Interruption, home_hint, run
from research.errors import ResearchError

if TYPE_CHECKING:
    from research.cli.progress import Progress
    from research.cli.session import Session
    from research.records import Clarification
    from research.report import Report

Work = Callable[[Interruption], Coroutine[Any, Any, "Report"]]


def at_a_terminal() -> bool:
    """Return whether there is a person to ask: one who sees stderr and types on stdin."""
    return sys.stdin is not None and sys.stderr is not None and sys.stdin.isatty() and sys.stderr.isatty()


def worked(work: Work, session: Session, progress: Progress) -> Report:
    """Return the report of a run; where it waits for an answer, ask for it and go on with the run. Raises the rest."""
    advice = Advice(home=home_hint(session.home_flag))
    while True:
        try:
            return run(work, advice)
        except ResearchError as waiting:
            asked: str = getattr(waiting, "asked", "")
            if not asked:
                raise
            id: str = getattr(waiting, "run", "")
        work = _onward(id, _answer(asked, id, advice), session, progress)


def _onward(id: str, said: Clarification, session: Session, progress: Progress) -> Work:
    """Return the work of going on with a run that was answered."""
    from research import app

    settings = session.open({})
    return lambda signals: app.resume(id, settings, approve=None, answer=said, listen=progress, on_start=signals.begun)


def _answer(asked: str, id: str, advice: Advice) -> Clarification:
    """Ask the person, in one line; Enter, or the end of the input, skips. Ctrl-C leaves the run waiting."""
    from research.clean import clean_text
    from research.records import LONGEST_ANSWER, NO_TERMINAL, Clarification

    if not at_a_terminal():
        return Clarification(skipped=NO_TERMINAL)
    say(f"Before it plans, the run asks: {asked}")
    say("Answer in one line; Enter goes on without an answer.")
    try:
        line = sys.stdin.buffer.readline(4 * LONGEST_ANSWER).decode("utf-8", "replace")
    except KeyboardInterrupt:
        say(f"resume with: research resume {id}{advice.home}")
        raise typer.Exit(INTERRUPTED) from None
    text = " ".join(clean_text(line).split())[:LONGEST_ANSWER]
    return Clarification(answered=text) if text else Clarification(skipped="the answer was skipped")
