"""Whether a text is in another script than it was asked for: small models slip into the one they were trained on most.

Languages of one script are not told apart; what is done about a slip is for ``research.analysts.structured``.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

ONE_SCRIPT = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "FULLWIDTH": "LATIN"}
MOSTLY = 0.5
FEW = 10
"""Letters: of fewer nothing is said."""


def slipped(said: Iterable[str], asked: str) -> bool:
    """Return whether most letters of ``said`` are of a script that ``asked`` has not one letter of."""
    letters = Counter(script for text in said for script in map(script_of, text) if script)
    total = letters.total()
    if total < FEW:
        return False
    script, number = letters.most_common(1)[0]
    return number > total * MOSTLY and script not in set(map(script_of, asked))


@lru_cache(maxsize=4096)
def script_of(character: str) -> str:
    """Return the first word of a letter's Unicode name, ``LATIN`` or ``CJK``; nothing for what is no letter."""
    if not character.isalpha():
        return ""
    script = unicodedata.name(character, "").partition(" ")[0]
    return ONE_SCRIPT.get(script, script)
