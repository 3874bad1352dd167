"""Where a model falters in a step of its own: too long a prompt, cut calls, made-up quotes, another script."""

from __future__ import annotations

import pytest

from research.access import Access, World
from research.analysts import Bounds, Notes, Style
from research.analysts.extractive import ExtractiveAnalyst
from research.analysts.language import LanguageAnalyst
from research.analysts.script import slipped
from research.analysts.stepping import next_move
from research.analysts.writing import FOREIGN, write_whole
from research.budget import Caps
from research.errors import EffectFailed
from research.gate import Gate
from research.ports import ChatModel
from research.records import Finding, Hit, Passage, Question, Task
from research.requests import ROLES, Message, ModelReply, Role, ToolCall
from tools.fakes.scripted import ManualClock, MemoryJournal, MemoryLibrary, MemoryRecords, ScriptedModel, replied

ASKED = (Message(role="system", content="Choose."), Message(role="user", content="What next?"))
PASSAGES = (
    Passage(source="s1", start=0, end=40, text="The Sable bridge was built in 1931.", title="Bridges"),
    Passage(source="s2", start=0, end=40, text="It rained a lot that year."),
)
TASK = Task.make("Find the year the Sable bridge was built", ("Sable bridge built",), "corpus", corpus="papers")


def access_to(*models: ChatModel, caps: Caps | None = None) -> Access:
    """A way to the first model for every role; the second, if there is one, writes."""
    gate = Gate(journal=MemoryJournal(), clock=ManualClock(), caps=caps or Caps())
    by_role: dict[Role, ChatModel] = dict.fromkeys(ROLES, models[0])
    by_role["planner"] = by_role["writer"] = models[-1]
    world = World(library=MemoryLibrary(), records=MemoryRecords(), models=by_role)
    return Access("web", name="b-1", gate=gate, budget=gate.root, world=world)


def finding(number: int) -> Finding:
    """A finding of the task, like no other."""
    said = f"The Sable bridge has {number} arches."
    return Finding(
        id=f"f-{number:016x}",
        task=TASK.id,
        statement=said,
        quote=said,
        source="s1",
        start=number,
        end=number + 1,
        label="public",
    )


async def test_too_long_a_prompt_is_read_by_halves() -> None:
    """A provider that says the prompt is too long gets it in two, parted between pages; nothing is left to rules."""
    passages = [PASSAGES[0], *[PASSAGES[1]] * 3]
    replies = [
        replied({"quotes": [{"passage": 1, "quote": text, "statement": text, "relevance": 1.0}]})
        for text in (PASSAGES[0].text, PASSAGES[1].text)
    ]
    model = ScriptedModel([EffectFailed("too long", too_long=True), *replies])
    analyst = LanguageAnalyst(ExtractiveAnalyst())
    quotes = await analyst.read(TASK, Question(text="When?"), passages, access_to(model))
    assert [quote.source for quote in quotes] == ["s1", "s2"]
    assert [request.messages[1].content.count("</passage-") for request in model.asked] == [4, 1, 3]
    assert analyst.lapses == []


@pytest.mark.parametrize("step", ["step", "judge"])
async def test_a_prompt_with_too_much_found_is_asked_again_with_half_of_it(step: str) -> None:
    """An agent's context, and what its branch is judged by, stay within the window however much was found."""
    found = tuple(finding(number) for number in range(20))
    too_long = [EffectFailed("too long", too_long=True)] * 2
    reply = DONE if step == "step" else replied({"enough": True, "missing": "", "queries": []})
    model = ScriptedModel([*too_long, reply])
    analyst = LanguageAnalyst(ExtractiveAnalyst())
    if step == "step":
        turn = await analyst.step(TASK, Question(text="When?"), found, (), (), access_to(model))
        assert (turn.queries, turn.handles) == ((), ())
    else:
        assert await analyst.judge(TASK, found, ("a",), access_to(model)) is None
    assert [request.messages[1].content.count("</finding-") for request in model.asked] == [20, 10, 5]
    assert analyst.lapses == []


@pytest.mark.parametrize("nobody", [[EffectFailed("the server failed")], [EffectFailed("the key was rejected")]])
async def test_what_is_of_no_use_is_left_to_rules_where_nobody_answers_the_repair(nobody: list[EffectFailed]) -> None:
    """A first answer was paid for and cannot be used; an outage after it does not throw the pages away, too."""
    model = ScriptedModel([ModelReply(text="I think so.", stop="end"), *nobody])
    analyst = LanguageAnalyst(ExtractiveAnalyst())
    assert await analyst.read(TASK, Question(text="When?"), PASSAGES, access_to(model)) != ()
    assert analyst.lapses == ["reading"]


async def test_a_plan_in_words_of_its_own_is_understood_or_what_is_left_out_is_named() -> None:
    """``Web`` is the web; a source that there is not leaves its task out of the plan by name."""
    sources = ("Web", " corpus:PAPERS", "papers", "web search", "corpus:others")
    tasks = [
        {"objective": f"Find {name}", "queries": [name], "source": name, "wanted": "", "effort": "normal"}
        for name in sources
    ]
    model = ScriptedModel([replied({"rationale": "", "tasks": tasks})])
    question = Question(text="When was the Sable bridge built?", corpora=("papers",), web=True)
    plan = await LanguageAnalyst(ExtractiveAnalyst()).plan(question, Bounds(branches=9), access_to(model))
    assert [(task.type, task.corpus) for task in plan.tasks] == [
        ("web", None),
        ("corpus", "papers"),
        ("corpus", "papers"),
    ]
    assert plan.misplaced == ("Find web search", "Find corpus:others")


async def test_another_failure_is_not_taken_for_a_long_prompt() -> None:
    """What has nothing to do with the length of a prompt goes on to the caller."""
    analyst = LanguageAnalyst(ExtractiveAnalyst())
    with pytest.raises(EffectFailed, match="no such model"):
        access = access_to(ScriptedModel([EffectFailed("no such model")]))
        await analyst.read(TASK, Question(text="When?"), PASSAGES, access)


async def test_a_model_that_calls_no_tools_gets_the_tasks_own_steps() -> None:
    """It searches what the task says, then opens what was found, and the report names it; a first move ends that."""
    said = ModelReply(text="I would look it up.", stop="end")
    call = ModelReply(text='{"x": 1}', stop="end")
    hits = [Hit(handle="h-1", title="t", score=1.0), Hit(handle="h-2", title="t", score=0.5)]
    analyst = LanguageAnalyst(ExtractiveAnalyst())
    access = access_to(ScriptedModel([said, call]))
    first = await analyst.step(TASK, Question(text="When?"), (), (), (), access)
    second = await analyst.step(TASK, Question(text="When?"), (), hits, first.queries, access)
    assert (first.queries, second.handles) == (TASK.queries, ("h-1", "h-2"))
    assert analyst.lapses == ["choice of steps"]


CUT = ModelReply(text="", stop="length", tool_calls=(ToolCall(id="1", name="open", arguments={"_invalid": '{"ha'}),))
UNKNOWN = ModelReply(text="", stop="tools", tool_calls=(ToolCall(id="1", name="open", arguments={"handle": "h-9"}),))
OPENS = ModelReply(text="", stop="tools", tool_calls=(ToolCall(id="1", name="open", arguments={"handle": "h-1"}),))
DONE = ModelReply(text="Enough was found.", stop="end")
REFUSED = ModelReply(text="", stop="refusal")


@pytest.mark.parametrize(
    ("said", "moves"),
    [
        ((OPENS,), ("h-1",)),
        ((DONE,), ()),
        ((CUT, OPENS), ("h-1",)),
        ((UNKNOWN, DONE), ()),
        ((CUT, CUT), None),
        ((ModelReply(text="I think", stop="length"), UNKNOWN), None),
        ((REFUSED,), None),
    ],
)
async def test_a_move_that_was_cut_is_not_the_end(said: tuple[ModelReply, ...], moves: tuple[str, ...] | None) -> None:
    """It is asked for once more; a model that is done says so by calling nothing, and a refusal says nothing."""
    model = ScriptedModel(list(said))
    turn = await next_move(access_to(model), ASKED, {"h-1"})
    assert (turn.handles if turn else None) == moves
    assert len(model.asked) == len(said)
    if len(said) > 1:
        assert [message.role for message in model.asked[1].messages] == ["system", "user", "assistant", "user"]


async def test_a_stronger_model_moves_where_the_weaker_refuses() -> None:
    """The same is asked of it, and a move that cannot be paid for is none."""
    weak, strong = ScriptedModel([REFUSED], name="s:weak"), ScriptedModel([OPENS], name="s:strong")
    turn = await next_move(access_to(weak, strong), ASKED, {"h-1"})
    assert (turn and turn.handles, strong.asked[0].messages) == (("h-1",), ASKED)
    assert await next_move(access_to(ScriptedModel([CUT]), caps=Caps(calls=1)), ASKED, {"h-1"}) is None


async def test_rules_take_over_from_an_agent_whose_calls_stay_cut() -> None:
    """What was found and not read is opened, also where there are findings already, and the report names the step."""
    finding = Finding(id="f-1", task=TASK.id, statement="s", quote="q", source="s1", start=0, end=1, label="public")
    analyst = LanguageAnalyst(ExtractiveAnalyst())
    access = access_to(ScriptedModel([CUT, CUT]))
    turn = await analyst.step(
        TASK, Question(text="When?"), (finding,), [Hit(handle="h-1", title="t", score=1.0)], (), access
    )
    assert (turn.handles, analyst.lapses) == (("h-1",), ["choice of steps"])


@pytest.mark.parametrize(("asked", "done"), [((), False), (TASK.queries, False), (("sable opening",), True)])
async def test_whether_a_model_is_done_is_read_off_its_branch(asked: tuple[str, ...], done: bool) -> None:
    """A model that asked something of its own may stop; no memory of a process decides that, so a resume agrees."""
    hits = [Hit(handle="h-1", title="t", score=1.0)]
    for analyst in (LanguageAnalyst(ExtractiveAnalyst()), LanguageAnalyst(ExtractiveAnalyst())):
        turn = await analyst.step(TASK, Question(text="When?"), (), hits, asked, access_to(ScriptedModel([DONE])))
        assert (turn.handles, analyst.lapses) == (((), []) if done else (("h-1",), ["choice of steps"]))


async def test_a_query_that_was_asked_before_is_not_the_end() -> None:
    """The model is shown what it asked, and a move of nothing else is asked for once more."""
    again, other = (
        ModelReply(text="", stop="tools", tool_calls=(ToolCall(id="1", name="search", arguments={"query": query}),))
        for query in ("Sable Bridge", "sable opening")
    )
    model = ScriptedModel([again, other])
    found = (finding(1),)
    turn = await LanguageAnalyst(ExtractiveAnalyst()).step(
        TASK, Question(text="When?"), found, (), ("sable bridge",), access_to(model)
    )
    assert turn.queries == ("sable opening",)
    assert "- sable bridge" in model.asked[0].messages[1].content and len(model.asked) == 2


async def test_a_task_too_long_for_any_window_is_worked_by_rules() -> None:
    """Where not even little of what was found fits, rules choose the step, and the report names it."""
    analyst = LanguageAnalyst(ExtractiveAnalyst())
    model = ScriptedModel([EffectFailed("too long", too_long=True)] * 9)
    turn = await analyst.step(TASK, Question(text="When?"), (), (), (), access_to(model))
    assert (turn.queries, analyst.lapses) == (TASK.queries, ["choice of steps"])


async def test_made_up_quotes_are_asked_for_again() -> None:
    """Where not one quote stands in a passage the reader is told so once; where one does, the others are dropped."""
    made_up = {"passage": 1, "quote": "The moon is made of cheese.", "statement": "s", "relevance": 1.0}
    right = {"passage": 2, "quote": PASSAGES[0].text, "statement": "In 1931.", "relevance": 1.0}
    for first, calls in (([made_up], 2), ([made_up, right], 1), ([], 1)):
        model = ScriptedModel([replied({"quotes": first}), replied({"quotes": [right]})])
        await LanguageAnalyst(ExtractiveAnalyst()).read(TASK, Question(text="When?"), PASSAGES, access_to(model))
        assert len(model.asked) == calls


async def test_a_plan_in_another_script_is_asked_for_again_then_made_by_rules() -> None:
    """Objectives stand in the report; those that nobody asked in are no plan."""
    task = {"queries": ["Sable bridge"], "source": "web", "wanted": ""}
    wrong, right = (
        replied({"rationale": "", "tasks": [task | {"objective": said}]})
        for said in ("查明这座桥是什么时候由谁建造的", "Find out when it was built")
    )
    for second, lapses in ((right, []), (wrong, ["plan"])):
        model, analyst = ScriptedModel([wrong, second]), LanguageAnalyst(ExtractiveAnalyst())
        question = Question(text="When was the Sable bridge built?", web=True)
        plan = await analyst.plan(question, Bounds(branches=1, new_branches=0), access_to(model))
        assert (len(model.asked), analyst.lapses) == (2, lapses)
        assert plan.tasks[0].objective.isascii()


@pytest.mark.parametrize(
    ("said", "asked", "wrong"),
    [
        ("这座桥建于一九三一年，由当地工程师设计。", "When was the bridge built?", True),
        ("The bridge was built in 1931.", "这座桥是什么时候建的？", True),
        ("Мост был построен в 1931 году.", "When was the bridge built?", True),
        ("The bridge 桥 was built in 1931.", "When was the bridge built?", False),
        ("橋は1931年に架けられたのだそうです。", "この橋はいつできましたか？", False),
        ("桥建于一九三一年。", "Why?", False),
        ("1931, 1932, 1933, 1934.", "Quand?", False),
    ],
)
def test_a_slip_into_another_script_is_seen(said: str, asked: str, wrong: bool) -> None:
    """Most letters are of a script that the question has none of; a name, a figure or a word is no slip."""
    assert slipped([said], asked) is wrong


async def test_a_report_in_another_script_is_asked_for_again() -> None:
    """The writer is told once that it is in the wrong language; where a language was asked for nothing is doubted.

    A report that stays in it is used, and is named among the losses.
    """
    said = "这座桥建于一九三一年，由当地工程师设计。"
    finding = Finding(id="f-1", task=TASK.id, statement="s", quote="q", source="s1", start=0, end=1, label="public")
    for language, calls, stays in (("", 2, False), ("", 2, True), ("Chinese", 1, False)):
        wrong = replied({"answer": [{"text": said, "findings": ["f-1"]}], "sections": []})
        right = replied({"answer": [{"text": "In 1931.", "findings": ["f-1"]}], "sections": []})
        model = ScriptedModel([wrong, wrong if stays else right])
        question = Question(text="When was it built?")
        style = Style(language=language)
        notes = Notes(question=question, tasks=(TASK,), findings=(finding,), sources=(), outcomes=(), style=style)
        access = access_to(model)
        draft = await write_whole(notes, [finding], access)
        assert len(model.asked) == calls
        assert draft.answer[0].text == (said if stays or language else "In 1931.")
        assert access.losses == ([FOREIGN] if stays else [])
