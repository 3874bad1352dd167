"""Asking a model for a record: a ladder of requests, each easier to answer than the one before.

The step's own prompt; one repair turn that shows the model what was wrong; a simpler prompt for a smaller record, where
the step has one; the run's strongest model. Below that the caller decides: rules take the step over. What form a model
is asked in (schema, tool call, plain JSON) is learnt by ``tools.chat_forms``; what is asked is in ``research.prompts``
and ``research.analysts.schemas``.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from research.access import Access
from research.analysts.schemas import schema_of
from research.errors import EffectFailed, OutOfBudget, ResearchError
from research.records import Record
from research.reply_json import lacking
from research.requests import Message, ModelReply, Role

R = TypeVar("R", bound=Record)
S = TypeVar("S", bound=Record)

SHOWN_AGAIN = 2000
"""Characters of a wrong answer that its repair shows: what was wrong is said beside it."""
LOOPED = 8
"""An answer that packs to less than one part in so many repeats itself: prose and JSON pack to a third or a sixth."""
LOOP_LENGTH = 1000
"""Characters; a shorter answer may be alike all through."""
MORE_ROOM = 2
"""Times the tokens, for a model that used all it had before its answer began: it thinks, and needs to have done."""


class Unusable(ResearchError):
    """No reply of the ladder fits. Stays within ``research.analysts``."""


@dataclass(frozen=True)
class Simpler(Generic[S, R]):
    """An easier way to ask for the same: fewer rules, a smaller ``kind``, and how it becomes the whole record."""

    messages: Sequence[Message]
    kind: type[S]
    whole: Callable[[S], R]


Doubt = Callable[[R], str]


def no_doubt(_: object) -> str:
    """Find nothing wrong with a reply that fits."""
    return ""


async def ask(
    access: Access,
    role: Role,
    messages: Sequence[Message],
    kind: type[R],
    schema: dict[str, Any],
    max_tokens: int,
    simpler: Simpler[Any, R] | None = None,
    doubt: Doubt[R] = no_doubt,
) -> R:
    """Return the model's reply as ``kind``. Raises ``Unusable``, ``OutOfBudget`` and ``EffectFailed``.

    ``doubt`` says what is wrong with a reply that fits, or nothing: it is worth the repair turn and the stronger model,
    and no more. What is doubtful then is returned, so that the caller can ask the same of it.
    """
    ladder = _Ladder(access, role, messages, kind, schema, max_tokens)
    try:
        reply = await ladder.repaired(doubt)
    except _Unheard:
        raise
    except Unusable as fault:
        last = fault
    else:
        return await ladder.assured(reply, doubt) if doubt(reply) and access.stronger(role) else reply
    if simpler is not None and not isinstance(last, _Refusal):
        found = await ladder.simpler(simpler, last)
        if found is not None:
            return found
    if access.stronger(role):
        return await ladder.stronger(last)
    raise last


async def ask_stronger(
    access: Access, role: Role, messages: Sequence[Message], kind: type[R], schema: dict[str, Any], max_tokens: int
) -> R:
    """Return what a stronger model than the role's says as ``kind``, where a check failed what the role's own said.

    It is asked once. Raises ``Unusable``, ``OutOfBudget`` and ``EffectFailed``.
    """
    ladder = _Ladder(access, role, messages, kind, schema, max_tokens)
    return await ladder.stronger(Unusable(f"what the {role} wrote failed a check"))


class _Refusal(Unusable):
    """The model would not answer, whatever the words."""


class _Unheard(Unusable):
    """What was paid for is of no use, and asking again is not to be paid, or nobody answers."""


@dataclass(frozen=True)
class _Ladder(Generic[R]):
    """One thing to be asked, and the ways to ask for it."""

    access: Access
    role: Role
    messages: Sequence[Message]
    kind: type[R]
    schema: dict[str, Any]
    max_tokens: int

    async def repaired(self, doubt: Doubt[R]) -> R:
        """Return the reply, or that of the one repair turn. Raises ``Unusable``."""
        reply = await self.access.ask_model(self.role, self.messages, max_tokens=self.max_tokens, schema=self.schema)
        doubted: R | None = None
        try:
            doubted = _filled(reply, self.kind, self.schema)
            complaint = doubt(doubted)
        except msgspec.ValidationError as fault:
            complaint = str(fault)
        if doubted is not None and not complaint:
            return doubted
        if reply.stop == "refusal":
            raise _Refusal(f"the {self.role} refused")
        last = Unusable(f"the {self.role}'s answer could not be used: {complaint}")
        try:
            again = await self._repair(reply, complaint, last)
            return _filled(again, self.kind, self.schema)
        except (msgspec.ValidationError, _Unheard) as fault:
            if doubted is not None:
                return doubted
            if isinstance(fault, _Unheard):
                raise
            raise Unusable(f"the {self.role}'s answer could not be used: {fault}") from None

    async def _repair(self, reply: ModelReply, complaint: str, last: Unusable) -> ModelReply:
        if reply.stop == "length" and not reply.text.strip():
            return await self._again(last, self.messages, self.schema, room=MORE_ROOM)
        return await self._again(last, (*self.messages, *_complaint(reply, complaint, self.schema)), self.schema)

    async def assured(self, doubted: R, doubt: Doubt[R]) -> R:
        """Return what the stronger model says instead, if that fits and is not doubtful, too."""
        try:
            reply = await self.stronger(Unusable(f"the {self.role}'s answer is doubtful"))
        except Unusable:
            return doubted
        return doubted if doubt(reply) else reply

    async def simpler(self, easier: Simpler[Any, R], last: Unusable) -> R | None:
        """Return what the simpler prompt gives, ``None`` where that is of no use either."""
        schema = schema_of(easier.kind)
        reply = await self._again(last, easier.messages, schema)
        try:
            return easier.whole(_filled(reply, easier.kind, schema))
        except msgspec.ValidationError:
            return None

    async def stronger(self, last: Unusable) -> R:
        """Return the reply of the run's strongest model. Raises ``Unusable``."""
        reply = await self._again(last, self.messages, self.schema, strong=True)
        try:
            return _filled(reply, self.kind, self.schema)
        except msgspec.ValidationError as fault:
            why = f"the {self.role}'s answer could not be used, nor that of a stronger model: {fault}"
            raise Unusable(why) from None

    async def _again(
        self,
        last: Unusable,
        messages: Sequence[Message],
        schema: dict[str, Any],
        *,
        room: int = 1,
        strong: bool = False,
    ) -> ModelReply:
        """Ask once more. Where that is not to be paid, or fails, the ``last`` answer is what the call came to."""
        most = self.max_tokens * room
        try:
            return await self.access.ask_model(self.role, messages, max_tokens=most, schema=schema, strong=strong)
        except OutOfBudget as refusal:
            if refusal.currency == "seconds":
                raise
            raise _Unheard(str(last)) from None
        except EffectFailed as failure:
            raise _Unheard(f"{last}; asked again: {failure}") from None


def _complaint(reply: ModelReply, complaint: str, schema: dict[str, Any]) -> tuple[Message, Message]:
    """Return the wrong answer and what is wrong with it. A loop is hardly shown: a model would take it up again."""
    shown = reply.text[: LOOP_LENGTH // 10 if _loops(reply.text) else SHOWN_AGAIN] or "(nothing)"
    wanted = f"Answer again, with the whole JSON only, of this shape: {shape_of(schema)}"
    return (
        Message(role="assistant", content=shown),
        Message(role="user", content=f"That cannot be used: {complaint} {wanted}"),
    )


def shape_of(schema: dict[str, Any]) -> str:
    """Return a schema as people write one down: its fields, with the kind of each value in its place."""
    kind = schema.get("type")
    if kind == "object":
        return "{" + ", ".join(f'"{name}": {shape_of(field)}' for name, field in schema["properties"].items()) + "}"
    if kind == "array":
        return f"[{shape_of(schema['items'])}, …]"
    if "enum" in schema:
        return " or ".join(f'"{value}"' for value in schema["enum"])
    return {"string": '"text"', "integer": "1", "number": "0.5", "boolean": "true or false"}.get(str(kind), "null")


def _filled(reply: ModelReply, kind: type[R], schema: dict[str, Any]) -> R:
    """Return the reply as ``kind``; raises ``ValidationError`` with a sentence that tells a model what to do."""
    if reply.data is None and _loops(reply.text):
        raise msgspec.ValidationError("it repeats itself; say each thing once, and be much shorter.")
    if reply.data is None and reply.stop == "length":
        raise msgspec.ValidationError("the answer was cut at its token limit; be much shorter.")
    if reply.data is None and not reply.text.strip():
        raise msgspec.ValidationError("it is empty.")
    if reply.data is None:
        raise msgspec.ValidationError("it is not one JSON object.")
    # Numbers and yes or no may come as words: small models write "0.8" and "true".
    return msgspec.convert(_unwrapped(reply.data, schema), kind, strict=False)


def _unwrapped(data: Any, schema: dict[str, Any]) -> Any:
    """Return what is asked for also where it is a field of another object: ``{"result": {…}}``."""
    if isinstance(data, dict) and len(data) == 1 and lacking(data, schema):
        (inner,) = data.values()
        if isinstance(inner, dict) and not lacking(inner, schema):
            return inner
    return data


def _loops(text: str) -> bool:
    encoded = text.encode("utf-8", "replace")
    return len(text) >= LOOP_LENGTH and len(zlib.compress(encoded, 1)) * LOOPED < len(encoded)
