"""Named patterns of text that tries to instruct the model that reads it, counted for people. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

PATTERNS: Mapping[str, re.Pattern[str]] = {
    "asks to ignore instructions": re.compile(
        r"\b(?:ignore|disregard|forget)\b[^.!?\n]{0,60}?\b(?:instructions?|prompts?)\b", re.IGNORECASE
    ),
    "speaks as system or user": re.compile(r"(?:^|\n)[ \t]{0,4}(?:system|assistant)(?: prompt)?:", re.IGNORECASE),
    "asks to act unseen": re.compile(r"\bdo not (?:tell|inform|mention)[^.!?\n]{0,20}? the user\b", re.IGNORECASE),
}


def signs_in(text: str) -> Mapping[str, int]:
    """Return how often each pattern that matches stands in ``text``, by its name."""
    found = {name: sum(1 for _ in pattern.finditer(text)) for name, pattern in PATTERNS.items()}
    return {name: count for name, count in found.items() if count}
