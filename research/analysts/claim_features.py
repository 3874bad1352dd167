"""How much of a claim is in its evidence, as numbers that a fitted sum can weigh. Pure.

The weights and what is made of the sum are in ``research.analysts.claim_weights``; they are fitted by
``python -m bench.support``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from research.analysts.claim_values import absent, shown, values
from research.analysts.claim_words import Line, negative, opposed
from research.words import entities, terms

NAMES = (
    "covered",
    "covered_loosely",
    "best_sentence",
    "best_two",
    "any_two",
    "spread",
    "pairs",
    "triples",
    "near_pairs",
    "run",
    "run_share",
    "overlap",
    "precision",
    "missing",
    "last_missing",
    "weakest_clause",
    "function_words",
    "claim_length",
    "evidence_length",
    "sentences",
    "short",
    "values_absent",
    "values_elsewhere",
    "values",
    "names",
    "names_absent",
    "names_held",
    "names_best",
    "negation",
    "opposed",
    "hedged",
    "sweeping",
    "causal",
    "order",
)
"""The features, in the order of the numbers; lengths are logarithms, counts are capped, shares are 0 to 1."""

_HEDGES = """may might could can should likely possibly perhaps suggest suggests typically generally often usually
    sometimes probably potential potentially seem seems appear appears"""
_SWEEPING = "all always never only every must most best first largest highest none entirely completely"
_CAUSAL = "because due cause causes caused lead leads led therefore thus result results resulting hence so"
_HEDGED, _SWEEP, _CAUSE = frozenset(_HEDGES.split()), frozenset(_SWEEPING.split()), frozenset(_CAUSAL.split())
_CONJUNCTIONS = "and but which that who while because although"
_BREAKS = frozenset(_CONJUNCTIONS.split())
_REACH = 4
"""Content words apart, at most, at which two count as near each other."""


def features(claim: Line, lines: Sequence[Line]) -> tuple[float, ...]:
    """Return one number for each of :data:`NAMES`; the claim has a content term, and there is at least one line."""
    wanted = tuple(dict.fromkeys(claim.terms))
    held = frozenset().union(*(line.held for line in lines))
    shares = [_share(wanted, line.held) for line in lines]
    at = max(range(len(lines)), key=lambda place: shares[place])
    pairs = [lines[place].held | lines[place + 1].held for place in range(len(lines) - 1)]
    two = max([shares[at], *(_share(wanted, pair) for pair in pairs)])
    loose = {term for term in wanted if term not in held and _loosely(term, held)}
    missing = [term for term in wanted if term not in held]
    best = lines[at]
    common = len(set(wanted) & best.held)
    length = sum(len(line.words) for line in lines)
    return (
        1 - len(missing) / len(wanted),
        1 - (len(missing) - 0.8 * len(loose)) / len(wanted),
        shares[at],
        two,
        max(_share(wanted, best.held | line.held) for line in lines),
        1 - len(missing) / len(wanted) - shares[at],
        *_sequences(claim, lines),
        common / len(set(wanted) | best.held),
        common / max(1, len(best.held)),
        math.log1p(len(missing) - len(loose)) / 2,
        _share(claim.terms[-3:], held),
        _weakest(claim, held),
        _share([word for word in claim.words if not terms(word)], frozenset(best.words)),
        math.log1p(len(wanted)) / 3,
        min(6.0, math.log1p(length)) / 6,
        min(2.6, math.log1p(len(lines))) / 3,
        max(0.0, 4.6 - math.log1p(length)) / 2,
        *_agreement(claim, lines, best, held),
        *_manner(claim, lines),
        _order(wanted, best),
    )


def _share(wanted: Sequence[str], held: frozenset[str]) -> float:
    return sum(1 for term in wanted if term in held) / len(wanted) if wanted else 0.0


def _loosely(term: str, held: Iterable[str]) -> bool:
    """Return whether a word of one family is there: the same first letters, five or more, and most of the word."""
    if len(term) < 5:
        return False
    return any(other[:5] == term[:5] and _prefix(term, other) >= 0.7 * max(len(term), len(other)) for other in held)


def _prefix(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _sequences(claim: Line, lines: Sequence[Line]) -> tuple[float, float, float, float, float]:
    """Return the shares of pairs, triples and near pairs, and the longest run of words: capped, and as a share."""
    pairs = {pair for line in lines for pair in zip(line.words, line.words[1:], strict=False)}
    triples = {three for line in lines for three in zip(line.words, line.words[1:], line.words[2:], strict=False)}
    own = list(zip(claim.words, claim.words[1:], strict=False))
    own_triples = list(zip(claim.words, claim.words[1:], claim.words[2:], strict=False))
    sought = {frozenset(pair) for pair in zip(claim.terms, claim.terms[1:], strict=False)}
    near = sum(1 for pair in sought if any(_near(pair, line) for line in lines))
    run = max(_run(claim.words, line.words) for line in lines)
    return (
        sum(pair in pairs for pair in own) / max(1, len(own)),
        sum(three in triples for three in own_triples) / max(1, len(own_triples)),
        near / max(1, len(sought)),
        min(run, 15) / 15,
        run / len(claim.words),
    )


def _near(pair: frozenset[str], line: Line) -> bool:
    if not pair <= line.held:
        return False
    one, other = min(pair), max(pair)
    places = [at for at, term in enumerate(line.terms) if term == other]
    return any(abs(at - place) < _REACH for at, term in enumerate(line.terms) if term == one for place in places)


def _run(words: Sequence[str], others: Sequence[str]) -> int:
    """Return the length of the longest run of words that stands in both."""
    places: dict[str, list[int]] = {}
    for at, word in enumerate(others):
        places.setdefault(word, []).append(at)
    best, ending = 0, dict[int, int]()
    for word in words:
        ending = {at: ending.get(at - 1, 0) + 1 for at in places.get(word, ())}
        best = max(best, *ending.values()) if ending else best
    return best


def _weakest(claim: Line, held: frozenset[str]) -> float:
    """Return the share of the clause of the claim that is covered least."""
    clauses: list[list[str]] = [[]]
    for word, key in zip(claim.words, claim.keys, strict=True):
        if word in _BREAKS:
            clauses.append([])
        elif key in claim.held:
            clauses[-1].append(key)
    return min((_share(clause, held) for clause in clauses if clause), default=0.0)


def _agreement(claim: Line, lines: Sequence[Line], best: Line, held: frozenset[str]) -> tuple[float, ...]:
    """Return what values, names, negations and directions do: absent, elsewhere, there, opposed."""
    figures = values(claim.text)
    there = frozenset().union(*(shown(line.text) for line in lines)) if figures else frozenset()
    gone = absent(claim.text, there) if figures else frozenset()
    named = [frozenset(terms(name)) for name in entities(claim.text)]
    named = [name for name in named if name]
    count = max(1, len(named))
    return (
        min(3, len(gone)),
        min(3, len((figures & there) - values(best.text))) if figures else 0.0,
        min(3, len(figures)),
        math.log1p(len(named)),
        math.log1p(sum(1 for name in named if not name <= held)),
        math.fsum(len(name & held) / len(name) for name in named) / count if named else 1.0,
        math.fsum(len(name & best.held) / len(name) for name in named) / count if named else 1.0,
        float(sum(map(negative, claim.words)) % 2 != sum(map(negative, best.words)) % 2),
        float(sum(1 for key in claim.keys if key not in best.keys and any(opposed(key, k) for k in best.keys)) > 0),
    )


def _manner(claim: Line, lines: Sequence[Line]) -> tuple[float, float, float]:
    words = set(claim.words)
    others = {word for line in lines for word in line.words}
    return float(bool(words & _HEDGED)), float(bool((words & _SWEEP) - others)), float(bool(words & _CAUSE))


def _order(wanted: Sequence[str], best: Line) -> float:
    """Return the share of the pairs of common terms that stand in the same order; a half with fewer than two."""
    first = {term: len(best.terms) - at for at, term in enumerate(reversed(best.terms), 1)}
    places = [first[term] for term in wanted if term in first]
    pairs = [(a, b) for at, a in enumerate(places) for b in places[at + 1 :]]
    return sum(a < b for a, b in pairs) / len(pairs) if pairs else 0.5
