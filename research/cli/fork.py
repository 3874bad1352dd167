"""``research fork``: a new run that begins with what another one has already done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from research.cli import arguments as take
from research.cli.ask import chosen_run, finish
from research.cli.output import refuse_unwritable
from research.cli.progress import Progress
from research.cli.session import session_of
from research.errors import UsageFault

if TYPE_CHECKING:
    from research.records import ForkPoint

POINTS = ("plan", "branch", "compose")
At = Annotated[
    str,
    typer.Option(
        "--at",
        metavar="POINT",
        help="plan: plan anew; branch: keep the plan, work its branches anew; compose: keep what they found, "
        "write the report anew.",
    ),
]
PlanFile = Annotated[
    Path | None,
    typer.Option("--plan", metavar="FILE", help="With --at plan: the plan, as `show --plan --json` prints it."),
]


def fork(
    context: typer.Context,
    at: At,
    id: take.Run = None,
    last: take.Last = False,
    plan: PlanFile = None,
    model: take.Model = None,
    role: take.Role = None,
    base_url: take.BaseUrl = None,
    branches: take.Branches = None,
    rounds: take.Rounds = None,
    length: take.Length = None,
    language: take.Language = None,
    cache: take.Cache = False,
    max_tokens_total: take.MaxTokens = None,
    max_usd: take.MaxUsd = None,
    max_calls: take.MaxCalls = None,
    max_seconds: take.MaxSeconds = None,
    branch_max_tokens_total: take.BranchMaxTokens = None,
    branch_max_usd: take.BranchMaxUsd = None,
    branch_max_calls: take.BranchMaxCalls = None,
    branch_max_seconds: take.BranchMaxSeconds = None,
    json: take.Json = False,
    output: take.Output = None,
    quiet: take.Quiet = False,
    home: take.Home = None,
) -> None:
    """Begin a new run from a point of another: what came before is used again and not paid again.

    Options that are not given are those of the other run. Caps count the calls of the new run only.
    """
    session = session_of(context)
    chosen = chosen_run(id, last)
    if at not in POINTS:
        raise UsageFault(f"--at must be plan, branch or compose, not “{at[:40]}”")
    if plan is not None and at != "plan":
        raise UsageFault(f"--plan FILE is for --at plan; at {at} the plan is that of the other run")
    refuse_unwritable(output)
    flags = {**context.params, "at": None, "plan": None, "id": None}
    settings = session.open(flags)
    from research.app.forking import fork as forked

    progress = Progress(quiet=quiet)
    point = cast("ForkPoint", at)
    finish(
        lambda signals: forked(chosen, point, settings, plan=plan, listen=progress, on_start=signals.begun),
        session,
        json,
        output,
        progress,
    )
