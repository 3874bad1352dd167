"""The command line: parse, call, print. Nothing imports it, and it imports heavy libraries only when a command runs.

Data goes to stdout, progress and errors to stderr. Exit codes: 0 done, 1 failed, 2 usage, 3 partial report, 4 key or
setting missing, 5 waiting for a person, 130 interrupted.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    from research.cli.commands import application
    from research.cli.errors import guarded
    from research.cli.session import Session

    session = Session()
    sys.exit(guarded(lambda: application(prog_name="research", obj=session), session))
