"""What the gate does about secrets: a request that holds one is not sent, an answer that holds one loses it. Pure.

A request is refused and not cleaned: whoever wrote a key into a query wanted it out, and what would be sent instead is
nobody's question. An answer is cleaned and not refused: it is paid for, and one page or model that echoes a key must
not take the rest of its words with it. How values are found is in ``research.scanner``.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from research.errors import EffectFailed
from research.records import encode
from research.requests import FetchReply, HitsReply, ModelReply, Request
from research.scanner import SHOWN, Scanner

R = TypeVar("R", ModelReply, HitsReply, FetchReply, ModelReply | HitsReply | FetchReply)


def refusal(scanner: Scanner, request: Request) -> str:
    """Return why a request is not sent, empty where it holds no secret."""
    name = scanner.found(encode(request)) if scanner else ""
    what = {"model": "prompt", "fetch": "address"}.get(request.kind, "query")
    return f"the {request.kind} call was not sent: its {what} holds the value of {name}" if name else ""


def cleaned(scanner: Scanner, reply: R) -> R:
    """Return an answer without secrets. Raises ``EffectFailed`` where nothing would be left of it."""
    text = encode(reply) if scanner else ""
    name = scanner.found(text)
    if not name:
        return reply
    try:
        return msgspec.json.decode(scanner.clean(text), type=type(reply))
    except msgspec.MsgspecError:
        raise EffectFailed(f"the answer was dropped: it holds the value of {name}", charged=True) from None


def told(scanner: Scanner, failure: EffectFailed) -> EffectFailed:
    """Return the failure with a sentence that holds no secret: services quote the key that they refuse."""
    sentence = scanner.clean(str(failure))
    if sentence != str(failure):
        failure.args = (sentence if sentence != SHOWN else "the service's answer held a key",)
    return failure
