"""``research diff``: what differs between two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from research.cli import arguments as take
from research.cli.ask import chosen_run
from research.cli.output import emit, emit_json, table
from research.cli.session import session_of

if TYPE_CHECKING:
    from research.compare import Cost, Difference, Parted, Side

WIDTH = 100
HEAD = ("COST", "CALLS", "TOKENS", "USD", "SECONDS")


def diff(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="ID1", help="A run; its first characters are enough.")],
    second: Annotated[str | None, typer.Argument(metavar="[ID2]", help="The run to compare it with.")] = None,
    last: take.Last = False,
    json: take.Json = False,
    home: take.Home = None,
) -> None:
    """Show what differs between two runs: plan, findings, claims, losses, cost. Exit code 0, whatever differs."""
    one, other = chosen_run(first, False), chosen_run(second, last)
    settings = session_of(context).open({"home": home})
    import asyncio

    from research.app.comparing import diff as compared

    found = asyncio.run(compared(one, other, settings))
    if json:
        return emit_json(found)
    return emit("".join(f"{line}\n" for line in lines(found)))


def lines(found: Difference) -> list[str]:
    """Return the difference as lines of at most 100 characters: - is only in the first run, + only in the second."""
    from research.sanitize import one_line

    said = [_side("-", found.first), _side("+", found.second)]
    if found.first.question != found.second.question:
        said += ["the questions differ:", f"- {found.first.question}", f"+ {found.second.question}"]
    for name, parts in (
        ("plan", found.plan),
        ("findings", found.findings),
        ("claims", found.claims),
        ("skipped", found.skipped),
        ("disagreements", found.disagreements),
    ):
        said += ["", *_parts(name, parts)]
    costs = [_cost("-", found.first.cost), _cost("+", found.second.cost), _cost("difference", found.cost, sign="+")]
    return [one_line(line, WIDTH) for line in said] + ["", *_rows(costs)]


def _side(mark: str, side: Side) -> str:
    return f"{mark} {side.run}: {side.status}"


def _parts(name: str, parts: Parted) -> list[str]:
    head = f"{name}: {len(parts.both)} in both, {len(parts.first)} only in -, {len(parts.second)} only in +"
    return [head, *(f"- {one}" for one in parts.first), *(f"+ {one}" for one in parts.second)]


def _cost(name: str, cost: Cost, sign: str = "") -> tuple[str, ...]:
    from research.money import dollars

    money = "unknown" if cost.usd is None else f"{sign if cost.usd >= 0 else ''}{dollars(cost.usd)}"
    return name, f"{cost.calls:{sign},}", f"{cost.tokens:{sign},}", money, f"{cost.seconds:{sign},.1f}"


def _rows(costs: list[tuple[str, ...]]) -> list[str]:
    return table(HEAD, costs, numbers=True).splitlines()
