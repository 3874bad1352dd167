"""Lanes: how many calls and tokens a minute a provider is sent, and how a lane is held and let go again."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from research.pacing import GAP, MINUTE, Lane, Limit, Paces

CALLS = st.lists(st.tuples(st.floats(0, 20), st.integers(1, 400)), min_size=1, max_size=40)


@given(CALLS, st.integers(1, 6), st.integers(500, 1500))
def test_no_minute_has_more_calls_or_tokens_than_allowed(
    calls: list[tuple[float, int]], requests: int, tokens: int
) -> None:
    """Whenever calls come, every stretch of 60 seconds holds at most the calls and tokens of the limit, in order."""
    lane, now, starts = Lane(Limit(requests=requests, tokens=tokens)), 0.0, []
    for pause, size in calls:
        now += pause
        starts.append((lane.enter(now, size, 0.5).start, size))
    assert [start for start, _ in starts] == sorted(start for start, _ in starts)
    for start, _ in starts:
        window = [size for other, size in starts if start - MINUTE + 1e-6 < other <= start]
        assert len(window) <= requests
        assert sum(window) <= tokens


def test_without_a_limit_nothing_waits() -> None:
    """A hundred calls at once may all go at once."""
    lane = Lane(Limit())
    assert {lane.enter(5.0, 1_000_000, 0.5).start for _ in range(100)} == {5.0}


def test_a_call_above_the_limit_of_tokens_goes_alone() -> None:
    """It could never fit, so it is sent when the minute before is empty, and not kept back for ever."""
    lane = Lane(Limit(tokens=100))
    assert [lane.enter(0.0, size, 0.5).start for size in (50, 500, 10)] == [0.0, MINUTE, 2 * MINUTE]


def test_a_place_that_is_given_up_and_tokens_that_were_not_used_are_free_for_others() -> None:
    """A call that is not sent counts for nothing, one that took less than it might have for what it took."""
    lane = Lane(Limit(requests=2, tokens=1000))
    given_up, small = lane.enter(0.0, 900, 0.5), lane.enter(0.0, 100, 0.5)
    lane.leave(given_up)
    small.tokens = 10
    assert lane.enter(0.0, 990, 0.5).start == 0.0
    assert lane.enter(0.0, 1, 0.5).start == MINUTE


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_what_a_hold_let_pile_up_goes_one_by_one(draws: list[float]) -> None:
    """After a hold the first call goes when it ends, each further one half to one and a half gaps after the last."""
    lane = Lane(Limit())
    waiting = [lane.enter(0.0, 1, draw) for draw in draws]
    lane.hold(30.0)
    for ticket, draw in zip(waiting, draws, strict=True):
        lane.wait(ticket, 0.0, draw)
    starts = [ticket.start for ticket in waiting]
    assert starts[0] == 30.0
    gaps = [after - before for before, after in pairwise(starts)]
    assert all(0.49 * GAP <= gap <= 1.51 * GAP for gap in gaps)


def test_a_hold_that_is_over_holds_nothing() -> None:
    """Calls that come after it go at once, together."""
    lane = Lane(Limit())
    lane.hold(30.0)
    assert [lane.enter(31.0, 1, 0.5).start for _ in range(3)] == [31.0] * 3


def test_runs_share_a_provider_s_lane() -> None:
    """The same object is handed to every run, and another provider's lane is another one."""
    paces = Paces()
    lane = paces.lane("openai", Limit(requests=1))
    assert paces.lane("openai") is lane
    assert lane.limit == Limit(requests=1)
    assert paces.lane("anthropic") is not lane


def test_a_provider_that_wants_seconds_between_calls_gets_them() -> None:
    """Calls that come together go one by one, and one that comes later goes at once."""
    lane = Lane(Limit(every=3.0))
    assert [lane.enter(0.0, 1, 0.5).start for _ in range(3)] == [0.0, 3.0, 6.0]
    assert lane.enter(20.0, 1, 0.5).start == 20.0
