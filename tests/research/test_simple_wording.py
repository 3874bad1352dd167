"""What is sent, word for word, where a model is asked in an easier way: the simpler prompts, and what providers lack.

``python tests/research/test_simple_wording.py`` writes the texts anew, to be read before they are kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

import research.prompts
from research.access import Access, World
from research.analysts import Bounds, Notes
from research.analysts.checking import Claim, ask_checker
from research.analysts.extractive import ExtractiveAnalyst
from research.analysts.language import LanguageAnalyst
from research.analysts.schemas import TOOLS, JudgeReply, schema_of
from research.analysts.structured import Unusable
from research.analysts.writing import write_whole
from research.budget import Caps
from research.gate import Gate
from research.records import Finding, Passage, Question, Sentence, Task
from research.requests import ROLES, Message, ModelReply, ModelRequest
from tools.chat_forms import schema_in_words, tools_in_words
from tools.fakes.scripted import ManualClock, MemoryJournal, MemoryLibrary, MemoryRecords, ScriptedModel
from tools.tokens import vocabulary

KEPT = Path(__file__).parent / "prompts"
PROMPTS = Path(str(research.prompts.__file__)).parent
ANALYST = LanguageAnalyst(ExtractiveAnalyst())
QUESTION = Question(text="When was the Sable bridge built?", web=True)
TASK = Task.make(QUESTION.text, ("sable bridge built",), "web", wanted="a year")
PASSAGES = (Passage(source="s0", start=0, end=35, text="The Sable bridge was built in 1931.", title="Bridges"),)
FINDINGS = (
    Finding(
        id=f"f-{0:016x}",
        task=TASK.id,
        statement="The Sable bridge was built in 1931.",
        quote="The Sable bridge was built in 1931.",
        source="s0",
        start=0,
        end=35,
        label="public",
    ),
)
NOTES = Notes(question=QUESTION, tasks=(TASK,), findings=FINDINGS, sources=(), outcomes=())
CLAIM = Claim(Sentence(text="It was built in 1931.", findings=(FINDINGS[0].id,)), FINDINGS)
Step = Callable[[Access], Awaitable[object]]
STEPS: dict[str, Step] = {
    "planner.simple": lambda access: ANALYST.plan(QUESTION, Bounds(branches=3), access),
    "reader.simple": lambda access: ANALYST.read(TASK, QUESTION, PASSAGES, access),
    "judge.simple": lambda access: ANALYST.judge(TASK, FINDINGS, ["sable bridge built"], access),
    "writer.simple": lambda access: write_whole(NOTES, FINDINGS, access),
    "checker.simple": lambda access: ask_checker([CLAIM, CLAIM], access),
}
ASKED = ModelRequest(
    model="m",
    role="reader",
    messages=(Message(role="system", content="The step's own."), Message(role="user", content="The step's own.")),
    max_tokens=9,
    schema=schema_of(JudgeReply),
    tools=TOOLS,
)
ADDED: dict[str, Sequence[Message]] = {"plain": schema_in_words(ASKED), "plain_tools": tools_in_words(ASKED)}


async def third(step: Step) -> Sequence[Message]:
    """Return the messages that a step sends after its own prompt and one repair."""
    model = ScriptedModel([ModelReply(text="Well.", stop="end")] * 3)
    gate = Gate(journal=MemoryJournal(), clock=ManualClock(), caps=Caps())
    world = World(library=MemoryLibrary(), records=MemoryRecords(), models=dict.fromkeys(ROLES, model))
    with contextlib.suppress(Unusable):
        await step(Access("web", name="b", gate=gate, budget=gate.root, world=world))
    return model.asked[2].messages


def rendered(messages: Sequence[Message]) -> str:
    """Return the messages, each under its role."""
    return "\n\n".join(f"== {message.role}\n{message.content}" for message in messages) + "\n"


@pytest.mark.parametrize("name", STEPS)
async def test_an_easier_prompt_is_sent_word_for_word_as_kept(name: str) -> None:
    """After an answer of no use and a repair, the text of tests/research/prompts is what a model gets."""
    assert rendered(await third(STEPS[name])) == (KEPT / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ADDED)
def test_what_providers_lack_is_put_in_words_as_kept(name: str) -> None:
    """The schema or the tools stand at the end of the step's own user message."""
    assert rendered(ADDED[name]) == (KEPT / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*STEPS, *ADDED])
def test_an_easier_prompt_is_small(name: str) -> None:
    """Each names its reasons and its budget in tokens of o200k, and what is sent of it fits."""
    reasons, _, sent = (PROMPTS / f"{name}.md").read_text(encoding="utf-8").partition("-->\n")
    allowed = re.search(r"Tokens: at most (\d+)", reasons)
    words = vocabulary("o200k_base")
    assert words is not None
    assert allowed is not None
    assert words.count(sent) <= int(allowed[1])
    assert "Why so:" in reasons


if __name__ == "__main__":
    for own, step_of in STEPS.items():
        (KEPT / f"{own}.txt").write_text(rendered(asyncio.run(third(step_of))), encoding="utf-8")
    for own, added in ADDED.items():
        (KEPT / f"{own}.txt").write_text(rendered(added), encoding="utf-8")
