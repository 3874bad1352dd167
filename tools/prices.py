"""What a model's tokens cost and how many it can hold, from the data bundled with ``genai-prices``. No network.

A price is an upper bound: of changing or tiered prices the dearest is taken, and a call is reserved without a discount,
so a budget in money is never passed. What the provider then says it read from its own cache is charged at the price for
that; reasoning is charged as what it is billed as, tokens of the answer.
Loading the data takes about 0.25 s on its own (0.04 s after LangChain), so it happens at the first question only.
What is reserved and charged is decided in ``research.effects``.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from research.ports import Price

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice

NANO_PER_MTOK = 1_000
"""$1 per million tokens is 1,000 nano-dollars per token."""
LONGEST_PROMPT = 100_000
"""Tokens: no prompt of this program is longer, so a tier that begins above this is never reached."""
PROVIDERS = {
    "google_genai": "google",
    "google_vertexai": "google",
    "mistralai": "mistral",
    "xai": "x-ai",
    "azure_openai": "azure",
    "bedrock": "aws",
    "bedrock_converse": "aws",
}
"""LangChain's provider names where ``genai-prices`` uses another."""
FREE = Price(prompt=0, completion=0)


def price_of(spec: str, now: str | None = None) -> Price | None:
    """Return the price of ``provider:model``, or ``None`` when it is not known. A local ``ollama`` model is free.

    ``now`` (ISO 8601, from the clock) picks among prices that changed; without it the dearest ever charged is taken.
    """
    if spec.startswith("ollama:"):
        return FREE
    model = _find(spec)
    prices = [] if model is None else _in_force(model.prices, None if now is None else datetime.fromisoformat(now))
    prompt = [cost for cost in (_dearest(_part(price, "input_mtok")) for price in prices) if cost is not None]
    completion = [cost for cost in (_dearest(_part(price, "output_mtok")) for price in prices) if cost is not None]
    if not prompt or not completion:
        return None
    cached = [cost for cost in (_dearest(_part(price, "cache_read_mtok")) for price in prices) if cost is not None]
    discounted = len(cached) == len(prices) and max(cached) <= max(prompt)
    return Price(
        prompt=max(prompt) * NANO_PER_MTOK,
        completion=max(completion) * NANO_PER_MTOK,
        cached=max(cached) * NANO_PER_MTOK if discounted else None,
    )


def window_of(spec: str) -> int | None:
    """Return the context window of ``provider:model`` in tokens, or ``None`` when it is not known."""
    model = None if spec.startswith("ollama:") else _find(spec)
    return model.context_window if model else None


@lru_cache(maxsize=16)
def _find(spec: str) -> ModelInfo | None:
    from genai_prices.data_snapshot import get_snapshot

    provider, _, name = spec.partition(":")
    try:
        return get_snapshot().find_provider_model(name, None, PROVIDERS.get(provider, provider), None)[1]
    except LookupError:
        return None


def _in_force(prices: Any, now: datetime | None) -> list[ModelPrice]:
    """Return the prices that hold at some hour of that day: those since the last change that has come into force."""
    if not isinstance(prices, list):
        return [prices]
    held: list[ModelPrice] = []
    for entry in reversed(prices):
        starts = getattr(entry.constraint, "start_date", None)
        if starts is not None and now is not None and now.date() < starts:
            continue
        held.append(entry.prices)
        hourly = entry.constraint is not None and starts is None
        if now is not None and not hourly:
            break
    return held


def _part(price: ModelPrice, unit: str) -> Any:
    return getattr(price, unit, None)


def _dearest(price: Any) -> float | None:
    """Return dollars per million tokens: the dearest tier that a prompt of this program can reach."""
    if price is None:
        return None
    if isinstance(price, Decimal):
        return float(price)
    reached = [tier.price for tier in price.tiers if tier.start < LONGEST_PROMPT]
    return float(max([price.base, *reached]))
