"""What ranking knows of a question and of passages, and how passages hang together.

Two passages are tied where the text of one mentions the title of the other's document, or both hold a rare name. What a
tie is worth is in ``research.reranking``; where titles and names are kept, in ``tools.names``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from research import linking
from research.words import STOPWORDS, stem

Floats = NDArray[np.float64]

QUESTION = 400
"""Words of a question in which titles and names are looked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """What ranking needs of a passage; ``vector`` has Euclidean length 1. Of one ``document`` there may be many."""

    id: int
    document: str
    title: str
    keys: tuple[str, ...]
    title_terms: frozenset[str]
    terms: frozenset[str]
    text: str
    vocabulary: frozenset[str]
    names: frozenset[str]
    vector: NDArray[np.float32]


def card(id: int, document: str, title: str, text: str, names: Collection[str], vector: NDArray[np.float32]) -> Card:
    """Return the card of a passage."""
    words = linking.words(text)
    vocabulary = frozenset(words)
    title_terms = frozenset(stem(word) for word in linking.words(title) if word not in STOPWORDS)
    return Card(
        id=id,
        document=document,
        title=title,
        keys=linking.keys(title),
        title_terms=title_terms,
        terms=title_terms.union(map(stem, vocabulary)),
        text=f" {' '.join(words)} ",
        vocabulary=vocabulary,
        names=frozenset(names),
        vector=vector,
    )


@dataclass(frozen=True, eq=False)
class Asked:
    """A question as ranking sees it.

    ``runs`` are its runs of words, any of which may be a title or a name; ``worth`` is the inverse document frequency
    of each stem, in nats.
    """

    runs: frozenset[str]
    worth: Mapping[str, float]
    vector: NDArray[np.float32]

    @cached_property
    def total(self) -> float:
        """The worth of all terms, or 1 where they have none."""
        return sum(self.worth.values()) or 1.0


def asked(question: str, vector: NDArray[np.float32], *, passages: int, having: Callable[[str], int]) -> Asked:
    """Return a question; ``having`` tells how many of all ``passages`` hold a word."""
    words = linking.words(question)
    content = [word for word in words if word not in STOPWORDS] or words
    worth = {stem(word): _idf(passages, having(word)) for word in dict.fromkeys(content)}
    return Asked(runs=frozenset(linking.grams(words[:QUESTION])), worth=worth, vector=vector)


def _idf(passages: int, having: int) -> float:
    return math.log(1 + max(0.5, passages - having + 0.5) / (having + 0.5))


@dataclass(frozen=True, eq=False)
class Ties:
    """How the cards of a pool hang together.

    ``mention[i, j]``: the text of i holds the title of j's document, another one than i's. ``holding[i, n]``: i holds
    ``names[n]``, which another of the pool holds too or the question does. ``rarity``: of each name, in nats.
    """

    mention: Floats
    holding: Floats
    names: tuple[str, ...]
    rarity: Floats
    asked_for: NDArray[np.bool_]


def ties(asked: Asked, cards: Sequence[Card], rarity: Callable[[str], float]) -> Ties:
    """Find the ties of a pool; ``rarity`` tells the inverse document frequency of a name, in nats."""
    places: dict[str, list[int]] = {}
    for number, card in enumerate(cards):
        for name in card.names:
            places.setdefault(name, []).append(number)
    in_question = asked.runs & places.keys()
    names = tuple(sorted(name for name, held in places.items() if len(held) > 1 or name in in_question))
    holding = np.zeros((len(cards), len(names)))
    columns = {name: column for column, name in enumerate(names)}
    cells = [(number, columns[name]) for number, card in enumerate(cards) for name in card.names & columns.keys()]
    holding[tuple(np.array(cells, dtype=np.intp).reshape(-1, 2).T)] = 1
    return Ties(
        mention=_mentions(cards),
        holding=holding,
        names=names,
        rarity=np.array([rarity(name) for name in names]),
        asked_for=np.array([name in in_question for name in names], dtype=bool),
    )


def _mentions(cards: Sequence[Card]) -> Floats:
    found = np.zeros((len(cards), len(cards)))
    called: dict[str, list[int]] = {}
    for number, card in enumerate(cards):
        for key in card.keys:
            called.setdefault(key, []).append(number)
    by_first: dict[str, list[str]] = {}
    for key in called:
        by_first.setdefault(key.partition(" ")[0], []).append(key)
    for number, card in enumerate(cards):
        for word in by_first.keys() & card.vocabulary:
            for key in by_first[word]:
                if f" {key} " in card.text:
                    found[number, called[key]] = 1
    documents = np.array([card.document for card in cards])
    same: NDArray[np.bool_] = np.equal.outer(documents, documents)
    found[same] = 0
    return found


@dataclass(frozen=True, eq=False)
class Degrees:
    """How many documents the text of a passage names, and how many passages name its document, in the whole corpus."""

    names: Mapping[int, int]
    named_by: Mapping[int, int]
