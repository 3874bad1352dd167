"""Keys that a user put where they would be kept: refused before a run begins. What it meets is the gate's."""

from __future__ import annotations

from research.errors import UsageFault
from research.records import encode
from research.settings import Settings


def refuse_secrets(settings: Settings, *asked: object) -> None:
    """Raise ``UsageFault`` when anything ``asked`` of a run holds the value of a key: all of it is stored."""
    name = settings.scanner().found(encode(asked))
    if name:
        raise UsageFault(
            f"the question, a setting or the plan holds the value of {name}, and what a run is asked is stored; "
            "take it out: keys are read from the environment only"
        )
