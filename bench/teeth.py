"""Planted defects: what each invariant of ``docs/security.md`` would miss if a line of the program were wrong.

``python -m bench.teeth [INVARIANT...]`` makes each change of ``PLANTED``, by invariant, in a copy of the project, and
runs the tests named beside it. A defect that no test notices is printed as MISSED, and the exit code is 1. The lists
are in ``bench.teeth_policy`` and ``bench.teeth_edges``; that each still fits the code is itself a test.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from bench import teeth_edges, teeth_policy
from bench.mutants import Mutant, play

PLANTED: Mapping[str, tuple[Mutant, ...]] = {
    "sockets": teeth_edges.SOCKETS,
    "paths": teeth_edges.PATHS,
    "processes": teeth_edges.PROCESSES,
    "caps": teeth_policy.CAPS,
    "bounds": teeth_policy.BOUNDS,
    "citations": teeth_policy.CITATIONS,
    "links": teeth_edges.LINKS,
    "memory": teeth_edges.MEMORY,
    "rights": teeth_policy.RIGHTS,
    "secrets": teeth_edges.SECRETS,
    "control": teeth_edges.CONTROL,
    "status": teeth_policy.STATUS,
    "order": teeth_policy.ORDER,
    "approvals": teeth_edges.APPROVALS,
}
"""By invariant. Each has three defects at least."""


def main() -> None:
    chosen = sys.argv[1:] or list(PLANTED)
    unknown = [name for name in chosen if name not in PLANTED]
    if unknown:
        raise SystemExit(f"{unknown[0]} is no invariant; they are {', '.join(PLANTED)}")
    sys.exit(1 if play([mutant for name in chosen for mutant in PLANTED[name]]) else 0)


if __name__ == "__main__":
    main()
