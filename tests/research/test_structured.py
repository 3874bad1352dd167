"""The ladder of requests for one record: each rung is easier than the one before, and the last says what failed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from research.access import Access, World
from research.analysts import Bounds
from research.analysts.acceptance import MOST_QUOTES, quotes_from, unplaced
from research.analysts.extractive import ExtractiveAnalyst
from research.analysts.language import LanguageAnalyst
from research.analysts.schemas import CheckReply, JudgeReply, ReadQuote, ReadReply, schema_of
from research.analysts.simpler import (
    BarePlan,
    BareReading,
    BareReport,
    BareSentence,
    BareTask,
    simpler_check,
    simpler_judgement,
    simpler_plan,
    simpler_reading,
    simpler_report,
)
from research.analysts.structured import Simpler, Unusable, ask, shape_of
from research.budget import Caps
from research.errors import OutOfBudget
from research.gate import Gate
from research.ports import ChatModel
from research.records import Passage, Question, Task
from research.requests import ROLES, Message, ModelReply, ModelRequest, Role
from tools.fakes.scripted import ManualClock, MemoryJournal, MemoryLibrary, MemoryRecords, ScriptedModel, replied

ASKED = (Message(role="system", content="Judge."), Message(role="user", content="Is it enough?"))
EASY = (Message(role="system", content="Easy."), Message(role="user", content="Enough?"))
SCHEMA = schema_of(JudgeReply)
WRONG = ModelReply(text="I think so.", stop="end")
FITS = replied({"enough": True, "missing": "", "queries": []})
PASSAGES = (
    Passage(source="s1", start=0, end=40, text="The Sable bridge was built in 1931.", title="Bridges"),
    Passage(source="s2", start=0, end=40, text="It rained a lot that year."),
)
FIELDS: dict[str, object] = {
    "mark": "m",
    "question": "q",
    "branches": 2,
    "objective": "o",
    "wanted": "",
    "passages": "p",
    "asked": "a",
    "findings": "f",
    "language": "English",
    "claims": "c",
}
TASK = Task.make("Find the year the Sable bridge was built", ("Sable bridge built",), "corpus", corpus="papers")


def access_to(*models: ChatModel, caps: Caps | None = None, clock: ManualClock | None = None) -> Access:
    """A way to the first model for every role; the second, if there is one, writes."""
    gate = Gate(journal=MemoryJournal(), clock=clock or ManualClock(), caps=caps or Caps())
    by_role: dict[Role, ChatModel] = dict.fromkeys(ROLES, models[0])
    by_role["planner"] = by_role["writer"] = models[-1]
    world = World(library=MemoryLibrary(), records=MemoryRecords(), models=by_role)
    return Access("web", name="b-1", gate=gate, budget=gate.root, world=world)


async def judged(access: Access, simpler: Simpler[Any, JudgeReply] | None = None) -> JudgeReply:
    return await ask(access, "reader", ASKED, JudgeReply, SCHEMA, 100, simpler)


def easier() -> Simpler[Any, JudgeReply]:
    made = simpler_judgement(FIELDS)
    return Simpler(EASY, made.kind, made.whole)


async def test_a_repair_shows_the_answer_what_was_wrong_and_the_shape() -> None:
    """The second request ends with the model's own words, the complaint and the fields that are wanted."""
    model = ScriptedModel([WRONG, FITS])
    assert (await judged(access_to(model))).enough
    *before, own, complaint = model.asked[1].messages
    assert tuple(before) == ASKED
    assert own.content == "I think so."
    assert "not one JSON object" in complaint.content
    assert '{"enough": true or false, "missing": "text", "queries": ["text", …]}' in complaint.content


async def test_the_rungs_are_taken_in_order() -> None:
    """Own prompt, repair, simpler prompt with its smaller schema, stronger model: then it cannot be used."""
    weak, strong = ScriptedModel([WRONG] * 3, name="s:weak"), ScriptedModel([WRONG], name="s:strong")
    with pytest.raises(Unusable, match="nor that of a stronger model"):
        await judged(access_to(weak, strong), easier())
    assert [len(request.messages) for request in weak.asked] == [2, 4, 2]
    assert weak.asked[2].messages == EASY
    assert set((weak.asked[2].schema or {})["properties"]) == {"enough", "query"}
    assert (strong.asked[0].messages, strong.asked[0].schema) == (ASKED, SCHEMA)


async def test_a_simpler_answer_becomes_the_whole_record() -> None:
    """What the caller gets is of the kind it asked for."""
    model = ScriptedModel([WRONG, WRONG, replied({"enough": False, "query": "sable bridge"})])
    reply = await judged(access_to(model), easier())
    assert (reply.enough, reply.queries) == (False, ("sable bridge",))


async def test_the_stronger_model_answers_where_the_weaker_cannot() -> None:
    """An answer of the run's strongest model is used like any other."""
    weak, strong = ScriptedModel([WRONG] * 3, name="s:weak"), ScriptedModel([FITS], name="s:strong")
    assert (await judged(access_to(weak, strong), easier())).enough


async def test_without_a_stronger_model_nothing_is_asked_of_it() -> None:
    """One model for all roles is asked three times at most."""
    model = ScriptedModel([WRONG] * 4)
    with pytest.raises(Unusable, match="reader's answer could not be used"):
        await judged(access_to(model), easier())
    assert len(model.asked) == 3


async def test_a_refusal_goes_to_the_stronger_model_at_once() -> None:
    """Neither a repair nor simpler words are tried on a model that refuses."""
    weak = ScriptedModel([ModelReply(text="", stop="refusal")], name="s:weak")
    strong = ScriptedModel([FITS], name="s:strong")
    assert (await judged(access_to(weak, strong), easier())).enough
    assert len(weak.asked) == 1


async def test_a_model_that_only_thought_gets_more_room() -> None:
    """Nothing is said back to an answer that never began: the same is asked with twice the tokens."""
    model = ScriptedModel([ModelReply(text="", stop="length"), FITS])
    await judged(access_to(model))
    assert [request.messages for request in model.asked] == [ASKED, ASKED]
    assert model.limits == [100, 200]


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_an_answer_of_no_use_is_unusable_where_no_other_can_be_paid(number: int) -> None:
    """Whichever rung the budget ends at, what was paid for has failed, and the caller can do the step by rules."""
    weak, strong = ScriptedModel([WRONG] * number, name="s:weak"), ScriptedModel([FITS], name="s:strong")
    with pytest.raises(Unusable, match="it is not one JSON object"):
        await judged(access_to(weak, strong, caps=Caps(calls=number)), easier())
    assert (len(weak.asked), strong.asked) == (number, [])


async def test_what_cannot_be_asked_at_all_is_out_of_budget() -> None:
    """A first call that is not to be paid is no answer of no use, and the end of the time ends every rung."""
    model = ScriptedModel([WRONG])
    with pytest.raises(OutOfBudget):
        await judged(access_to(model, caps=Caps(calls=0)), easier())
    clock = ManualClock()

    def slow(request: ModelRequest) -> ModelReply:
        clock.advance(60)
        return WRONG

    with pytest.raises(OutOfBudget, match="time"):
        await judged(access_to(ScriptedModel([slow]), caps=Caps(seconds=30), clock=clock), easier())


async def test_a_plan_that_was_cut_short_by_its_budget_is_made_by_rules() -> None:
    """What was left paid for half an answer and for no other: the run has a plan all the same, and says whose."""
    analyst, question = LanguageAnalyst(ExtractiveAnalyst()), Question(text="When was it built?", web=True)
    plan = await analyst.plan(question, Bounds(), access_to(ScriptedModel([WRONG]), caps=Caps(calls=1)))
    assert plan == await ExtractiveAnalyst().plan(question, Bounds(), access_to(ScriptedModel()))
    assert analyst.lapses == ["plan"]


async def test_a_loop_is_hardly_shown_again() -> None:
    """A model is told that it repeated itself, and gets only the beginning of it back."""
    model = ScriptedModel([ModelReply(text="and so on " * 3000, stop="length"), FITS])
    await judged(access_to(model))
    own, complaint = model.asked[1].messages[2:]
    assert len(own.content) <= 100
    assert "repeats itself" in complaint.content


@pytest.mark.parametrize(
    "data",
    [
        {"enough": "true", "missing": "", "queries": []},
        {"enough": True},
        {"result": {"enough": True, "missing": "", "queries": []}},
    ],
    ids=["words for values", "fields that can be spared", "inside another object"],
)
async def test_small_slips_are_forgiven(data: dict[str, Any]) -> None:
    """What can only mean one thing costs no repair."""
    model = ScriptedModel([replied(data)])
    assert (await judged(access_to(model))).enough


def test_a_shape_shows_every_field_once() -> None:
    """A list stands for one entry, an enumeration for its values."""
    schema = schema_of(ReadReply)
    schema["properties"]["kind"] = {"type": "string", "enum": ["a", "b"]}
    shown = shape_of(schema)
    assert shown.startswith('{"quotes": [{"passage": 1, "quote": "text"')
    assert shown.endswith('"kind": "a" or "b"}')


def test_simple_tasks_look_in_the_sources_in_turn() -> None:
    """Sources are code's choice; a task without a query is looked for in its own words."""
    made = simpler_plan(("web", "corpus:a"), FIELDS)
    told = (("One?", "one"), ("Two?", ""), ("Three?", "3"))
    reply = made.whole(BarePlan(tasks=tuple(BareTask(objective=text, query=query) for text, query in told)))
    assert [(task.source, task.queries) for task in reply.tasks] == [
        ("web", ("one",)),
        ("corpus:a", ("Two?",)),
        ("web", ("3",)),
    ]


def test_simple_quotes_are_placed_by_code() -> None:
    """A quote goes to the passage in which it stands; one that stands nowhere is left out."""
    made = simpler_reading(PASSAGES, FIELDS)
    reply = made.whole(BareReading(quotes=("It never rained there.", "It rained a lot that year.")))
    assert [(quote.passage, quote.quote) for quote in reply.quotes] == [(2, "It rained a lot that year.")]


async def test_quotes_that_all_stand_nowhere_are_no_empty_reading() -> None:
    """Made-up quotes mean that the model cannot read; an empty list means that there is nothing."""
    for quotes, lapses in ((["The moon is made of cheese."], ["reading"]), ([], [])):
        model = ScriptedModel([WRONG, WRONG, replied({"quotes": quotes})])
        analyst = LanguageAnalyst(ExtractiveAnalyst())
        await analyst.read(TASK, Question(text="When?"), PASSAGES, access_to(model))
        assert analyst.lapses == lapses


async def test_quotes_of_which_none_is_found_are_left_to_the_rules() -> None:
    """A model that makes its quotes up again after the repair turn has read nothing: its branch is not left empty."""
    entry = {"passage": 1, "quote": "The moon is made of cheese.", "statement": "Cheese.", "relevance": 1.0}
    model = ScriptedModel([replied({"quotes": [entry]})] * 2)
    analyst = LanguageAnalyst(ExtractiveAnalyst())
    quotes = await analyst.read(TASK, Question(text="When?"), PASSAGES, access_to(model))
    by_rules = await ExtractiveAnalyst().read(TASK, Question(text="When?"), PASSAGES, access_to(model))
    assert quotes == by_rules != ()
    assert analyst.lapses == ["reading"]


def test_of_thousands_of_quotes_only_the_first_are_looked_for() -> None:
    """Looking for a made-up quote takes time, and a model may send as many as an answer can hold."""
    found = "It rained a lot that year."
    entries = [ReadQuote(passage=2, quote="Cheese.")] * MOST_QUOTES + [ReadQuote(passage=2, quote=found)]
    assert len(quotes_from(ReadReply(quotes=tuple(entries)), PASSAGES)) == MOST_QUOTES
    assert unplaced(PASSAGES)(ReadReply(quotes=tuple(entries))) != ""
    assert unplaced(PASSAGES)(ReadReply(quotes=tuple(entries[1:]))) == ""
    bare = BareReading(quotes=("Cheese.",) * MOST_QUOTES + (found,))
    with pytest.raises(msgspec.ValidationError, match="none of the quotes"):
        simpler_reading(PASSAGES, FIELDS).whole(bare)


def test_a_simple_report_is_an_answer_and_one_section() -> None:
    """The first sentence answers, the others follow."""
    made = simpler_report(FIELDS)
    bare = tuple(BareSentence(text=f"S{number}.", finding=f"f-{number}") for number in range(3))
    reply = made.whole(BareReport(sentences=bare))
    assert [sentence.text for sentence in reply.answer] == ["S0."]
    assert [sentence.findings for sentence in reply.sections[0].sentences] == [("f-1",), ("f-2",)]


async def test_simple_verdicts_are_used_only_when_there_is_one_a_claim() -> None:
    """With one word too few nobody knows which is for which."""
    made = simpler_check(2, FIELDS)
    for words, usable in ((["supported", "unsupported"], True), (["supported"], False)):
        model = ScriptedModel([WRONG, WRONG, replied({"verdicts": words})])
        asked = ask(access_to(model), "checker", ASKED, CheckReply, schema_of(CheckReply), 100, made)
        if usable:
            assert [entry.verdict for entry in (await asked).verdicts] == words
        else:
            with pytest.raises(Unusable):
                await asked


async def test_a_doubt_is_worth_one_repair_and_no_more() -> None:
    """The repair says what is doubted; what comes then is taken, and where it does not fit, what came before."""
    later = replied({"enough": False, "missing": "", "queries": []})
    for second, enough in ((FITS, True), (later, False), (WRONG, True)):
        model = ScriptedModel([FITS, second])
        reply = await ask(access_to(model), "reader", ASKED, JudgeReply, SCHEMA, 100, doubt=lambda _: "in doubt.")
        assert reply.enough is enough
        assert "in doubt." in model.asked[1].messages[3].content


def unless_right(reply: JudgeReply) -> str:
    return "" if reply.missing == "right" else "in doubt."


async def test_a_doubt_that_a_repair_leaves_is_put_to_the_stronger_model() -> None:
    """Its answer counts where it is not doubtful, too; else what the role's own model said last."""
    first, second = (replied({"enough": True, "missing": word, "queries": []}) for word in ("one", "two"))
    right = replied({"enough": True, "missing": "right", "queries": []})
    for said, taken in ((right, "right"), (first, "two"), (WRONG, "two")):
        weak, strong = ScriptedModel([first, second], name="s:weak"), ScriptedModel([said], name="s:strong")
        reply = await ask(access_to(weak, strong), "reader", ASKED, JudgeReply, SCHEMA, 100, doubt=unless_right)
        assert (reply.missing, len(strong.asked)) == (taken, 1)


async def test_a_doubtful_answer_is_used_where_no_other_can_be_paid() -> None:
    """A reply that fits is worth more than none."""
    access = access_to(ScriptedModel([FITS]), caps=Caps(calls=1))
    assert (await ask(access, "reader", ASKED, JudgeReply, SCHEMA, 100, doubt=lambda _: "in doubt.")).enough
