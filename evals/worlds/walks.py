"""Questions of several hops: walks along the edges of a graph, spoken as one sentence.

``Who wrote the PEP that superseded PEP 102?`` is the walk superseded-by, author. A walk never comes back to where it
was, and each of its steps has one end only, so the answer is exact.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator

from evals.worlds.facts import Candidate, Edge, Graph

ROUNDS = 3
PICKED = {"lowest", "highest"}
"""Steps that are of one kind to the ear."""
WALKS_A_START = 400
"""Walks looked at from one start, so that a large world costs no more than a small one."""


def walks(graph: Graph, hops: int, chance: random.Random) -> Iterator[Candidate]:
    """Yield questions of ``hops`` hops, the kinds of walk in turn as far as they go; a start gives one per round."""
    starts = sorted(name for name in graph.names if graph.edges.get(name))
    used: Counter[tuple[str, ...]] = Counter()
    for _ in range(ROUNDS):
        chance.shuffle(starts)
        for start in starts:
            found = _from(graph, start, hops, chance)
            if found:
                least = min(used[_kind(walk)] for walk in found)
                walk = chance.choice([walk for walk in found if used[_kind(walk)] == least])
                used[_kind(walk)] += 1
                yield spoken(graph, walk, chance)


def _kind(walk: tuple[Edge, ...]) -> tuple[str, ...]:
    """Return what a walk is made of."""
    return tuple(edge.relation for edge in walk)


def _from(graph: Graph, start: str, hops: int, chance: random.Random) -> list[tuple[Edge, ...]]:
    """Return walks of exactly ``hops`` hops from a start, depth first, in an order of chance."""
    found: list[tuple[Edge, ...]] = []
    open_walks: list[tuple[tuple[Edge, ...], frozenset[str], int]] = [((), frozenset({start}), hops)]
    while open_walks and len(found) < WALKS_A_START:
        walk, seen, left = open_walks.pop()
        edges = list(graph.edges.get(walk[-1].target if walk else start, ()))
        chance.shuffle(edges)
        for edge in edges:
            if edge.hops > left or (edge.target and edge.target in seen) or not _speakable(walk, edge):
                continue
            if edge.hops == left:
                found.append((*walk, edge))
            elif edge.target and graph.relations[edge.relation].phrases:
                open_walks.append(((*walk, edge), seen | {edge.target}, left - edge.hops))
    return found


def _speakable(walk: tuple[Edge, ...], edge: Edge) -> bool:
    """Whether a step adds something: no third time the same, and no fact that a step before rested on."""
    same = PICKED if edge.relation in PICKED else {edge.relation}
    known = {span.fact for step in walk for span in step.evidence}
    again = sum(step.relation in same for step in walk) > 1
    return not again and not any(span.fact in known for span in edge.evidence)


def spoken(graph: Graph, walk: tuple[Edge, ...], chance: random.Random) -> Candidate:
    """Return a walk as a question: a name of the start, the phrases of the steps, a question about the last.

    No wording names its own answer, and what is asked of a chain comes before it, for a person reads one that hangs in
    the middle of a sentence with pain.
    """
    last = walk[-1]
    asks = graph.relations[last.relation].asks
    texts: list[str] = []
    for name in graph.names[walk[0].source]:
        phrase = name
        for edge in walk[:-1]:
            phrase = chance.choice(graph.relations[edge.relation].phrases).format(phrase)
        texts.extend(ask.format(phrase) for ask in asks if len(walk) == 1 or ask.endswith("{}?"))
    wordings = [wording for part in last.answers for wording in part]
    return Candidate(
        kind=" > ".join(_kind(walk)),
        about=walk[0].source,
        texts=tuple(text for text in texts if not any(re.search(rf"\b{re.escape(w)}(?!\w)", text) for w in wordings)),
        answers=last.answers,
        wrong=last.wrong,
        evidence=tuple(span for edge in walk for span in edge.evidence),
        hops=sum(edge.hops for edge in walk),
    )
