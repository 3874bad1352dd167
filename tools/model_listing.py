"""Asking a provider which models it has: a call that costs nothing, over httpx. Part of no run.

OpenAI-compatible servers are asked for ``GET /models``, Ollama for ``GET /api/tags``; others are not asked. A key goes
to the address it is handed in with and into no message; redirects are not followed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx

from research.errors import EffectFailed

OPENAI = "https://api.openai.com/v1"
OLLAMA = "http://127.0.0.1:11434"
SECONDS = 5.0
LARGEST = 4 << 20
"""Bytes of a list: a thousand models, and four kilobytes about each."""


def listing_address(provider: str, server: str | None) -> str | None:
    """Return where a provider lists its models; ``None`` where that is not known."""
    if provider == "ollama":
        return f"{(server or OLLAMA).rstrip('/')}/api/tags"
    return f"{(server or OPENAI).rstrip('/')}/models" if provider == "openai" else None


async def list_models(address: str, key: str | None, seconds: float = SECONDS) -> tuple[str, ...]:
    """Return the names of the models that are there. Raises ``EffectFailed`` with what is wrong."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with asyncio.timeout(seconds):
            status, body = await _fetched(address, headers, seconds)
    except (httpx.TimeoutException, TimeoutError):
        raise EffectFailed(f"no answer within {seconds:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise EffectFailed(f"cannot be reached ({type(error).__name__})") from None
    if status in (401, 403):
        raise EffectFailed(f"HTTP {status}: {'the key was rejected' if key else 'it wants a key'}")
    if status != 200:
        raise EffectFailed(f"HTTP {status}")
    try:
        return _names(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise EffectFailed("the answer is no list of models") from None


async def _fetched(address: str, headers: Mapping[str, str], seconds: float) -> tuple[int, bytes]:
    """Return status and body, which is taken as it comes: unpacking would have no bound."""
    plain = address.startswith("http://")  # no certificates to load
    asked = {**headers, "Accept-Encoding": "identity"}
    body = bytearray()
    async with (
        httpx.AsyncClient(timeout=seconds, verify=not plain, trust_env=False) as client,
        client.stream("GET", address, headers=asked) as answer,
    ):
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) > LARGEST:
                raise EffectFailed("more came than a list of models can have")
    return answer.status_code, bytes(body)


def _names(answer: Any) -> tuple[str, ...]:
    """Read ``{"data": [{"id"}]}`` and ``{"models": [{"name"}]}``."""
    rows = [(row["id"] if "data" in answer else row["name"]) for row in answer.get("data", answer.get("models"))]
    return tuple(str(name) for name in rows)
