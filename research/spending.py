"""What was spent, in words: against its caps on one line, and as the table that is shown after a run. Pure.

The figures come from the gate while a run is under way and from the report afterwards; printing is the command line's
work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from research.budget import NANO, Caps
from research.money import dollars
from research.records import Usage, counted
from research.report import CapFacts, Report, UsageFacts

HEAD = ("SPENT ON", "CALLS", "TOKENS", "USD", "SECONDS")
LONGEST_NAME = 40
NONE = "-"


def against(usage: Usage, caps: Caps) -> str:
    """Return what a run used on one line, each with its cap where it has one: ``7/40 calls, 4,210 tokens, 12 s``."""
    parts = [_of(usage.calls, caps.calls, "call")]
    if usage.tokens or caps.tokens is not None:
        parts.append(_of(usage.tokens, caps.tokens, "token"))
    if usage.nano_usd != 0 or caps.nano_usd is not None:
        cap = None if caps.nano_usd is None else caps.nano_usd / NANO
        parts.append(
            dollars(None if usage.nano_usd is None else usage.nano_usd / NANO)
            + ("" if cap is None else f"/{dollars(cap)}")
        )
    parts.append(f"{usage.seconds:.0f}{'' if caps.seconds is None else f'/{caps.seconds:,.0f}'} s")
    return ", ".join(parts)


def _of(used: int, cap: int | None, noun: str) -> str:
    return counted(used, noun) if cap is None else f"{used:,}/{counted(cap, noun)}"


def spending_table(report: Report, steps: Mapping[str, Usage]) -> list[tuple[str, ...]]:
    """Return the rows below ``HEAD``: planning, each branch, the report, the whole run, and the caps that were set.

    ``steps`` is what the run's own steps used, by name (``report``; anything else is planning), where that is known;
    without it they are one row: what the branches did not use.
    """
    rows = [_row(f"[{number}] {branch.task}", branch.usage) for number, branch in enumerate(report.branches, 1)]
    planning = _sum([usage for name, usage in steps.items() if name != "report"])
    if steps:
        rows = [_row("planning", planning), *rows, _row("report", _sum([u for n, u in steps.items() if n == "report"]))]
    else:
        rows.append(_row("planning and report", _rest(report)))
    rows.append(_row("the whole run", report.usage))
    for name, caps in (("its cap", report.usage.caps), ("each branch's cap", _branch_caps(report))):
        if caps != CapFacts():
            rows.append(_caps_row(name, caps))
    return rows


def _branch_caps(report: Report) -> CapFacts:
    return report.branches[0].usage.caps if report.branches else CapFacts()


def _row(name: str, usage: UsageFacts) -> tuple[str, ...]:
    seconds = NONE if usage.seconds < 0 else f"{usage.seconds:,.1f}"
    return (_short(name), f"{usage.calls:,}", f"{usage.tokens:,}", dollars(usage.usd), seconds)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1].rstrip()}…"


def _caps_row(name: str, caps: CapFacts) -> tuple[str, ...]:
    return (
        name,
        NONE if caps.calls is None else f"{caps.calls:,}",
        NONE if caps.tokens is None else f"{caps.tokens:,}",
        NONE if caps.usd is None else dollars(caps.usd),
        NONE if caps.seconds is None else f"{caps.seconds:,.1f}",
    )


def _sum(used: Sequence[Usage]) -> UsageFacts:
    known = [usage.nano_usd for usage in used if usage.nano_usd is not None]
    return UsageFacts(
        tokens=sum(usage.tokens for usage in used),
        usd=sum(known) / NANO if len(known) == len(used) else None,
        calls=sum(usage.calls for usage in used),
        seconds=sum(usage.seconds for usage in used),
    )


def _rest(report: Report) -> UsageFacts:
    """What the branches did not use; their seconds overlap, so the rest of those is not known."""
    used = [branch.usage for branch in report.branches]
    money = [usage.usd for usage in (report.usage, *used)]
    known = [value for value in money if value is not None]
    return UsageFacts(
        tokens=report.usage.tokens - sum(usage.tokens for usage in used),
        usd=max(0.0, known[0] - sum(known[1:])) if len(known) == len(money) else None,
        calls=report.usage.calls - sum(usage.calls for usage in used),
        seconds=-1.0,
    )
