"""The walk over passages and names rests where the ties lead."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from research.walking import FLOOR, Floats, resting


def walk(
    scores: list[float],
    *,
    mentions: tuple[tuple[int, int], ...] = (),
    names: tuple[tuple[int, ...], ...] = (),
    asked: int = 0,
) -> Floats:
    """The shares of the walk; ``names`` are the passages that hold each, of which the first ``asked`` are asked for."""
    mention = np.zeros((len(scores), len(scores)))
    for one, other in mentions:
        mention[one, other] = 1
    holding = np.zeros((len(scores), len(names)))
    for column, holders in enumerate(names):
        holding[list(holders), column] = 1
    wanted = np.array([column < asked for column in range(len(names))], dtype=bool)
    return resting(np.array(scores, dtype=float), mention, holding, np.full(len(names), 3.0), wanted)[:, 0]


def test_what_the_best_mentions_is_reached() -> None:
    """Of twenty passages of which twelve begin the walk, the one that the best mentions is above the others."""
    shares = walk([5.0, *[0.0] * 19], mentions=((0, 19),))
    assert shares[0] == 1
    assert shares[19] > 10 * shares[18]


def test_a_name_of_the_question_leads_to_who_holds_it() -> None:
    """Half of the walk begins at the names that the question asks for, however badly the passage was ranked."""
    scores = [5.0, *[0.0] * 18, -9.0]
    assert walk(scores, names=((5, 19),), asked=1)[19] > walk(scores, names=((5, 19),))[19] > 0
    assert walk(scores)[19] == 0


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=8), st.integers(0, 99))
def test_the_walk_is_a_share_of_the_largest(scores: list[float], seed: int) -> None:
    """Whatever the ties: from 0 to 1, the largest 1, and a logarithm that is finite."""
    random = np.random.default_rng(seed)
    size = len(scores)
    mention, holding = random.integers(0, 2, (size, size)) * 1.0, random.integers(0, 2, (size, 5)) * 1.0
    found = resting(np.array(scores), mention, holding, random.random(5) * 9, random.random(5) < 0.5)
    assert found.shape == (size, 2)
    assert found[:, 0].max() == 1 and found[:, 0].min() >= 0
    assert np.allclose(found[:, 1], np.log(found[:, 0] + FLOOR) / 9)
