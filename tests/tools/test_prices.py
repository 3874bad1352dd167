"""Prices and context windows from the bundled data."""

from __future__ import annotations

import pytest

from research.ports import Price
from tools.prices import price_of, window_of

NOW = "2026-11-22T10:00:00Z"


def test_a_known_model_has_a_price_in_nano_dollars() -> None:
    """$0.15 and $0.60 per million tokens are 150 and 600 nano-dollars per token."""
    assert price_of("openai:gpt-4o-mini", NOW) == Price(prompt=150, completion=600, cached=75)
    assert window_of("openai:gpt-4o-mini") == 128_000


def test_the_providers_names_are_translated() -> None:
    """LangChain's provider names find their models in the data, which names some providers otherwise."""
    for spec in ("google_genai:gemini-2.5-flash", "mistralai:mistral-large-latest", "anthropic:claude-sonnet-4-5"):
        price = price_of(spec, NOW)
        assert price is not None
        assert 0 < price.prompt < price.completion


def test_what_a_provider_reads_from_its_cache_is_cheaper() -> None:
    """The price of cached tokens is the provider's, a part of that of others; where none is known, there is none."""
    for spec in ("openai:gpt-5", "anthropic:claude-sonnet-4-5", "google_genai:gemini-2.5-pro"):
        price = price_of(spec, NOW)
        assert price is not None and price.cached is not None
        assert 0 < price.cached <= price.prompt / 2
    unknown = price_of("mistralai:mistral-large-latest", NOW)
    assert unknown is not None and unknown.cached is None


def test_a_price_that_fell_counts_from_its_day() -> None:
    """With a date the price of that day is taken; without one the dearest, so that a cap is never passed."""
    now, dearest = price_of("openai:o3", NOW), price_of("openai:o3")
    assert now is not None
    assert dearest is not None
    assert now.prompt < dearest.prompt


@pytest.mark.parametrize("spec", ["openai:no-such-model", "nobody:gpt-4o", "gpt-4o", ""])
def test_an_unknown_price_is_none_and_not_zero(spec: str) -> None:
    """What is not known is not called free."""
    assert price_of(spec) is None
    assert window_of(spec) is None


def test_a_local_model_is_free() -> None:
    """Ollama's models cost nothing, and their window is not known here."""
    assert price_of("ollama:llama3.2:3b") == Price(prompt=0, completion=0)
    assert window_of("ollama:llama3.2:3b") is None
