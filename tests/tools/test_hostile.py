"""The greedy models: each is as greedy as its kind says, keeps to its ``max_tokens``, and counts what it did."""

from __future__ import annotations

import random

import pytest

from research.analysts.schemas import TOOLS, JudgeReply, PlanReply, schema_of
from research.errors import EffectFailed
from research.ports import Price
from research.requests import Message, ModelReply, ModelRequest
from tools.fakes.hostile import ABSURD, GREEDS, Greed, HostileModel, SlowModel
from tools.fakes.scripted import ManualClock, replied
from tools.tokens import prompt_bound

PLAN = ModelRequest(
    model="m",
    role="planner",
    messages=(Message(role="user", content="Plan at most 4 tasks."),),
    max_tokens=1_500,
    schema=schema_of(PlanReply, ["web"]),
)
JUDGE = ModelRequest(model="m", role="reader", messages=PLAN.messages, max_tokens=400, schema=schema_of(JudgeReply))
STEP = ModelRequest(model="m", role="researcher", messages=PLAN.messages, max_tokens=400, tools=TOOLS)


def model(greed: Greed, seed: int = 0) -> HostileModel:
    return HostileModel(
        greed,
        rng=random.Random(seed),
        clock=ManualClock(),
        price=Price(prompt=1.0, completion=2.0),
        counter=prompt_bound("openai:gpt-4o"),
    )


async def ask(one: HostileModel, request: ModelRequest, most: int | None = None) -> ModelReply:
    return await one.complete(request, max_tokens=most or request.max_tokens, timeout=None)


@pytest.mark.parametrize("greed", GREEDS)
@pytest.mark.parametrize("most", [5, 64, 400])
async def test_a_model_keeps_to_its_bound(greed: Greed, most: int) -> None:
    """What it counts itself is within the local bound of the prompt and the ``max_tokens`` it was given."""
    one = model(greed)
    await ask(one, PLAN, most)
    assert 0 < one.tokens <= one.count(PLAN) + most
    assert one.calls == len(one.begun) == 1
    assert one.tokens < one.nano_usd <= 2 * one.tokens


async def test_an_endless_model_is_never_satisfied() -> None:
    """It asks for new queries each time, and always has a next step."""
    one = model("endless")
    answers = [(await ask(one, JUDGE)).data for _ in range(3)]
    assert [answer["enough"] for answer in answers] == [False] * 3
    assert len({query for answer in answers for query in answer["queries"]}) == 9
    assert len((await ask(one, STEP)).tool_calls) == 3


async def test_a_spreading_model_plans_more_than_it_may() -> None:
    """Forty tasks of twenty queries, cut where its tokens end."""
    reply = await ask(model("spreading"), PLAN, 20_000)
    assert (len(reply.data["tasks"]), len(reply.data["tasks"][0]["queries"])) == (40, 20)
    assert (await ask(model("spreading"), PLAN, 200)).stop == "length"


async def test_a_long_model_uses_every_token() -> None:
    """Each answer ends at its limit and says so."""
    reply = await ask(model("long"), JUDGE)
    assert reply.stop == "length"
    assert reply.usage is not None
    assert reply.usage.completion == JUDGE.max_tokens


async def test_an_absurd_model_reports_what_cannot_be() -> None:
    """Over many calls it reports everything of its list."""
    one = model("absurd")
    seen = [(await ask(one, JUDGE)).usage for _ in range(120)]
    assert len({str(usage) for usage in seen}) == len(ABSURD)


async def test_a_failing_model_plans_and_then_fails_at_times() -> None:
    """Planning is answered, so that there is a run; of the other calls some fail, and some of those are charged."""
    one, failures = model("failing"), []
    for _ in range(60):
        assert (await ask(one, PLAN)).data["tasks"] is not None
        try:
            await ask(one, JUDGE)
        except EffectFailed as failure:
            failures.append(failure.charged)
    assert set(failures) == {True, False}
    assert len(failures) < 60


async def test_a_slow_model_takes_virtual_time_and_never_runs_out() -> None:
    """Its script first, then answers at full length without usage; the clock has moved between the calls."""
    clock = ManualClock()
    one = SlowModel([replied({"a": 1})], clock, Price(prompt=1.0, completion=1.0))
    first, second = [await one.complete(JUDGE, max_tokens=7, timeout=None) for _ in range(2)]
    assert first.data == {"a": 1}
    assert (second.text, second.stop, second.usage) == ("x" * 7, "length", None)
    assert 0.0 == one.begun[0] < one.begun[1] < clock.monotonic()
