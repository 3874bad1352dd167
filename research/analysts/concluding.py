"""The short answer that follows from quoted lines: a label, a count, yes or no. Pure.

Where a quote states the answer in so many words there is nothing to conclude. Where it is the document itself, or a
number of lines, or what comes out when two of them are compared, the reader is told it first, and the lines after it.
Whoever reads can see from the quotes that it follows; nothing else is ever concluded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from research.analysts.entries import Entry, folded, holds, iso_date, line_of, titled, values_of
from research.analysts.lookup import SURE, fulfilled
from research.analysts.naming import CREATED, STATUS, Name
from research.analysts.relations import Ask, ask_of
from research.records import Finding, Record

_SPELLED = """no one two three four five six seven eight nine ten eleven twelve"""
_WORDS = tuple(_SPELLED.split())
LONGEST_NUMBER = 18
"""Digits: ``int`` refuses thousands of them, and no document has such a number."""
_OPEN = re.compile(r"(?i)\bet al\b|\bothers\b|\.\.\.|…")
"""In a line that does not name them all."""
MANY = 5
"""Documents found from which on some are likely to be left out: a search returns a dozen passages, of all kinds."""


class Conclusion(Record):
    """A short answer and the findings that it follows from, in order; ``text`` is empty where the quotes say it all."""

    text: str
    findings: tuple[Finding, ...]


def conclude(objective: str, findings: Sequence[Finding], titles: Mapping[str, str]) -> Conclusion | None:
    """Return what the found lines answer to a lookup; ``titles`` are those of the sources.

    ``None`` when the objective is no lookup, or its lines were not found.
    """
    ask = ask_of(objective)
    sure = [finding for finding in findings if finding.relevance >= SURE]
    if ask is None or not sure:
        return None
    entries = _entries(sure, titles)
    own = [entry for name in ask.subjects for entry in entries if entry.is_named(name)]
    held = [entry for entry in own if ask.keys and entry.line(ask.keys)]
    others = [entry for entry in entries if entry not in own and ask.back and entry.line(ask.back)]
    others = [entry for entry in others if all(fulfilled(condition, entry) for condition in ask.conditions)]
    used = held or _in_order(ask, others)
    text = _text(ask, held, others) if used else None
    if text is None or not used:
        return None
    sources = [entry.source for entry in used]  # in the order in which the reader is shown them
    kept = sorted((f for f in sure if f.source in sources), key=lambda f: (sources.index(f.source), f.start))
    return Conclusion(text=text, findings=tuple(kept))


def _entries(findings: Sequence[Finding], titles: Mapping[str, str]) -> list[Entry]:
    """Return the entries that the findings' quotes are lines of."""
    entries: dict[str, Entry] = {}
    for finding in findings:
        entry = entries.setdefault(finding.source, titled(finding.source, titles.get(finding.source) or finding.title))
        for line in line_of(finding.quote, finding.start):
            entry.lines.setdefault(line.key, line)
    return list(entries.values())


def _text(ask: Ask, held: Sequence[Entry], others: Sequence[Entry]) -> str | None:
    """Return the short answer, "" where the lines are one, or ``None`` when something is missing."""
    if ask.operation == "holds":
        return _held(ask, held) if len(held) == 1 else None
    if ask.operation in ("same", "share", "more", "fewer", "before", "after") or len(ask.subjects) > 1:
        return _compared(ask, held) if len(held) == len(ask.subjects) > 1 else "" if held else None
    values = [value for entry in held if (line := entry.line(ask.keys)) for value in values_of(line.value)]
    if ask.operation == "count":
        if any(_OPEN.search(line.value) for entry in held if (line := entry.line(ask.keys))):
            return ""
        labels = [] if held else [entry.label for entry in _in_order(ask, others)]
        return counted(labels, len(values) if held else len(others))
    if ask.operation in ("lowest", "highest"):
        numbers = [int(value) for value in values if value.isdecimal() and len(value) <= LONGEST_NUMBER] or [
            int(entry.number) for entry in others if entry.number and len(entry.number) <= LONGEST_NUMBER
        ]
        return f"{ask.noun} {(min if ask.operation == 'lowest' else max)(numbers)}." if numbers and ask.noun else ""
    if ask.operation in ("first", "last") and others:
        return _ordered(ask, others)
    return "" if held else named([entry.label for entry in _in_order(ask, others)])


def _compared(ask: Ask, held: Sequence[Entry]) -> str | None:
    """Return which of the subjects comes first or has more, or whether they agree."""
    found = [line.value for entry in held if (line := entry.line(ask.keys))]
    if ask.operation in ("first", "last"):
        return _ordered(ask, held)
    if ask.operation in ("more", "fewer", "share") and any(_OPEN.search(value) for value in found):
        return ""
    if ask.operation in ("more", "fewer"):
        sizes = [len(values_of(value)) for value in found]
        best = max(sizes) if ask.operation == "more" else min(sizes)
        return f"{held[sizes.index(best)].label}." if sizes.count(best) == 1 else ""
    if ask.operation in ("before", "after"):
        dates = [iso_date(value) for value in found]
        known = len(dates) == 2 and all(dates) and not _within(dates)
        return ("Yes." if (dates[0] < dates[1]) == (ask.operation == "before") else "No.") if known else ""
    parts = [{folded(value) for value in values_of(text)} for text in found]
    if ask.operation == "share":
        return "Yes." if set.intersection(*parts) else "No."
    return ("Yes." if len({folded(text) for text in found}) == 1 else "No.") if ask.operation == "same" else ""


def _held(ask: Ask, held: Sequence[Entry]) -> str:
    """Return whether the one line has the asked value; "" where it may leave some out."""
    line = held[0].line(ask.keys)
    if line is None:
        return ""
    if ask.keys & STATUS:
        said, wanted = folded(line.value), folded(ask.value)
        return "Yes." if said == wanted else "" if wanted in said.split() else "No."
    if holds(line.value, Name(text=ask.value), None):
        return "Yes."
    known = {folded(part).split()[-1] for part in values_of(line.value) if folded(part)}
    unsure = _OPEN.search(line.value) or folded(ask.value).split()[-1] in known
    return "" if unsure else "No."


def _within(dates: Sequence[str]) -> bool:
    """Return whether one date may be another: they are the same, or one is the year or month of the other."""
    return any(b.startswith(a) for n, a in enumerate(sorted(dates)) for b in sorted(dates)[n + 1 :])


def _ordered(ask: Ask, entries: Sequence[Entry]) -> str:
    """Return the label of the first or last entry by its date; "" when a date is missing or two are the same."""
    dated = {entry.label: iso_date(line.value) for entry in entries if (line := entry.line(CREATED))}
    if len(dated) < len(entries) or _within(list(dated.values())) or "" in dated.values():
        return "" if len(entries) > 1 else f"{entries[0].label}."
    return f"{(min if ask.operation == 'first' else max)(dated, key=lambda label: dated[label])}."


def _in_order(ask: Ask, entries: Sequence[Entry]) -> list[Entry]:
    """Return what answers first, then the others by number; or by date, the first or last of them first."""
    if ask.operation in ("first", "last"):
        dated = {entry.source: iso_date(line.value) if (line := entry.line(CREATED)) else "" for entry in entries}
        return sorted(entries, key=lambda entry: dated[entry.source], reverse=ask.operation == "last")
    falling = ask.operation == "highest"
    return sorted(entries, key=lambda entry: (int(entry.number or 0), entry.title), reverse=falling)


def counted(labels: Sequence[str], number: int) -> str:
    """Return ``At least two, found in what was read: a and b.``, or ``Two.`` where a line says them all."""
    word = _WORDS[number] if number < len(_WORDS) else f"{number:,}"
    return f"At least {word}, {_scope(labels)}." if labels else f"{word.capitalize()}."


def named(labels: Sequence[str]) -> str:
    """Return ``a.``, or ``Found in what was read: a and b.``, for a search may leave out some."""
    scope = _scope(labels)
    return f"{labels[0]}." if len(labels) == 1 else f"{scope[:1].upper()}{scope[1:]}."


def _scope(labels: Sequence[str]) -> str:
    more = "; there may be more" if len(labels) >= MANY else ""
    return f"found in what was read: {joined(labels)}{more}"


def joined(labels: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"
