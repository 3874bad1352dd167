"""Asking a provider which models it has: a call that costs nothing, over httpx. Part of no run.

OpenAI-compatible servers are asked for ``GET /models``, Ollama for ``GET /api/tags``; others are not asked. A key goes
to the address it is handed in with and into no message; redirects are not followed.
"""

from __future__ import annotations

from typing import Any

import httpx

from research.errors import EffectFailed

OPENAI = "https://api.openai.com/v1"
OLLAMA = "http://127.0.0.1:11434"
SECONDS = 5.0


def listing_address(provider: str, server: str | None) -> str | None:
    """Return where a provider lists its models; ``None`` where that is not known."""
    if provider == "ollama":
        return f"{(server or OLLAMA).rstrip('/')}/api/tags"
    return f"{(server or OPENAI).rstrip('/')}/models" if provider == "openai" else None


async def list_models(address: str, key: str | None, seconds: float = SECONDS) -> tuple[str, ...]:
    """Return the names of the models that are there. Raises ``EffectFailed`` with what is wrong."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    plain = address.startswith("http://")  # no certificates to load, and no proxy for a server of one's own
    try:
        async with httpx.AsyncClient(timeout=seconds, verify=not plain, trust_env=not plain) as client:
            answer = await client.get(address, headers=headers)
    except httpx.TimeoutException:
        raise EffectFailed(f"no answer within {seconds:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise EffectFailed(f"cannot be reached ({type(error).__name__})") from None
    if answer.status_code in (401, 403):
        raise EffectFailed(f"HTTP {answer.status_code}: {'the key was rejected' if key else 'it wants a key'}")
    if answer.status_code != 200:
        raise EffectFailed(f"HTTP {answer.status_code}")
    try:
        return _names(answer.json())
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EffectFailed("the answer is no list of models") from None


def _names(answer: Any) -> tuple[str, ...]:
    """Read ``{"data": [{"id"}]}`` and ``{"models": [{"name"}]}``."""
    rows = [(row["id"] if "data" in answer else row["name"]) for row in answer.get("data", answer.get("models"))]
    return tuple(str(name) for name in rows)
