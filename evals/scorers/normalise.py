"""Texts in comparable form: SQuAD's normalisation, and tokens in which dates and numbers have one spelling.

:func:`squad` is for exact match and F1, which must equal published work. :func:`tokens` is for everything this project
defines itself: 13-Jun-2000, June 13, 2000 and 2000-06-13 are one token there, and so are 1,234 and 1234, or 3.0 and 3.
-5 is not 5. ``8,257`` is one number, but two after the plural of an abbreviation (``PEPs 8,257``), where it is a list.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from research.words import STOPWORDS

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})(?![\d.,]\d|\d)"
_DATES = tuple(
    re.compile(rf"(?<![\w.,-]){pattern}", re.IGNORECASE)
    for pattern in (
        r"(?P<year>\d{4})[-/](?P<number>\d{1,2})[-/](?P<day>\d{1,2})(?=\D|$|T\d)",
        rf"{_DAY}(?:[-/ ]| of )(?:the )?{_MONTH}[-/, ]\s?{_YEAR}",
        rf"{_MONTH}[ -]{_DAY} ?,?[ -]{_YEAR}",
        rf"{_MONTH}(?:[-, ]| of )\s?{_YEAR}",
        r"(?P<year>\d{4})-(?P<number>0[1-9]|1[0-2])(?![\w-])",
    )
)
_GROUPED = re.compile(r"(?<![\w.,])(?<![A-Z]s )\d{1,3}(?:[,\u00a0\u2009\u202f]\d{3})+(?!\w|,\d)")
_MINUS = r"(?<![\w.)\]-])[-\u2212](?!\d{4}-\d\d)"
_TOKEN = re.compile(rf"\d{{4}}-\d\d(?:-\d\d)?(?![\w-])|(?:{_MINUS})?\d+(?:\.\d+)+|{_MINUS}\d+(?![^\W_])|[^\W_]+")
_WHOLE = re.compile(r"0*(\d+?)(?:\.0+)?")
_COUNTS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
SPELLED = {word: str(number) for number, word in enumerate(_COUNTS, 2)}

_MEASURES = STOPWORDS | {"exactly", "around", "nearly", "roughly", "almost", "approximately", "total", "altogether"}


class Token(NamedTuple):
    """A word, number or date in its one spelling. ``named``: a number that is a part of a name, as 3 is of Python 3."""

    form: str
    named: bool = False


def is_figure(token: Token) -> bool:
    """Return whether a token is a number or a date."""
    return token.form.removeprefix("-")[:1].isdigit()


def squad(text: str) -> str:
    """Return ``text`` as SQuAD and HotpotQA compare answers: lower case, no punctuation, no articles, single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[Token, ...]:
    """Return the tokens of ``text``: no case, accents or punctuation; dates as 2000-06-13 or 2000-06; no leading zeros.

    Dates are read in the formats 2000-06-13, 2000/06/13, 13-Jun-2000, 13 June 2000, June 13, 2000 and June 2000, with
    or without ``th``; 06/07/2000, which has two readings, is left alone.
    """
    plain = unicodedata.normalize("NFKC", _GROUPED.sub(lambda m: re.sub(r"\D", "", m.group()), text))
    for pattern in _DATES:
        plain = pattern.sub(_iso, plain)
    plain = "".join(char for char in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(char))
    return tuple(_tokens(plain))


def undated(text: str) -> str:
    """Return ``text`` with ``then`` for its dates, so that neither a month nor ``On 6`` is taken for a name."""
    for pattern in _DATES:
        text = pattern.sub(lambda match: match.group() if _iso(match) == match.group() else "then ", text)
    return text


def _iso(match: re.Match[str]) -> str:
    parts = match.groupdict()
    named = parts.get("month")
    month = _MONTHS.index(named[:3].lower()) + 1 if named else int(parts["number"])
    day = parts.get("day")
    if not 1 <= month <= 12 or (day and not 1 <= int(day) <= 31):
        return match.group()
    return f"{parts['year']}-{month:02}" + (f"-{int(day):02} " if day else " ")


def _tokens(text: str) -> Iterator[Token]:
    before: re.Match[str] | None = None
    for match in _TOKEN.finditer(text):
        form = match.group().casefold()
        whole = _WHOLE.fullmatch(form.lstrip("-\u2212"))
        if whole is None:
            yield Token(form.replace("\u2212", "-"))
        elif whole.group() != form:
            yield Token(f"-{whole[1]}")
        else:
            named = before is not None and _names(before, text, text[before.end() : match.start()])
            yield Token(whole[1], named)
        before = match


def _names(match: re.Match[str], text: str, joint: str) -> bool:
    """Return whether a word and the number after it are a name: ``Python 3``, ``PEP: 8``, but not ``Exactly 3``."""
    word = match.group()
    if word.isupper() and len(word) > 1 and not word.isdecimal():
        return re.fullmatch(r"[ \-#]{1,2}|: ", joint) is not None
    return word[0].isupper() and word.casefold() not in _MEASURES and re.fullmatch(r"[ \-#]{1,2}", joint) is not None


def places(wording: Sequence[Token], text: Sequence[Token]) -> list[tuple[int, int]]:
    """Return where ``wording`` stands in ``text`` as whole words: ``(first, after the last)`` token.

    A year or month of the wording also stands in a whole date of the text. A wording which is nothing but a whole
    number also stands there spelled out (two to twelve), and never as a part of a name: 3 is not in ``Python 3``.
    """
    width = len(wording)
    if not width:
        return []
    alone = wording[0].form if width == 1 and wording[0].form.isdecimal() else ""
    found = []
    for at in range(len(text) - width + 1):
        if alone and (text[at].named or SPELLED.get(text[at].form) == alone):
            if not text[at].named:
                found.append((at, at + 1))
        elif all(_same(wanted.form, text[at + offset].form) for offset, wanted in enumerate(wording)):
            found.append((at, at + width))
    return found


def _same(wanted: str, form: str) -> bool:
    return wanted == form or (form.startswith(f"{wanted}-") and _TOKEN.fullmatch(form) is not None)
