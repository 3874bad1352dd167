"""What a suite loads: names that tell cases apart, samples drawn by a seed, and a digest of all of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.records import Case, Document, Gold
from evals.suite import Loaded
from research.errors import UsageFault
from research.records import Question


def loaded(count: int, text: str = "A page.") -> Loaded:
    """Cases c0, c1, … over one page."""
    cases = tuple(Case(id=f"c{place}", question=Question(text=f"{place}?"), gold=Gold()) for place in range(count))
    return Loaded(cases, {"pages": (Document(id="p", text=text),)}, ("a note",))


def test_two_cases_of_one_name_are_refused() -> None:
    """Only one of them would be counted, so the name is told."""
    case = loaded(1).cases[0]
    with pytest.raises(UsageFault, match="two cases are called c0"):
        Loaded((case, case), {})


@given(st.integers(1, 30), st.integers(1, 30), st.integers(-5, 5))
def test_a_sample_is_in_order_and_says_what_it_is(count: int, limit: int, seed: int) -> None:
    """It has ``limit`` different cases in their order, the same for the same seed; a whole set is no sample."""
    whole = loaded(count)
    drawn = whole.sampled(limit, seed)
    places = [whole.cases.index(case) for case in drawn.cases]
    assert places == sorted(set(places)) and len(places) == min(limit, count)
    assert drawn == whole.sampled(limit, seed) and drawn.corpora == whole.corpora
    note = (f"{limit} of {count} cases, drawn by seed {seed}",) if limit < count else ()
    assert drawn.notes == ("a note", *note)
    assert whole.sampled(None, seed) is whole


def test_another_seed_draws_others() -> None:
    """Of 100 cases, ten by two seeds are not the same ten."""
    assert loaded(100).sampled(10, 1).cases != loaded(100).sampled(10, 2).cases


def test_the_digest_is_of_cases_and_documents() -> None:
    """A changed page or case changes it; loading the same again does not."""
    digest = loaded(3).digest()
    assert digest == loaded(3).digest()
    assert digest not in {loaded(2).digest(), loaded(3, "Another page.").digest()}


@pytest.mark.parametrize("id", ["", "q\x00", "q\n1", "q\ud800"])
def test_a_name_that_no_log_can_hold_is_refused(id: str) -> None:
    """Such a case would be run and lost."""
    with pytest.raises(UsageFault, match="control characters"):
        Loaded((Case(id=id, question=Question(text="?"), gold=Gold()),), {})
