"""The command line: parse, call, print. Nothing imports it, and it imports heavy libraries only when a command runs.

Data goes to stdout, progress and errors to stderr. Exit codes: 0 done, 1 failed, 2 usage, 3 partial report, 4 key or
setting missing, 5 waiting for a person, 130 interrupted.
"""

from __future__ import annotations

import os
import sys

from research.exhaustion import lacking

INTERRUPTED = 130
FAILED = 1
LAST_WORDS = b"research: out of memory or file handles; what was recorded is kept\n"
"""Ready before they are needed: when they are, nothing can be imported or put together any more."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        code = run()
    except KeyboardInterrupt:  # before the command's own handling was in place
        code = INTERRUPTED
    except BaseException as error:
        if not lacking(error):
            raise
        sys.unraisablehook = lambda _: None  # half-made objects complain when they go
        os.write(2, LAST_WORDS)
        code = FAILED
    # Everything was closed by those who opened it; taking two thousand modules down takes another tenth of a second.
    os._exit(code)


def run() -> int:
    """Run the command line on ``sys.argv`` and return its exit code; all that was printed has been handed over."""
    from research.cli.commands import application
    from research.cli.errors import guarded
    from research.cli.output import flush
    from research.cli.session import Session

    session = Session()

    def command() -> None:
        try:
            application(prog_name="research", obj=session)
        finally:
            flush()

    return guarded(command, session)
