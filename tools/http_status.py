"""What an HTTP status means for a caller: an ``EffectFailed`` that says whether and when to ask again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from research.errors import EffectFailed

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same request may be answered later (RFC 9110; 425 is RFC 8470, 429 is RFC 6585)."""
GONE = frozenset({404, 410})
"""Statuses that say that nothing is there (RFC 9110)."""


def status_failure(status: int, headers: Mapping[str, str], subject: str) -> EffectFailed:
    """Return the error for an answer that is not a success. ``headers`` must not care about the case of names."""
    try:
        phrase = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = str(status)
    again = status in AGAIN or status > 504
    after = retry_after(headers) if again else None
    said = f"{subject} answered {phrase}"
    return EffectFailed(said, retryable=again, retry_after=after, limited=status == 429, gone=status in GONE)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a ``Retry-After`` asks for, or ``None``.

    A date is measured against the answer's own ``Date``, so the server's clock is compared with itself.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    until, now = _date(text), _date(headers.get("date", ""))
    return None if until is None or now is None else max(0.0, (until - now).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year of fourteen digits
        return None
    return date if date.tzinfo is not None else None
