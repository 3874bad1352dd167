"""What of a run's calls fits a model's window, and what a call costs that is asked in parts because it does not. Pure.

How large each call is at most is found in ``research.rehearsal``; what they come to in ``research.estimate``.
"""

from __future__ import annotations

from collections.abc import Mapping

from research.effects import LEAST_ANSWER
from research.rehearsal import Cost, Size

SUMS = ("parts", "checks", "again")
"""Sizes that are not of one call but of all calls of their kind in a report."""


def sizes_within(sizes: Mapping[str, Size], window: int, parts: Mapping[str, int]) -> dict[str, Size]:
    """Return the sizes with no single prompt above what a model can hold; ``SUMS`` are of many calls.

    What is named in ``parts`` is asked in halves, and halves of these, where it does not fit: in so many at most.
    """
    return {
        name: size
        if name in SUMS
        else Size(
            least=size.least,
            most=_in_halves(size, window, parts.get(name, 1)),
            reserved=size.reserved,
        )
        for name, size in sizes.items()
    }


def _in_halves(size: Size, window: int, parts: int) -> Cost:
    """Return what a call costs that is parted until its parts fit, each with what stands around the text again."""
    around, room = size.reserved.prompt, max(1, window - size.reserved.prompt - LEAST_ANSWER)
    text, calls = max(0, size.most.prompt - around), 1
    if size.most.prompt + LEAST_ANSWER > window:
        # Passages are not parted, so a half may have nearly twice its share.
        while calls < parts and 2 * text > room * calls:
            calls *= 2
    calls = min(calls, parts)
    prompt = min(text + calls * around, calls * window)
    return Cost(calls=calls, prompt=prompt, completion=calls * size.most.completion)
