"""Ranking the passages that a corpus offers for a question, by what each says and by what ties it to the others.

A pool is ranked three times. First each passage by itself: its places in the lexical and the dense list, and how much
of the question it and its title hold. Then by its ties to the best ones (the *seeds*): a title that the other's text
mentions, a rare name that both hold, what the question asks for and the seed lacks, and where a walk over passages and
names comes to rest (:mod:`research.walking`). Then once more by its ties, to what is best by then: a second hop makes
seeds that the first ranking did not see. All are linear; ``research.ranking_weights`` says where the weights are from.
Gathering the pool is in ``tools.corpus_pool``, putting a ranking into words in ``research.reasons``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from research.ties import Asked, Card, Degrees, Ties
from research.walking import resting

Floats = NDArray[np.float64]

SEEDS = 8
"""Passages from which links are followed."""
LOOKED_AT = 20
"""Passages at the head of the first ranking that tell whether the documents mention one another."""
APART, LINKED = 0.05, 0.15
"""Shares of them that mention another or are mentioned: up to the first a pool is not linked, from the second on it is
altogether. Over encyclopaedia pages the share is 0.5 at the median and 0.2 or more at 9 of 10 questions; over abstracts
of papers, whose accidental names lead nowhere, 0 to 0.05 at the median."""
RESERVED = 2
"""The last place that the first of the first ranking can have. On the single questions of musique-train200's
decompositions it brought 2 points of recall at 2 and at 5; on the questions of several hops it cost less than one."""
NAMES_AT_MOST = 15.0
"""Nats of shared names from which on more are worth nothing more."""
RANK_OFFSET = 5
"""Added to a rank before it is inverted: the first places differ, but not as much as 1, 1/2, 1/3."""
FIRST = (
    "lexical score",
    "cosine",
    "lexical rank",
    "dense rank",
    "title in the question",
    "question in the title",
    "question in the passage",
)
"""What the first ranking sees of a passage."""
LINKS = (
    "named by a seed",
    "names a seed",
    "shares names",
    "cosine to a seed",
    "named, and holds what the seed lacks",
    "names, and holds what the seed lacks",
    "holds what the seed lacks",
    "shares names that the question lacks",
    "linked, and holds what the seed lacks",
    "linked, times its cosine",
    "named by a seed, by how many that names",
    "names a seed, by how many name it",
)
"""What links to one seed are worth, each the most of all seeds."""
WALK = ("walk", "walk, logarithm")
SECOND = (*FIRST, *LINKS, *WALK)
"""What the second ranking sees."""
THIRD = (*SECOND, *(f"{name}, again" for name in (*LINKS, *WALK)))
"""What the third ranking sees: ties to the best of the second, too."""


@dataclass(frozen=True, eq=False)
class Lists:
    """What the corpus found: ``lexical`` scores (more is better) and both lists' ranks from 1, by passage."""

    lexical: Mapping[int, float]
    dense: Mapping[int, int]

    @cached_property
    def ranks(self) -> dict[int, int]:
        """The place of each passage in the lexical list."""
        return {id: rank for rank, id in enumerate(self.lexical, 1)}


def first_features(asked: Asked, cards: Sequence[Card], lists: Lists, typical: float) -> Floats:
    """Return ``(cards, FIRST)``; ``typical`` is the worth of a title's term that the question does not have."""
    top = max(lists.lexical.values(), default=0.0) or 1.0
    cosines = np.array([float(card.vector @ asked.vector) for card in cards])
    rows = [
        (
            lists.lexical.get(card.id, 0.0) / top,
            cosine,
            _inverse(lists.ranks.get(card.id)),
            _inverse(lists.dense.get(card.id)),
            float(any(key in asked.runs for key in card.keys)),
            _title_share(asked, card, typical),
            sum(worth for term, worth in asked.worth.items() if term in card.terms) / asked.total,
        )
        for card, cosine in zip(cards, cosines, strict=True)
    ]
    return np.array(rows).reshape(len(cards), len(FIRST))


def _inverse(rank: int | None) -> float:
    return 0.0 if rank is None else 1 / (RANK_OFFSET + rank - 1)


def _title_share(asked: Asked, card: Card, typical: float) -> float:
    shared = [asked.worth[term] for term in card.title_terms if term in asked.worth]
    rest = typical * (len(card.title_terms) - len(shared))
    return math.fsum(shared) / (math.fsum(shared) + rest) if shared else 0.0


def link_features(
    asked: Asked, cards: Sequence[Card], first: Floats, scores: Floats, tied: Ties, degrees: Degrees
) -> Floats:
    """Return ``(cards, LINKS and WALK)``: what the ties to the best by ``scores``, the ranking so far, give each.

    ``first`` is what :func:`first_features` gave; ``degrees`` are those of the seeds.
    """
    seeds = best(scores, SEEDS)
    weight = np.exp(scores[seeds] - scores[seeds].max())
    worth = np.array(list(asked.worth.values()))
    having = np.array([[term in card.terms for term in asked.worth] for card in cards], dtype=float)
    new = ((1 - having[seeds]) * worth) @ having.T / asked.total
    named = tied.mention[seeds]
    names = tied.mention[:, seeds].T
    shared = _shared(tied.holding, tied.rarity, seeds)
    shared_new = _shared(tied.holding, np.where(tied.asked_for, 0, tied.rarity), seeds)
    vectors = np.stack([card.vector for card in cards]).astype(np.float64)
    linked = np.maximum(np.maximum(named, names), shared_new)
    out = np.array([1 / (1 + degrees.names.get(cards[seed].id, 0)) for seed in seeds])[:, None]
    into = np.array([1 / (1 + degrees.named_by.get(cards[seed].id, 0)) for seed in seeds])[:, None]
    columns: list[Floats] = [named, names, shared, vectors[seeds] @ vectors.T]
    columns += [named * new, names * new, new, shared_new]
    columns += [linked * new, linked * first[:, 1][None, :], named * out, names * into]
    links = np.zeros((len(LINKS), len(seeds), len(cards)))
    for number, column in enumerate(columns):
        links[number] = column * weight[:, None]
        links[number, np.arange(len(seeds)), seeds] = 0
    walked = resting(scores, tied.mention, tied.holding, tied.rarity, tied.asked_for)
    return _by_document(cards, np.hstack([np.maximum(links.max(axis=1), 0).T, walked]))


def _by_document(cards: Sequence[Card], features: Floats) -> Floats:
    """Return features of which each is the most that any passage of the same document has.

    Links say which document to read; which of its passages, is said by what the passage itself holds.
    """
    numbers = {name: number for number, name in enumerate(dict.fromkeys(card.document for card in cards))}
    document = np.array([numbers[card.document] for card in cards])
    most = np.full((len(numbers), features.shape[1]), -np.inf)
    np.maximum.at(most, document, features)
    by_card: Floats = most[document]
    return by_card


def _shared(holding: Floats, rarity: Floats, seeds: NDArray[np.intp]) -> Floats:
    return np.minimum((holding[seeds] * rarity) @ holding.T, NAMES_AT_MOST) / NAMES_AT_MOST


def linked(scores: Floats, tied: Ties) -> float:
    """Return how far a pool is linked, from 0 to 1: whether its best passages mention others' titles or are mentioned.

    It is 1, too, when the best one alone does.
    """
    first = best(scores, LOOKED_AT)
    mentioning = np.maximum(tied.mention[first].max(axis=1), tied.mention[:, first].max(axis=0)) > 0
    share = (float(mentioning.mean()) - APART) / (LINKED - APART)
    return 1.0 if mentioning[0] else min(1.0, max(0.0, share))


def settled(first: Floats, last: Floats, tied: Ties) -> tuple[NDArray[np.intp], Floats]:
    """Return the places of a pool's passages, best first, and the score of each place in that order.

    The last ranking counts as far as the pool is linked. What the first ranking puts first is second at worst: a
    question of one hop is answered there, whatever is tied to it.
    """
    scores = first + linked(first, tied) * (last - first)
    order = list(best(scores, len(scores)))
    head = int(best(first, 1)[0])
    if order.index(head) >= RESERVED:
        order.remove(head)
        order.insert(RESERVED - 1, head)
    return np.array(order), np.sort(scores)[::-1]


def best(scores: Floats, most: int) -> NDArray[np.intp]:
    """Return the places of the ``most`` highest scores, best first; ties keep their order."""
    return np.argsort(-scores, kind="stable")[:most]
