"""Which sentences of the given passages answer a task: scored, cut to a few, each a verbatim quote. Pure.

A sentence's score is the share of the task's terms that it holds, each weighted by how rare it is among the sentences
given (inverse document frequency, Spärck Jones 1972), terms of its heading, title and header lines counting for less;
then what it looks like (an answer of the wanted kind, a heading, code, a question) raises or lowers it. All weights are
set by hand and were tried on Python Enhancement Proposals, Ethereum Improvement Proposals and Wikipedia paragraphs.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from research.analysts.asking import Kind, fits, header_keys, kind_of
from research.analysts.units import SELF, Unit, units_of
from research.analysts.wording import alike, tidy
from research.records import Passage, Quote, Task
from research.words import documents, entities, stem, terms

MOST = 6
PER_SOURCE = 4
ENOUGH = 0.5
"""The least relevance of a quote for a short objective: an extract that misses half the question misleads."""
_OF_BEST = 0.75
_FULL = 1.3
_LONG = 60
_SHORTEST = 12
_EMPTY = """work mean happen main way reason purpos role exact actual thing exist call advantag disadvantag benefit
    drawback recommend suggest mention discuss"""
_FILLER = frozenset(_EMPTY.split())
_RELATING: Mapping[str, float] = dict.fromkeys(["differ", "distinct", "similar", "comparison", "relat"], 0.4)
"""Terms that say how things stand to each other; a sentence without the things is of no use."""
_SUMMARIES = frozenset(map(stem, ["abstract", "summary", "introduction", "overview"]))
_REASONS = frozenset(map(stem, ["motivation", "rationale", "rejection", "why", "reasons", "background", "problem"]))
_STRICT: Mapping[Kind, float] = {"person": 0.65, "date": 0.65, "number": 0.65, "reason": 0.85, "definition": 0.9}
_JUNK = re.compile(
    r"(?i)copyright|all rights reserved|public domain|subscribe|cookies|table of contents|click here|sign up"
)
_TYPED = frozenset({"person", "date", "number", "place"})
_LED = re.compile(r"\*\*")
_SYMBOLS = re.compile(r"[{}=<>\\|;$]|\(\)|->|::")


@dataclass(frozen=True)
class Wanted:
    """What a task asks for, ready to be compared with."""

    terms: frozenset[str]
    weights: Mapping[str, float]
    keys: Mapping[str, set[str]]
    numbers: frozenset[str]
    kinds: frozenset[str]
    kind: Kind


def pick(task: Task, passages: Sequence[Passage]) -> tuple[Quote, ...]:
    """Return at most :data:`MOST` quotes, best first; none when no sentence covers enough of the objective.

    A follow-up task's queries may name what earlier rounds found; where the answer is of a kind that can be told by its
    look (a person, a date, a number, a place), a sentence may cover such a query instead.
    """
    units = list(units_of(passages))
    kind = kind_of(task.objective)
    wanted = _wanted(task.objective, kind, units)
    if not units or not wanted.terms:
        return ()
    named = [q for q in task.queries if task.round > 1 and kind in _TYPED and _names_more(q, task.objective)]
    hops = [_wanted(query, kind, units) for query in named]
    scored = [(max(relevance(unit, wanted), *(_hop(unit, wanted, hop) for hop in hops), 0.0), unit) for unit in units]
    ranked = sorted(scored, key=lambda pair: (-round(pair[0], 2), pair[1].rank, pair[1].start))
    least = max(_enough(wanted), _OF_BEST * ranked[0][0])
    quotes: list[Quote] = []
    per_source: Counter[str] = Counter()
    for score, unit in ranked:
        if len(quotes) == MOST or score < least:
            break
        text = unit.whole or unit.text
        known = any(alike(text, quote.quote) for quote in quotes)
        if len(text) < _SHORTEST or per_source[unit.source] == PER_SOURCE or known:
            continue
        per_source[unit.source] += 1
        quotes.append(Quote(source=unit.source, quote=text, statement=tidy(text), relevance=round(score, 3)))
    return tuple(quotes)


def _names_more(query: str, objective: str) -> bool:
    known = set(terms(objective))
    return any(not set(terms(name)) & known for name in entities(query))


def _hop(unit: Unit, wanted: Wanted, hop: Wanted) -> float:
    """Return the relevance by a follow-up's query, held down by what the sentence lacks of the objective itself."""
    if unit.key or not hop.terms or not _fitting(unit, hop):
        return 0.0
    shared = _sum(wanted, wanted.terms & unit.terms) / math.fsum(wanted.weights.values())
    return relevance(unit, hop) * (0.5 + 0.5 * shared) if shared else 0.0


def _enough(wanted: Wanted) -> float:
    """Return the least relevance of a quote: a long question is seldom covered by one sentence."""
    return max(0.36, ENOUGH - 0.03 * max(0, len(wanted.terms) - 4))


def content_terms(objective: str) -> frozenset[str]:
    """Return the terms that an answer must be about: those of the objective without words that only ask."""
    found = frozenset(terms(objective))
    return found - _FILLER or found


def _wanted(objective: str, kind: Kind, units: Sequence[Unit]) -> Wanted:
    wanted = content_terms(objective)
    frequency: Counter[str] = Counter()
    for unit in units:
        frequency.update(unit.terms & wanted)
    total = len(units)
    weights = {term: math.sqrt(_rarity(frequency[term], total)) * _RELATING.get(term, 1.0) for term in wanted}
    for word in re.findall(r"[a-z]+(?:ed|ing)\b", objective):
        # A verb that no passage uses is most often paraphrased there; a noun or name that none uses is missing.
        weights.update({term: 0.4 * weights[term] for term in terms(word) if term in wanted and not frequency[term]})
    named = documents(objective)
    numbered = frozenset(number for _, number in named) & wanted
    kinds = frozenset(stem(kind) for kind, _ in named) & wanted
    return Wanted(wanted, weights, header_keys(objective), numbered, kinds, kind)


def _rarity(frequency: int, total: int) -> float:
    """Return the inverse document frequency in the form of BM25, never negative."""
    return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5))


def relevance(unit: Unit, wanted: Wanted) -> float:
    """Return how well the sentence answers, from 0 to 1: full coverage alone gives 0.77, the right form the rest."""
    raw = _header_score(unit, wanted) if unit.key else _prose_score(unit, wanted)
    return min(1.0, raw / _FULL)


def _prose_score(unit: Unit, wanted: Wanted) -> float:
    covered = wanted.terms & unit.terms
    if wanted.kind == "definition" and SELF.match(unit.text):
        covered |= _self_terms(unit, wanted)
    if not (covered or _LED.match(unit.whole)) or len((unit.whole or unit.text).split()) < 4:
        return 0.0
    if _LED.match(unit.whole):
        covered |= wanted.terms & set(terms(unit.whole))
    around = (wanted.terms & (unit.near | set(terms(unit.whole)))) - covered
    elsewhere = (wanted.terms & unit.far) - covered - around
    total = math.fsum(wanted.weights.values())
    held = (_sum(wanted, covered) + 0.75 * _sum(wanted, around) + 0.15 * _sum(wanted, elsewhere)) / total
    if not any(term.isdigit() for term in unit.near):
        # Nobody said which document this is: it may be the numbered one that is asked for.
        held += 0.4 * _sum(wanted, (wanted.numbers | wanted.kinds) - covered - around - elsewhere) / total
    own = _sum(wanted, frozenset(term for term in covered if term not in _RELATING)) / total
    held *= 0.7 + 0.3 * min(1.0, own / 0.4)
    return held * (1 + _shape(unit, wanted)) * _penalty(unit, wanted)


def _sum(wanted: Wanted, some: frozenset[str]) -> float:
    # Exactly rounded: a sum in the order of a set would differ in its last bit from process to process.
    return math.fsum(wanted.weights[term] for term in some)


def _self_terms(unit: Unit, wanted: Wanted) -> frozenset[str]:
    """Return the wanted terms that "this document" stands for in this source: none when it is another document."""
    if wanted.numbers and not wanted.numbers & unit.head:
        return frozenset()
    return wanted.terms & unit.head if len(wanted.terms & unit.head) * 2 >= len(wanted.terms) else frozenset()


def _header_score(unit: Unit, wanted: Wanted) -> float:
    """Return the score of a header line: its key must be asked for, and its document be the one asked about."""
    answered = _answered(unit, wanted)
    if answered is None or wanted.kind in ("reason", "manner", "place"):
        return 0.0
    covered = wanted.terms & (answered | unit.terms)
    near = (wanted.terms & unit.near) - covered
    far = (wanted.terms & unit.far) - covered - near
    about = wanted.terms - answered
    if about and not about & (covered | near | far):
        return 0.0
    total = math.fsum(wanted.weights.values())
    return 1.25 * (_sum(wanted, covered) + 0.95 * _sum(wanted, near) + 0.75 * _sum(wanted, far)) / total


def _answered(unit: Unit, wanted: Wanted) -> frozenset[str] | None:
    """Return the terms of the question that the line's key stands for; ``None`` when the line is no answer to it."""
    keys = wanted.keys
    own = set(terms(unit.text.partition(":")[2]))
    if unit.key in ("replaces", "supersedes", "obsoletes") and "superseded-by" in keys and unit.key not in keys:
        return frozenset(keys["superseded-by"]) if wanted.numbers & own else None
    if wanted.numbers and not wanted.numbers & unit.head:
        return None
    if unit.key in keys:
        return frozenset(keys[unit.key])
    if unit.key == "title" and wanted.kind == "definition" and wanted.numbers:
        return frozenset()
    named = frozenset(terms(unit.key))
    return named if named and named <= wanted.terms and not wanted.numbers & own else None


def _shape(unit: Unit, wanted: Wanted) -> float:
    """Return the bonus for looking like an answer of the wanted kind and for standing where such answers stand."""
    bonus = 0.2 if _fitting(unit, wanted) else 0.0
    return bonus + (0.1 if unit.under & (_REASONS if wanted.kind == "reason" else _SUMMARIES) else 0.0)


def _fitting(unit: Unit, wanted: Wanted) -> bool:
    text = unit.whole or unit.text
    if wanted.kind == "definition" and SELF.match(text):
        return fits("definition", text) and bool(_self_terms(unit, wanted))
    return fits(wanted.kind, text, wanted.terms)


def _penalty(unit: Unit, wanted: Wanted) -> float:
    text = unit.text
    factor = 1.0
    words = len((unit.whole or text).split())
    if not _fitting(unit, wanted):
        factor *= _STRICT.get(wanted.kind, 1.0)
    if words > _LONG or words < 5:
        factor *= 0.8
    elif words > 45:
        factor *= 0.9
    if wanted.numbers and not wanted.numbers & unit.head and (wanted.keys or wanted.kind == "definition"):
        factor *= 0.75  # What another document says in passing about the one that is asked for.
    if text.rstrip("`*").endswith((":", "…")) or not re.search(r"[.!?…。！？][\"'”’)\]`*_]*$", text):
        factor *= 0.75
    if text.rstrip().endswith("?"):
        factor *= 0.6
    if len(_SYMBOLS.findall(text)) * 6 > words:
        factor *= 0.8
    if _JUNK.search(text):
        factor *= 0.3
    if text[0].islower() or text.count("(") != text.count(")"):
        factor *= 0.9
    return factor * _missing_number(unit, wanted)


def _missing_number(unit: Unit, wanted: Wanted) -> float:
    """Return a factor below 1 where the task names a numbered document and neither sentence, heading nor title does."""
    if not wanted.numbers or wanted.numbers & (unit.terms | unit.near):
        return 1.0
    return 0.5 if any(term.isdigit() for term in unit.head) else 1.0
