"""``research ask --dry-run``: what the run would cost, as a table or JSON. Nothing is begun, sent or written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research.cli.output import emit, emit_json, table

if TYPE_CHECKING:
    from research.app.estimating import Estimate, Measured, Sum
    from research.options import RunOptions
    from research.settings import Settings

HEAD = ("WHAT", "CALLS", "TOKENS", "USD")
LONGEST_NAME = 30
COLUMNS = 80
NOTE = (
    "at least: each branch finds something in its first round.\n"
    "at most: every round is used, and every answer is as long as it may be.\n"
    "What branches share is paid once, and counted in the first of them.\n"
    "A call that fails and is tried again comes on top. Nothing was sent.\n"
)


def print_estimate(text: str, options: RunOptions, settings: Settings, *, json: bool) -> None:
    """Print the estimate of a run."""
    import asyncio

    from research import app

    found = asyncio.run(app.estimate(text, options, settings))
    if json:
        return emit_json(found)
    emit(f"mode {found.mode.name}, {found.model or 'no model'}\n\n")
    emit(table(HEAD, _rows(found), numbers=True))
    return emit("\n" + _measured(found.measured, found) + _caps(found) + NOTE)


def _rows(found: Estimate) -> list[tuple[str, ...]]:
    rows = [_row(_name(step.what, step.fewest, step.most), step.least_cost, step.most_cost) for step in found.steps]
    return [*rows, _row("the whole run", found.least, found.most)]


def _name(what: str, fewest: int, most: int) -> str:
    times = "" if fewest == most == 1 else f" ({most})" if fewest == most else f" ({fewest} to {most})"
    room = LONGEST_NAME - len(times)
    return (what if len(what) <= room else f"{what[: room - 1].rstrip()}…") + times


def _row(name: str, least: Sum, most: Sum) -> tuple[str, ...]:
    from research.money import dollars

    money = "unknown" if least.usd is None else _span(dollars(least.usd), dollars(most.usd))
    return name, _span(f"{least.calls:,}", f"{most.calls:,}"), _span(f"{least.tokens:,}", f"{most.tokens:,}"), money


def _span(least: str, most: str) -> str:
    return least if least == most else f"{least} to {most}"


def _measured(measured: Measured | None, found: Estimate) -> str:
    what = f"{found.model or 'no model'}, {found.mode.name}"
    if measured is None:
        return f"measured: no finished run of this home is like it ({what})\n"
    from research.money import dollars
    from research.records import counted

    number = counted(measured.runs, "finished run")
    return (
        f"measured: {number} like it ({what}), median {measured.calls:,.0f} calls,\n"
        f"  {measured.tokens:,.0f} tokens, {dollars(measured.usd)}, {measured.seconds:,.1f} s\n"
    )


def _caps(found: Estimate) -> str:
    from textwrap import fill

    from research.money import number

    lines = []
    for cap in found.caps:
        limit = number(cap.limit) if cap.flag.endswith("usd") else f"{cap.limit:,.0f}"
        ending = "; ".join(cap.cuts) or "even the most fits"
        pays = "pays" if cap.enough else "does not pay"
        text = f"{cap.flag} {limit} {pays} for the least: {ending}"
        lines.append(fill(text, COLUMNS, subsequent_indent="  ", break_on_hyphens=False) + "\n")
    if found.seconds_cap is not None:
        lines.append(f"--max-seconds {found.seconds_cap:g}: how long the calls take is not predicted\n")
    return "".join(lines)
