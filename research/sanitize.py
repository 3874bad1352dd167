"""What a sink must do to text that came from outside before it shows it: terminals, Markdown and JSON. Pure.

:func:`terminal` makes text safe for a terminal, a pipe or a log. :func:`markdown_text` makes it safe inside our own
Markdown, :func:`markdown_link` is the only maker of links, and :func:`json_text` escapes what a JSON encoder leaves
raw. What is stored is normalised in ``research.clean`` and never passes through here.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, urlsplit

_SEQUENCE = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, modes
    "|(?:\x1b[\\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]{0,4096}(?:\x07|\x1b\\\\|\x9c)"  # OSC, DCS, SOS, PM, APC
)
"""Whole control sequences (ECMA-48, 5.4 and 5.6). One that never ends loses its control characters only."""

_LINE_ENDS = re.compile("\r\n|\r|\x85|\u2028|\u2029")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ASTRAL_TAGS = re.compile("[\U000e0000-\U000e0fff]")
_JOINERS = "\u200c\u200d"


def terminal(text: str) -> str:
    """Return ``text`` without anything that a terminal obeys or that hides or reorders characters.

    No C0 or C1 control but ``\\n`` and ``\\t``, no escape sequence, no format character (bidi controls, tags, zero
    widths, soft hyphens). A joiner stays where writing needs it: in an emoji, after a virama, between Arabic letters.
    """
    text = _LINE_ENDS.sub("\n", _SEQUENCE.sub("", text))
    text = _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))
    if text.isascii():
        return text
    kept: list[str] = []
    shown = [char for char in _ASTRAL_TAGS.sub("", text) if char in _JOINERS or unicodedata.category(char) != "Cf"]
    for position, char in enumerate(shown):
        after = shown[position + 1] if position + 1 < len(shown) else ""
        if char not in _JOINERS or (kept and after and _joins(kept[-1], char, after)):
            kept.append(char)
    return "".join(kept)


def _joins(before: str, joiner: str, after: str) -> bool:
    """Return whether a joiner is needed here: the contexts of RFC 5892 A.1 and A.2, and emoji sequences."""
    if after in _JOINERS:
        return False
    if unicodedata.combining(before) == 9:
        return True
    if joiner == "\u200c":
        return unicodedata.bidirectional(before) == "AL" and unicodedata.bidirectional(after) == "AL"
    pictured = 0x2190 <= ord(before) <= 0x2BFF or before == "\ufe0f" or ord(before) >= 0x1F000
    return pictured and (0x2190 <= ord(after) <= 0x2BFF or ord(after) >= 0x1F000)


def one_line(text: str, limit: int = 0) -> str:
    """Return ``text`` safe for a terminal, on one line, with an ellipsis after ``limit`` characters (0: no limit)."""
    line = " ".join(terminal(text).split())
    return f"{line[: limit - 1].rstrip()}…" if limit and len(line) > limit else line


_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]{0,40}:|(?<![\w:/]))//[^\s`<>|]+"  # any scheme, or none, with two slashes
    r"|\bwww\.[^\s`<>|]+"
    r"|(?:mailto|xmpp):[^\s`<>|]+"
    r"|[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+",
    re.IGNORECASE,
)
_TAIL = ".,;:!?'\"”’»)]}*_~"
_ENTITY = re.compile(r"&(?=#?\w{1,32};)")
_LINE_START = re.compile(r"^(?:[#>=+~:-]|\d{1,9}(?=[.)](?:\s|$)))")


def markdown_text(text: str) -> str:
    """Return ``text`` as one line of Markdown that shows it and does nothing.

    It can make no link, image, HTML, heading, list, footnote, table, emphasis or formula in CommonMark, GitHub's
    dialect or Pandoc's. Addresses become code spans, because several renderers link them otherwise.
    """
    line = one_line(text)
    parts: list[str] = []
    at = 0
    for match in _ADDRESS.finditer(line):
        address = match.group().rstrip(_TAIL)
        if match.start() < at or not address:
            continue
        parts += [_escape(line[at : match.start()]), f"`{address}`"]
        at = match.start() + len(address)
    parts.append(_escape(line[at:]))
    start = _LINE_START.match(line)
    if start is not None and parts[0]:
        parts[0] = _escape_start(parts[0], start.group())
    return re.sub(r"!$", r"\!", "".join(parts))  # an image, if a bracket of ours came next


def _escape(text: str) -> str:
    text = _ENTITY.sub("&amp;", re.sub(r"([\\`*\[\]|])", r"\\\1", text))
    text = text.replace("<", "&lt;")
    text = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", text)
    text = re.sub(r"~(?=~|\w)|(?<=[\w~])~", r"\\~", text)
    return re.sub(r"\$(?!\d)", r"\\$", text)


def _escape_start(escaped: str, start: str) -> str:
    if start.isdigit():
        return f"{start}\\{escaped[len(start) :]}"
    return escaped if escaped.startswith("\\") else f"\\{escaped}"


_HOST_LIKE = re.compile(r"(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_]{2,}|\d+(?:\.\d+){3}")


_DOTS = dict.fromkeys(map(ord, "\u3002\u06d4\u0660\u06f0\u0701\u0702\ua4f8\ua60e\U00010a50"), ".")
"""Characters that IDNA takes for a dot, or that look like one (confusables of Unicode TS 39)."""
_BLANK = dict.fromkeys(map(ord, "\u115f\u1160"))
"""Letters that show nothing, and to which NFKD leads the other two."""


def _seen(line: str) -> str:
    """Return a line as the eye takes it: one form of letters and dots, no marks on them and none that show nothing."""
    plain = unicodedata.normalize("NFKD", line).translate(_BLANK).translate(_DOTS)
    return "".join(char for char in plain if not unicodedata.category(char).startswith("M"))


def markdown_link(text: str, url: str) -> str:
    """Return a Markdown link that shows ``text``, or only the text when ``url`` is not a plain http, https or file URL.

    A label that names another host than the target's stands before the link, and the link then shows its own host.
    """
    target = _target(url)
    if target is None:
        return markdown_text(text) or markdown_text(url)
    destination, own = target
    label = markdown_text(text)
    if not label:
        return f"[{markdown_text(own)}]({destination})"
    line = one_line(text)
    named = {name.lower().removeprefix("www.") for name in _HOST_LIKE.findall(line) + _HOST_LIKE.findall(_seen(line))}
    if "`" not in label and named <= {own.lower().removeprefix("www.")}:
        return f"[{label}]({destination})"
    return f"{label} ([{markdown_text(own)}]({destination}))"


def _target(url: str) -> tuple[str, str] | None:
    """Return the encoded URL and what it may be called (host, or file name), or ``None`` when it may not be a link."""
    if url != terminal(url) or any(char.isspace() for char in url) or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        named, port = parts.hostname or "", parts.port
        host = named.encode("idna").decode()
        same = named.isascii() or host.encode().decode("idna") == named
    except ValueError:
        return None
    if not same:  # as with a sharp s: IDNA 2003 and 2008 make two hosts of it, and one of them was not read
        return None
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/"):
        return _encoded(url), parts.path.rsplit("/", 1)[-1] or parts.path
    if (
        parts.scheme not in ("http", "https")
        or "@" in parts.netloc
        or not re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", host)
    ):
        return None
    place = f"[{host}]" if ":" in host else host
    address = parts._replace(netloc=place if port is None else f"{place}:{port}").geturl()
    return _encoded(address), host


def _encoded(url: str) -> str:
    return _ENTITY.sub("&amp;", quote(url, safe="%/:?#[]@!$&'*+,;=~-._"))


_RAW_IN_JSON = re.compile("[\x7f-\x9f\u00ad\u0600-\U0010ffff]")


def json_text(encoded: str) -> str:
    """Return JSON text with every control and format character as a ``\\u`` escape; its value stays the same."""
    return _RAW_IN_JSON.sub(_json_escape, encoded)


def _json_escape(match: re.Match[str]) -> str:
    char = match.group()
    hidden = unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs") or 0xE0000 <= ord(char) <= 0xE0FFF
    if not hidden:
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
