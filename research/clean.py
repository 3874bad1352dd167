"""The one normalisation that a text goes through before it is stored and hashed. Pure.

Offsets of findings count code points of the text that comes out of here. What a terminal, Markdown or HTML sink must
escape on top of this is in ``research.sanitize``.
"""

from __future__ import annotations

import html
import re

_DROPPED = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"  # C0 but tab and newline, DEL, C1 but NEL
    "\ufeff"  # byte order mark
    "\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c"  # bidirectional controls
    "\U000e0000-\U000e007f"  # tag characters
    "\ud800-\udfff"  # lone surrogates
    "\ufff9-\ufffb"  # interlinear annotation
    "]"
)
_SEQUENCES = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?)")  # CSI and OSC, whole
_LINE_ENDS = re.compile("\r\n|\r|\x85|\u2028|\u2029")


def clean_text(text: str) -> str:
    """Return ``text`` with ``\\n`` line ends and without control, bidi, tag, BOM and surrogate code points.

    Idempotent, and the result reads back the same from a UTF-8 file in text mode with universal newlines.
    """
    return _DROPPED.sub("", _LINE_ENDS.sub("\n", _SEQUENCES.sub("", text)))


_ZEROS = re.compile(r"&#([xX]?)0+(?=[0-9a-fA-F])")
_NO_CHARACTER = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{8,});?")


def unescaped(text: str) -> str:
    """Return ``text`` with its HTML entities read; a number that is no character, however long, is U+FFFD."""
    if "&#" in text:  # Python refuses to read a number of some thousand digits
        text = _NO_CHARACTER.sub("\ufffd", _ZEROS.sub(r"&#\1", text))
    return html.unescape(text)
