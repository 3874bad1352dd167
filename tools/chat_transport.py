"""Part of ``tools.chat_models``: the HTTP clients under the classes of OpenAI, Anthropic, Google and Ollama.

They follow no redirect (a prompt goes to the host that was configured, and nowhere else), read no more of an answer
than an answer can have, unpack it within the same bound and read it as UTF-8, leave a connection on which more came
than was asked for, and give an error that stands in an answer of status 200 the status that it names. What an error
means is in ``tools.provider_errors``.
"""

from __future__ import annotations

import json
import sys
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from httpx2 import Response

LARGEST = 8 << 20
"""Bytes of one answer: sixteen times what a model writes that fills 128,000 tokens."""
LARGEST_ERROR = 100_000
GZIP = 16 + zlib.MAX_WBITS
WITHIN = ("_stream", "_httpcore_stream", "_connection", "_h11_state")
"""From a response to the parser of its connection, in httpx and httpcore."""


class Oversized(ValueError):
    """More bytes came than an answer can have."""


class Unpackable(ValueError):
    """The body is packed as nobody asked for, or its end is missing."""


def clients(provider: str, *, plain: bool) -> dict[str, Any]:
    """Return LangChain's options for the provider's clients; ``plain`` is a server without TLS.

    To that there are no certificates to load (0.07 s). No proxy of the environment is used for any. Nothing for other
    providers, and where the provider's package is missing: opening the model says so.
    """
    if provider == "openai":
        return _openai_clients(plain)
    if provider == "google_genai":
        return {"client_args": _guarded(plain)}
    return {"async_client_kwargs": _guarded(plain)} if provider == "ollama" else {}


def guard(chat: object, *, plain: bool) -> None:
    """Give Anthropic's class, which takes no client as an option, one that is guarded as the others' are."""
    from anthropic import DefaultAsyncHttpxClient

    made: Any = chat
    parent = next(kind for kind in DefaultAsyncHttpxClient.__mro__ if kind.__name__ == "AsyncClient")
    library = sys.modules[parent.__module__.partition(".")[0]]
    # Without a transport of ours the class mounts the proxies of the environment itself, whatever else it is told.
    direct = library.AsyncHTTPTransport(verify=not plain, trust_env=False)
    client = made._async_client.with_options(http_client=DefaultAsyncHttpxClient(transport=direct, **_guarded(plain)))
    made.__dict__["_async_client"] = client


def _guarded(plain: bool) -> dict[str, Any]:
    options: dict[str, Any] = {"follow_redirects": False, "headers": {"Accept-Encoding": "gzip"}}
    options |= {"event_hooks": {"response": [check]}, "trust_env": False}
    return options | ({"verify": False} if plain else {})


def _openai_clients(plain: bool) -> dict[str, Any]:
    try:
        from openai import DefaultAsyncHttpxClient, DefaultHttpxClient
    except ImportError:
        return {}
    checked = DefaultAsyncHttpxClient(**_guarded(plain))
    # LangChain wants both; only the other is ever used, so this one need not load certificates again.
    return {"http_client": DefaultHttpxClient(verify=False, trust_env=False), "http_async_client": checked}


async def check(response: Response) -> None:
    """Read the answer whole and within its bound, before anybody else does."""
    library = sys.modules[type(response).__module__.partition(".")[0]]
    body = await _read(response)
    packing = response.headers.get("content-encoding", "identity").lower()
    if packing != "identity":
        body = _unpacked(body, packing)
        del response.headers["content-encoding"]
    response.stream = library.ByteStream(body)
    response.encoding = "utf-8"  # JSON is; an answer may name any of Python's codecs as its own
    if response.status_code == 200 and len(body) < LARGEST_ERROR:
        response.status_code = _told_status(body)


async def _read(response: Response) -> bytes:
    parts = bytearray()
    async for chunk in response.stream:  # type: ignore[union-attr]
        parts += chunk
        if len(parts) > LARGEST:
            await response.aclose()
            raise Oversized
    if _surplus(response):
        await response.extensions["network_stream"].aclose()
    await response.stream.aclose()  # type: ignore[union-attr]
    return bytes(parts)


def _surplus(response: Response) -> bool:
    """Return whether more came than the answer: on this connection it would be taken for that to the next request.

    The client keeps it in the parser of the connection and tells nobody, so it is looked for there.
    """
    link: object = response.stream
    while not hasattr(link, "trailing_data"):
        link = next((getattr(link, name) for name in WITHIN if hasattr(link, name)), None)
        if link is None:
            return False
    return bool(link.trailing_data[0])


def _unpacked(body: bytes, packing: str) -> bytes:
    if packing not in ("gzip", "x-gzip"):
        raise Unpackable
    stream = zlib.decompressobj(GZIP)
    try:
        found = stream.decompress(body, LARGEST + 1)
    except zlib.error:
        raise Unpackable from None
    if len(found) > LARGEST:
        raise Oversized
    if not stream.eof:
        raise Unpackable
    return found


def _told_status(body: bytes) -> int:
    """Return the status that a body names which is an error and no answer: 200 where it is none, 502 without a name."""
    if b'"error"' not in body:
        return 200
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return 200
    error = told.get("error") if isinstance(told, dict) and not told.get("choices") else None
    if not error:
        return 200
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code <= 599 else 502
