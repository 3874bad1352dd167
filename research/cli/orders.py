"""``research cancel`` and ``research pause``: stop a run that another process works on, or one of its branches."""

from __future__ import annotations

from typing import Annotated

import typer

from research.cli import arguments as take
from research.cli.ask import chosen_run
from research.cli.output import emit_json, say
from research.cli.session import session_of
from research.errors import UsageFault

Branch = Annotated[
    str | None,
    typer.Option("--branch", metavar="N", help="Only this branch, as progress and `show --plan` number it."),
]


def cancel(
    context: typer.Context,
    id: take.Run = None,
    last: take.Last = False,
    branch: Branch = None,
    json: take.Json = False,
    home: take.Home = None,
) -> None:
    """End a run for good, or one branch of it: no call is started any more, what was found is kept.

    Of a run that was lost, and that nothing can be saved of, it accepts the loss.
    """
    chosen = chosen_run(id, last)
    settings = session_of(context).open({"home": home})
    import asyncio

    from research.app.orders import cancel as ordered

    number = None if branch is None else _number(branch)
    told = asyncio.run(ordered(chosen, settings, branch=number))
    if json:
        return emit_json(told)
    if told.lost:
        return say(f"{told.lost}; the loss is accepted, and `research ask` asks again")
    if number is not None:
        when = "calls in flight are waited for" if told.under_way else "it ends when the run is resumed"
        return say(f"branch {number} of the run {told.run} is cancelled: {when}; what it has found is used")
    how = "is told to end: calls in flight are waited for" if told.under_way else "is cancelled"
    return say(f"the run {told.run} {how}; `research fork {told.run} --at compose` writes a report from what was found")


def pause(
    context: typer.Context,
    id: take.Run = None,
    last: take.Last = False,
    json: take.Json = False,
    home: take.Home = None,
) -> None:
    """Have a run that is being worked on stop, so that `research resume` goes on with it later."""
    chosen = chosen_run(id, last)
    settings = session_of(context).open({"home": home})
    import asyncio

    from research.app.orders import pause as ordered

    told = asyncio.run(ordered(chosen, settings))
    if json:
        return emit_json(told)
    return say(
        f"the run {told.run} is told to stop: calls in flight are waited for; "
        f"`research resume {told.run}` goes on with it"
    )


def _number(given: str) -> int:
    if not given.isascii() or not given.isdigit() or len(given) > 4:
        raise UsageFault(f"--branch must be the number of a branch, not “{given[:40]}”")
    return int(given)
