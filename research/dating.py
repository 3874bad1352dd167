"""When a text says it was written: a header of its head, a line that is a date, a stamp such as ``Updated 3 May 2021``.

Pure; what a server or file system says of a document's date is not asked. Which of two texts is newer is decided here
too, what follows from it elsewhere.
"""

from __future__ import annotations

import re

from research.analysts.entries import iso_date
from research.words import DATE

HEAD = 2000
"""Characters from the beginning in which header lines and lines that are dates are looked for."""
_DAY = r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}(?:st|nd|rd|th)?[- ][A-Z][a-z]+\.?[- ]\d{4}|[A-Z][a-z]+\.? \d{1,2},? \d{4})"
_HEADERS = (
    re.compile(r"(?im)^(?:last[- ])?(?:updated|modified|revised|changed):[ \t]*(\S[^\n]*)"),
    re.compile(r"(?im)^(?:published|publication[- ]date|date|created|creation[- ]date):[ \t]*(\S[^\n]*)"),
)
_STAMP = re.compile(rf"(?m)^[*_(]*(?i:(?:last )?(?:revised|updated|modified|published)(?: on|:)?|as of) ({_DAY})\b")
_ALONE = re.compile(rf"(?m)^(?:[A-Z][a-z]+day,? )?({_DAY})[ \t]*$")


def written(text: str) -> str:
    """Return the day, month or year in which ``text`` says it was written, as ISO 8601; "" when it does not say."""
    head = text[:HEAD]
    for pattern in _HEADERS:
        found = pattern.search(head)
        if found and DATE.match(found.group(1).strip()):
            return iso_date(found.group(1))
    stamps = [iso_date(found.group(1)) for found in _STAMP.finditer(text)]
    alone = _ALONE.search(head)
    return max(stamps, default="") or (iso_date(alone.group(1)) if alone else "")


def later(one: str, other: str) -> bool:
    """Return whether the date ``one`` is after ``other``; a year is neither before nor after a day in it."""
    length = min(len(one), len(other))
    return bool(length) and one[:length] > other[:length]
