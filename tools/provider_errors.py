"""Part of ``tools.chat_models``: what a provider's exception means for the gate and for the user.

The classes of many SDKs are judged by the attributes they share (``status_code``, ``response``, ``body``), so that a
provider need not be known here. No sentence carries a key.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from research.clean import clean_text
from research.errors import EffectFailed
from research.requests import ModelReply, TokenCount
from research.sanitize import one_line

SDK_ERRORS = (
    ("openai", "OpenAIError"),
    ("anthropic", "AnthropicError"),
    ("google.genai.errors", "APIError"),
    ("ollama", "ResponseError"),
    ("groq", "GroqError"),
    ("httpx", "HTTPError"),
    ("httpx2", "HTTPError"),
    ("aiohttp", "ClientError"),
    ("langchain_core.exceptions", "LangChainException"),
)
MALFORMED = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    AssertionError,
    RecursionError,
    NotImplementedError,
)
"""What LangChain's classes raise on an answer that is not JSON, nested too deep, or not of the documented shape.

Also on an option that a class does not know, ``NotImplementedError`` where it has no tools, and ``AssertionError``
where Python's own codecs of no text (zlib, hex) are named as an answer's characters.
"""
MEANINGS = {
    400: "the request was rejected",
    401: "the key was rejected",
    402: "the account has no credit left",
    403: "the key may not use this model",
    404: "there is no such model or address",
    408: "the server gave up waiting",
    413: "the request is too large",
    422: "the request was rejected",
    429: "too many requests",
}
SILENT = (401, 403)
"""Here providers repeat (parts of) the key."""
MAYBE_BILLED = (408, 502, 504)
"""A proxy lost or gave up on an answer that the model behind it may have finished."""
BROKE = (
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "credit_balance_too_low",
    "enforced_spend_limit_reached",
    "budget_exceeded",
)
"""Codes of quotas and limits of money: no waiting helps."""
REJECTED = (400, 404, 405, 415, 422, 500, 501)
"""How servers refuse a form of request that they do not know; small ones fail over it."""
TOO_LONG = re.compile(
    r"context.?(?:length|window|size)|maximum context|(?:prompt|input|request)[^.]{0,40}too (?:long|large)"
    r"|too many (?:input |prompt )?tokens|exceeds? the (?:model's )?(?:maximum|limit)[^.]{0,40}tokens"
    r"|(?:input|prompt)[^.]{0,60}tokens?[^.]{0,60}exceed|string_above_max_length",
    re.IGNORECASE,
)
"""How providers say that a prompt does not fit: OpenAI, Anthropic, Google, Mistral, llama.cpp, vLLM, Ollama."""
BREAKS = re.compile("Connection|ProtocolError|PayloadError")
"""In the names of what clients raise where an answer stops in the middle."""
KEY_LIKE = re.compile(r"\b(sk|pk|key|gsk|xai|AIza)[-_A-Za-z0-9*]{8,}")
LONGEST_DETAIL = 200


def call_errors() -> tuple[type[Exception], ...]:
    """Return every exception type that a call may end with; only of SDKs that are loaded."""
    loaded = (getattr(sys.modules.get(module), name, None) for module, name in SDK_ERRORS)
    return (*(kind for kind in loaded if kind is not None), OSError, *MALFORMED)


def cut_completion(error: Exception) -> ModelReply | None:
    """Return the answer inside an error that only says that the answer was cut or filtered, else ``None``.

    OpenAI's client raises when a JSON answer stops at the token limit; the text and its usage were paid for.
    """
    if type(error).__name__ == "ContentFilterFinishReasonError":
        return ModelReply(text="", stop="refusal")
    completion = getattr(error, "completion", None)
    choices = getattr(completion, "choices", None)
    if not choices:
        return None
    usage = getattr(completion, "usage", None)
    count = TokenCount(prompt=usage.prompt_tokens, completion=usage.completion_tokens) if usage else None
    return ModelReply(text=clean_text(choices[0].message.content or ""), stop="length", usage=count)


def failure_of(error: Exception, model: str, secrets: Sequence[str] = ()) -> EffectFailed:
    """Return the failure to raise in place of ``error``."""
    chain = _chain(error)
    told = _told(error)
    status = _status(told)
    if status is not None:
        return _refused(told, status, model, secrets)
    if any("Timeout" in type(link).__name__ for link in chain):
        return EffectFailed(f"{model}: no answer in time", charged=True)
    if any(type(link).__name__ == "Oversized" for link in chain):
        return EffectFailed(f"{model}: more came than an answer can have", charged=True)
    if any(type(link).__name__ == "Unpackable" for link in chain):
        return EffectFailed(f"{model}: the answer could not be unpacked", retryable=True, charged=True)
    if any(type(link).__name__ == "ConnectError" or isinstance(link, ConnectionRefusedError) for link in chain):
        return EffectFailed(f"{model}: the server cannot be reached", retryable=True)
    if any(BREAKS.search(type(link).__name__) or isinstance(link, OSError) for link in chain):
        return EffectFailed(f"{model}: the connection broke before the answer was whole", retryable=True, charged=True)
    return EffectFailed(f"{model}: the answer could not be read ({type(error).__name__})", retryable=True, charged=True)


def rejection(error: Exception) -> str:
    """Return what a server, or LangChain's class for it, says of a request that it does not take; else nothing."""
    if isinstance(error, (TypeError, NotImplementedError)):
        return str(error)
    told = _told(error)
    if _status(told) not in REJECTED or _too_long(told):
        return ""
    return _said(told)


def _told(error: Exception) -> Exception:
    """Return the error that carries the server's answer: LangChain's classes may wrap it in one of their own."""
    links = (link for link in _chain(error) if isinstance(link, Exception))
    return next((link for link in links if _status(link) is not None), error)


def _refused(error: Exception, status: int, model: str, secrets: Sequence[str]) -> EffectFailed:
    kind = "the server failed" if status >= 500 else "the request was rejected"
    meaning = "the server is elsewhere; check its address" if status < 400 else MEANINGS.get(status, kind)
    broke = any(code in BROKE for code in _codes(error)) or _spent_today(error)
    too_long = status == 413 or (status < 500 and _too_long(error))
    if broke:
        meaning = "the account's quota is used up"
    elif too_long:
        meaning = "the prompt is too long"
    detail = "" if status in SILENT or broke or too_long else _detail(error, secrets)
    return EffectFailed(
        f"{model}: {meaning} (HTTP {status}){f': {detail}' if detail else ''}",
        retryable=not broke and not too_long and _again(error, status),
        retry_after=_retry_after(error),
        charged=status in MAYBE_BILLED,
        limited=not broke and status in (429, 529),
        too_long=too_long,
    )


def _again(error: Exception, status: int) -> bool:
    """Return whether the server's word, or else its status, says that the call may be tried again."""
    told = str(_headers(error).get("x-should-retry", "")).lower()
    if told in ("true", "false"):
        return told == "true"
    return status in (408, 409, 425, 429) or status >= 500


def _too_long(error: Exception) -> bool:
    named = any("ContextOverflow" in kind.__name__ for kind in type(error).__mro__)
    return named or bool(TOO_LONG.search(_said(error)))


def _status(error: Exception) -> int | None:
    """Return the HTTP status, also one that stands in the body of an answer of status 200."""
    response = getattr(error, "response", None)
    values = (getattr(error, "status_code", None), getattr(error, "code", None), _status_of(response))
    for value in (*values, _body(error).get("code")):
        if isinstance(value, int) and 300 <= value <= 599:
            return value
    return None


def _status_of(response: object) -> object:
    return getattr(response, "status_code", None)


def _headers(error: Exception) -> Mapping[str, str]:
    responses = (getattr(link, "response", None) for link in _chain(error))
    return next((headers for answer in responses if (headers := getattr(answer, "headers", None))), {})


def _body(error: Exception) -> Mapping[str, Any]:
    """Return the error object: of the body, or what LangChain raises for one in an answer of status 200."""
    body = getattr(error, "body", None) or getattr(error, "details", None)
    if body is None and isinstance(error, ValueError) and error.args:
        body = error.args[0]
    inner = body.get("error", body) if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) else {}


def _codes(error: Exception) -> tuple[str, ...]:
    body = _body(error)
    details = body.get("details")
    finer = details.get("error_code") if isinstance(details, dict) else None
    return tuple(str(code) for code in (body.get("code"), body.get("type"), finer) if code)


def _said(error: Exception) -> str:
    """Return the server's words and codes; they may hold a key, so they are looked at and not shown."""
    return " ".join((*_codes(error), str(_body(error).get("message") or "") or str(error)))


def _detail(error: Exception, secrets: Sequence[str]) -> str:
    text = one_line(str(_body(error).get("message") or ""))  # first, as what it drops may stand inside a key
    for secret in secrets:
        text = text.replace(secret, "…")
    return KEY_LIKE.sub("…", text)[:LONGEST_DETAIL]


def _spent_today(error: Exception) -> bool:
    """Return whether a quota of Google's is used up that is counted by the day."""
    kept = (violation for detail in _details(error) for violation in detail.get("violations") or ())
    return any("PerDay" in str(one.get("quotaId")) for one in kept if isinstance(one, dict))


def _retry_after(error: Exception) -> float | None:
    """Return the seconds the server asked for: as a number, as a date after that of its answer, or as Google does."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        seconds = _seconds(_headers(error).get(name, ""), unit)
        if seconds is not None:
            return seconds
    dates = [_date(_headers(error).get(name, "")) for name in ("retry-after", "date")]
    if dates[0] is not None and dates[1] is not None and dates[0] >= dates[1]:
        return (dates[0] - dates[1]).total_seconds()
    delays = (detail.get("retryDelay", "") for detail in _details(error))
    return next((found for delay in delays if (found := _seconds(str(delay).removesuffix("s"), 1.0)) is not None), None)


def _seconds(text: str, unit: float) -> float | None:
    try:
        seconds = float(text) / unit
    except ValueError:
        return None
    return seconds if seconds >= 0 else None


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year of fourteen digits
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _details(error: Exception) -> list[Mapping[str, Any]]:
    """Return the details of an error of Google's: which quota is used up, when to come again."""
    details = _body(error).get("details")
    return [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []


def _chain(error: BaseException) -> list[BaseException]:
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__ or link.__context__
    return links
