"""The prompts, one text file per step, and the marking that keeps outside text apart from instructions.

A file opens with a comment, ``<!-- … -->``, that holds its reasons and the most tokens it may have, and is not sent.
Then come the system message, a line of dashes, and the user message; ``$name`` is filled in once, so nothing inside a
filled-in text is filled in again. What comes from outside goes through :func:`block`: between tags that carry a mark
that is looked for in the text and does not stand in it. Who sends the messages is in
``research.analysts.language`` and ``writing``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from itertools import count
from string import Template

from research.records import ident
from research.requests import Message

RULE = "\n-----\n"
SHORTEST_MARK = 6
_REASONS = re.compile(r"\A<!--.*?-->\n", re.DOTALL)
_UNFIT = re.compile(r'[\s"<>]+')


@lru_cache(maxsize=32)
def _template(name: str) -> tuple[Template, Template]:
    text = files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    system, rule, user = _REASONS.sub("", text, count=1).partition(RULE)
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
    """Return the mark of the blocks around ``texts``: six digits or more that stand in none of them.

    They hang on the texts alone, so that a request is the same when it is made again. Digits are two tokens, where as
    many of hexadecimal are five or six, and a mark stands twice around each text.
    """
    # Where a text holds all numbers of one length, a longer one is found in the end.
    marks = (str(int(ident("m", (texts, turn))[2:], 16))[-(SHORTEST_MARK + turn // 100) :] for turn in count())
    return next(mark for mark in marks if not any(mark in text for text in texts))


def block(name: str, mark: str, text: str, **attributes: object) -> str:
    """Return ``text`` between ``<name-mark …>`` and ``</name-mark>``; attribute values lose quotes and brackets.

    A text that holds the mark all the same, because it was tidied or joined after the mark was made, has it broken.
    """
    text = text.replace(f"-{mark}", f"- {mark}")
    shown = "".join(f' {key}="{_UNFIT.sub(" ", str(value)).strip()}"' for key, value in attributes.items())
    return f"<{name}-{mark}{shown}>\n{text}\n</{name}-{mark}>"
