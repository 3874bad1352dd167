"""Live progress: each event becomes one safe line on stderr.

The graph and the gate say what happens (``research.records.Event``); nothing here decides anything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from research.cli.output import say

if TYPE_CHECKING:
    from research.records import Event, Usage
    from research.report import Report

WIDTH = 300
"""Characters of a line that goes to a file or a pipe; on a terminal a line is as wide as the terminal."""
WORDS = {
    "triage": "mode",
    "clarified": "",
    "branch.read": "read:",
    "branch.ended": "ended:",
    "spent": "spent so far:",
    "compose": "composing from",
    "report.section": "written, not yet checked:",
    "report.answer": "answer, not yet checked:",
    "published": "report:",
    "call.retried": "trying again:",
    "call.failed": "failed:",
    "call.refused": "not sent:",
    "call.waits": "waits:",
    "call.cached": "from the cache:",
    "model.stronger": "stronger model:",
    "model.cheaper": "cheaper model:",
    "search.lost": "search provider failed:",
}
"""How a kind of event is announced; a kind that is not here is shown by its detail alone."""

UNSHOWN = frozenset({"call.answered", "call.reused", "round.ended"})
"""What is not shown: a line for each answer would be too many, and the end of a round says what was spent so far."""
COLOURS = {"call.failed": "31", "call.refused": "33", "call.retried": "33", "search.lost": "33", "branch.ended": "32"}


class Progress:
    """A listener for one run. Branches are numbered in the order in which they were planned."""

    def __init__(
        self,
        *,
        quiet: bool = False,
        colour: bool | None = None,
        write: Callable[[str, str], None] = say,
        width: int | None = None,
    ) -> None:
        self._quiet = quiet
        self._width = width or _columns()
        self._colour = _wants_colour() if colour is None else colour
        self._write = write
        self._branches: dict[str, int] = {}
        self._steps: dict[str, Usage] = {}
        self._told: tuple[int, int, int | None] | None = None

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if event.kind == "branch.planned":
            self._branches.setdefault(event.branch, len(self._branches) + 1)
        if event.kind == "spent" and not self._is_news(event):
            return
        if not self._quiet and event.kind not in UNSHOWN:
            self.line(self._worded(event), COLOURS.get(event.kind, ""))

    def _is_news(self, event: Event) -> bool:
        """Return whether what was spent is to be shown now; what one step spent is kept for the table."""
        if event.branch and event.usage is not None and event.branch not in self._branches:
            self._steps[event.branch] = event.usage
        if not event.detail or event.usage is None:
            return False
        spent = (event.usage.calls, event.usage.tokens, event.usage.nano_usd)
        news, self._told = spent != self._told, spent
        return news

    def spending(self, report: Report) -> None:
        """Show what each part of a run spent, as a table; nothing when quiet."""
        if self._quiet:
            return
        from research.cli.output import table
        from research.spending import HEAD, spending_table

        for line in table(HEAD, spending_table(report, self._steps), numbers=True).splitlines():
            self._write(line, "")

    def line(self, text: str, colour: str = "") -> None:
        """Show one line; nothing when quiet. Of control sequences only that of ``colour`` reaches the terminal."""
        if not self._quiet:
            from research.sanitize import one_line

            self._write(one_line(text, self._width), colour if self._colour else "")

    def _worded(self, event: Event) -> str:
        number = self._branches.get(event.branch)
        total = "" if event.kind == "branch.planned" else f"/{len(self._branches)}"
        place = f"[{number}{total}]" if number else ""
        known = event.kind in WORDS or event.kind in ("branch.planned", "call.sent")
        words = WORDS.get(event.kind, "" if known else f"{event.kind}:")
        return " ".join(part for part in (place, words, event.detail) if part)


class IndexStep(Protocol):
    """How far an index is."""

    @property
    def phase(self) -> str: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def name(self) -> str: ...


class IndexLines:
    """Shows the steps of an index: the last of each phase, and in between one a second."""

    def __init__(self, progress: Progress, clock: Callable[[], float]) -> None:
        self._progress = progress
        self._clock = clock
        self._shown = clock()

    def __call__(self, step: IndexStep) -> None:
        """Show one step, if it is time."""
        now = self._clock()
        if step.done < step.total and now - self._shown < 1:
            return
        self._shown = now
        self._progress.line(f"{step.phase} {step.done:,} of {step.total:,} {step.name}".rstrip())


def _columns() -> int:
    """Return how many characters fit on a line of stderr."""
    try:
        return max(40, os.get_terminal_size(sys.stderr.fileno()).columns)
    except (OSError, ValueError, AttributeError):  # no terminal, or closed
        return WIDTH


def _wants_colour() -> bool:
    from research.settings import wants_colour

    return wants_colour(terminal=sys.stderr.isatty())
