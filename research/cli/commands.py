"""The commands, put together. Nothing heavy is imported here: ``--help`` has to answer at once."""

from __future__ import annotations

from typing import Annotated

import typer

from research import __version__
from research.cli import arguments as take
from research.cli.ask import ask, resume
from research.cli.cache import cache
from research.cli.compare import diff
from research.cli.config import show_config
from research.cli.corpus import corpus
from research.cli.doctor import doctor
from research.cli.evals import evals
from research.cli.fork import fork
from research.cli.index import index, setup
from research.cli.models import models
from research.cli.orders import cancel, pause
from research.cli.output import emit
from research.cli.replay import replay
from research.cli.runs import runs, show, verify
from research.cli.session import session_of

EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 usage, 3 partial report, 4 key or setting missing, 5 waiting for a person, "
    "130 interrupted."
)
PLAIN = {"help_option_names": ["-h", "--help"]}

application = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=PLAIN,
    epilog=EPILOG,
)
config = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Show the settings.")


def _version(wanted: bool) -> None:
    if wanted:
        emit(f"research {__version__}\n", constant=True)
        raise typer.Exit


@application.callback()
def start(
    context: typer.Context,
    home: take.Home = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Cited research reports over your documents and the web."""
    session_of(context).home_flag = home


for command in (ask, resume, pause, cancel, fork, index, runs, show, diff, verify, replay, doctor, models, setup):
    application.command(command.__name__)(command)
config.command("show")(show_config)
application.add_typer(config, name="config")
application.add_typer(cache, name="cache")
application.add_typer(corpus, name="corpus")
application.add_typer(evals, name="eval")
