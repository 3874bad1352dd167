"""What a person's approval is bound to: the exact plan of one run, for a time. Pure.

An approval names the hash of what was shown. It counts for that and for nothing else, once, and a plan that waited too
long is refused. Only the command of a person makes one: no branch has a right to it (``research.access``), and no
answer of a model is read as one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

from research.records import Record, Task, encode

Answer = Literal["yes", "no"]
SHORT = 12
"""Digits of a hash that are shown to people."""


class Shown(Record):
    """That a plan was shown to a person, and when (ISO 8601): the first time counts."""

    action: str
    at: str


class Approval(Record):
    """The answer to what was shown. ``action`` is the hash of it; the first answer is the one that counts."""

    action: str
    answer: Answer
    at: str


def action_of(run: str, tasks: Sequence[Task]) -> str:
    """Return the SHA-256 (hex) of the canonical JSON of what is approved: to begin these branches, in this run."""
    return hashlib.sha256(encode({"begin": list(tasks), "run": run}).encode()).hexdigest()
