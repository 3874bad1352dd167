"""The window and price that each model of a run had when it was begun, kept with the run for its replay.

Which they are is found in ``research.app.world``; with them a call is sized, priced and routed.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from research.app.world import Judgement
from research.options import RunOptions
from research.ports import Price
from research.records import Record, build
from research.settings import Settings


class KnownModel(Record):
    """What a run was begun with of one model: what it is sent and where it goes depends on it."""

    spec: str
    window: int
    price: Price | None


KNOWN_MODEL = "model"
"""The kind of these records; the id is the model as the user names it."""


def known_models(options: RunOptions, judgement: Judgement) -> list[tuple[str, str, KnownModel]]:
    """Return a record of each model of a run, so that a replay takes no other way when a price or a window changes."""
    chosen = {role: model.spec for role, model in options.models().items() if role in judgement.models}
    opened = {spec: judgement.models[role] for role, spec in chosen.items()}
    return [
        (KNOWN_MODEL, spec, KnownModel(spec=spec, window=model.window, price=model.price))
        for spec, model in opened.items()
    ]


def settings_then(settings: Settings, records: Sequence[object]) -> Settings:
    """Return the settings with the windows and prices of ``records``; unchanged where a run has none."""
    known = [build(KnownModel, record) for record in records]
    windows = {model.spec: model.window for model in known}
    prices = {model.spec: model.price for model in known if model.price is not None}
    return replace(settings, windows=windows, prices=prices) if known else settings
