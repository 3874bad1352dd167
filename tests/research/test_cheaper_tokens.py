"""Tokens that the provider read from its cache, and tokens of reasoning: counted, priced and shown as it says."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.budget import Amount, Caps
from research.effects import LONGEST_TOKEN, ModelEffect
from research.gate import Gate
from research.ports import Price
from research.records import encode
from research.requests import Message, ModelReply, ModelRequest, TokenCount
from tools.fakes.scripted import ManualClock, MemoryJournal, ScriptedModel

REQUEST = ModelRequest(
    model="scripted:model", role="reader", messages=(Message(role="user", content="What is it? " * 20),), max_tokens=500
)
PROMPT = ScriptedModel().count(REQUEST)
LEAST = -(-PROMPT // LONGEST_TOKEN)
PRICE = Price(prompt=100.0, completion=400.0, cached=10.0)
prices = st.integers(0, 60).map(lambda number: Fraction(number, 10))


def used(prompt: int, completion: int, **parts: Any) -> ModelReply:
    """An answer with the usage that a provider told."""
    return ModelReply(text="yes", stop="end", usage=TokenCount(prompt=prompt, completion=completion, **parts))


@given(
    prices=st.tuples(prices, prices, prices), prompt=st.integers(LEAST, PROMPT), completion=st.integers(1, 500),
    share=st.floats(0, 1), reasoning=st.floats(0, 1),
)  # fmt: skip
def test_each_kind_of_token_is_charged_at_its_price(
    prices: tuple[Fraction, Fraction, Fraction], prompt: int, completion: int, share: float, reasoning: float
) -> None:
    """Never below what it is, never a nano-dollar more, never above the bound; reasoning is part of the answer."""
    dear, answer, cheap = max(prices[0], prices[2]), prices[1], min(prices[0], prices[2])
    price = Price(prompt=float(dear), completion=float(answer), cached=float(cheap))
    call = ModelEffect(REQUEST, ScriptedModel(price=price))
    bound = call.size(Caps())
    cached = int(prompt * share)
    told = used(prompt, completion, cached=cached, reasoning=int(completion * reasoning))
    charged = call.charge(told, bound)
    true = (prompt - cached) * dear + cached * cheap + completion * answer
    assert min(true, bound.nano_usd) <= charged.nano_usd <= min(true + 1, bound.nano_usd)
    assert charged.tokens == prompt + completion


def test_without_a_price_of_their_own_they_cost_as_the_others() -> None:
    """No discount is taken that is not known."""
    call = ModelEffect(REQUEST, ScriptedModel(price=Price(prompt=100.0, completion=400.0)))
    bound = call.size(Caps())
    assert call.charge(used(40, 10, cached=40), bound) == call.charge(used(40, 10), bound)


def test_the_bound_takes_no_discount() -> None:
    """What is reserved is what the call costs when nothing comes from the cache."""
    dear = ModelEffect(REQUEST, ScriptedModel(price=Price(prompt=100.0, completion=400.0)))
    assert ModelEffect(REQUEST, ScriptedModel(price=PRICE)).size(Caps()) == dear.size(Caps())


async def test_a_part_that_cannot_be_true_is_left_out() -> None:
    """More cached than prompt, below zero, no number: the tokens count in full, and nothing of it is written down."""
    wrong: list[Any] = [41, -1, 2.5, float("nan"), True, "3"]
    for part in wrong:
        told = used(40, 10, cached=cast(int, part), reasoning=cast(int, part))
        call = ModelEffect(REQUEST, ScriptedModel([told], price=PRICE))
        bound = call.size(Caps())
        assert call.charge(told, bound) == Amount(tokens=50, nano_usd=40 * 100 + 10 * 400, calls=1)
        sent = await call.send(bound, 1.0)
        assert sent.usage == TokenCount(prompt=40, completion=10)
        assert msgspec.json.decode(encode(sent), type=ModelReply) == sent


async def test_they_are_counted_by_branch_and_again_after_a_resume() -> None:
    """The usage of a branch and of the run names them; a later life reads them from the journal; a failed call none."""
    replies = [used(40, 30, cached=32, reasoning=20), used(40, 10), ModelReply(text="yes", stop="end")]
    journal, model = MemoryJournal(), ScriptedModel(replies, price=PRICE)
    gate = Gate(journal=journal, clock=ManualClock(), caps=Caps(), rng=random.Random(1))
    for number, branch in enumerate("aab"):
        asked = msgspec.structs.replace(REQUEST, max_tokens=400 + number)
        await gate.call(ModelEffect(asked, model), branch=branch, budget=gate.root)
    later = Gate(journal=MemoryJournal(), clock=ManualClock(), caps=Caps(), entries=await journal.entries())
    for one in (gate, later):
        counts = [(one.usage(name).cached, one.usage(name).reasoning) for name in (None, "a", "b")]
        assert counts == [(32, 20), (32, 20), (0, 0)]
        assert one.usage("a").nano_usd == 8 * 100 + 32 * 10 + 30 * 400 + 40 * 100 + 10 * 400


@pytest.mark.parametrize("payload", ['{"text":"x","stop":"end","usage":{"prompt":3,"completion":2}}'])
def test_an_answer_of_an_earlier_version_has_none(payload: str) -> None:
    """A stored answer without the parts is read as one that had none."""
    assert msgspec.json.decode(payload, type=ModelReply).usage == TokenCount(prompt=3, completion=2)
