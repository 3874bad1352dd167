"""The suites by name, each loaded when it is first asked for, so that naming them costs nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from research.errors import UnknownName
from research.spelling import nearest

if TYPE_CHECKING:
    from evals.suite import Suite

NAMES = ("multihop", "retrieval", "claims", "plans", "abstain", "world", "reports", "promises", "modes")


def suite(name: str) -> Suite:
    """Return a suite; raises ``UnknownName`` when there is none of that name."""
    if name not in NAMES:
        raise UnknownName(f"there is no suite {name}{nearest(name, NAMES) or '; there are ' + ', '.join(NAMES)}")
    loaded: Suite = import_module(f"evals.suites.{name}").SUITE
    return loaded
