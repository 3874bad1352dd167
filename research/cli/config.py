"""``research config show``: every setting, its value and where it comes from. Keys are only ever “set” or “not set”."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from research.cli import arguments as take
from research.cli.output import emit, emit_json, table
from research.cli.session import session_of

if TYPE_CHECKING:
    from research.settings import Settings


def show_config(context: typer.Context, json: take.Json = False, home: take.Home = None) -> None:
    """Show every setting, its value and where it comes from."""
    settings = session_of(context).load({"home": home})
    rows = described(settings)
    if json:
        emit_json({name: {"value": value, "origin": origin} for name, value, origin in rows})
    else:
        emit(table(("SETTING", "VALUE", "FROM"), [(name, _words(value), origin) for name, value, origin in rows]))


def described(settings: Settings) -> list[tuple[str, Any, str]]:
    """Return name, value and origin of every setting, caps as the user gives them."""
    from research.budget import NANO
    from research.records import plain
    from research.settings import SHOWN_KEYS

    values: dict[str, Any] = {name: getattr(settings, name) for name in settings.origins if hasattr(settings, name)}
    values["home"] = str(settings.home)
    values |= {f"roles.{role}": model for role, model in settings.roles.items()}
    values["prices"] = {
        model: {"prompt": price.prompt / 1000, "completion": price.completion / 1000}
        for model, price in settings.prices.items()
    }
    for prefix, caps in (("max_", settings.caps), ("branch_max_", settings.branch_caps)):
        usd = None if caps.nano_usd is None else caps.nano_usd / NANO
        for name, value in (
            ("tokens_total", caps.tokens),
            ("usd", usd),
            ("calls", caps.calls),
            ("seconds", caps.seconds),
        ):
            values[f"{prefix}{name}"] = value
    rows = [(name, plain(values[name]), origin) for name, origin in settings.origins.items()]
    names = dict.fromkeys((*SHOWN_KEYS, *settings.keys))
    keys = [(name, name in settings.keys) for name in names]
    return rows + [
        (name, "set" if there else "not set", f"environment {name}" if there else "") for name, there in keys
    ]


def _words(value: Any) -> str:
    if value is None or value in ((), {}, ""):
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
