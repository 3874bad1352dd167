"""What a run takes from outside: its clock, its name, its judgement, its world and its stores.

A run is a function of these. The command line uses :data:`HANDS`; a bench or a test hands in others, so that a run can
be watched, cut off or played in virtual time without a word of it in the code that is shipped.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from research.access import World
from research.app.records import new_run_id
from research.app.sharing import OpenFiles
from research.app.stores import Stores
from research.app.world import Judgement, Opened, open_judgement, open_world
from research.options import RunOptions
from research.pacing import Paces
from research.ports import Clock
from research.records import Failure
from research.settings import Settings
from tools.clock import SystemClock


class OpenWorld(Protocol):
    """Opens the ports of one run, and says what was lost before it began."""

    def __call__(
        self, options: RunOptions, settings: Settings, judgement: Judgement, stores: Stores, opened: Opened
    ) -> AbstractAsyncContextManager[tuple[World, tuple[Failure, ...]]]: ...


def as_they_are(stores: Stores) -> Stores:
    """Return the stores unchanged."""
    return stores


@dataclass(frozen=True)
class Hands:
    """The seams of a run. ``name_run`` makes an id of the time, ``stores`` may wrap what the run writes to.

    ``look_every``: a run looks for orders from outside so often, in seconds of its clock, and before each call; with
    ``None`` before each call only, so that virtual time does not pass for it. ``paces`` are shared by the runs that
    are handed these hands, and by no copy, whose clock may be another: what one sends to a provider counts for all. So
    are ``files``.
    """

    clock: Clock = field(default_factory=SystemClock)
    name_run: Callable[[str], str] = new_run_id
    judgement: Callable[[RunOptions, Settings], Judgement] = open_judgement
    world: OpenWorld = open_world
    stores: Callable[[Stores], Stores] = as_they_are
    look_every: float | None = None
    paces: Paces = field(default_factory=Paces, init=False)
    files: OpenFiles = field(default_factory=OpenFiles)


HANDS = Hands(look_every=0.5)
