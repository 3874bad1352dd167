"""What a case cost, in tokens, calls, money and seconds, and whether that kept within its caps.

These are amounts, not shares, and their mean is ``evals.estimating.amount``. ``seconds`` is the wall time of
the whole case.
"""

from __future__ import annotations

from collections.abc import Callable

from evals.estimating import amount
from evals.records import Case, Outcome, Score
from evals.suite import Metric
from research.budget import NANO
from research.records import Usage

__all__ = ["CALLS", "SECONDS", "TOKENS", "USD", "WITHIN_BUDGET", "amount"]


def _metric(name: str, says: str, read: Callable[[Usage], float | None], why: str = "") -> Metric:
    """Return the metric of an amount; a system that counts nothing is not scored on it."""

    def judge(case: Case, outcome: Outcome) -> Score | None:
        if outcome.usage is None:
            return None
        value = read(outcome.usage)
        return Score(value=value, why="" if value is not None else why)

    return Metric(name, judge, says, summary=amount, better="lower")


def _dollars(used: Usage) -> float | None:
    return None if used.nano_usd is None else used.nano_usd / NANO


def _seconds(case: Case, outcome: Outcome) -> Score:
    return Score(value=outcome.seconds)


TOKENS = _metric("tokens", "tokens a case", lambda used: float(used.tokens))
CALLS = _metric("calls", "calls a case", lambda used: float(used.calls))
USD = _metric("usd", "dollars a case", _dollars, "the price of a model is unknown")
SECONDS = Metric("seconds", _seconds, "seconds of wall time a case", summary=amount, better="lower")


def _within(case: Case, outcome: Outcome) -> Score | None:
    caps, used = outcome.caps, outcome.usage
    if caps is None or used is None:
        return None
    pairs = (
        (caps.tokens, used.tokens),
        (caps.nano_usd, used.nano_usd),
        (caps.calls, used.calls),
        (caps.seconds, used.seconds),
    )
    capped = [(cap, spent) for cap, spent in pairs if cap is not None]
    if not capped:
        return None
    if any(spent is not None and spent > cap for cap, spent in capped):
        return Score(value=0.0)
    if any(spent is None for _, spent in capped):
        return Score(value=None, why="money is capped and the price of a model is unknown")
    return Score(value=1.0)


WITHIN_BUDGET = Metric("within_budget", _within, "share of cases in which no cap was passed")
