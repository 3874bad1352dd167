"""Which model takes a call over, that what each role used adds up to the whole, and that the report says so."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.access import Access, World
from research.analysts.schemas import JudgeReply, schema_of
from research.analysts.structured import Unusable, ask
from research.budget import Amount, Caps
from research.errors import OutOfBudget
from research.gate import Gate
from research.ledger import Ledger
from research.ports import Entry, Intent, Outcome, Price
from research.records import encode
from research.requests import ROLES, Message, ModelReply, ModelRequest, Role, TokenCount
from research.routing import cheaper, rerouted, stronger
from tools.fakes.scripted import ManualClock, MemoryJournal, MemoryLibrary, MemoryRecords, ScriptedModel

SMALL, BIG = Price(prompt=100, completion=400), Price(prompt=2_000, completion=8_000)
ANSWER = ModelReply(text="yes", stop="end", usage=TokenCount(prompt=40, completion=5))
ASKED = (Message(role="user", content="a"),)


def models(*, big: Price | None = BIG, small: Price | None = SMALL) -> dict[Role, ScriptedModel]:
    """A big model that plans and writes, a small one for the rest."""
    one = ScriptedModel([ANSWER] * 9, name="p:big", price=big)
    other = ScriptedModel([ANSWER] * 9, name="p:small", price=small)
    return {role: one if role in ("planner", "writer") else other for role in ROLES}


class Bench:
    """A reader's way to two models under a cap on money."""

    def __init__(self, nano_usd: int | None = None, journal: MemoryJournal | None = None) -> None:
        self.models = models()
        self.journal = journal or MemoryJournal()
        self.gate = Gate(
            journal=self.journal,
            clock=ManualClock(),
            caps=Caps(nano_usd=nano_usd),
            entries=tuple(self.journal.rows),
        )
        world = World(library=MemoryLibrary(), records=MemoryRecords(), models=self.models)
        self.access = Access("writer", name="report", gate=self.gate, budget=self.gate.root, world=world)

    async def ask(self, role: Role, *, strong: bool = False) -> None:
        await self.access.ask_model(role, ASKED, max_tokens=100, strong=strong)

    def asked(self) -> tuple[int, int]:
        """How often the big and the small model were asked."""
        return len(self.models["writer"].asked), len(self.models["reader"].asked)


def test_escalation_goes_up_and_never_down() -> None:
    """The reader's calls may go to the writer's model; the writer's to none but a dearer one; none to a cheaper one."""
    assert stronger(models(), "reader") == "writer"
    assert stronger(models(), "writer") is None
    assert stronger(models(big=None, small=None), "reader") == "writer"
    assert stronger(models(big=SMALL, small=BIG), "reader") is None
    odd = models() | {"planner": ScriptedModel([], name="p:odd", price=None)}
    assert stronger(odd, "reader") == "writer"
    assert stronger(odd | {"reader": odd["writer"]}, "reader") is None
    own = models() | {"writer": ScriptedModel(name="p:middle", price=Price(prompt=1_000, completion=4_000))}
    assert stronger(own, "writer") == "planner"
    assert stronger(dict.fromkeys(ROLES, models()["writer"]), "reader") is None
    assert stronger({}, "reader") is None


def test_a_call_goes_to_a_cheaper_model_only_where_prices_are_known() -> None:
    """The cheapest of the run takes over; with an unknown or equal price nothing does."""
    cheapest = cheaper(models(), "writer")
    assert cheapest is not None
    assert models()[cheapest].name == "p:small"
    assert cheaper(models(), "reader") is None
    assert cheaper(models(big=None), "writer") is None
    assert cheaper(models(small=None), "writer") is None
    assert cheaper({}, "writer") is None


async def test_a_strong_call_is_asked_of_the_stronger_model_and_told() -> None:
    """It is charged to the branch that asks, under the role that failed, and the report says how often."""
    bench = Bench()
    await bench.ask("reader")
    await bench.ask("reader", strong=True)
    assert bench.asked() == (1, 1)
    assert [row.model for row in bench.gate.roles()] == ["p:big", "p:small"]
    assert {row.role for row in bench.gate.roles()} == {"reader"}
    (told,) = rerouted(bench.gate.roles(), bench.models)
    assert told == "reading was escalated to p:big 1 time: the answers of p:small could not be used"


async def test_what_cannot_be_paid_dear_is_asked_cheaply_and_told() -> None:
    """A cap that holds one call of the small model and none of the big one: the small one writes, and a replay too."""
    bench = Bench(nano_usd=100_000)
    await bench.ask("writer")
    assert bench.asked() == (0, 1)
    (told,) = rerouted(bench.gate.roles(), bench.models)
    assert told.startswith("writing was given to the cheaper p:small 1 time: the money left would not have paid")
    again = Bench(nano_usd=100_000, journal=bench.journal)
    await again.ask("writer")
    assert again.asked() == (0, 0)
    assert again.gate.roles() == bench.gate.roles()


async def test_an_escalation_that_cannot_be_paid_is_refused_and_never_goes_down() -> None:
    """The small model has already failed at it, so it is not asked again."""
    bench = Bench(nano_usd=100_000)
    with pytest.raises(OutOfBudget):
        await bench.ask("reader", strong=True)
    assert bench.asked() == (0, 0)


async def test_where_the_stronger_model_cannot_be_paid_the_step_is_left_to_rules() -> None:
    """The answers that were paid for were of no use, so the step ends as it would without a stronger model."""
    bench = Bench(nano_usd=900_000)
    with pytest.raises(Unusable):
        await ask(bench.access, "reader", ASKED, JudgeReply, schema_of(JudgeReply), 100)
    assert bench.asked()[0] == 0
    assert bench.asked()[1] > 0


CALLS = st.lists(
    st.tuples(
        st.sampled_from([*ROLES, "search", "fetch"]),
        st.sampled_from(["p:big", "p:small"]),
        st.integers(0, 10**9),
        st.integers(0, 10**12),
        st.sampled_from(["answered", "failed", "refused", None]),
    ),
    max_size=30,
)


@given(CALLS)
def test_what_the_roles_used_adds_up_to_the_whole(calls: Sequence[tuple[str, str, int, int, str | None]]) -> None:
    """Calls, tokens and nano-dollars by role are those of the run, to the last one; calls in flight are counted too."""
    entries = []
    for seq, (role, model, tokens, money, status) in enumerate(calls):
        asked = {"role": role, "model": model, "messages": []} if role in ROLES else {"query": "q"}
        amount = Amount(tokens=tokens, nano_usd=money, calls=1)
        intent = Intent(
            run="r",
            branch=f"b{seq % 3}",
            kind="model" if role in ROLES else role,
            key=str(seq),
            occurrence=0,
            attempt=1,
            bound=amount,
            elapsed=0.0,
            request=encode(asked),
        )
        payload = encode({"message": "", "retryable": True, "currency": ""})
        outcome = status and Outcome(status=status, payload=payload, charged=amount, elapsed=1.0)  # type: ignore[arg-type]
        entries.append(Entry(seq=seq, intent=intent, outcome=outcome or None))
    ledger = Ledger(entries)
    used, whole = ledger.roles(), ledger.usage()
    assert sum(row.usage.calls for row in used) == whole.calls
    assert sum(row.usage.tokens for row in used) == whole.tokens
    assert sum(row.usage.nano_usd or 0 for row in used) == whole.nano_usd


def test_a_role_whose_model_has_no_price_has_no_cost() -> None:
    """Its money is unknown, and that of the others is told."""
    rows = []
    for seq, (model, priced) in enumerate((("p:free", False), ("p:big", True))):
        request = ModelRequest(model=model, role="reader", messages=ASKED, max_tokens=9)
        intent = Intent(
            run="r",
            branch="b",
            kind="model",
            key=model,
            occurrence=0,
            attempt=1,
            bound=Amount(),
            elapsed=0.0,
            request=encode(request),
        )
        charged = Amount(tokens=3, nano_usd=7, calls=1)
        outcome = Outcome(status="answered", payload="{}", charged=charged, elapsed=0.0, priced=priced)
        rows.append(Entry(seq=seq, intent=intent, outcome=outcome))
    assert [(row.model, row.usage.nano_usd) for row in Ledger(rows).roles()] == [("p:big", 7), ("p:free", None)]
