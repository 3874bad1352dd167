"""Accepted wordings of names, dates and numbers. How an answer is compared with them is the scorers' business."""

from __future__ import annotations

import datetime
import re
import unicodedata

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
STROKES = str.maketrans({"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ß": "ss", "ı": "i"})


def folded(text: str) -> str:
    """Return the text without diacritics."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKD", text.translate(STROKES))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def unique(*wordings: str) -> tuple[str, ...]:
    """Return the wordings once each, in order, without empty ones."""
    return tuple(dict.fromkeys(wording for wording in wordings if wording))


def person(name: str) -> tuple[str, ...]:
    """Return the wordings of a person's name: as given, without diacritics, initials apart, without ``Jr.``."""
    bare = re.sub(r",? (?:Jr|Sr)\.?$", "", name)
    apart = " ".join(re.sub(r"(?<=[A-Z])\.(?=\S)", ". ", bare).split())
    plain = apart.replace(".", "")
    first, *middle = plain.split()
    full = [word for word in middle if len(word) > 1]
    shorter = " ".join((first, *full)) if len(first) > 1 and full else ""
    forms = (name, bare, apart, plain, shorter)
    return unique(*forms, *(folded(form) for form in forms))


def spoken_date(iso: str) -> str:
    """Return ``28 April 2007`` for ``2007-04-28``."""
    day = datetime.date.fromisoformat(iso)
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def date(iso: str) -> tuple[str, ...]:
    """Return the wordings of a day given as ISO 8601."""
    day = datetime.date.fromisoformat(iso)
    month = MONTHS[day.month - 1]
    return unique(
        spoken_date(iso),
        iso,
        f"{month} {day.day}, {day.year}",
        f"{day.day:02}-{month[:3]}-{day.year}",
        f"{day.day} {month[:3]} {day.year}",
    )


def number(count: int) -> tuple[str, ...]:
    """Return the wordings of a count."""
    return unique(str(count), NUMBERS[count] if count < len(NUMBERS) else f"{count:,}")


def enumerated(items: tuple[str, ...], last: str = "and") -> str:
    """Return ``a, b and c``."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"
