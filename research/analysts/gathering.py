"""What a branch reads for and asks next without a model: the sentences that answer, then the nearest of each source.

Which sentence answers a question is decided in ``research.analysts.picking``; how questions hang on one another in
``research.analysts.following``. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from research.analysts.following import first_asks, progress
from research.analysts.picking import pick
from research.analysts.querying import distinct, queries_for
from research.analysts.relations import ask_of
from research.analysts.scoring import JOINING, wanted_for, weight_of
from research.analysts.units import Unit, units_of
from research.analysts.wording import tidy, window
from research.records import Finding, Gap, Passage, Quote, Task

MOST_ASKED = 5
"""Queries of one round that begins or goes on with a chain."""
NEAR = 0.3
"""The relevance of the nearest sentence of the best source; that of each next one is a little less."""
_STEP = 0.02
_LEAST = 0.2
_AROUND = 0.75
"""The least share of the objective's weight, and what a term counts that stands in title or heading only."""
_SYMBOLS = re.compile(r"[{}=<>\\|;$]|\(\)|->")
_SHORTEST = 5
"""Words of a sentence that is worth showing as near."""
_SPOKEN_TO = re.compile(
    r"(?i)\b(?:ignore (?:all |any |the )*(?:previous|prior|above)|language model|all assistants"
    r"|your (?:task|instructions))\b|^\W*(?-i:SYSTEM|ASSISTANT|USER)\s*:"
)
"""What speaks to whoever reads for a person tells that person nothing."""
SOURCES = 5
"""Sources whose nearest sentence is kept."""


def gather(task: Task, passages: Sequence[Passage]) -> tuple[Quote, ...]:
    """Return the sentences that answer what the task asks now, best first, then the nearest sentence of each source.

    The nearest are read in the round that searches for the objective itself, and not for lookups: there, a line answers
    or it does not.
    """
    titles = {passage.source: passage.title for passage in passages}
    quotes: list[Quote] = []
    for ask in task.asks or (task.objective,):
        own = pick(msgspec.structs.replace(task, objective=ask), passages)
        quotes.extend(msgspec.structs.replace(quote, ask=ask if task.asks else "") for quote in own)
    first = task.asks == first_asks(task.objective)
    if task.asks and first and not any(ask_of(ask) for ask in task.asks):
        # Where the words of a chain lead nowhere, the whole may still be told in one place.
        quotes.extend(pick(task, passages))
    if task.round == 1 and first and ask_of(task.objective) is None:
        quotes.extend(nearest(task.objective, passages))
    return tuple(msgspec.structs.replace(quote, title=titles.get(quote.source, "")) for quote in quotes)


def nearest(objective: str, passages: Sequence[Passage]) -> list[Quote]:
    """Return the sentence of each of the first sources that shares most with the objective, in the sources' order.

    What shares less than :data:`_LEAST` of the objective's weight is not near, nor what shares but one of its words,
    numbers and kinds of documents apart, and neither is what is no whole sentence.
    """
    units = list(units_of(passages))
    wanted = wanted_for(objective, "text", units)
    total = weight_of(wanted, wanted.terms)
    telling = frozenset(term for term in wanted.terms if not term[:1].isdigit()) - wanted.kinds
    best: dict[str, tuple[float, Unit]] = {}
    for unit in units:
        own, around = wanted.terms & unit.terms, wanted.terms & unit.near - unit.terms
        shared = weight_of(wanted, own) + _AROUND * weight_of(wanted, around)
        few = len((own | around) & telling) < min(2, max(1, len(telling)))
        if unit.key or few or shared < _LEAST * total or not _readable(unit.text):
            continue
        place = shared - 0.0001 * len(unit.text)
        if place > best.get(unit.source, (-9.0, unit))[0]:
            best[unit.source] = place, unit
    order = [source for source in dict.fromkeys(passage.source for passage in passages) if source in best][:SOURCES]
    texts = [window(best[source][1].text, wanted.terms) for source in order]
    return [
        Quote(source=source, quote=text, statement=tidy(text), relevance=NEAR - _STEP * at)
        for at, (source, text) in enumerate(zip(order, texts, strict=True))
    ]


def _readable(text: str) -> bool:
    """Return whether a person is served by the text: a whole sentence, without an address, hardly any symbols."""
    words = len(text.split())
    ends = re.search(r"[.!?。！？][\"'”’)\]`*_]*$", text) is not None
    begins = not text[0].islower() and not JOINING.match(text) and re.match(r"[\"'“‘(\[`*_:]*[^\W_]", text) is not None
    plain = "://" not in text and len(_SYMBOLS.findall(text)) * 6 <= words
    return words >= _SHORTEST and ends and begins and plain and not _SPOKEN_TO.search(text)


def read_for(task: Task, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings that were read as answers, without those that are only near."""
    return tuple(finding for finding in findings if finding.relevance > NEAR)


def next_hop(task: Task, findings: Sequence[Finding], asked: Sequence[str]) -> Gap | None:
    """Return the next questions of the task's chain, or ``None`` when it has ended, well or not."""
    stand = progress(task.objective, read_for(task, findings), asked)
    if not stand.asks:
        return None
    further = [query for ask in stand.asks for query in queries_for(ask)[1:3]]
    new = (*stand.asks, *distinct(further, (*asked, *stand.asks)))[:MOST_ASKED]
    return Gap(task=task.id, missing=f"not found: {stand.asks[0]}", queries=new, asks=stand.asks)
