"""The JSON object in a model's answer: found strictly, or not at all.

Small models put words, a code fence or their thinking around the object that they were asked for. What is found is one
whole object, never a part of a broken one. Whether it has the fields that were asked for is for ``msgspec`` to say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from research.clean import clean_text

MOST_STARTS = 50
"""Opening braces that are tried: prose with more of them before the object is not an answer."""
DEEPEST = 64
"""Levels of an answer: what is asked for has five, and whoever walks a few hundred runs out of stack."""

_THOUGHT = re.compile(r"\A.*</(?:think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE)
_THINKING = re.compile(r"\A\s*<(?:think|thinking|reasoning)>", re.IGNORECASE)
_KEY = re.compile(r'\{\s*(?:"|\Z)')
_LISTED = re.compile(r"\[\s*\Z")


def first_object(text: str) -> dict[str, Any] | None:
    """Return the first whole JSON object in ``text``, its strings cleaned, or ``None``.

    Around it may be thinking that has ended, a code fence and prose. ``None`` where the first object is cut or broken
    (an object inside of it is a part, not an answer), is in a list, or has a field twice. ``NaN`` and the infinities,
    which JSON has not, become null. ``None`` also where it is nested deeper than ``DEEPEST``.
    """
    whole = text.strip()
    found = _loaded(whole) if whole.startswith("{") else None
    if found is None and not _THINKING.match(_THOUGHT.sub("", whole)):
        found = _searched(_THOUGHT.sub("", whole))
    return cleaned(found) if found is not None and not _too_deep(found) else None


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        held = (item.values() if isinstance(item, dict) else item for item in level if isinstance(item, (dict, list)))
        level = [item for items in held for item in items]
    return bool(level)


def lacking(data: object, schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the required fields of the top of ``schema`` that ``data`` has not: all, where it is no object."""
    required: Sequence[str] = schema.get("required", ())
    return tuple(name for name in required if not isinstance(data, dict) or name not in data)


_KINDS: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def fits(data: object, schema: Mapping[str, Any]) -> bool:
    """Return whether ``data`` is of the shape of one of our own schemas: kinds, fields, items and listed words."""
    kind = str(schema.get("type"))
    if "enum" in schema and data not in schema["enum"]:
        return False
    allowed = _KINDS.get(kind, (object,))
    if not isinstance(data, allowed) or (isinstance(data, bool) and bool not in allowed and object not in allowed):
        return False
    if isinstance(data, dict):
        fields: Mapping[str, Any] = schema.get("properties", {})
        return not lacking(data, schema) and all(fits(data[name], fields[name]) for name in fields if name in data)
    return not isinstance(data, list) or all(fits(item, schema.get("items", {})) for item in data)


def cleaned(value: Any) -> Any:
    """Return a JSON value with every string in it cleaned, the keys of its objects too.

    They are cleaned after they are read: a line separator may stand in a JSON string, the line end that it becomes may
    not.
    """
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(key): cleaned(item) for key, item in value.items()}
    return [cleaned(item) for item in value] if isinstance(value, list) else value


def _loaded(body: str) -> dict[str, Any] | None:
    """Return ``body`` as an object, which it may be as a whole even where a string in it holds a closing tag."""
    try:
        value, end = _decoder().raw_decode(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and not body[end:].strip() else None


def _searched(body: str) -> dict[str, Any] | None:
    start = -1
    for _ in range(MOST_STARTS):
        start = body.find("{", start + 1)
        if start < 0:
            return None
        if not _KEY.match(body, start):
            continue  # a brace of prose, or of a formula
        if _LISTED.search(body, 0, start):
            return None
        try:
            value, _ = _decoder().raw_decode(body, start)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None
    return None


def _decoder() -> json.JSONDecoder:
    # Unlike msgspec, it reads a lone surrogate's escape.
    return json.JSONDecoder(object_pairs_hook=_once, parse_constant=lambda _: None)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field is there twice")
    return fields
