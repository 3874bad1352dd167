"""The regression gate: floors that a result's metrics must keep, and how far one may fall between two results. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evals.results import Comparison, Result
from evals.suite import Suite
from research.errors import UsageFault
from research.records import Record


class Floors(Record):
    """``least`` by metric name: the worst mean that is let through. ``fall``: how far any mean may get worse."""

    least: dict[str, float]
    fall: float | None = None


def read_floors(given: Sequence[str]) -> Floors:
    """Return what ``--fail-below`` was given: ``METRIC=NUMBER`` sets a floor, a bare ``NUMBER`` the largest fall."""
    least: dict[str, float] = {}
    fall: float | None = None
    for text in given:
        name, equals, number = text.rpartition("=")
        value = _number(number)
        if value is None or (equals and not name) or (not equals and value < 0):
            raise UsageFault(f"--fail-below takes METRIC=NUMBER, or a NUMBER of at least 0, not “{text[:60]}”")
        if equals:
            least[name] = value
        else:
            fall = value
    return Floors(least=least, fall=fall)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def breaches(suite: Suite, result: Result, comparison: Comparison | None, floors: Floors) -> list[str]:
    """Return a sentence for each floor that ``result`` does not keep.

    A floor on a metric that the result does not have is a breach: a gate that measures nothing must not let through.
    """
    lower = {metric.name for metric in suite.metrics if metric.better == "lower"}
    said = []
    for name, least in floors.least.items():
        known = result.metrics.get(name)
        if known is None:
            said.append(f"{name} was not measured by {result.suite} with {result.system}")
        elif name in lower and known.mean > least:
            said.append(f"{name} is {known.mean:.4g}, above {least:g}")
        elif name not in lower and known.mean < least:
            said.append(f"{name} is {known.mean:.4g}, below {least:g}")
    if floors.fall is not None and comparison is not None:
        said += _falls(suite, comparison, floors.fall)
    if result.failed:
        said.append(f"{result.failed} of {result.cases} cases failed")
    return said


def _falls(suite: Suite, comparison: Comparison, most: float) -> list[str]:
    """Return the metrics of quality (shares, not costs) that got worse by more than ``most``."""
    said = []
    for metric in suite.metrics:
        difference = comparison.metrics.get(metric.name)
        if difference is None or metric.better == "neither" or metric.name in COSTS:
            continue
        worse = difference.difference if metric.better == "lower" else -difference.difference
        if worse > most:
            said.append(f"{metric.name} got worse by {worse:.4g}, more than {most:g}")
    return said


COSTS = frozenset({"tokens", "calls", "usd", "seconds"})
"""Metrics in units of their own, to which a fall in points of quality does not apply."""
