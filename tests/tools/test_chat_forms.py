"""How a model is asked for JSON and for calls: the strictest form its provider takes, over the wire."""

from __future__ import annotations

from typing import Any

import pytest

from research.analysts.schemas import TOOLS, CheckReply, JudgeReply, PlanReply, ReadReply, WriteReply, schema_of
from research.budget import Caps
from research.effects import ModelEffect
from research.errors import EffectFailed
from research.gate import Gate
from research.ports import ChatModel
from research.requests import Message, ModelReply, ModelRequest, request_key
from tools.chat_forms import Forms, calls_in
from tools.chat_models import open_model
from tools.fakes.openai_server import Ability, OpenAIServer
from tools.fakes.scripted import ManualClock, MemoryJournal
from tools.tokens import prompt_bound

SPEC = "openai:gpt-4o-mini"
SCHEMA = schema_of(JudgeReply)
RIGHT = {"enough": True, "missing": "", "queries": []}
LACKING: list[tuple[Ability, ...]] = [(), ("response_format",), ("response_format", "tools")]


def request(**rest: Any) -> ModelRequest:
    finding = '<finding-m1 id="f-1">\nstatement: 1931\n</finding-m1>'
    content = f"<task-m1>\nFind the year of the bridge.\n</task-m1>\n{finding}"
    messages = (Message(role="system", content="Judge."), Message(role="user", content=content))
    return ModelRequest(model=SPEC, role="reader", messages=messages, max_tokens=200, **rest)


def model(server: OpenAIServer) -> ChatModel:
    return open_model(SPEC, base_url=server.base_url, counter=prompt_bound(SPEC))


async def through_a_gate(opened: ChatModel, asked: ModelRequest) -> tuple[ModelReply, MemoryJournal]:
    """The answer as a run gets it, and the journal of it."""
    journal = MemoryJournal()
    gate = Gate(journal=journal, clock=ManualClock(), caps=Caps())
    reply = await gate.call(ModelEffect(asked, opened), branch="b", budget=gate.root)
    assert isinstance(reply, ModelReply)
    return reply, journal


@pytest.mark.parametrize("lacking", LACKING)
async def test_a_form_that_a_provider_refuses_is_left_for_the_next(lacking: tuple[Ability, ...]) -> None:
    """Each refusal is one more attempt at the same request, no repair; the answer is the same in every form."""
    async with OpenAIServer(lacking=lacking) as server:
        opened = model(server)
        reply, journal = await through_a_gate(opened, request(schema=SCHEMA))
        again, second = await through_a_gate(opened, request(schema=SCHEMA))
    assert reply.data == again.data == RIGHT
    assert reply.stop == "end"
    assert len(journal.rows) == 1 + len(lacking)
    assert len({row.intent.key for row in (*journal.rows, *second.rows)}) == 1
    assert len(second.rows) == 1, "what was learnt is not asked again"


async def test_what_was_learnt_is_no_part_of_a_request() -> None:
    """A recorded answer is found again by a process that has learnt nothing yet."""
    asked = request(schema=SCHEMA)
    async with OpenAIServer(lacking=("response_format",)) as server:
        _, journal = await through_a_gate(model(server), asked)
        gate = Gate(journal=MemoryJournal(), clock=ManualClock(), caps=Caps(), entries=journal.rows)
        seen = len(server.requests)
        replayed = await gate.call(ModelEffect(asked, model(server)), branch="b", budget=gate.root)
    assert isinstance(replayed, ModelReply)
    assert replayed.data == RIGHT
    assert len(server.requests) == seen
    assert journal.rows[-1].intent.key == request_key(asked)


async def test_a_form_that_is_taken_and_not_kept_to_is_left_after_two_misses() -> None:
    """A server that ignores the schema is asked for a tool call, then in words; one accident changes nothing."""
    said = [{"text": "Yes."}, {"json": RIGHT}, *[{"text": "Yes."}] * 4]
    async with OpenAIServer(script=said) as server:
        opened = model(server)
        for _ in range(7):
            await opened.complete(request(schema=SCHEMA), max_tokens=200, timeout=10)
    told = [("response_format" in body, "tools" in body) for body in server.requests]
    forms = ["schema" if schema else "tool" if tool else "words" for schema, tool in told]
    assert forms == ["schema"] * 4 + ["tool"] * 2 + ["words"]


def test_answers_that_were_cut_or_refused_teach_nothing() -> None:
    """A model that ran out of tokens may well keep to the form."""
    forms = Forms()
    for stop in ("length", "refusal", "length"):
        forms.answered("a JSON schema", ModelReply(text="", stop=stop), SCHEMA)  # type: ignore[arg-type]
    assert forms.now == "a JSON schema"


def test_branches_that_are_refused_at_once_go_down_one_step() -> None:
    """The second refusal of a form that was left already is answered by the form that is used now."""
    forms = Forms()
    assert all(forms.refused("a JSON schema", "response_format is not supported") for _ in range(3))
    assert forms.now == "a forced tool call"


@pytest.mark.parametrize("said", ["the model does not exist", "max_tokens is too large", ""])
def test_a_refusal_of_something_else_is_no_lesson(said: str) -> None:
    """Only what speaks of the form is taken for a refusal of it."""
    forms = Forms()
    assert not forms.refused("a JSON schema", said)
    assert not forms.refused("plain JSON", "response_format is not supported")
    assert forms.now == "a JSON schema"


async def test_another_400_is_not_tried_in_another_form() -> None:
    """A request that is wrong in itself fails once."""
    async with OpenAIServer() as server:
        wrong = request(schema=SCHEMA)
        with pytest.raises(EffectFailed) as caught:
            await model(server).complete(wrong, max_tokens=-1, timeout=10)
    assert not caught.value.retryable
    assert len(server.requests) <= 1


@pytest.mark.parametrize("lacking", LACKING)
@pytest.mark.parametrize("kind", [PlanReply, ReadReply, JudgeReply, WriteReply, CheckReply])
async def test_the_bound_holds_in_every_form(kind: Any, lacking: tuple[Ability, ...]) -> None:
    """No form has more prompt tokens than were reserved for the request."""
    seen: list[int] = []
    asked = request(schema=schema_of(kind, ("web",)))
    async with OpenAIServer(lacking=lacking, watch=lambda line: seen.append(line["prompt_tokens"])) as server:
        opened = model(server)
        await through_a_gate(opened, asked)
    assert 0 < max(seen) <= opened.count(asked)


@pytest.mark.parametrize("lacking", [(), ("tools",)])
async def test_a_provider_without_tools_is_asked_to_name_its_calls(lacking: tuple[Ability, ...]) -> None:
    """The calls come back as calls either way, within the bound, and what was learnt holds for the next turn."""
    seen: list[int] = []
    bare = ModelRequest(
        model=SPEC,
        role="researcher",
        messages=(Message(role="user", content="<task-m1>\nFind the year.\n</task-m1>"),),
        max_tokens=200,
        tools=TOOLS,
    )
    async with OpenAIServer(lacking=lacking, watch=lambda line: seen.append(line["prompt_tokens"])) as server:
        opened = model(server)
        first, journal = await through_a_gate(opened, bare)
        second, _ = await through_a_gate(opened, bare)
    assert [(call.name, call.arguments) for call in first.tool_calls] == [("search", {"query": "Find the year."})]
    assert second.tool_calls[0].arguments == first.tool_calls[0].arguments
    assert (len(journal.rows), len(server.requests)) == (1 + len(lacking), 2 + len(lacking))
    assert max(seen) <= opened.count(bare)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            '{"calls": [{"name": "search", "arguments": {"query": "a"}}, {"name": "open", "arguments": {}}]}',
            ["search", "open"],
        ),
        ('Fine: {"calls": []}', []),
        ('{"calls": [{"name": "search", "arguments": "a"}, "open", {"arguments": {}}]}', [""]),
        ('{"calls": "search"}', []),
        ("search(a)", []),
    ],
)
def test_calls_in_words_are_data(text: str, names: list[str]) -> None:
    """Only entries with an object of arguments are calls; which names and arguments count is decided elsewhere."""
    assert [call.name for call in calls_in(text)] == names


@pytest.mark.parametrize(
    "calls",
    [
        [{"name": "reply", "arguments": RIGHT}, {"name": "reply", "arguments": RIGHT}],
        [{"name": "reply", "arguments": '{"enough": tr'}],
    ],
    ids=["two calls", "a call cut in the middle"],
)
async def test_half_an_answer_by_tool_call_is_none(calls: list[dict[str, Any]]) -> None:
    """Of several calls each may be a part, and of a cut one nothing is known: there is text to repair, and no data."""
    async with OpenAIServer(lacking=("response_format",), script=[{"tool_calls": calls}]) as server:
        reply, _ = await through_a_gate(model(server), request(schema=SCHEMA))
    assert reply.data is None
    assert reply.text
    assert reply.tool_calls == ()
