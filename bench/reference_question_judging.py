"""What the far side's log says of a run: its chain, its tokens, what was asked twice, which pages were read. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bench.reference_question_scene import SENTENCES
from tools.fakes.paced_server import Served


class Timing(NamedTuple):
    """One run of the command, in seconds of the machine's clock: when it began and ended, and what was served."""

    begun: float
    ended: float
    served: Sequence[Served]

    @property
    def start(self) -> float:
        """Seconds from the start of the process to the arrival of the first model call."""
        return min(call.begun for call in self.served if call.kind == "model") - self.begun

    @property
    def chain(self) -> list[Served]:
        """The longest path of calls that waited for one another, from the first model call on."""
        return chain(self.served)

    @property
    def ratio(self) -> float:
        """Wall time after the start, over the chain."""
        return (self.ended - self.begun - self.start) / length(self.chain)


def chain(served: Sequence[Served]) -> list[Served]:
    """Return the path of calls from the last backwards, each time to the one that ended last before."""
    path = [max(served, key=lambda call: call.ended)]
    while before := [call for call in served if call.ended <= path[0].begun]:
        path.insert(0, max(before, key=lambda call: call.ended))
    return path


def length(path: Iterable[Served]) -> float:
    """Return the seconds of a path of calls."""
    return sum(call.ended - call.begun for call in path)


def models(served: Iterable[Served]) -> list[Served]:
    """Return the calls to the model."""
    return [call for call in served if call.kind == "model"]


def repeated(served: Iterable[Served]) -> dict[str, int]:
    """Return how many calls of each kind asked what was answered already."""
    answered = Counter((call.kind, call.key) for call in served if not call.fault)
    again: Counter[str] = Counter()
    for (kind, _), times in answered.items():
        again[kind] += times - 1
    return dict(again)


def read_whole(served: Iterable[Served]) -> int:
    """Return how many pages had each of their sentences in the prompt of a reading."""
    entries = {entry for call in served for entry in call.shown}
    shown = Counter(entry.partition(".")[0] for entry in entries)
    return sum(number == SENTENCES for number in shown.values())


def tokens(served: Iterable[Served]) -> tuple[int, int]:
    """Return prompt and completion tokens."""
    calls = models(served)
    return sum(call.prompt for call in calls), sum(call.completion for call in calls)


def by_step(served: Iterable[Served]) -> list[tuple[str, int, int, int]]:
    """Return what each step of the model took: its name, calls, prompt and completion tokens, in order of time."""
    steps: dict[str, list[Served]] = {}
    for call in sorted(models(served), key=lambda call: call.begun):
        steps.setdefault(call.name, []).append(call)
    return [(name, len(own), *tokens(own)) for name, own in steps.items()]
