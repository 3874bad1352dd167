"""How well a sentence answers a question, from 0 to 1. Pure.

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
from research.analysts.denying import asks_plainly, denies
from research.analysts.relations import LINKS, hangs
from research.analysts.subjects import Aim, aim_of, covers, share, turned
from research.analysts.units import SELF, Unit, own_terms
from research.words import documents, stem, terms

_FULL = 1.3
_LONG = 60
_HEAD = 0.3
"""The weight of the word that says what kind of thing the answer is: ``town`` in ``In which town …``."""
_BESIDES = 0.6
"""The factor for a line of the head of a document that is mostly about something else."""
_APART = 0.45
_UNRELATED = 0.6
"""Factors for a sentence that has nothing of what the question names, and one that has nothing of what it asks."""
_EMPTY = """work mean happen main way reason purpos role exact actual thing exist call advantag disadvantag benefit
    drawback recommend suggest mention discuss earlier later older newer younger fewer latest newest recent today
    current currently really accord page"""
_FILLER = frozenset(_EMPTY.split()) | frozenset(map(stem, _EMPTY.split()))
_CAUSED = "propose introduce create add write develop define start specify need"
_BRINGING = frozenset(map(stem, _CAUSED.split()))
"""Verbs that ask no more, after *why*, than why a thing is there at all."""
_RELATING: Mapping[str, float] = dict.fromkeys(["differ", "distinct", "similar", "comparison", "relat"], 0.4)
"""Terms that say how things stand to each other; a sentence without the things is of no use."""
_SUMMARIES = frozenset(map(stem, ["abstract", "summary", "introduction", "overview"]))
_REASONS = frozenset(map(stem, ["motivation", "rationale", "rejection", "why", "reasons", "background", "problem"]))
_STRICT: Mapping[Kind, float] = {"person": 0.65, "date": 0.65, "number": 0.65, "reason": 0.85, "definition": 0.9}
_JUNK = re.compile(
    r"(?i)copyright|all rights reserved|public domain|subscribe|cookies|table of contents|click here|sign up"
)
_ORDER = re.compile(
    r"(?i)\b(?:ignore|disregard|forget) (?:all |any |every )?(?:of )?(?:the |your )?"
    r"(?:previous|prior|above|other|earlier)"
    r"|\blanguage models?,|\b(?:note|message|instructions?) (?:to|for) (?:all )?(?:AI|assistants|language models)"
    r"|\byour task (?:is|has) (?:now|changed)|\bonly verified (?:statement|fact|answer)"
    r"|^\W*(?-i:SYSTEM|ASSISTANT|USER)\s*:"
)
"""An order to whoever reads by machine, or a claim to be the only truth: no evidence for anything."""
_DENIED = 0.45
"""The factor for what says that the thing asked for is not so, or would be so: below any answer."""
_TOLD = frozenset(("reason", "manner", "definition", "number"))
_EXPLAINED = frozenset(("reason", "manner", "definition"))
_TERSE = 7
"""Words of a sentence that explains little."""
JOINING = re.compile(
    r"(?:However|Furthermore|Moreover|But|And|So|Thus|Then|Yet|Also|Still|Nor|Similarly|Likewise|Additionally|Hence"
    r"|In addition|In (?:this|that|such) (?:case|way)|For (?:example|instance)|On the other hand|Note that|That said"
    r"|(?:While|As|If|Since|When|Although|Because) (?:this|that|it|these|those|they|such))\b"
)
"""A sentence that begins so goes on with what stands before it, and tells less alone."""
_CAPITAL = re.compile(r"\b[A-ZÀ-Þ][\w'’-]*[\w]")
_LABELLED = re.compile(r"[A-Z][\w-]*(?: [\w-]+){0,4}: ?\S(?:[^.!?\n]|\.(?=\S)){0,80}$")
"""A line such as ``Seat: Lund``: short, and no sentence."""
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
    hangs: bool
    aim: Aim
    plain: bool


def content_terms(objective: str) -> frozenset[str]:
    """Return the terms that an answer must be about: those of the objective without words that only ask."""
    found = own_terms(objective)
    left = found - _FILLER - (_BRINGING if kind_of(objective) == "reason" else frozenset())
    return left or found


def wanted_for(objective: str, kind: Kind, units: Sequence[Unit]) -> Wanted:
    """Return what the question asks for, its terms weighted by how rare they are among the sentences."""
    wanted = content_terms(objective)
    frequency: Counter[str] = Counter()
    for unit in units:
        frequency.update(unit.terms & wanted)
    total = len(units)
    weights = {term: math.sqrt(_rarity(frequency[term], total)) * _RELATING.get(term, 1.0) for term in wanted}
    for word in re.findall(r"[a-z]+(?:ed|ing)\b", objective):
        # A verb that no passage uses is most often paraphrased there; a noun or name that none uses is missing.
        weights.update({term: 0.4 * weights[term] for term in terms(word) if term in wanted and not frequency[term]})
    aim = aim_of(objective, wanted)
    weights.update({term: _HEAD * weights[term] for term in aim.head if aim.relation or aim.subjects})
    named = documents(objective)
    numbered = frozenset(number for _, number in named) & wanted
    kinds = frozenset(stem(kind) for kind, _ in named) & wanted
    return Wanted(
        wanted, weights, header_keys(objective), numbered, kinds, kind, hangs(objective), aim, asks_plainly(objective)
    )


def _rarity(frequency: int, total: int) -> float:
    """Return the inverse document frequency in the form of BM25, never negative."""
    return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5))


def relevance(unit: Unit, wanted: Wanted) -> float:
    """Return how well the sentence answers, from 0 to 1: full coverage alone gives 0.77, the right form the rest."""
    raw = _header_score(unit, wanted) if unit.key else _prose_score(unit, wanted)
    return min(1.0, raw / _FULL)


def _prose_score(unit: Unit, wanted: Wanted) -> float:
    covered = frozenset(term for term in wanted.terms if covers(term, unit.terms))
    if wanted.kind in ("definition", "reason") and SELF.match(unit.text):
        covered |= _self_terms(unit, wanted)
    labelled = _LABELLED.match(unit.text) is not None
    short = len((unit.whole or unit.text).split()) < 4 and not labelled
    if short or not (covered or _LED.match(unit.whole) or _told_why(unit, wanted)):
        return 0.0
    if _LED.match(unit.whole):
        covered |= wanted.terms & set(terms(unit.whole))
    around = (wanted.terms & (unit.near | set(terms(unit.whole)))) - covered
    elsewhere = (wanted.terms & unit.far) - covered - around
    total = math.fsum(wanted.weights.values())
    titled = 0.95 if any(subject <= unit.head for subject in wanted.aim.subjects) else 0.75
    held = (
        weight_of(wanted, covered) + titled * weight_of(wanted, around) + 0.15 * weight_of(wanted, elsewhere)
    ) / total
    if not any(term.isdigit() for term in unit.near):
        # Nobody said which document this is: it may be the numbered one that is asked for.
        held += 0.4 * weight_of(wanted, (wanted.numbers | wanted.kinds) - covered - around - elsewhere) / total
    own = weight_of(wanted, frozenset(term for term in covered if term not in _RELATING)) / total
    held *= 0.7 + 0.3 * min(1.0, own / 0.4)
    return held * (1 + _shape(unit, wanted)) * _penalty(unit, wanted) * _aimed(unit, wanted)


def _told_why(unit: Unit, wanted: Wanted) -> bool:
    """Return whether the sentence, under such a heading, gives the reason for the whole document asked about."""
    reasoned = wanted.kind == "reason" and not unit.under.isdisjoint(_REASONS)
    return reasoned and wanted.terms <= unit.head and fitting(unit, wanted)


def _aimed(unit: Unit, wanted: Wanted) -> float:
    """Return a factor below 1 for a sentence about something else, or that says something else of the subject."""
    aim, text = wanted.aim, unit.whole or unit.text
    held = unit.terms | unit.near | frozenset(terms(unit.whole))
    factor = _APART + (1 - _APART) * share(aim, held)
    said = unit.terms | frozenset(terms(unit.whole)) | (frozenset() if _LABELLED.match(text) else unit.under)
    if aim.relation and aim.subjects and not any(covers(term, said) for term in aim.relation):
        factor *= _UNRELATED
    if turned(aim, text) or (aim.wants_name and not _names_new(text, wanted)):
        factor *= _UNRELATED
    return factor


def _names_new(text: str, wanted: Wanted) -> bool:
    """Return whether the sentence names something that the question does not."""
    return any(
        term not in wanted.terms and not covers(term, wanted.terms)
        for word in _CAPITAL.findall(text)
        for term in terms(word)
    )


def weight_of(wanted: Wanted, some: frozenset[str]) -> float:
    """Return the sum of the weights of some of the wanted terms."""
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
    # What is asked of the document that hangs on a named one is not answered by the named one's own head.
    named = about <= covered | near | far or wanted.numbers & unit.head
    other = 0.5 if wanted.hangs and named and unit.key not in LINKS else 1.0
    return (
        other
        * _own(unit, wanted)
        * 1.25
        * (weight_of(wanted, covered) + 0.95 * weight_of(wanted, near) + 0.75 * weight_of(wanted, far))
        / total
    )


def _own(unit: Unit, wanted: Wanted) -> float:
    """Return a factor below 1 where the head's document is about more than what is asked about, by its title.

    What introduced a thing is told by the document on the thing, and not by one that mentions it in its title.
    """
    if wanted.numbers or not unit.title or not wanted.terms & unit.head:
        return 1.0
    known = wanted.terms | frozenset(term for term in unit.title if any(term in whole for whole in wanted.terms))
    return 1.0 if len(known & set(unit.title)) * 2 >= len(unit.title) else _BESIDES


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
    bonus = 0.2 if fitting(unit, wanted) else 0.0
    about = frozenset(unit.title)
    alone = (about and about <= wanted.terms) or wanted.terms <= unit.under
    if alone and wanted.kind in _TOLD and not wanted.numbers:
        bonus += 0.1  # its document, or its section, is about nothing else
    return bonus + (0.1 if unit.under & (_REASONS if wanted.kind == "reason" else _SUMMARIES) else 0.0)


def fitting(unit: Unit, wanted: Wanted) -> bool:
    """Return whether the sentence looks like an answer of the wanted kind."""
    text = unit.whole or unit.text
    if wanted.kind == "definition" and SELF.match(text):
        return fits("definition", text) and bool(_self_terms(unit, wanted))
    return fits(wanted.kind, text, wanted.terms)


def _penalty(unit: Unit, wanted: Wanted) -> float:
    text = unit.text
    factor = _DENIED if wanted.plain and denies(text, wanted.terms) else 1.0
    if _JUNK.search(text) or _ORDER.search(text):
        factor *= 0.3
    words = len((unit.whole or text).split())
    labelled = _LABELLED.match(text) is not None
    if not fitting(unit, wanted):
        factor *= _STRICT.get(wanted.kind, 1.0)
    if labelled:
        return factor * _missing_number(unit, wanted)
    if words > _LONG or words < 5:
        factor *= 0.8
    elif words > 45:
        factor *= 0.9
    elif words < _TERSE and wanted.kind in _EXPLAINED:
        factor *= 0.85
    if wanted.numbers and not wanted.numbers & unit.head and (wanted.keys or wanted.kind == "definition"):
        factor *= 0.75  # What another document says in passing about the one that is asked for.
    if text.rstrip("`*").endswith((":", "…")) or not re.search(r"[.!?…。！？][\"'”’)\]`*_]*$", text):
        factor *= 0.75
    if text.rstrip().endswith("?"):
        factor *= 0.6
    if JOINING.match(unit.whole or text):
        factor *= 0.92
    if len(_SYMBOLS.findall(text)) * 6 > words:
        factor *= 0.8
    if text[0].islower() or text.count("(") != text.count(")"):
        factor *= 0.9
    return factor * _missing_number(unit, wanted)


def _missing_number(unit: Unit, wanted: Wanted) -> float:
    """Return a factor below 1 where the task names a numbered document and neither sentence, heading nor title does."""
    if not wanted.numbers or wanted.numbers & (unit.terms | unit.near):
        return 1.0
    return 0.5 if any(term.isdigit() for term in unit.head) else 1.0
