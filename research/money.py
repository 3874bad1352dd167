"""Amounts of money in words. Pure; what is spent and capped is counted in nano-dollars, in ``research.budget``."""

from __future__ import annotations

from math import floor, log10


def dollars(value: float | None) -> str:
    """Return dollars with the digits that tell something: ``$12.50``, ``$0.0123``, ``$0.000000001``; ``None``: unknown.

    What is not nothing is never shown as nothing: below a tenth of a cent there are at least two significant digits.
    """
    if value is None:
        return "price unknown"
    sign, size = ("-" if value < 0 else ""), abs(value)
    return f"{sign}${size:,.{_places(size)}f}" if size >= 0.001 or not size else f"{sign}${_small(size)}"


def number(value: float) -> str:
    """Return an amount as a flag takes it: no sign of a currency, no zeros at the end, never 0 for what is not."""
    text = f"{value:.6f}" if abs(value) >= 0.001 or not value else _small(value)
    return text.rstrip("0").rstrip(".")


def _places(size: float) -> int:
    return 2 if size >= 1 or not size else 4


def _small(size: float) -> str:
    """Return what is below a tenth of a cent with six decimals, and with more where two digits of it need them."""
    places = max(6, 1 - floor(log10(size)))
    whole, _, decimals = f"{size:.{places}f}".partition(".")
    return f"{whole}.{decimals[:6]}{decimals[6:].rstrip('0')}"
