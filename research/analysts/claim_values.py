"""Numbers and dates of a claim in one form, so that ``1.5 million`` meets ``1,500,000`` and ``20 May`` ``05-20``. Pure.

Which of them have to agree is decided in ``research.analysts.claim_rules``.
"""

from __future__ import annotations

import re
from functools import lru_cache

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_DATED = re.compile(
    rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[-. ](?:of )?(?P<month>{_MONTH})|(?P<first>{_MONTH})[-, ]{{1,2}}(?=\d)"
)
_HYPHENED = re.compile(rf"-({_MONTH})-")
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SPELLED = {word: value for value, word in enumerate(f"{_SMALL} eighteen nineteen".split())} | {
    word: 10 * value for value, word in enumerate(_TENS.split(), 2)
}
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "dozen": 12.0}
_SCALE = rf"(?:[ -](?P<scale>{'|'.join(_SCALES)})s?\b)?"
_FIGURE = re.compile(rf"(?<![\w.])[$€£]?(?P<digits>\d+(?:,\d{{3}})*(?:\.\d+)?)(?:st|nd|rd|th|s|%)?(?![\w]){_SCALE}")
_WORDED = re.compile(
    rf"\b(?P<word>{'|'.join(word for word in _SPELLED if word not in ('zero', 'one'))})\b{_SCALE}", re.I
)
_ROUGHLY = "about around roughly approximately nearly almost over some circa than least"
_ABOUT = frozenset(_ROUGHLY.split())
_DIGITS = re.compile(r"\d{1,15}", re.ASCII)
ROUNDED = 0.06
"""How far, as a share, a number that is said to be about so much may be off."""


@lru_cache(maxsize=4096)
def values(text: str) -> frozenset[str]:
    """Return the numbers of ``text`` as decimal figures, and its months as ``m5``.

    ``two``, ``2``, ``2nd`` and ``2.0`` are one value, and so are ``3 million`` and ``3,000,000``. ``one`` is left out,
    for it is mostly a pronoun, and so is a number written onto a name, as in ``PD1``; that of ``IL-6`` is one.
    """
    found = {f"m{int(month)}" for _, month, _ in _ISO.findall(text)}
    found |= {plain(float(part)) for whole in _ISO.findall(text) for part in whole[::2]}
    for match in _DATED.finditer(text):
        month = (match["month"] or match["first"]).lower()[:3]
        found.add(f"m{_MONTHS.index(month) + 1}")
    rest = _HYPHENED.sub(r" \1 ", _ISO.sub(" ", text))
    for match in _FIGURE.finditer(rest):
        found.add(plain(float(match["digits"].replace(",", "")) * _SCALES.get(match["scale"] or "", 1.0)))
    for match in _WORDED.finditer(rest):
        found.add(plain(_SPELLED[match["word"].lower()] * _SCALES.get((match["scale"] or "").lower(), 1.0)))
    return frozenset(found)


def shown(text: str) -> frozenset[str]:
    """Return the values of ``text`` and every run of digits in it: what a number may be found in, as 6 in ``IL6``."""
    return values(text) | {plain(float(run)) for run in _DIGITS.findall(text)}


def plain(number: float) -> str:
    """Return a number without an exponent or empty decimals."""
    return f"{number:.6f}".rstrip("0").rstrip(".")


def absent(text: str, held: frozenset[str]) -> frozenset[str]:
    """Return the values of ``text`` that are not among ``held``, nor close to one of them where it says *about*."""
    missing = values(text) - held
    if not missing or _ABOUT.isdisjoint(text.lower().split()):
        return missing
    figures = [float(value) for value in held if value[0] != "m"]
    return frozenset(value for value in missing if value[0] == "m" or not _near(float(value), figures))


def _near(value: float, figures: list[float]) -> bool:
    return any(abs(value - figure) <= ROUNDED * max(abs(value), abs(figure)) for figure in figures)
