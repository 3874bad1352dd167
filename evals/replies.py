"""A judge's prompts, and getting a usable answer: a strict form, read with tolerance, and one more try.

The answer must be a JSON object that repeats the prompt's mark. Prose or a code fence around it is let pass; an object
without the mark is not, for it may be quoted from the judged text, which cannot know the mark. What is asked is in
``evals.race`` and ``evals.fact``.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from functools import lru_cache
from importlib.resources import files
from string import Template
from typing import Any, TypeVar

import msgspec

from research.records import Record

Ask = Callable[[str], Awaitable[str]]
"""Sends one prompt to the judge and returns its answer. A ``ResearchError`` it raises leaves the case unscored."""

T = TypeVar("T")
R = TypeVar("R", bound=Record)

LONGEST_REPLY = 200_000
MOST_TRIES = 100


PROMPTS = ("race", "fact")


@lru_cache(maxsize=4)
def _prompt(name: str) -> tuple[str, Template]:
    text = files("evals").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8")
    first, _, rest = text.partition("\n")
    return first.removeprefix("version:").strip(), Template(rest)


def template(name: str) -> Template:
    """Return the prompt of that name, to be filled in once."""
    return _prompt(name)[1]


def prompt_versions() -> dict[str, str]:
    """Return the version of each judge's prompt (the first line of its file), for the log."""
    return {name: _prompt(name)[0] for name in PROMPTS}


class Unusable(ValueError):
    """A judge's answer that does not fit, in words that go back to the judge."""


async def asked(ask: Ask, prompt: str, read: Callable[[str], T]) -> T:
    """Return what ``read`` makes of the answer; asks once more when it is unusable. Raises ``Unusable``."""
    try:
        return read(await ask(prompt))
    except Unusable as fault:
        complaint = fault
    return read(await ask(f"{prompt}\nYour last answer could not be used: {complaint}. Answer with the JSON only.\n"))


def filled(reply: str, mark: str, kind: type[R]) -> R:
    """Return the one object of ``reply`` that carries ``mark``, as ``kind``. Raises ``Unusable``."""
    marked = [found for found in _objects(reply[:LONGEST_REPLY]) if found.get("mark") == mark]
    if not marked:
        raise Unusable("it holds no JSON object with the mark of the prompt")
    if any(found != marked[0] for found in marked):
        raise Unusable("it holds more than one answer")
    try:
        return msgspec.convert(marked[0], kind, strict=False)
    except msgspec.ValidationError as fault:
        raise Unusable(f"it has the wrong form ({fault})") from fault


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a text, outermost only, in order."""
    decoder = json.JSONDecoder()
    at = text.find("{")
    for _ in range(MOST_TRIES):
        if at < 0:
            return
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield value
        at = text.find("{", end)
