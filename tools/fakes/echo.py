"""A model that has got hold of a secret and writes it into everything it answers, in one encoding after another.

It is the worst a model can do with a key: plans, queries, quotes, verdicts and reports carry it. Apart from that it is
the sensible model of ``tools.fakes.persona``, so that its answers are used.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from tools.fakes.persona import Answer, answer_to

KEPT = frozenset({"quote", "handle", "id", "findings", "source", "verdict", "type", "corpus"})
"""Fields that must stay what they are for the answer to be used at all."""


class EchoingModel:
    """Called with the body of a chat request; ``forms`` are the secret in its encodings, taken in turn."""

    def __init__(self, forms: Sequence[str]) -> None:
        self._forms = itertools.cycle(forms)
        self.echoed = 0

    def __call__(self, body: Mapping[str, Any]) -> Answer:
        """Return the sensible answer with the secret in each of its free texts."""
        answer: Answer = self._told(answer_to(body), "")
        return answer

    def _told(self, value: Any, name: str) -> Any:
        if isinstance(value, dict):
            return {key: one if key == "name" else self._told(one, key) for key, one in value.items()}
        if isinstance(value, list) and name not in KEPT:
            return [self._told(one, name) for one in value]
        if isinstance(value, str) and name not in KEPT:
            self.echoed += 1
            return f"{value} {next(self._forms)}"
        return value
