"""The regression gate: floors that a result's metrics must keep, and how far one may fall between two results. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from evals.results import Comparison, Result
from evals.suite import Suite
from research.errors import UsageFault
from research.records import Record


class Floors(Record):
    """``least`` by metric name: the worst mean that is let through. ``fall``: how far any may get worse, 0 to 1."""

    least: dict[str, float]
    fall: float | None = None


def read_floors(given: Sequence[str]) -> Floors:
    """Return what ``--fail-below`` was given: ``METRIC=NUMBER`` sets a floor, a bare ``NUMBER`` the largest fall."""
    least: dict[str, float] = {}
    fall: float | None = None
    for text in given:
        name, equals, number = text.rpartition("=")
        value = _number(number)
        if value is None or (equals and not name.strip()) or (not equals and not 0 <= value <= 1):
            raise UsageFault(f"--fail-below takes METRIC=NUMBER, or a NUMBER from 0 to 1, not “{text[:60]}”")
        if equals:
            least[name.strip()] = value
        else:
            fall = value
    return Floors(least=least, fall=fall)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def breaches(
    suite: Suite, result: Result, comparison: Comparison | None, floors: Floors, before: Collection[str] = ()
) -> list[str]:
    """Return a sentence for each floor that ``result`` does not keep; ``before`` are the metrics it is compared in.

    What the result does not have, or does not have any more, is a breach: a gate that measures nothing must not let
    through. Raises ``UsageFault`` for a floor that no fraction can break, or none can keep.
    """
    lower = {metric.name for metric in suite.metrics if metric.better == "lower"}
    said = []
    for name, least in floors.least.items():
        if name in result.metrics and name not in result.amounts and not 0 <= least <= 1:
            raise UsageFault(f"{name} is a fraction from 0 to 1 (tables show per cent), and the floor {least:g} is not")
        known = result.metrics.get(name)
        if known is None:
            said.append(f"{name} was not measured by {result.suite} with {result.system}")
        elif name in lower and known.mean > least:
            said.append(f"{name} is {known.mean:.4g}, above {least:g}")
        elif name not in lower and known.mean < least:
            said.append(f"{name} is {known.mean:.4g}, below {least:g}")
    if floors.fall is not None and comparison is not None:
        said += _falls(suite, comparison, floors.fall, before)
    if result.failed:
        said.append(f"{result.failed} of {result.cases} cases failed")
    return said


def _falls(suite: Suite, comparison: Comparison, most: float, before: Collection[str]) -> list[str]:
    """Return the fractions that got worse by more than ``most``; a fall in points does not apply to amounts."""
    said = []
    for metric in suite.metrics:
        difference = comparison.metrics.get(metric.name)
        if metric.better == "neither" or metric.name in comparison.amounts:
            continue
        if difference is None:
            if metric.name in before:
                said.append(f"{metric.name} was measured before, and on no case that both have")
            continue
        worse = difference.difference if metric.better == "lower" else -difference.difference
        if worse > most:
            said.append(f"{metric.name} got worse by {worse:.4g}, more than {most:g}")
    if not comparison.cases:
        said.append("no case was finished by both, so nothing was compared")
    return said
