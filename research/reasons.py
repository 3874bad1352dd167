"""Why a passage stands where it stands in a ranking, in words for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from research import linking
from research.reranking import Lists
from research.ties import Asked, Card, Ties

MOST = 5
"""Reasons that are given of one passage."""


def reasons(
    asked: Asked, cards: Sequence[Card], lists: Lists, tied: Ties, seeds: Sequence[int], place: int, text: str
) -> tuple[str, ...]:
    """Return why ``cards[place]`` was ranked, strongest kind first; ``text`` is the passage as it stands."""
    card = cards[place]
    found = []
    if card.id in lists.ranks:
        found.append(f"lexical rank {lists.ranks[card.id]}")
    if card.id in lists.dense:
        found.append(f"dense rank {lists.dense[card.id]}")
    if any(key in asked.runs for key in card.keys):
        found.append("its title stands in the question")
    others = [seed for seed in seeds if cards[seed].document != card.document]
    found += [f"named in “{cards[seed].title}”" for seed in others if tied.mention[seed, place]][:1]
    found += [f"names “{cards[seed].title}”" for seed in others if tied.mention[place, seed]][:1]
    held = tied.holding[place]
    wanted = np.where(tied.asked_for, held * tied.rarity, 0)
    if wanted.any():
        found.append(f"names “{_written(tied, wanted, text)}” as the question does")
    rest = np.where(tied.asked_for, 0, held * tied.rarity)
    for seed in others:
        shared = rest * tied.holding[seed]
        if shared.any():
            found.append(f"names “{_written(tied, shared, text)}” as “{cards[seed].title}” does")
            break
    return tuple(found[:MOST])


def _written(tied: Ties, worth: np.ndarray[tuple[int], np.dtype[np.float64]], text: str) -> str:
    return linking.as_written(tied.names[int(worth.argmax())], text)
