"""The passages that ranking chooses from: what the lists found, and what is tied to the best of it.

Part of ``tools.corpus``. What the ties are worth is decided in ``research.reranking``. Everything here blocks.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from research import linking
from research.errors import StoreProblem
from research.ranking_weights import Weights
from research.reasons import reasons
from research.reranking import SEEDS, Lists, best, first_features, link_features, settled
from research.ties import Asked, Card, Degrees, Ties, asked, card, ties
from tools.corpus_store import CorpusStore

Floats = NDArray[np.float64]

POOL = 40
"""Passages of each list that are ranked."""
BACK = 30
"""Passages that mention a seed's title and are looked at, those that hold most of the question."""
MENTIONS = 200
"""Mentions of a title that are looked for: those of “United States” are more than can be read."""
RARE = 10
"""Passages that may share a name which still says that they belong together."""
MOST = 10_000
"""Passages that hold a word or name are counted as far as this: a word that is in more is worth next to nothing."""
KEPT = 4_000
"""Cards kept in memory, of about 10 kB each."""


@dataclass(frozen=True, eq=False)
class Pool:
    """The passages of one question. ``first`` are their features one by one;"""

    asked: Asked
    lists: Lists
    cards: tuple[Card, ...]
    first: Floats


@dataclass(frozen=True, eq=False)
class Ranking:
    """Passages of a pool, best first. ``scores`` by passage: odds against the first, which has 1."""

    pool: Pool
    scores: dict[int, float]
    seeds: tuple[int, ...]
    ties: Ties | None

    def why(self, id: int, text: str) -> tuple[str, ...]:
        """Return the reasons of one passage, whose text is ``text``."""
        assert self.ties is not None
        place = next(place for place, one in enumerate(self.pool.cards) if one.id == id)
        return reasons(self.pool.asked, self.pool.cards, self.pool.lists, self.ties, self.seeds, place, text)


class Pools:
    """Makes the pools of one corpus that does not change meanwhile."""

    def __init__(self, store: CorpusStore) -> None:
        """Keep what was read of ``store`` for the next question."""
        self._store = store
        self._passages = max(1, store.counts().passages)
        self._cards: OrderedDict[int, Card] = OrderedDict()
        self._named: dict[int, list[int]] = {}
        self._naming: dict[str, list[int]] = {}
        self._having = lru_cache(maxsize=100_000)(lambda word: store.having(word, MOST))
        self._held = lru_cache(maxsize=100_000)(lambda name: store.held(name, MOST))

    def found(
        self, question: str, vector: NDArray[np.float32], lexical: dict[int, float], dense: Sequence[int]
    ) -> Pool:
        """Return what the two lists begin with, and the documents whose title stands in the question."""
        question_card = asked(question, vector, passages=self._passages, having=self._having)
        called = [id for ids in self._store.openings(question_card.runs).values() for id in ids]
        cards = self.cards(dict.fromkeys([*list(lexical)[:POOL], *dense[:POOL], *called]))
        lists = Lists(lexical=lexical, dense={id: rank for rank, id in enumerate(dense, 1)})
        pool = Pool(asked=question_card, lists=lists, cards=(), first=np.zeros((0, 0)))
        return self._with(pool, cards)

    def _with(self, pool: Pool, cards: Sequence[Card]) -> Pool:
        typical = math.log(self._passages + 1) * 0.75
        features = first_features(pool.asked, cards, pool.lists, typical)
        first = np.vstack([pool.first, features]) if pool.cards else features
        return replace(pool, cards=(*pool.cards, *cards), first=first)

    def cards(self, ids: Iterable[int]) -> list[Card]:
        """Return the cards of passages in the order of ``ids``."""
        wanted = list(ids)
        missing = [id for id in wanted if id not in self._cards]
        for id, source, title, text, names, vector in self._store.evidence(missing):
            self._cards[id] = card(id, source, title, text, names, np.frombuffer(vector, dtype="<f4"))
        lost = [id for id in missing if id not in self._cards]
        if lost:
            raise StoreProblem(f"the corpus database {self._store.path} lacks a vector; index the folder again")
        cards = [self._cards[id] for id in wanted]
        for id in wanted:
            self._cards.move_to_end(id)
        while len(self._cards) > KEPT:
            self._cards.popitem(last=False)
        return cards

    def widened(self, pool: Pool, scores: Floats) -> Pool:
        """Add what is tied to the seeds, the best by ``scores``: mentioned by one, mentioning one, sharing a name."""
        new: dict[int, None] = {}
        for place in best(scores, SEEDS):
            seed = pool.cards[place]
            back = sorted(self._back(seed), key=lambda id: -pool.lists.lexical.get(id, 0.0))
            new.update(dict.fromkeys([*self._forward(seed), *back[:BACK], *self._sharing(seed)]))
        return self._with(pool, self.cards(sorted(new.keys() - {one.id for one in pool.cards})))

    def _forward(self, seed: Card) -> list[int]:
        """Return the opening passages of the documents that a passage names."""
        if seed.id not in self._named:
            found = self._store.openings(linking.grams(seed.text.split()))
            self._named[seed.id] = [id for ids in found.values() for id in ids]
        return self._named[seed.id]

    def _back(self, seed: Card) -> list[int]:
        """Return passages that name the document of a passage."""
        if seed.document not in self._naming:
            found = (id for key in seed.keys for id in self._store.mentions(key, MENTIONS))
            self._naming[seed.document] = list(dict.fromkeys(found))
        return self._naming[seed.document]

    def _sharing(self, seed: Card) -> list[int]:
        found: list[int] = []
        for name in seed.names:
            held = self._store.holders(name, RARE + 1)
            if len(held) <= RARE:
                found += held
        return found

    def _rarity(self, name: str) -> float:
        return max(0.0, math.log(self._passages / max(1, self._held(name))))

    def ties(self, pool: Pool) -> Ties:
        """Return how the passages of a pool hang together."""
        return ties(pool.asked, pool.cards, self._rarity)

    def links(self, pool: Pool, tied: Ties, scores: Floats) -> Floats:
        """Return the features that each passage's ties to the best by ``scores`` give it."""
        seeds = [pool.cards[place] for place in best(scores, SEEDS)]
        degrees = Degrees(
            names={seed.id: len(self._forward(seed)) for seed in seeds},
            named_by={seed.id: len(self._back(seed)) for seed in seeds},
        )
        return link_features(pool.asked, pool.cards, pool.first, scores, tied, degrees)

    def ranked(
        self,
        question: str,
        vector: NDArray[np.float32],
        lexical: dict[int, float],
        dense: Sequence[int],
        weights: Weights,
    ) -> Ranking:
        """Pool and rank, with the scores of the lexical list and the ids of the dense one."""
        pool = self.found(question, vector, lexical, dense)
        if not pool.cards:
            return Ranking(pool=pool, scores={}, seeds=(), ties=None)
        pool = self.widened(pool, pool.first @ np.array(weights.first))
        tied = self.ties(pool)
        features = pool.first
        scores = features @ np.array(weights.first)
        for following in (weights.second, weights.third):
            features = np.hstack([features, self.links(pool, tied, scores)])
            seeds, scores = best(scores, SEEDS), features @ np.array(following)
        order, scores = settled(pool.first @ np.array(weights.first), scores, tied)
        odds = np.exp(scores - scores[0])
        return Ranking(
            pool=pool,
            scores={pool.cards[place].id: round(float(odd), 6) for place, odd in zip(order, odds, strict=True)},
            seeds=tuple(int(place) for place in seeds),
            ties=tied,
        )
