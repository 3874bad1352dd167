"""``research replay``: work a finished run again from its record, and say whether the same report comes of it."""

from __future__ import annotations

import typer

from research.cli import arguments as take
from research.cli.ask import chosen_run
from research.cli.output import emit, emit_json
from research.cli.session import session_of


def replay(
    context: typer.Context,
    id: take.Run = None,
    last: take.Last = False,
    json: take.Json = False,
    home: take.Home = None,
) -> None:
    """Work a finished run again from its recorded answers and compare the reports; exit code 1 when they differ.

    No network, model, corpus or key is needed, and nothing is written.
    """
    chosen = chosen_run(id, last)
    settings = session_of(context).open({"home": home})
    import asyncio

    from research.app.replaying import replay as replayed
    from research.sanitize import one_line

    result = asyncio.run(replayed(chosen, settings))
    if json:
        emit_json(result)
    else:
        emit(f"{one_line(result.spoken)}\n")
    raise typer.Exit(0 if result.same else 1)
