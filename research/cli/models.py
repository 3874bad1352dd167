"""``research models``: which model each role has, whether it answers, its window and price. No key is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from research.cli import arguments as take
from research.cli.output import emit, emit_json, table
from research.cli.session import session_of

if TYPE_CHECKING:
    from research.app.models import ModelFacts

HEAD = ("MODEL", "ROLES", "ANSWERS", "WINDOW", "FROM", "$ A MILLION TOKENS", "FROM")
NONE = "no model is configured, so reports are extractive: set one with --model provider:model\n"


def models(
    context: typer.Context,
    model: take.Model = None,
    role: take.Role = None,
    base_url: take.BaseUrl = None,
    json: take.Json = False,
    home: take.Home = None,
) -> None:
    """Show the models of each role: whether they answer, their windows and prices, and where these are from.

    Providers are only asked for their lists of models, which costs nothing.
    """
    import asyncio

    settings = session_of(context).load(context.params)
    from research.app.models import models as configured

    found = asyncio.run(configured(settings.options(), settings))
    if json:
        emit_json(found)
    else:
        emit(table(HEAD, [_row(one) for one in found]) if found else NONE)


def _row(one: ModelFacts) -> tuple[str, ...]:
    from research.requests import ROLES

    answers = {True: "yes", False: "no", None: "not asked"}[one.reachable]
    said = one.said.removeprefix("not asked: ")
    price = "unknown" if one.prompt is None else f"{one.prompt:g} in, {one.completion:g} out"
    return (
        f"{one.model} at {one.server}" if one.server else one.model,
        "all" if len(one.roles) == len(ROLES) else ", ".join(one.roles),
        f"{answers}: {said}",
        f"{one.window:,}",
        one.window_from,
        price,
        one.price_from,
    )
