"""The arithmetic of an estimate: sums, money, medians, and what a cap would cut."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.affording import CapVerdict, verdicts
from research.analysts import Bounds
from research.analysts.extractive import ExtractiveAnalyst
from research.analysts.language import LanguageAnalyst
from research.budget import Caps
from research.effects import LEAST_ANSWER
from research.estimate import Run, Wiring, Work, amount, median, work_of
from research.fitting import SUMS, sizes_within
from research.ports import Price
from research.records import Mode, ModeName, Question, Task
from research.rehearsal import Cost, Rehearsal, Shape, Size
from tools.tokens import prompt_bound

WIRING = Wiring(web_hits=6, corpus_hits=12, page_passages=8, agent_turns=3, reserve=5, branch_calls=2, wider=2)
SHAPE = Shape(page_passages=8, corpus_passages=12, web_hits=6, readings=6, wider=2)
QUESTION = Question(text="How is a budget reserved?", web=True, corpora=("notes",))
PRICE = Price(prompt=150.0, completion=600.0)


async def sizes(bounds: Bounds) -> dict[str, Size]:
    """The sizes of a model's calls, with texts bounded from below by eight bytes a token."""
    analyst = LanguageAnalyst(ExtractiveAnalyst())
    count = prompt_bound("openai:gpt-4o")
    return await Rehearsal(analyst, QUESTION, bounds, SHAPE, count, lambda text: len(text.encode()) // 8).sizes()


def run(
    bounds: Bounds,
    found: dict[str, Size],
    mode: ModeName = "workflow",
    tasks: tuple[Task, ...] = (),
    *,
    escalates: bool = False,
) -> Work:
    """The work of a run over the web and a corpus."""
    return work_of(
        Run(
            mode=Mode(name=mode, scores=(), reasons=()),
            tasks=tasks,
            places=("corpus", "web"),
            bounds=bounds,
            wiring=WIRING,
            providers=2,
            sizes=found,
            escalates=escalates,
        )
    )


async def test_every_call_is_larger_at_most_than_at_least() -> None:
    """And what is reserved at least lies in between: the bound of the smallest prompt, with the shortest answer."""
    found = await sizes(Bounds())
    assert run(Bounds(), found, escalates=True).most == run(Bounds(), found).most.plus(found["again"].most)
    sums = [found.pop(name) for name in SUMS]
    assert all(size.least == Cost() and size.most.calls > 1 for size in sums), "these may not be needed at all"
    for name, size in found.items():
        assert 0 < size.least.prompt <= size.reserved.prompt <= size.most.prompt, name
        assert 0 < size.least.completion <= size.most.completion, name


@pytest.mark.parametrize("mode", ["workflow", "hybrid", "agent"])
async def test_more_branches_and_rounds_cost_more_at_most(mode: ModeName) -> None:
    """And the least stays below the most in every step."""
    small, large = Bounds(branches=1, rounds=1), Bounds(branches=5, rounds=3)
    less, more = run(small, await sizes(small), mode), run(large, await sizes(large), mode)
    assert less.most.calls < more.most.calls
    assert less.most.prompt < more.most.prompt
    for work in (less, more):
        assert work.least.calls <= work.most.calls
        assert all(step.least_cost.prompt <= step.most_cost.prompt for step in work.steps)


def test_queries_that_two_branches_share_are_paid_once() -> None:
    """A query of two branches is counted in the first of them, so that the branches add up to the run."""
    one = Task.make("a?", ("shared", "own"), "corpus", corpus="notes")
    two = Task.make("b?", ("shared",), "corpus", corpus="notes")
    work = run(Bounds(rounds=1), {}, tasks=(one, two))
    branches = [step for step in work.steps if step.kind == "branch"]
    assert [step.least_cost.calls for step in branches] == [2, 0]
    assert work.least == Cost(calls=2)


def test_a_web_query_is_asked_of_every_provider_and_its_pages_are_read() -> None:
    """Two providers, one query, then three more in a second search round; six pages a round."""
    work = run(Bounds(rounds=1), {}, tasks=(Task.make("a?", ("q",), "web"),))
    branch = next(step for step in work.steps if step.kind == "branch")
    assert branch.least_cost == Cost(calls=2 + 1)
    assert branch.most_cost == Cost(calls=2 * (1 + 3) + 2 * 6)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_money_is_rounded_up(prompt: int, completion: int) -> None:
    """A fraction of a nano-dollar counts as a whole one."""
    value = amount(Cost(calls=1, prompt=prompt, completion=completion), Price(prompt=0.5, completion=0.25))
    assert value.nano_usd == math.ceil(Fraction(prompt, 2) + Fraction(completion, 4))
    assert (value.tokens, value.calls) == (prompt + completion, 1)


@pytest.mark.parametrize(("values", "middle"), [([3], 3), ([9, 1, 5], 5), ([4, 1, 3, 2], 2.5)])
def test_the_median_is_the_middle(values: list[float], middle: float) -> None:
    """Of an even number, the mean of the two in the middle."""
    assert median(values) == middle


def test_no_prompt_is_larger_than_the_window() -> None:
    """A call that would not fit is never sent."""
    size = Size(most=Cost(calls=1, prompt=900, completion=50))
    assert sizes_within({"judge web": size}, 500, {})["judge web"].most == Cost(calls=1, prompt=500, completion=50)
    assert sizes_within({"checks": size}, 500, {})["checks"] == size


@given(st.integers(0, 300), st.integers(1, 8), st.integers(1, 900), st.integers(400, 20_000))
def test_what_is_read_in_halves_is_estimated_in_halves(around: int, passages: int, each: int, window: int) -> None:
    """However a reading is parted until it fits the window, it costs no more than was said; one that fits is one."""

    def leaves(number: int) -> int:
        fits = around + number * each + LEAST_ANSWER <= window
        return 1 if fits or number == 1 else leaves(number // 2) + leaves(number - number // 2)

    most = Cost(calls=1, prompt=around + passages * each, completion=50)
    size = Size(most=most, reserved=Cost(calls=1, prompt=around))
    told = sizes_within({"read web": size}, window, {"read web": passages})["read web"].most
    assert leaves(passages) <= told.calls <= passages
    assert told.completion == 50 * told.calls
    if most.prompt + LEAST_ANSWER <= window:
        assert told == most
    elif around + each + LEAST_ANSWER <= window:
        assert told.prompt >= passages * each + leaves(passages) * around


def judged(work: Work, caps: Caps, own: Caps | None = None) -> tuple[CapVerdict, ...]:
    """The verdicts on caps."""
    return verdicts(work, caps, own or Caps(), PRICE, WIRING)


async def test_a_cap_pays_for_the_least_or_says_what_it_cuts() -> None:
    """From a cap that cannot plan, over one that cannot write, to one that even the most fits in."""
    bounds = Bounds(rounds=1)
    work = run(bounds, await sizes(bounds))
    told = [judged(work, Caps(tokens=tokens))[0] for tokens in (300, 3_000, 9_000, 10**9)]
    assert [verdict.enough for verdict in told] == [False, True, True, True]
    assert any("no branch would be started" in cut for cut in told[0].cuts)
    assert "by rules" in told[1].cuts[0]
    assert told[1].cuts[1:] == told[2].cuts
    assert told[2].cuts == ("what does not fit is skipped, and the report names it",)
    assert told[3].cuts == ()


async def test_every_cap_gets_a_verdict_of_its_own() -> None:
    """Run and branch, in tokens, dollars and calls; money is told in dollars."""
    bounds = Bounds(rounds=1)
    caps = Caps(tokens=10**9, nano_usd=10**12, calls=10**6, seconds=5.0)
    told = judged(run(bounds, await sizes(bounds)), caps, caps)
    assert [verdict.flag for verdict in told] == [
        "--max-tokens-total",
        "--branch-max-tokens-total",
        "--max-usd",
        "--branch-max-usd",
        "--max-calls",
        "--branch-max-calls",
    ]
    assert all(verdict.enough and not verdict.cuts for verdict in told)
    assert told[2].limit == 1_000


def test_too_few_calls_start_fewer_branches() -> None:
    """A branch is started only where two calls are left for it."""
    tasks = tuple(Task.make(f"{n}?", (f"q{n}",), "corpus", corpus="notes") for n in range(4))
    (verdict,) = judged(run(Bounds(rounds=1), {}, tasks=tasks), Caps(calls=5))
    assert not verdict.enough
    assert "2 of 4 branches would be started" in verdict.cuts
