"""Orders of chance that the templates of questions share, and how much is few enough to be cited."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
FEW = 5
"""The most items of a list, and the most entities that a question about time weighs."""


def shuffled(things: Sequence[T], chance: random.Random) -> list[T]:
    """Return the things in an order of chance."""
    return chance.sample(list(things), len(things))


def varied(things: Iterable[T], key: Callable[[T], int]) -> Iterator[T]:
    """Yield the things in their order, but each value of ``key`` in turn, so that no value is a safe guess."""
    by_key: dict[int, deque[T]] = {}
    for thing in things:
        by_key.setdefault(key(thing), deque()).append(thing)
    while by_key:
        for value in sorted(by_key):
            yield by_key[value].popleft()
            if not by_key[value]:
                del by_key[value]
