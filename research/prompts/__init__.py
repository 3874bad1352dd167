"""The prompts, one text file per step, and the marking that keeps outside text apart from instructions.

A file holds the system message, a line of dashes, and the user message; ``$name`` is filled in once, so nothing inside
a filled-in text is filled in again. What comes from outside goes through :func:`block`: between tags that carry a mark
computed from the text itself, which the text therefore cannot contain. Who sends the messages is in
``research.analysts.language``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from string import Template

from research.records import ident
from research.requests import Message

RULE = "\n-----\n"
_UNFIT = re.compile(r'[\s"<>]+')


@lru_cache(maxsize=16)
def _template(name: str) -> tuple[Template, Template]:
    text = files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    system, rule, user = text.partition(RULE)
    if not rule:
        raise ValueError(f"the prompt {name}.md has no line of dashes between system and user message")
    return Template(system.strip()), Template(user.strip())


def prompt(name: str, **fields: object) -> tuple[Message, ...]:
    """Return the system and the user message of a step; raises ``KeyError`` when a field is missing."""
    system, user = _template(name)
    return (
        Message(role="system", content=system.substitute(fields)),
        Message(role="user", content=user.substitute(fields)),
    )


def mark_of(*texts: str) -> str:
    """Return the mark of the blocks around ``texts``: 12 hex digits of their hash."""
    return ident("m", texts)[2:14]


def block(name: str, mark: str, text: str, **attributes: object) -> str:
    """Return ``text`` between ``<name-mark …>`` and ``</name-mark>``; attribute values lose quotes and brackets."""
    shown = "".join(f' {key}="{_UNFIT.sub(" ", str(value)).strip()}"' for key, value in attributes.items())
    return f"<{name}-{mark}{shown}>\n{text}\n</{name}-{mark}>"
