"""An agent's next move, asked of a model: calls of the tools, none where it is done, or nothing that says which.

A call that was cut, names no tool or has no arguments of use is not taken for the end: that would leave sources out
without a word. It is asked for once more. What a call may say is in ``research.analysts.acceptance``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from research.access import Access
from research.analysts import Turn
from research.analysts.acceptance import tidy, turn_from
from research.analysts.schemas import TOOLS
from research.analysts.showing import best, listed, shown_findings, task_fields, words_of
from research.errors import EffectFailed, OutOfBudget
from research.prompts import block, mark_of, prompt
from research.records import Finding, Hit, Question, Task
from research.requests import Message, ModelReply

STEP_TOKENS = 400
FEW_SHOWN = 4
"""Findings and hits; of more, half are shown where all do not fit the model's window."""
SHOWN_AGAIN = 500
"""Characters of a reply of no use that are shown with what is wrong with it."""
AGAIN = "That cannot be used: {why} Call the tools again, each with one whole argument, or no tool if you are done."


async def next_turn(
    access: Access,
    task: Task,
    question: Question,
    findings: Sequence[Finding],
    hits: Sequence[Hit],
    asked: Sequence[str],
) -> Turn | None:
    """Return the move for a task of which so much is found and ``asked``; see :func:`next_move`.

    The most relevant findings are shown, and only half of all where the model's window does not hold them.
    """
    known, offered = best(findings), hits
    while True:
        try:
            messages = _shown(task, question, known, offered, asked, len(findings))
            return await next_move(access, messages, {hit.handle for hit in offered}, asked)
        except EffectFailed as failure:
            if not failure.too_long or len(known) + len(offered) <= FEW_SHOWN:
                raise
            known, offered = best(known, len(known) // 2), offered[: (len(offered) + 1) // 2]


def _shown(
    task: Task,
    question: Question,
    findings: Sequence[Finding],
    hits: Sequence[Hit],
    asked: Sequence[str],
    count: int,
) -> Sequence[Message]:
    """Return the prompt; ``count`` is of all findings."""
    mark = mark_of(
        question.text, task.objective, *(hit.handle + hit.snippet for hit in hits), *asked, *words_of(findings)
    )
    shown = [block("hit", mark, tidy(hit.snippet), handle=hit.handle, title=hit.title[:120]) for hit in hits]
    fields = task_fields(task, mark) | {
        "question": question.text,
        "asked": listed(asked),
        "count": count,
        "findings": shown_findings(findings, mark),
        "hits": "\n".join(shown) or "(none)",
    }
    return prompt("researcher", **fields)


async def next_move(
    access: Access, messages: Sequence[Message], handles: Collection[str], asked: Sequence[str] = ()
) -> Turn | None:
    """Return the move, empty where the model is done; ``None`` where two replies leave open what it wants.

    ``handles`` are those of the texts it was shown; what was ``asked`` is not asked again. Raises ``OutOfBudget``
    and ``EffectFailed``.
    """
    reply = await access.ask_model("researcher", messages, max_tokens=STEP_TOKENS, tools=TOOLS)
    turn = turn_from(reply.tool_calls, handles, asked)
    why = _lost(reply, turn)
    if not why:
        return turn
    refused = reply.stop == "refusal"
    if refused and not access.stronger("researcher"):
        return None
    prompted = messages if refused else (*messages, *_complaint(reply, why))
    try:
        again = await access.ask_model("researcher", prompted, max_tokens=STEP_TOKENS, tools=TOOLS, strong=refused)
    except OutOfBudget as refusal:
        if refusal.currency == "seconds":
            raise
        return None
    turn = turn_from(again.tool_calls, handles, asked)
    return None if _lost(again, turn) else turn


def _lost(reply: ModelReply, turn: Turn) -> str:
    """Return why a reply without a move is not the end of the work, or nothing."""
    if turn.queries or turn.handles:
        return ""
    if reply.stop == "refusal":
        return "it is a refusal."
    if reply.stop == "length":
        return "it was cut at its token limit; be much shorter."
    return (
        "no call in it is whole, of one of the tools, and of a new query or a listed handle."
        if reply.tool_calls
        else ""
    )


def _complaint(reply: ModelReply, why: str) -> tuple[Message, Message]:
    """Return the reply in words, as some servers want the speakers to take turns, and what is wrong with it."""
    said = Message(role="assistant", content=reply.text[:SHOWN_AGAIN] or "(calls of tools)")
    return said, Message(role="user", content=AGAIN.format(why=why))
