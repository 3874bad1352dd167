"""Part of ``bench.faults``: what must hold of a run whose model went wrong, judged from what it left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.faults_cases import FOREIGN, Case, Place
from bench.faults_far_side import AIMED
from research.gate import ATTEMPTS, LIMITED_ATTEMPTS
from research.report import Report
from tools.fakes.faults import CANARY

GRACE = 12.0
"""Seconds after its deadline in which a run must have put its report together, on a busy machine."""
SLACK = 0.01
"""Seconds that a timer may be early."""


@dataclass(frozen=True)
class Ended:
    """How one run ended. ``sent`` is how often each request reached the failing server, ``leaks`` where the key is.

    ``late``: seconds after its deadline. ``soonest``: the least seconds between two tries of a request. ``early``: the
    requests that came while the server was to be left alone. ``calls`` were made of the model, ``usual`` without fault.
    """

    case: Case
    place: Place
    clean: Report | None
    report: Report | None
    error: str
    resumed: Report | None
    late: float
    sent: tuple[int, ...]
    leaks: tuple[str, ...]
    soonest: float | None = None
    early: int = 0
    calls: int = 0
    usual: int = 0


def broken(one: Ended) -> Iterator[str]:
    """Say every promise that the run broke."""
    assert one.clean is not None, one.error
    if one.error == "hung":
        yield "it hung"
        return
    if one.leaks:
        yield f"the key stands in {', '.join(one.leaks)}"
    yield from _sent(one)
    if one.late > GRACE:
        yield f"it ended {one.late:.0f} s after its deadline"
    if one.report is None:
        yield from _stopped(one, one.clean)
        return
    if CANARY in content(one.report):
        yield "an error's words became content"
    if foreign(content(one.report)) and "language" not in " ".join(losses(one.report)):
        yield "the report is in another script than the question, and does not say so"
    if one.case.healing(one.place):
        if essence(one.report) != essence(one.clean):
            yield f"the fault passed and left a trace: {losses(one.report)}"
        more, counted = one.calls - one.usual, one.report.usage.calls - one.clean.usage.calls
        if more != counted:
            yield f"{more} calls more were made than in a clean run, and {counted} are counted"
    else:
        yield from _named(one, one.report, one.clean)


def foreign(text: str) -> bool:
    """Return whether a sentence in another script stands in the text."""
    return FOREIGN in text


def content(report: Report) -> str:
    """Return every word of a report that is not about a loss."""
    texts = [report.answer, *(sentence.text for sentence in report.sentences)]
    texts += [text for finding in report.findings for text in (finding.statement, finding.quote)]
    return "\n".join((*texts, *(source.title for source in report.sources)))


def essence(report: Report) -> dict[str, Any]:
    """Return what two runs of the same question must agree on."""
    return {
        "status": (report.status, report.exit_code),
        "sentences": [(sentence.text, sentence.findings) for sentence in report.sentences],
        "findings": [finding.id for finding in report.findings],
        "sources": [source.url for source in report.sources],
        "branches": [(branch.task, branch.outcome) for branch in report.branches],
        "skipped": losses(report),
    }


def losses(report: Report) -> list[str]:
    """Return what the report names as lost."""
    return [f"{entry.what}: {entry.why}" for entry in report.skipped]


def _sent(one: Ended) -> Iterator[str]:
    most = 1 if one.case.once else LIMITED_ATTEMPTS if one.case.limited else ATTEMPTS
    if max(one.sent, default=0) > most:
        yield f"a request was sent {max(one.sent)} times, {most} are allowed"
    if one.soonest is not None and one.soonest < one.case.pause - SLACK:
        yield f"it was tried again after {one.soonest:.2f} s, {one.case.pause} s were to pass"
    if one.early:
        yield f"{one.early} requests came while the server was to be left alone"


def _stopped(one: Ended, clean: Report) -> Iterator[str]:
    """A run that has no report: only planning may do that, only where asking the model failed, and it can go on."""
    if one.place != "planner" or one.case.heals:
        yield f"there is no report: {one.error}"
    elif one.case.answer is not None:
        yield f"an answer of no use ended the run: {one.error}"
    elif one.case.slow:
        return  # its time is used up, so that it goes on under a larger cap only
    elif one.resumed is None or essence(one.resumed)["sentences"] != essence(clean)["sentences"]:
        yield f"it could not be resumed to the clean run's report: {one.error}"


def _named(one: Ended, report: Report, clean: Report) -> Iterator[str]:
    missing = [what for what in _unharmed(one.place, clean) if what not in _unharmed(one.place, report)]
    if missing:
        yield f"other branches lost {', '.join(missing)}: {losses(report)}"
    if essence(report)["findings"] != essence(clean)["findings"] and not report.skipped:
        yield "findings were lost and nothing says so"
    if not one.case.times and not report.skipped:
        yield "the fault stays, and nothing says so"
    if not report.skipped and essence(report)["sentences"] != essence(clean)["sentences"]:
        yield "the report is another one and does not say why"
    if not report.sentences and one.place != "branches" and not (one.place == "planner" and one.case.slow):
        yield f"the report says nothing: {losses(report)}"
    if not report.sentences and report.exit_code == 0:
        yield "it found nothing and ended as if all were well"


def _unharmed(place: Place, report: Report) -> list[str]:
    """Return what a fault at ``place`` may not touch: the other branches' findings; the sources of a report by rules.

    Which findings a source is cited with is the choice of who writes.
    """
    urls = {source.id: source.url or "" for source in report.sources}
    if place in ("branch", "agent"):
        return [finding.id for finding in report.findings if AIMED not in urls[finding.source]]
    return list(urls.values()) if place == "writer" else []
