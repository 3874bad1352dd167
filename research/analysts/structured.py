"""Asking a model for a record: one request, and one repair turn that shows the model what was wrong.

What is asked is in ``research.prompts`` and ``research.analysts.schemas``; what is done when no usable reply comes is
the caller's decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from research.access import Access
from research.errors import ResearchError
from research.records import Record
from research.requests import Message, ModelReply, Role

R = TypeVar("R", bound=Record)


class Unusable(ResearchError):
    """The model's reply did not fit, and neither did its repair. Stays within ``research.analysts``."""


async def ask(
    access: Access, role: Role, messages: Sequence[Message], kind: type[R], schema: dict[str, Any], max_tokens: int
) -> R:
    """Return the model's reply as ``kind``. Raises ``Unusable``, ``OutOfBudget`` and ``EffectFailed``."""
    reply = await access.ask_model(role, messages, max_tokens=max_tokens, schema=schema)
    try:
        return _filled(reply, kind)
    except msgspec.ValidationError as fault:
        if reply.stop == "refusal":
            raise Unusable(f"the {role} refused") from None
        complaint = str(fault)
    repair = (
        *messages,
        Message(role="assistant", content=reply.text or "(nothing)"),
        Message(role="user", content=f"That cannot be used: {complaint} Answer again, with the whole JSON only."),
    )
    again = await access.ask_model(role, repair, max_tokens=max_tokens, schema=schema)
    try:
        return _filled(again, kind)
    except msgspec.ValidationError as fault:
        raise Unusable(f"the {role}'s answer could not be used: {fault}") from None


def _filled(reply: ModelReply, kind: type[R]) -> R:
    if reply.data is None and reply.stop == "length":
        raise msgspec.ValidationError("the answer was cut at its token limit; be much shorter.")
    if reply.data is None:
        raise msgspec.ValidationError("it is not a JSON object.")
    return msgspec.convert(reply.data, kind)
