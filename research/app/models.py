"""What models are configured, for ``research models``: by role, whether they answer, their window and price.

Each figure is told with where it comes from. A provider is asked for the list of its models only, which costs nothing.
"""

from __future__ import annotations

from research.app.world import key_for, placed_model
from research.errors import EffectFailed
from research.options import Chosen, RunOptions
from research.records import Record, counted
from research.requests import Role
from research.settings import Settings

CONFIG = "config.toml"
KNOWN = "genai-prices"
ASSUMED = "assumed"


class ModelFacts(Record):
    """One model. ``reachable`` is ``None`` where nobody was asked, and ``said`` why, or what came back.

    ``window`` is in tokens; ``prompt`` and ``completion`` are dollars a million tokens, ``None`` where not known. What
    ends in ``_from`` says where a figure comes from.
    """

    model: str
    roles: tuple[Role, ...]
    server: str
    reachable: bool | None
    said: str
    window: int
    window_from: str
    prompt: float | None
    completion: float | None
    price_from: str


async def models(options: RunOptions, settings: Settings) -> tuple[ModelFacts, ...]:
    """Return the models of a run with these options, in the order of the roles; those on one server are asked at once.

    Raises ``UsageFault``, ``UnknownName`` and ``SettingMissing`` for a model that could not be used at all.
    """
    import asyncio

    roles: dict[Chosen, list[Role]] = {}
    for role, model in options.models().items():
        roles.setdefault(placed_model(model, options), []).append(role)
    return tuple(await asyncio.gather(*(_facts(model, tuple(own), settings) for model, own in roles.items())))


async def _facts(model: Chosen, roles: tuple[Role, ...], settings: Settings) -> ModelFacts:
    from tools.chat_models import parse_spec

    provider, name = parse_spec(model.spec, compatible=model.server is not None)
    tokens, window_from = window(model, settings)
    prompt, completion, price_from = _price(model.spec, settings)
    reachable, said = await _reached(model, provider, name, settings)
    return ModelFacts(
        model=f"{provider}:{name}",
        roles=roles,
        server=model.server or "",
        reachable=reachable,
        said=said,
        window=tokens,
        window_from=window_from,
        prompt=prompt,
        completion=completion,
        price_from=price_from,
    )


def window(model: Chosen, settings: Settings) -> tuple[int, str]:
    """Return the context window that a run takes the model to have, in tokens, and who says so."""
    from tools.chat_models import assumed_window, parse_spec
    from tools.prices import window_of

    provider, _ = parse_spec(model.spec, compatible=model.server is not None)
    own, known = settings.windows.get(model.spec), window_of(model.spec)
    if own:
        return own, CONFIG
    return (known, KNOWN) if known else (assumed_window(provider, model.server), ASSUMED)


def _price(spec: str, settings: Settings) -> tuple[float | None, float | None, str]:
    from research.app.world import price

    found = price(spec, settings)
    if found is None:
        return None, None, "not known"
    origin = CONFIG if spec in settings.prices else "it is local" if spec.startswith("ollama:") else KNOWN
    return found.prompt / 1000, found.completion / 1000, origin


async def _reached(model: Chosen, provider: str, name: str, settings: Settings) -> tuple[bool | None, str]:
    from tools.chat_models import KEY_VARIABLES
    from tools.model_listing import list_models, listing_address

    key, variable = key_for(model, settings), KEY_VARIABLES.get(provider)
    if model.server is None and variable and key is None:
        return None, f"not asked: there is no key, set {variable}"
    address = listing_address(provider, model.server)
    if address is None:
        return None, f"not asked: {provider} has no list that is asked here"
    try:
        listed = await list_models(address, key.reveal() if key else None)
    except EffectFailed as failure:
        return False, str(failure)
    there = any(one in (name, f"{name}:latest") for one in listed)
    return True, "it has the model" if there else f"it lists {counted(len(listed), 'model')}, and not this one"
