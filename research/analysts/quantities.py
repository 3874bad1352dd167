"""Amounts in a sentence: number, scale, unit, and whether it is only about so much. Pure.

What two amounts that differ say of their sources is decided in ``research.analysts.disagreements``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from research.records import Record
from research.words import DATE, NUMBER, NUMBERED, STOPWORDS, stem

_SCALES: Mapping[str, float] = {
    "hundred": 1e2,
    "thousand": 1e3,
    "k": 1e3,
    "million": 1e6,
    "mn": 1e6,
    "billion": 1e9,
    "bn": 1e9,
    "trillion": 1e12,
}
_UNITS: Mapping[str, tuple[str, float]] = {
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), ("length", 1.0)),
    **dict.fromkeys(("km", "kilometre", "kilometres", "kilometer", "kilometers"), ("length", 1000.0)),
    **dict.fromkeys(("cm", "centimetre", "centimetres", "centimeter", "centimeters"), ("length", 0.01)),
    **dict.fromkeys(("ft", "foot", "feet"), ("length", 0.3048)),
    **dict.fromkeys(("mile", "miles", "mi"), ("length", 1609.344)),
    **dict.fromkeys(("kg", "kilogram", "kilograms"), ("mass", 1.0)),
    **dict.fromkeys(("tonne", "tonnes"), ("mass", 1000.0)),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), ("mass", 0.45359237)),
    **dict.fromkeys(("%", "percent", "per cent"), ("share", 1.0)),
}
MEASURES = frozenset({"length", "mass", "share", *"$€£%"})
_ABOUT = re.compile(
    r"(?i)(?:\b(?:about|around|roughly|approximately|approx\.?|circa|ca\.?|c\.|nearly|almost|some|over|under"
    r"|more than|less than|fewer than|at least|at most|up to|an estimated)|[~≈<>])\s*$"
)
_ROUGH, _EXACT = 0.06, 0.005
"""How far apart two amounts may be, as a share of the larger one, of which one is approximate, or neither."""


class Amount(Record):
    """A number as it is meant: ``2.1 million`` is 2,100,000. ``unit`` is what is counted or measured, or empty.

    Lengths are in metres, masses in kilograms. ``text`` is as it stands, from ``start`` on; ``about`` says that it is
    approximate.
    """

    value: float
    unit: str
    about: bool
    start: int
    text: str

    def same(self, other: Amount) -> bool:
        """Return whether both may be one amount."""
        apart = abs(self.value - other.value)
        share = _ROUGH if self.about or other.about else _EXACT if self.unit in ("length", "mass") else 0.0
        return apart <= share * max(abs(self.value), abs(other.value))


def amounts(text: str) -> list[Amount]:
    """Return the amounts in ``text`` in order; dates, and numbers that name a document, are none."""
    plain = DATE.sub(_blank, NUMBERED.sub(_blank, text))
    found = []
    for match in NUMBER.finditer(plain):
        number = match.group().strip("$€£%").replace(",", "")
        if number.count(".") > 1:
            continue
        value = float(number)
        words = re.findall(r"[^\W\d_]+|%", plain[match.end() : match.end() + 60])
        ahead = re.match(r"\s*[-–]?\s*[^\W\d_]", plain[match.end() :])
        if words and ahead and words[0].lower() in _SCALES:
            value *= _SCALES[words.pop(0).lower()]
        sign = next((sign for sign in "$€£%" if sign in match.group()), "")
        unit, factor = (sign, 1.0) if sign else _unit(words)
        low = plain[: match.start()]
        value = -value if re.search(r"(?:^|\s)[-−]$", low) else value
        about = _ABOUT.search(low) is not None
        found.append(Amount(value=value * factor, unit=unit, about=about, start=match.start(), text=match.group()))
    return found


def _unit(words: list[str]) -> tuple[str, float]:
    """Return the unit, and what one of it is in the unit that amounts are told in."""
    for word in words[:1]:
        if word.lower() in _UNITS:
            return _UNITS[word.lower()]
        if word.lower() not in STOPWORDS:
            return stem(word.lower()), 1.0
    return "", 1.0


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())
