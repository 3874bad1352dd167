"""What a question names, with slots in their place, and the conditions that it sets. Pure, English only.

``Which reports by Ann Lee have the status “Final”?`` sets a condition, ``Who wrote PEP 8?`` names a document. What is
asked of these is read in ``research.analysts.relations``.
"""

from __future__ import annotations

import re
from typing import Literal

from research.records import Record


class Name(Record):
    """What a question names: a numbered document (``series`` and ``number``), or a title or person as ``text``."""

    text: str
    series: str = ""
    number: str = ""
    titled: bool = False


class Condition(Record):
    """A line that an entry must have: one of ``keys``, with ``value`` in it; ``sense`` compares dates by their year."""

    keys: frozenset[str]
    value: str
    sense: Literal["is", "before", "after"] = "is"


def keys_of(text: str) -> frozenset[str]:
    """Return the keys of heads that ``text`` lists."""
    return frozenset(text.split())


AUTHOR = keys_of("author authors by byline creator editor")
CREATED = keys_of("created date published creation-date date-created")
STATUS = keys_of("status state")
WROTE = r"(?:(?:co-?)?(?:wrote|writes?|written|author(?:s|ed)?)(?: or co-?(?:wrote|write|written|authored))?)"
"""The verb between an author and what is by them."""
_CONDITIONS = r"final|draft|active|rejected|withdrawn|deferred|provisional|stagnant|living"
STATES = rf"superseded|{_CONDITIONS}"
_TYPES = r"informational|standards[ -]track|process|meta"
POLAR = re.compile(r"(?i)(?:did|does|do|is|was|are|were|has|have|had)\b")
_QUOTED = re.compile(r"[“\"]([^”\"]+)[”\"]")
_MONTHS = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_NUMBERED = re.compile(
    rf"\b([A-Z]{{2,8}}|(?!{_MONTHS}\b)[A-Z][a-z]{{2,9}}(?![ -](?:1\d|20)\d\d\b))[ \-]#?0*(\d+)\b(?!\.\d)"
)
SLOT = r"⟦(\d+)⟧"
_TITLED = re.compile(rf"(?:\bthe )?\b(?P<noun>[\w-]+ )?(?:titled|entitled|called|named|title) {SLOT}")


def named(question: str) -> tuple[str, list[Name], list[Condition]]:
    """Return the question with slots for what it names, the names, and its conditions."""
    question = re.sub("[⟦⟧]", " ", question.replace("’s ", "'s "))
    names: list[Name] = []
    conditions: list[Condition] = []

    def condition(match: re.Match[str]) -> str:
        conditions.append(Condition(keys=frozenset({match.group(1).lower()}), value=match.group(2)))
        return " "

    def title(match: re.Match[str]) -> str:
        names.append(Name(text=match.group(1), titled=True))
        return f"⟦{len(names) - 1}⟧"

    def number(match: re.Match[str]) -> str:
        names.append(Name(text=match.group(), series=match.group(1), number=match.group(2)))
        return f"⟦{len(names) - 1}⟧"

    text = re.sub(r"(?:,? (?:that|which))? ?(?:have|has|with|of) the (\w+) [“\"]([^”\"]+)[”\"]", condition, question)
    text = _QUOTED.sub(title, text)
    text = _TITLED.sub(lambda match: f"⟦{match.group(2)}⟧", text)
    text = _NUMBERED.sub(number, text)
    dated = re.search(r"(?: (?:that )?(?:was|were))? created (in|before|after) (\d{4})\b", text)
    by = re.search(rf"(?i)\b(?:{WROTE}\b|by (?-i:[A-Z]))", text) is not None
    dated = dated or (re.search(r",? (in|before|after) (\d{4})\b", text) if by else None)
    if dated:
        sense: Literal["is", "before", "after"] = "is"
        sense = "before" if dated.group(1) == "before" else "after" if dated.group(1) == "after" else sense
        conditions.append(Condition(keys=CREATED, value=dated.group(2), sense=sense))
        text = text.replace(dated.group(), "", 1)
    if by and not POLAR.match(text):
        text = _classed(text, conditions)
    return re.sub(r"\s+(?=[?.]|$)", "", " ".join(text.split())), names, conditions


def _classed(text: str, conditions: list[Condition]) -> str:
    """Return the text without the bare status and type it names, and add these to the conditions."""
    state = re.search(
        rf"(?i)(?:,? (?:that|which))?(?: (?:is|was|are|were))? ({_CONDITIONS})"
        r"(?= (?:[A-Z]{2,8}s?\b|\w+s\b|and\b)|\W*$)",
        text,
    )
    if state:
        conditions.append(Condition(keys=STATUS, value=state[1]))
        text = text.replace(state.group(), " ", 1)
    kind = re.search(rf"(?i) ({_TYPES})(?= (?:[A-Z]{{2,8}}s?\b|\w+s\b))", text)
    if kind:
        conditions.append(Condition(keys=keys_of("type"), value=kind[1].replace("-", " ")))
        text = text.replace(kind.group(), " ", 1)
    return text
