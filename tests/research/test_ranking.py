"""Fusing ranked lists: the sum of reciprocal ranks decides, and nothing is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from research.ranking import RANK_CONSTANT, reciprocal_rank, spread
from research.records import Hit

names = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


def hits(order: list[str], why: str) -> list[Hit]:
    return [Hit(handle=name, title=name, score=0.0, why=(f"{why} rank {rank}",)) for rank, name in enumerate(order, 1)]


def fused(*orders: list[str], weights: tuple[float, ...] = ()) -> list[Hit]:
    lists = [hits(order, f"list {number}") for number, order in enumerate(orders)]
    return reciprocal_rank(lists, key=lambda hit: hit.handle, weights=weights)


@given(st.lists(names, max_size=4))
def test_every_hit_is_there_once_with_all_its_reasons(orders: list[list[str]]) -> None:
    """The fused list holds each hit once, and says every list that had it."""
    result = fused(*orders)
    assert sorted(hit.handle for hit in result) == sorted({name for order in orders for name in order})
    for hit in result:
        assert len(hit.why) == sum(hit.handle in order for order in orders)


@given(names)
def test_one_list_keeps_its_order(order: list[str]) -> None:
    """Fusing one list changes nothing but the scores."""
    assert [hit.handle for hit in fused(order)] == order


def test_agreement_beats_a_single_first_place() -> None:
    """A hit that two lists have second comes before one that a single list has first."""
    result = fused(["a", "b"], ["c", "b"])
    assert result[0].handle == "b"
    assert result[0].score == round(2 / (RANK_CONSTANT + 2), 6)


def test_a_weight_is_worth_as_many_lists() -> None:
    """A list that weighs two decides as two equal lists would."""
    assert [h.handle for h in fused(["a", "b"], ["b", "a"], weights=(2, 1))] == ["a", "b"]
    assert [h.handle for h in fused(["a", "b"], ["b", "a"], weights=(1, 2))] == ["b", "a"]


def test_ties_keep_the_order_in_which_they_were_seen() -> None:
    """Hits of equal worth come in the same order in every process: that of the lists, and within them of the ranks."""
    orders = [[f"{name}{rank}" for rank in range(3)] for name in "zyxwvuts"]
    tied = [hit.handle for hit in fused(*orders)]
    assert tied == [f"{name}{rank}" for rank in range(3) for name in "zyxwvuts"]


def on(site: str, number: int) -> Hit:
    return Hit(handle=f"{site}{number}", title="", score=1.0, url=f"https://{site}/{number}")


def test_one_site_takes_half_of_what_is_read_while_others_have_any() -> None:
    """Nine pages of one site do not push two others out; what is chosen keeps its order."""
    hits = [*(on("many.example", number) for number in range(9)), on("one.example", 0), on("two.example", 0)]
    chosen = [hit.handle for hit in spread(hits, 6)]
    assert chosen == [*(f"many.example{number}" for number in range(4)), "one.example0", "two.example0"]


@given(st.lists(st.sampled_from(["a.example", "b.example", "c.example"]), max_size=20), st.integers(1, 8))
def test_as_many_are_chosen_as_are_wanted(sites: list[str], most: int) -> None:
    """Nothing is left out that there is room for, nothing is repeated, and a single site is read as it comes."""
    hits = [on(site, number) for number, site in enumerate(sites)]
    chosen = spread(hits, most)
    assert len(chosen) == min(most, len(hits))
    assert [hit for hit in hits if hit in chosen] == chosen
    if len(set(sites)) == 1:
        assert chosen == hits[:most]
