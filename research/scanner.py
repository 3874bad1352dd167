"""Finds the values of secrets in what is about to leave or to be written, also where they were encoded. Pure.

Text is looked at with everything but letters and digits taken out, as it stands and with its escapes undone: so a value
is found that is split by white space, hyphens, zero-width characters or NUL bytes (UTF-16), and one that is escaped for
a URL, JSON or HTML, wholly or in part. Base64 at its three alignments, hexadecimal and the reversed value are
looked for in the same views. A value split over several writes, encrypted or told in words is not found. What
a finding means is decided by each sink: what is sent is refused, what is written is cleaned.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import NoReturn
from urllib.parse import quote, unquote_to_bytes

from research.clean import unescaped
from research.secret import Secret

SHORTEST = 6
"""Characters of a value that is looked for; a shorter one stands in too many words."""
WORD = 16
"""A value of letters alone that is shorter may be a word: it is looked for as it is written, or wholly encoded."""
PLACEHOLDERS = frozenset(
    {"no-key", "nokey", "not-needed", "no-key-required", "sk-no-key-required", "placeholder", "anything"}
    | {"ollama", "lm-studio", "llama.cpp", "localai", "local-key", "secret", "api-key", "sk-local"}
)
"""What servers without keys tell people to set: no secrets, and words of ordinary texts."""
SHOWN = "[secret]"
ROUNDS = 2
"""So often escapes are undone: JSON that holds JSON, a URL in a URL."""
_OTHER = bytes(code for code in range(256) if not (chr(code).isascii() and chr(code).isalnum()))
_ESCAPE = re.compile(rb"\\(?:u00([0-9A-Fa-f]{2})|u[0-9A-Fa-f]{4}|x([0-9A-Fa-f]{2})|[nrtbf])")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_WORDS = re.compile(r"\S+")
_LINES = re.compile(r"[^\r\n]+")
_JSON = re.compile(r"\s*[{\[\"]")


class Scanner:
    """Looks for the values of ``secrets``, by name; built once, and quick: a few passes over the bytes of a text."""

    def __init__(self, secrets: Mapping[str, Secret]) -> None:
        self._needles: list[tuple[str, _Needles]] = []
        for name, secret in secrets.items():
            value = secret.reveal().strip()
            if len(value) >= SHORTEST and value.lower() not in PLACEHOLDERS:
                self._needles.append((name, _Needles(value)))

    def __repr__(self) -> str:
        return "Scanner(…)"

    def __bool__(self) -> bool:
        return bool(self._needles)

    def found(self, text: str | bytes) -> str:
        """Return the name of a secret whose value stands in ``text``, empty where there is none."""
        if not self._needles:
            return ""
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        for view in _views(data):
            kept = view.translate(None, _OTHER)
            lowered = kept.lower()
            for name, needles in self._needles:
                if needles.stand_in(view, kept, lowered):
                    return name
        return ""

    def clean(self, text: str) -> str:
        """Return ``text`` without the values: each replaced, else its word, its line or all of it. JSON stays JSON."""
        if not self.found(text):
            return text
        if _JSON.match(text) and _is_json(text):
            return self._clean_json(text)
        for _, needles in self._needles:
            for spelled in needles.spelled:
                text = text.replace(spelled, SHOWN)
        for part in (_WORDS, _LINES):
            if self.found(text):
                text = part.sub(lambda match: SHOWN if self.found(match[0]) else match[0], text)
        return SHOWN if self.found(text) else text

    def _clean_json(self, text: str) -> str:
        """Clean each string of a JSON text, names of fields as well; what is split over several takes all of it."""

        def cleaned(match: re.Match[str]) -> str:
            if not self.found(match[0]):
                return match[0]
            inner = self.clean(json.loads(match[0], strict=False)) if len(match[0]) < len(text.strip()) else SHOWN
            return json.dumps(SHOWN if self.found(inner) else inner, ensure_ascii=False)

        text = _STRING.sub(cleaned, text)
        return json.dumps(SHOWN) if self.found(text) else text

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("what looks for secrets cannot be pickled or copied")


class _Needles:
    """The forms of one value. ``spelled`` are those that are replaced where they stand, the longest first."""

    __slots__ = ("_exact", "_kept", "_lowered", "spelled")

    def __init__(self, value: str) -> None:
        data = value.encode("utf-8", "surrogatepass")
        coded = set(_base64(data))
        hexed = data.hex()
        percent = "".join(f"%{byte:02x}" for byte in data)
        quoted = {quote(value, safe=""), quote(value, safe="").lower(), percent, percent.upper()}
        escaped = {json.dumps(value)[1:-1], html.escape(value), value[::-1]}
        spelled = {value, hexed, hexed.upper(), *quoted, *escaped, *(form.decode() for form in coded)}
        self.spelled = sorted(spelled, key=len, reverse=True)
        bare = {view.translate(None, _OTHER).lower() for view in _views(data)}
        plain = min(map(len, bare)) >= SHORTEST and not (value.isalpha() and len(value) < WORD)
        self._exact = () if plain else (data,)
        self._lowered = (hexed.encode(), *(form for one in bare if plain for form in (one, one[::-1])))
        self._kept = tuple(form.translate(None, _OTHER) for form in coded)

    def stand_in(self, view: bytes, kept: bytes, lowered: bytes) -> bool:
        return (
            any(form in view for form in self._exact)
            or any(form in lowered for form in self._lowered)
            or any(form in kept for form in self._kept)
        )


def _base64(data: bytes) -> Iterator[bytes]:
    """Yield what of ``data`` in base64 hangs on it alone, after 0, 1 and 2 other bytes, in both alphabets."""
    for before in range(3):
        first = -(-before * 8 // 6)
        last = (before + len(data)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(before) + data)[first:last]


def _views(data: bytes) -> Iterator[bytes]:
    """Yield ``data`` and what it says with its escapes undone, as long as that is another text."""
    yield data
    for _ in range(ROUNDS):
        before = data
        if b"\\" in data:
            data = _ESCAPE.sub(_undone, data)
        if b"%" in data:
            data = unquote_to_bytes(data)
        if b"&" in data:
            data = unescaped(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogatepass")
        if data == before:
            return
        yield data


def _undone(match: re.Match[bytes]) -> bytes:
    code = match[1] or match[2]
    return bytes([int(code, 16)]) if code else b" "


def _is_json(text: str) -> bool:
    try:
        json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return False
    return True


NO_SECRETS = Scanner({})
"""Finds nothing: for who has no keys."""
