"""What a run under caps must hold to: judged from its report and from what the far side counted for itself.

The runs are made in ``bench.budgets``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from research.budget import NANO, Caps
from research.options import RunOptions
from research.ports import Price
from research.report import CapFacts, Report, UsageFacts
from tools.fakes.hostile import Greed


class Case(NamedTuple):
    """One run to be made."""

    number: int
    greed: Greed
    options: RunOptions
    price: Price
    failing: float


class Ended(NamedTuple):
    """How one run ended: its report or what was raised, what the far side counted, and what was refused."""

    case: Case
    report: Report | None
    error: str
    tokens: int
    nano_usd: float
    calls: int
    last: float
    refused: int
    planned: dict[str, str]


def broken(ended: Ended) -> list[str]:
    """Return which promises the run broke, each in a few words."""
    report, caps = ended.report, ended.case.options.caps
    if report is None:
        return [f"no report: {ended.error}"]
    return [*_passed(ended, caps, report), *_understated(ended, report), *_untold(ended, report)]


def _passed(ended: Ended, caps: Caps, report: Report) -> list[str]:
    seen = {"tokens": ended.tokens, "nano_usd": ended.nano_usd, "calls": ended.calls}
    return beyond(seen, ended.last, caps, report)


def beyond(seen: Mapping[str, float], last: float, caps: Caps, report: Report | None) -> list[str]:
    """Return which caps were passed, by what was ``seen`` (currency: count), by the last call's time, by the report."""
    found = []
    for currency, count in seen.items():
        cap = getattr(caps, currency)
        if cap is not None and count > cap:
            found.append(f"{count} {currency} above the cap of {cap}, by the far side's count")
    if caps.seconds is not None and last >= caps.seconds:
        found.append(f"a call began at {last} s, after the deadline of {caps.seconds} s")
    if report is None:
        return found
    found += _above(report.usage, "the run")
    for branch in report.branches:
        found += _above(branch.usage, branch.task)
    return found


def _above(usage: UsageFacts, what: str) -> list[str]:
    caps: CapFacts = usage.caps
    pairs = {"tokens": (usage.tokens, caps.tokens), "calls": (usage.calls, caps.calls), "usd": (usage.usd, caps.usd)}
    return [
        f"{what}: {used} {name} in the report, cap {cap}"
        for name, (used, cap) in pairs.items()
        if cap is not None and used is not None and used > cap
    ]


def _understated(ended: Ended, report: Report) -> list[str]:
    told = {
        "tokens": report.usage.tokens,
        "nano_usd": round((report.usage.usd or 0.0) * NANO),
        "calls": report.usage.calls,
    }
    seen = {"tokens": ended.tokens, "nano_usd": ended.nano_usd, "calls": ended.calls}
    return [f"{told[name]} {name} told, {seen[name]} seen" for name in told if told[name] + 1e-6 < seen[name]]


def _untold(ended: Ended, report: Report) -> list[str]:
    """Return what was cut and is not told."""
    found = []
    named = {skipped.what for skipped in report.skipped}
    if ended.refused and report.status == "done":
        found.append(f"{ended.refused} calls refused, and called done")
    cut = [branch.task for branch in report.branches if branch.outcome == "out of budget"]
    known = {branch.task for branch in report.branches}
    found += [f"cut and not named: {task}" for task in cut if task not in named]
    found += [f"not begun and not named: {task}" for task in ended.planned.values() if task not in known | named]
    if (cut or report.skipped) and report.status == "done":
        found.append("something was skipped, and called done")
    return found


def tokens_above(ended: Sequence[Ended]) -> int:
    """Return how many tokens the far side counted above the caps, in all runs together."""
    caps = [(one.tokens, one.case.options.caps.tokens) for one in ended]
    return sum(max(0, tokens - cap) for tokens, cap in caps if cap is not None)
