"""The readable files of a folder, and the text of those that are text.

Walking, naming, deciding by suffix, and decoding of ``.txt``, ``.md`` and ``.rst``. HTML and PDF go through the parser
(``research.ports.Parser``); cutting, storing and skipping are in ``tools.indexing``.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from research.errors import EffectFailed, UsageFault
from research.records import Record

MEDIA = {
    ".txt": "text/plain",
    ".text": "text/plain",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".rst": "text/x-rst",
    ".html": "text/html",
    ".htm": "text/html",
    ".pdf": "application/pdf",
}
"""The suffixes that are read (in any case), and their media types."""

PARSED = frozenset({"text/html", "application/pdf"})
"""Media types whose bytes are a parser's work, in a child process."""

MOST_BYTES = 64 * 1024 * 1024
"""A larger file is skipped and named."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_UTF8_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]")
FEW_HIGH = 0.25
"""Western text in cp1252 has at most about this share of bytes above 127; other alphabets have far more."""


class Found(Record):
    """A file to look at: ``name`` is its path below the folder with ``/``, printable whatever its bytes are."""

    name: str
    path: str
    media: str


def found_in(folder: Path) -> list[Found]:
    """Return the files of ``folder`` and below with a known suffix, sorted by name.

    Hidden files and folders are left out, and links are followed only to files inside ``folder``. Raises
    ``UsageFault`` when ``folder`` cannot be listed.
    """
    if not folder.is_dir():
        raise UsageFault(f"{folder} is not a folder")
    return sorted(_walk(folder.resolve()), key=lambda file: file.name)


def _walk(root: Path) -> Iterator[Found]:
    def refuse(error: OSError) -> None:
        if error.filename is not None and Path(os.fsdecode(error.filename)) == root:
            raise UsageFault(f"{root} cannot be listed: {error.strerror}")

    for folder, folders, files in os.walk(root, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(folder, name)
            media = MEDIA.get(path.suffix.lower())
            if media is None or name.startswith("."):
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                continue
            shown = path.relative_to(root).as_posix().encode("utf-8", "backslashreplace").decode()
            yield Found(name=shown, path=str(path), media=media)


def status(file: Found) -> os.stat_result:
    """Return the file's status; raises ``EffectFailed`` when it is no regular file, too large or not reachable."""
    try:
        facts = os.stat(file.path)  # noqa: PTH116
    except OSError as error:
        raise EffectFailed(f"cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(facts.st_mode):
        raise EffectFailed("not a regular file")
    if facts.st_size > MOST_BYTES:
        raise EffectFailed(f"larger than {MOST_BYTES // 1024 // 1024} MB")
    return facts


def content(file: Found) -> bytes:
    """Return the file's bytes; raises ``EffectFailed`` when it is empty, too large or cannot be read."""
    try:
        with open(file.path, "rb") as opened:  # noqa: PTH123
            data = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise EffectFailed(f"cannot be read: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise EffectFailed(f"larger than {MOST_BYTES // 1024 // 1024} MB")
    if not data.strip():
        raise EffectFailed("empty")
    return data


def decoded(data: bytes) -> str:
    """Return the text of ``data``: UTF-8, or what its byte order mark says, or a plausible older encoding.

    Raises ``EffectFailed`` for binary data, for damaged Unicode, and where no encoding is plausible: a text that is
    guessed wrongly would be quoted wrongly.
    """
    mark = next((encoding for bom, encoding in _MARKS if data.startswith(bom)), None)
    try:
        text = data.decode(mark or "utf-8")
    except UnicodeDecodeError as error:
        if mark:
            raise EffectFailed(f"damaged: not valid {mark.upper()} at byte {error.start}") from error
        text = _older(data, error.start)
    if "\x00" in text or len(_CONTROL.findall(text[:100_000])) > len(text[:100_000]) / 100:
        raise EffectFailed("binary data, not text")
    if not text.strip():
        raise EffectFailed("empty")
    return text


def _older(data: bytes, position: int) -> str:
    """Return text in an encoding from before Unicode. cp1252 where few bytes are above 127, else what fits best."""
    if b"\x00" in data:
        raise EffectFailed("binary data, not text")
    if _UTF8_SEQUENCE.search(data):
        if len(_HIGH.findall(data)) < len(data) * FEW_HIGH:
            raise EffectFailed(f"damaged: not valid UTF-8 at byte {position}")
    elif len(_HIGH.findall(data)) < len(data) * FEW_HIGH:
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError:
            raise EffectFailed(f"its encoding is unknown (not UTF-8 at byte {position})") from None
    return _guessed(data, position)


def _guessed(data: bytes, position: int) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:200_000]).best()
    if best is not None:
        try:
            text = data.decode(best.encoding)
        except UnicodeDecodeError:
            text = ""
        if text and not _CONTROL.search(text):
            return text
    raise EffectFailed(f"its encoding is unknown (not UTF-8 at byte {position})")
