"""Asking back: whether a question has to be cleared up with the person before it is planned, and with which words.

Asking the person is the work of whoever began the run; the graph waits for it and keeps what was said.
"""

from __future__ import annotations

from research.access import Access
from research.analysts.acceptance import sources_of, tidy
from research.analysts.schemas import schema_of
from research.analysts.showing import listed
from research.analysts.structured import ask
from research.prompts import mark_of, prompt
from research.records import Question, Record

CLARIFY_TOKENS = 300
LONGEST_ASKED = 300
"""Characters of a question to the person."""


class ClarifyReply(Record):
    """Whether the question is unclear, and then what to ask the person."""

    unclear: bool
    question: str = ""


async def question_back(question: Question, access: Access) -> str:
    """Return the one thing to ask the person, empty where nothing is unclear. Raises as ``structured.ask`` does."""
    sources = listed(sources_of(question))
    messages = prompt("clarify", mark=mark_of(question.text), question=question.text, sources=sources)
    reply = await ask(access, "planner", messages, ClarifyReply, schema_of(ClarifyReply), CLARIFY_TOKENS)
    return tidy(reply.question, LONGEST_ASKED) if reply.unclear else ""
