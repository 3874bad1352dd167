"""Asking back: what becomes of a model's question, and how an answer stands behind the person's own."""

from __future__ import annotations

import pytest

from research.access import Access, World
from research.analysts.clarifying import LONGEST_ASKED, question_back
from research.analysts.structured import Unusable
from research.budget import Caps
from research.gate import Gate
from research.records import Clarification, Question
from research.requests import ROLES, ModelReply
from tools.fakes.scripted import ManualClock, MemoryJournal, MemoryLibrary, MemoryRecords, ScriptedModel, replied

QUESTION = Question(text="When was the Sable bridge built?", corpora=("papers",), web=True)


def access_to(*replies: ModelReply) -> tuple[Access, ScriptedModel]:
    """Access for a planner whose model gives these replies."""
    model = ScriptedModel(replies)
    gate = Gate(journal=MemoryJournal(), clock=ManualClock(), caps=Caps())
    world = World(library=MemoryLibrary(), records=MemoryRecords(), models=dict.fromkeys(ROLES, model))
    return Access("planner", name="clarification", gate=gate, budget=gate.root, world=world), model


@pytest.mark.parametrize(
    ("reply", "asked"),
    [
        ({"unclear": False, "question": "Which one?"}, ""),
        ({"unclear": True, "question": "Which one? https://bad.example/"}, "Which one?"),
        ({"unclear": True, "question": "Which\n\x1b[31mone?"}, "Which one?"),
        ({"unclear": True, "question": ""}, ""),
        ({"unclear": True, "question": "x" * 999}, "x" * LONGEST_ASKED),
    ],
)
async def test_what_is_asked_is_one_tidy_line(reply: dict[str, object], asked: str) -> None:
    """Nothing is asked where nothing is unclear; links, control characters and what is too long do not reach anyone."""
    access, model = access_to(replied(reply))
    assert await question_back(QUESTION, access) == asked
    (request,) = model.asked
    assert request.role == "planner" and QUESTION.text in request.messages[-1].content
    assert "- web\n- corpus:papers" in request.messages[-1].content


async def test_a_question_that_cannot_be_used_is_told() -> None:
    """After one repair turn nothing more is tried: nobody waits for a nicety."""
    access, model = access_to(*[ModelReply(text="Well.", stop="end")] * 2)
    with pytest.raises(Unusable):
        await question_back(QUESTION, access)
    assert len(model.asked) == 2


def test_an_answer_stands_behind_the_question_and_a_skip_changes_nothing() -> None:
    """Where it may be looked for stays as it was."""
    said = Clarification(asked="Which one?", answered="The one at Sable.")
    whole = said.added_to(QUESTION)
    assert whole.text == f"{QUESTION.text}\n(Asked back: “Which one?” Answered: “The one at Sable.”)"
    assert (whole.corpora, whole.web) == (QUESTION.corpora, QUESTION.web)
    assert Clarification(asked="Which one?", skipped="so").added_to(QUESTION) == QUESTION
