"""Gates under random models: whatever they report, however they fail, what is charged stays within every cap."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from research.budget import ADDITIVE, Amount, Budget, Caps
from research.effects import ModelEffect, SearchEffect
from research.errors import EffectFailed, ResearchError
from research.gate import Gate
from research.ports import Entry, Intent, Outcome, Price
from research.requests import Message, ModelReply, ModelRequest, SearchRequest, TokenCount
from tools.fakes.hostile import SlowModel
from tools.fakes.scripted import ManualClock, MemoryJournal, ScriptedSearch

PRICE = Price(prompt=0.7, completion=2.3)
BRANCHES = ("a", "b", "c")
numbers = st.one_of(
    st.integers(0, 400),
    st.sampled_from([-1, 0, 10**9, 10**400, -(10**400), 2.5, float("nan"), float("inf"), None, "7"]),
)
usages = st.one_of(st.none(), st.builds(lambda p, c: TokenCount(prompt=p, completion=c), numbers, numbers))
replies = st.one_of(
    st.builds(lambda usage, text: ModelReply(text=text, stop="end", usage=usage), usages, st.text(max_size=40)),
    st.builds(
        lambda retry, charged: EffectFailed("no", retryable=retry, charged=charged), st.booleans(), st.booleans()
    ),
)
asked = st.tuples(st.sampled_from(BRANCHES), st.integers(0, 6), st.integers(1, 300), st.sampled_from(["model", "web"]))
caps = st.builds(
    Caps,
    tokens=st.none() | st.integers(0, 3_000),
    nano_usd=st.none() | st.integers(0, 4_000),
    calls=st.none() | st.integers(0, 15),
    seconds=st.none() | st.floats(0.1, 30),
)


class Dying(MemoryJournal):
    """A journal whose process dies before the outcome number ``at`` is written: it takes no row after that."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.left = at

    async def intend(self, intent: Intent) -> int:
        return await super().intend(intent) if self.left else -1

    async def conclude(self, seq: int, outcome: Outcome) -> None:
        if self.left and seq >= 0:
            self.left -= 1
            if self.left:
                await super().conclude(seq, outcome)


async def work(gate: Gate, model: SlowModel, calls: Sequence[tuple[str, int, int, str]], own: Caps) -> list[Budget]:
    """Have branches call at once, each on a budget of its own; return the budgets."""
    budgets = {name: gate.open(name, own, opened=0.0) for name in BRANCHES}
    web = ScriptedSearch({})

    async def one(branch: str, what: int, most: int, kind: str) -> None:
        message = Message(role="user", content=f"{branch if what % 2 else ''} question {what}")
        request = ModelRequest(model=model.name, role="reader", messages=(message,), max_tokens=most)
        search = SearchRequest(provider="scripted", query=f"{what}")
        effect = ModelEffect(request, model) if kind == "model" else SearchEffect(search, web)
        try:
            await gate.call(effect, branch=branch, budget=budgets[branch])
        except ResearchError:
            return  # refused or failed: what counts here is what was charged

    await asyncio.gather(*(one(*call) for call in calls))
    return list(budgets.values())


def charged(rows: Sequence[Entry]) -> Amount:
    """What the journal says was charged, added up here: outcomes, and the bounds of calls without one."""
    total = Amount()
    for row in rows:
        total = total.plus(row.outcome.charged if row.outcome else row.intent.bound)
    return total


def check(gate: Gate, budgets: Sequence[Budget], run_caps: Caps) -> None:
    """Every node is within its cap and holds nothing."""
    for node in (gate.root, *budgets):
        assert node.held == Amount()
        for currency in ADDITIVE:
            cap = getattr(node.caps, currency)
            assert cap is None or 0 <= getattr(node.spent, currency) <= cap
    assert gate.root.caps == run_caps


@settings(max_examples=120)
@given(
    limit=caps,
    own=caps,
    script=st.lists(replies, max_size=12),
    first=st.lists(asked, max_size=14),
    second=st.lists(asked, max_size=14),
    dies=st.integers(1, 16),
)
def test_what_is_charged_stays_within_every_cap_over_a_crash(
    limit: Caps, own: Caps, script: list[Any], first: list[Any], second: list[Any], dies: int
) -> None:
    """Two lives of one run: the rows of both together, with what was in flight at the crash, are within the caps."""

    async def lives() -> None:
        journal = Dying(dies)
        clock = ManualClock()
        model = SlowModel(script, clock, PRICE)
        gate = Gate(journal=journal, clock=clock, caps=limit)
        check(gate, await work(gate, model, first, own), limit)
        assert limit.seconds is None or all(begun < limit.seconds for begun in model.begun)
        entries = await journal.entries()
        again = MemoryJournal()
        again.rows = list(entries)
        resumed = Gate(journal=again, clock=ManualClock(), caps=limit, entries=entries)
        assert resumed.root.spent == charged(entries)
        check(resumed, await work(resumed, SlowModel(script, ManualClock(), PRICE), second, own), limit)
        assert resumed.root.spent == charged(again.rows)
        for currency in ADDITIVE:
            cap = getattr(limit, currency)
            assert cap is None or getattr(charged(again.rows), currency) <= cap

    asyncio.run(lives())
