"""Ranking a pool: what each passage holds, what ties it to others, and why it stands where it stands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.linking import all_names
from research.ranking_weights import MEANING, SPELLING, Weights, weights_for
from research.reasons import reasons
from research.reranking import FIRST, LINKS, SECOND, THIRD, WALK, Lists, first_features, link_features, linked, settled
from research.ties import Asked, Card, Degrees, Ties, asked, card, ties

PAGES = (
    ("Ilvane Bridge", "The bridge was designed by Edda Varnholt and opened in 1931."),
    ("Edda Varnholt (engineer)", "Edda Varnholt was born in Skerrow. She studied in Marn."),
    ("Skerrow", "A village of fishers, in which Edda Varnholt grew up."),
    ("Salt", "Sea water is left in shallow pans."),
)
QUESTION = "Where was the designer of the Ilvane Bridge born?"


def cards(pages: tuple[tuple[str, str], ...] = PAGES) -> list[Card]:
    """One passage a page, all with the same vector."""
    vector = np.array([1, 0], dtype=np.float32)
    return [card(n, f"s{n}", title, text, all_names(title, text), vector) for n, (title, text) in enumerate(pages)]


def question(text: str = QUESTION) -> Asked:
    """A question to a corpus of 1,000 passages, 9 of which hold each word."""
    return asked(text, np.array([0.6, 0.8], dtype=np.float32), passages=1000, having=lambda word: 9)


def tied(pages: tuple[tuple[str, str], ...] = PAGES) -> Ties:
    """The ties of the pages, each name held by a hundredth of all passages."""
    return ties(question(), cards(pages), lambda name: np.log(100))


def test_a_passage_is_seen_by_what_the_lists_and_the_question_say() -> None:
    """Score and cosine, ranks from 1, whether its title is in the question, and shares of the question's worth."""
    lists = Lists(lexical={0: 8.0, 2: 2.0}, dense={2: 1})
    seen = [dict(zip(FIRST, row, strict=True)) for row in first_features(question(), cards(), lists, 4.0)]
    assert seen[0]["lexical score"] == 1 and seen[2]["lexical score"] == 0.25 and seen[3]["lexical score"] == 0
    assert seen[0]["cosine"] == pytest.approx(0.6)
    assert [row["lexical rank"] for row in seen] == [1 / 5, 0, 1 / 6, 0]
    assert [row["dense rank"] for row in seen] == [0, 0, 1 / 5, 0]
    assert [row["title in the question"] for row in seen] == [1, 0, 0, 0]
    assert seen[0]["question in the title"] == 1 and seen[3]["question in the title"] == 0
    assert [round(row["question in the passage"], 2) for row in seen] == [0.5, 0.25, 0, 0]


def test_ties_are_mentions_and_names_that_several_hold() -> None:
    """A text that holds a title mentions its document; a name counts when another holds it, too, or the question."""
    found = tied()
    assert set(zip(*found.mention.nonzero(), strict=True)) == {(0, 1), (2, 1), (1, 2)}
    assert found.names == ("edda varnholt", "ilvane bridge", "skerrow")
    assert found.holding[:, 0].tolist() == [1, 1, 1, 0]
    assert found.asked_for.tolist() == [False, True, False]


def test_passages_of_one_document_do_not_mention_it() -> None:
    """A long document names itself on every page, which says nothing."""
    pages = (("PEP 8: Style", "PEP 8 says how code is written."), ("PEP 8: Style", "See PEP 8."), ("Old", "See PEP 8."))
    same = [card(n, "s" if n < 2 else "t", *page, [], np.ones(1, np.float32)) for n, page in enumerate(pages)]
    found = ties(question(), same, lambda name: 1.0)
    assert set(zip(*found.mention.nonzero(), strict=True)) == {(2, 0), (2, 1)}


def test_a_link_is_worth_what_its_seed_is_worth() -> None:
    """What the best passage names has more of it than what a worse one names; a seed is not its own link."""
    scores = np.array([3.0, 0.0, 0.0, 2.0])
    first = np.zeros((4, len(FIRST)))
    degrees = Degrees(names={0: 1}, named_by={1: 3})
    rows = link_features(question(), cards(), first, scores, tied(), degrees)
    seen = [dict(zip((*LINKS, *WALK), row, strict=True)) for row in rows]
    assert seen[1]["named by a seed"] == 1
    assert seen[2]["named by a seed"] == pytest.approx(np.exp(-3))
    assert seen[1]["named by a seed, by how many that names"] == 0.5
    assert seen[0]["names a seed, by how many name it"] == pytest.approx(np.exp(-3) / 4)
    assert seen[1]["named, and holds what the seed lacks"] == pytest.approx(0.25)
    assert seen[3]["named by a seed"] == seen[3]["shares names"] == 0
    assert seen[1]["walk"] > seen[3]["walk, logarithm"]


def test_links_count_for_every_passage_of_a_document() -> None:
    """Which of its passages answers, is said by the passages themselves."""
    pages = (*PAGES[:2], (PAGES[1][0], "A second page, of salt."))
    many = cards(pages)
    many[2] = card(2, "s1", *pages[2], [], many[2].vector)
    tied_up = ties(question(), many, lambda name: 2.0)
    rows = link_features(question(), many, np.zeros((3, len(FIRST))), np.array([3.0, 0, 0]), tied_up, Degrees({}, {}))
    assert rows[1].tolist() == rows[2].tolist()


def test_without_mentions_the_first_ranking_stands() -> None:
    """Where no document names another, accidental names lead nowhere; where they do, the last ranking counts."""
    first, last = np.array([3.0, 2.0, 1.0, 0.0]), np.array([0.0, 1.0, 2.0, 3.0])
    apart = ties(question(), cards((PAGES[3],) * 4), lambda name: 1.0)
    assert linked(first, apart) == 0 and linked(first, tied()) == 1
    assert settled(first, last, apart)[0].tolist() == [0, 1, 2, 3]
    assert settled(first, last, tied())[0].tolist()[0] == 3


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=9), st.integers(0, 9))
def test_the_head_of_the_first_ranking_stays_near_the_head(first: list[float], seed: int) -> None:
    """Every passage has one place, scores fall, and what was first is second at worst."""
    random = np.random.default_rng(seed)
    pool = cards((PAGES[0], PAGES[1]) * 5)[: len(first)]
    scores = np.array(first)
    order, falling = settled(scores, random.random(len(first)) * 9, ties(question(), pool, lambda name: 1.0))
    assert sorted(order) == list(range(len(first)))
    assert (np.diff(falling) <= 0).all()
    assert order.tolist().index(int(np.argmax(scores))) < 2


@pytest.mark.parametrize("weights", [SPELLING, MEANING])
def test_each_feature_has_a_weight(weights: Weights) -> None:
    """One for each, in each ranking; the kind of embedder chooses the set."""
    assert (len(weights.first), len(weights.second), len(weights.third)) == (len(FIRST), len(SECOND), len(THIRD))
    assert weights_for("hashing-512-1") is SPELLING
    assert weights_for("all-MiniLM-L6-v2") is weights_for("openai:text-embedding-3-small") is MEANING


def test_reasons_are_in_words() -> None:
    """Ranks, titles and names, each as its text writes it, and the tie to the best passage."""
    lists = Lists(lexical={0: 8.0}, dense={3: 1, 0: 2})
    given_by = [reasons(question(), cards(), lists, tied(), (0, 3), n, PAGES[n][1]) for n in range(4)]
    assert given_by[0] == (
        "lexical rank 1",
        "dense rank 2",
        "its title stands in the question",
        "names “ilvane bridge” as the question does",
    )
    assert given_by[1] == ("named in “Ilvane Bridge”", "names “Edda Varnholt” as “Ilvane Bridge” does")
    assert given_by[2] == ("names “Edda Varnholt” as “Ilvane Bridge” does",)
    assert given_by[3] == ("dense rank 1",)
