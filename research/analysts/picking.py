"""Which sentences of the given passages answer a task: cut to a few, each a verbatim quote. Pure.

A lookup is answered from the heads of the documents (``research.analysts.lookup``); for all else the sentences are
scored (``research.analysts.scoring``), and of those that nearly tie the newest goes first where one answer is wanted.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from research.analysts.asking import Kind, kind_of, single
from research.analysts.lookup import look_up
from research.analysts.relations import ask_of
from research.analysts.scoring import Wanted, fitting, relevance, wanted_for, weight_of
from research.analysts.units import Unit, units_of
from research.analysts.wording import LONGEST, alike, tidy, window
from research.records import Passage, Quote, Task
from research.words import entities, terms

MOST = 6
PER_SOURCE = 4
ENOUGH = 0.5
"""The least relevance of a quote for a short objective: an extract that misses half the question misleads."""
_OF_BEST = 0.75
_SHORTEST = 12
_TYPED = frozenset({"person", "date", "number", "place"})
_RIVAL = 0.88
_OLDER = 0.98
"""The most, of the newest sentence's relevance, that an older one has: it comes after it, and is shown beside it."""
_LONGEST = 120
"""Words of a sentence, with the one it leans on, that is quoted whole."""
_FORMER = re.compile(
    r"(?i)\b(?:before|formerly|former|previous|previously|originally|original|first|until|oldest|did)\b"
)
_LATEST = re.compile(r"(?i)\b(?:newest|latest|now|today|current|currently|really|most recent)\b")
_SHARED = 0.4
"""The least share of the objective's weight in a sentence that covers a follow-up's query."""
_COUNTED = re.compile(r"(?i)\bhow many\b")
_STATED = 0.6
"""The relevance from which a sentence with a number states what ``how many`` asks for."""


def pick(task: Task, passages: Sequence[Passage]) -> tuple[Quote, ...]:
    """Return at most :data:`MOST` quotes, best first; none when no sentence covers enough of the objective.

    A follow-up task's queries may name what earlier rounds found; where the answer is of a kind that can be told by its
    look (a person, a date, a number, a place), a sentence may cover such a query instead.
    """
    ask = ask_of(task.objective)
    found = look_up(ask, passages) if ask else None
    if found and found.quotes:
        return found.quotes
    if found and found.absent:
        return found.near
    units = list(units_of(passages))
    kind = _kind(task.objective, units)
    wanted = wanted_for(task.objective, kind, units)
    if not units or not wanted.terms:
        return ()
    named = [q for q in task.queries if task.round > 1 and kind in _TYPED and _names_more(q, task.objective)]
    hops = [wanted_for(query, kind, units) for query in named]
    scored = [(max(relevance(unit, wanted), *(_hop(unit, wanted, hop) for hop in hops), 0.0), unit) for unit in units]
    scored = _newest_first(scored, task.objective)
    ranked = sorted(scored, key=lambda pair: (-round(pair[0], 2), pair[1].rank, pair[1].start))
    least = max(_enough(wanted), _OF_BEST * ranked[0][0])
    quotes: list[Quote] = []
    per_source: Counter[str] = Counter()
    for score, unit in ranked:
        if len(quotes) == MOST or score < least:
            break
        text = _quoted(unit, wanted)
        known = any(alike(text, quote.quote) for quote in quotes)
        if len(text) < _SHORTEST or per_source[unit.source] == PER_SOURCE or known:
            continue
        per_source[unit.source] += 1
        quotes.append(Quote(source=unit.source, quote=text, statement=_stated(unit, text), relevance=round(score, 3)))
    return tuple(quotes)


def _quoted(unit: Unit, wanted: Wanted) -> str:
    """Return what is quoted of the unit: the whole, or of a very long sentence the words around those wanted."""
    text = unit.whole or unit.text
    return text if unit.key or len(text.split()) <= _LONGEST else window(unit.text, wanted.terms, most=LONGEST)


def _stated(unit: Unit, quoted: str) -> str:
    """Return the unit as it is shown: two lines of a head with a dot between them, prose on one line."""
    if unit.key and unit.whole:
        return " · ".join(tidy(line) for line in unit.whole.splitlines() if line.strip())
    whole = unit.whole or unit.text
    if quoted in (whole, unit.text):
        return tidy(quoted)
    before, after = unit.text.split(quoted, 1)
    return f"{'… ' if before else ''}{tidy(quoted)}{' …' if after else ''}"


def _newest_first(scored: list[tuple[float, Unit]], objective: str) -> list[tuple[float, Unit]]:
    """Return the scores, the newest of the nearly best sentences raised to the best: what is later is truer.

    Only where a single answer is wanted, and not the one of former times.
    """
    best, leader = max(scored, key=lambda pair: pair[0])
    former = _FORMER.search(objective) and not _LATEST.search(objective)
    if not single(objective) or former or not leader.dated or best < ENOUGH:
        return scored
    near = [(score, unit) for score, unit in scored if score >= _RIVAL * best and unit.dated and not unit.key]
    _, newest = max(near, key=lambda pair: pair[1].dated, default=(best, leader))
    if newest.dated <= leader.dated:
        return scored
    return [(best if unit is newest else min(score, _OLDER * best), unit) for score, unit in scored]


def _kind(objective: str, units: Sequence[Unit]) -> Kind:
    """Return the kind of answer to look for: what is to be counted stands in sentences without a number."""
    kind = kind_of(objective)
    if kind == "number" and _COUNTED.search(objective):
        stated = wanted_for(objective, kind, units)
        if not any(fitting(unit, stated) and relevance(unit, stated) >= _STATED for unit in units):
            return "text"
    return kind


def _names_more(query: str, objective: str) -> bool:
    known = set(terms(objective))
    return any(not set(terms(name)) & known for name in entities(query))


def _hop(unit: Unit, wanted: Wanted, hop: Wanted) -> float:
    """Return the relevance by a follow-up's query, held down by what the sentence lacks of the objective itself."""
    if unit.key or not hop.terms or not fitting(unit, hop):
        return 0.0
    shared = weight_of(wanted, wanted.terms & unit.terms) / math.fsum(wanted.weights.values())
    return relevance(unit, hop) * (0.5 + 0.5 * shared) if shared >= _SHARED else 0.0


def _enough(wanted: Wanted) -> float:
    """Return the least relevance of a quote: a long question is seldom covered by one sentence."""
    return max(0.36, ENOUGH - 0.03 * max(0, len(wanted.terms) - 4))
