"""Reading the caps that a user gives as text. Pure; what a cap does is in ``research.budget``."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from research.budget import NANO
from research.errors import BadBudget

UNITS = {"tokens": "tokens", "usd": "dollars", "calls": "calls", "seconds": "seconds"}
LARGEST = 10**15
"""Nano-dollars, tokens and calls are stored in 64 bits; no budget of sense comes near a million dollars."""


def parse_cap(name: str, text: str) -> int | float:
    """Return a cap: tokens and calls as whole numbers, dollars as nano-dollars, seconds as they are.

    ``name`` says where the cap was read; its last word (``--max-usd``, ``branch_max_calls``) contains the currency.
    Raises ``BadBudget`` with a sentence for anything that is not a number above zero.
    """
    currency = next(unit for unit in UNITS if unit in name.lower().split()[-1])
    try:
        value = Decimal(text.strip().replace("_", ""))
    except InvalidOperation:
        raise BadBudget(f"{name} must be a number of {UNITS[currency]}, not “{text[:40]}”") from None
    if not value.is_finite():
        raise BadBudget(f"{name} must be a finite number of {UNITS[currency]}, not {text.strip()[:40]}")
    if value <= 0:
        raise BadBudget(f"{name} must be more than 0, not {text.strip()[:40]}; leave it out for no cap")
    if currency == "seconds":
        return _within(name, float(value))
    if currency == "usd":
        value *= NANO
    _within(name, float(value))
    if currency == "usd" and value < 1:
        raise BadBudget(f"{name} is less than a billionth of a dollar; leave it out for no cap")
    if currency != "usd" and value != value.to_integral_value():
        raise BadBudget(f"{name} must be a whole number of {UNITS[currency]}, not {text.strip()[:40]}")
    return int(value)


def _within(name: str, value: float) -> float:
    if not value <= LARGEST:
        raise BadBudget(f"{name} is larger than any budget can be; leave it out for no cap")
    return value
