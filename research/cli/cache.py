"""``research cache``: the answers that runs with ``--cache`` keep for one another, and the pages of the web."""

from __future__ import annotations

import typer

from research.cli import arguments as take
from research.cli.output import emit, emit_json
from research.cli.session import session_of

cache = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="The answers of models that runs with --cache keep, and pages."
)


@cache.command("clear")
def clear_cache(context: typer.Context, json: take.Json = False, home: take.Home = None) -> None:
    """Take every answer, and every page of the web, out of the cache; runs and their reports keep theirs."""
    settings = session_of(context).open({"home": home})
    from research.app.caching import clear
    from research.records import counted

    answers, pages = clear(settings)
    if json:
        return emit_json({"cleared": answers, "pages": pages})
    more = f" and {counted(pages, 'page')}" if pages else ""
    return emit(f"{counted(answers, 'answer')}{more} taken out of the cache\n")
