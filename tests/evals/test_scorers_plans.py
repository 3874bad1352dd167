"""Which sub-questions and pages a plan covers, what it may not gain by, and what a case cost."""

from __future__ import annotations

import pytest

from evals.records import Case, Gold, Outcome, Score
from evals.scorers.costs import CALLS, SECONDS, TOKENS, USD, WITHIN_BUDGET
from evals.scorers.plans import PAGE_RECALL, PART_RECALL, PLAN_WIDTH
from research.budget import Caps
from research.records import Question, Usage

PARTS = ("What is the population of Sendai?", "Who is the mayor of Kobe?")


def case(parts: tuple[str, ...] = (), pages: tuple[str, ...] = ()) -> Case:
    """A case with a human decomposition."""
    return Case(id="1", question=Question(text="?"), gold=Gold(parts=parts, pages=pages))


@pytest.mark.parametrize(
    ("said", "covered"),
    [
        (PARTS, 1.0),
        (("populations of sendai", "Mayors of Kobe?"), 1.0),
        (("population of Sendai", "population of Sendai"), 0.5),
        (("What is the population of Kobe?",), 0.0),
        (("Who is the mayor of Sendai?",), 0.0),
        (("What is the population of Sendai and who is the mayor of Kobe?",), 0.0),
        (("everything about Japan",), 0.0),
        ((), 0.0),
    ],
)
def test_part_recall(said: tuple[str, ...], covered: float) -> None:
    """The same question in other forms covers; another city, a mixture or the whole question does not."""
    assert PART_RECALL.judge(case(PARTS), Outcome(parts=said)) == Score(value=covered)


def test_one_part_covers_one_gold_part_only() -> None:
    """Of two gold parts that one part is like, one is covered; two such parts cover both, in any order."""
    gold = ("mayor of Kobe city in Japan", "mayor of Kobe city in 2020")
    near, both = "mayor of Kobe city", "mayor of Kobe city in Japan now"
    assert PART_RECALL.judge(case(gold), Outcome(parts=(near,))) == Score(value=0.5)
    assert PART_RECALL.judge(case(gold), Outcome(parts=(near, near))) == Score(value=0.5)
    assert PART_RECALL.judge(case(gold), Outcome(parts=(near, both))) == Score(value=1.0)
    assert PART_RECALL.judge(case(gold), Outcome(parts=(both, near))) == Score(value=1.0)


def test_page_recall_wants_the_whole_title_in_one_place() -> None:
    """A title spread over two queries is not found; a remark in brackets need not stand there."""
    asked = case(pages=("Jeff Austin (baseball)", "The Who", "1998 Major League Baseball draft"))
    found = Outcome(queries=("jeff austin batting hand",), parts=("Who are the Who?",))
    assert PAGE_RECALL.judge(asked, found) == Score(value=pytest.approx(2 / 3))
    assert PAGE_RECALL.judge(asked, Outcome(queries=("Who wrote the book?",))) == Score(value=0.0)
    assert PAGE_RECALL.judge(asked, Outcome(queries=("jeff", "austin", "1998 draft"))) == Score(value=0.0)
    assert PAGE_RECALL.judge(asked, Outcome(parts=("the 1998 major league baseball draft",))) == Score(
        value=pytest.approx(1 / 3)
    )


def test_where_plans_are_not_judged() -> None:
    """No decomposition in the gold or none given: no score; a gold title of signs alone is unscored."""
    assert PART_RECALL.judge(case(), Outcome(parts=("a",))) is None
    assert PART_RECALL.judge(case(PARTS), Outcome(queries=("a",))) is None
    assert PAGE_RECALL.judge(case(pages=("Kobe",)), Outcome(answer="Kobe")) is None
    assert PAGE_RECALL.judge(case(), Outcome(queries=("a",))) is None
    unscored = PAGE_RECALL.judge(case(pages=("???",)), Outcome(queries=("a",)))
    assert unscored is not None and unscored.value is None and unscored.why
    empty = PART_RECALL.judge(case(parts=("?!",)), Outcome(parts=("a",)))
    assert empty is not None and empty.value is None and empty.why


def test_width_is_neither_good_nor_bad() -> None:
    """It counts the parts and says nothing of their worth."""
    assert PLAN_WIDTH.judge(case(), Outcome(parts=("a", "b", "c"))) == Score(value=3.0)
    assert PLAN_WIDTH.judge(case(), Outcome()) is None
    assert PLAN_WIDTH.better == "neither"


def test_costs_are_in_their_units_and_an_unknown_price_is_unscored() -> None:
    """Dollars from nano-dollars; without a price there is no figure, never a free case."""
    used = Outcome(usage=Usage(tokens=1200, calls=3, nano_usd=2_500_000, seconds=9.0), seconds=4.5)
    scores = [metric.judge(case(), used) for metric in (TOKENS, CALLS, USD, SECONDS)]
    assert [score.value for score in scores if score] == [1200.0, 3.0, 0.0025, 4.5]
    unknown = USD.judge(case(), Outcome(usage=Usage(nano_usd=None)))
    assert unknown is not None and unknown.value is None and unknown.why
    assert {metric.better for metric in (TOKENS, CALLS, USD, SECONDS)} == {"lower"}


@pytest.mark.parametrize(
    ("caps", "within"),
    [
        (Caps(tokens=100, calls=5, nano_usd=70, seconds=2.0), 1.0),
        (Caps(tokens=99), 0.0),
        (Caps(calls=4), 0.0),
        (Caps(nano_usd=69), 0.0),
        (Caps(seconds=1.9), 0.0),
        (Caps(tokens=100), 1.0),
        (Caps(tokens=0), 0.0),
    ],
)
def test_within_budget(caps: Caps, within: float) -> None:
    """Every cap counts, and reaching one exactly passes none."""
    outcome = Outcome(caps=caps, usage=Usage(tokens=100, calls=5, nano_usd=70, seconds=2.0))
    assert WITHIN_BUDGET.judge(case(), outcome) == Score(value=within)


def test_where_a_budget_is_not_judged() -> None:
    """Without caps there is no score; capped money at an unknown price is unscored unless another cap was passed."""
    unpriced = Usage(tokens=100, nano_usd=None)
    assert WITHIN_BUDGET.judge(case(), Outcome()) is None
    assert WITHIN_BUDGET.judge(case(), Outcome(caps=Caps())) is None
    unknown = WITHIN_BUDGET.judge(case(), Outcome(caps=Caps(nano_usd=5), usage=unpriced))
    assert unknown is not None and unknown.value is None and unknown.why
    assert WITHIN_BUDGET.judge(case(), Outcome(caps=Caps(nano_usd=5, tokens=9), usage=unpriced)) == Score(value=0.0)
