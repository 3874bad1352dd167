"""The bytes of an answer: read and unpacked with a bound on both, so that nothing larger is ever held.

Only identity and gzip are accepted, because only these can be unpacked piece by piece with a bound; any other encoding
is refused before a byte of it is decoded. What the bytes mean is the parser's work.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import httpx

from research.errors import EffectFailed
from research.records import Record
from tools.addresses import shown
from tools.judged_network import Answer

MEDIA = ("text/html", "application/xhtml+xml", "text/plain", "text/markdown", "application/pdf", "application/json")
HTML = frozenset(MEDIA[:2])
SCRIPTS = ("text/javascript", "application/javascript", "application/x-javascript", "application/ecmascript")
LOADED = (*MEDIA, *SCRIPTS, "application/xml", "text/xml")
"""What the scripts of a page may load."""
ACCEPTED = (("Accept", ", ".join(MEDIA)), ("Accept-Encoding", "gzip, identity"))
"""The headers that say what is read here."""
MOST_MEMBERS = 1_000
"""A gzip body of more members than this is taken for damaged: an empty one takes 20 bytes, and time."""


class FetchLimits(Record):
    """The most that one fetch may take: bytes as sent and as decoded, seconds in all, redirects followed."""

    raw_bytes: int = 10_000_000
    decoded_bytes: int = 20_000_000
    seconds: float = 30.0
    redirects: int = 5


def bare(media: str) -> str:
    """Return a media type without its parameters."""
    return media.partition(";")[0].strip().lower()


def acceptable(url: str, headers: httpx.Headers, limits: FetchLimits, kinds: Sequence[str] = MEDIA) -> str:
    """Return the media type, with parameters, of a body worth reading. Raises ``EffectFailed``."""
    media = str(headers.get("content-type", "text/html"))
    if bare(media) not in kinds and not (kinds is LOADED and bare(media).endswith("+json")):
        raise EffectFailed(f"{shown(url)} is {bare(media)[:80] or 'of no known type'}, which is not read")
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity", "gzip", "x-gzip"):
        raise EffectFailed(f"{shown(url)} is encoded in a way that was not asked for")
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > limits.raw_bytes:
        raise EffectFailed(f"{shown(url)} is too large: {int(length):,} bytes, {limits.raw_bytes:,} at most")
    return media


async def read_body(answer: Answer, url: str, limits: FetchLimits) -> bytes:
    """Read and decode the whole body. Raises ``EffectFailed`` when it is larger than the limits, damaged or cut."""
    packed = "gzip" in answer.headers.get("content-encoding", "").lower()
    gunzip = _Gunzip(limits.decoded_bytes) if packed else None
    raw, plain = 0, bytearray()
    try:
        async for chunk in answer.chunks:
            raw += len(chunk)
            if raw > limits.raw_bytes:
                raise EffectFailed(f"{shown(url)} is too large: over {limits.raw_bytes:,} bytes")
            plain += gunzip.feed(chunk) if gunzip else chunk
            if len(plain) > limits.decoded_bytes:
                raise EffectFailed(f"{shown(url)} is too large: over {limits.decoded_bytes:,} bytes unpacked")
    except zlib.error:
        raise EffectFailed(f"{shown(url)} is a damaged gzip body") from None
    if gunzip and not gunzip.whole:
        raise EffectFailed(f"{shown(url)} is a gzip body that was cut short", retryable=True)
    return bytes(plain)


async def read_start(answer: Answer, most: int) -> bytes:
    """Return at most the first ``most`` bytes of a body, decoded; empty when it is encoded in a way not asked for.

    No more than about as many bytes are read as sent, whatever they decode to.
    """
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        return b""
    gunzip = _Gunzip(most) if "gzip" in encoding else None
    raw, plain = 0, bytearray()
    try:
        async for chunk in answer.chunks:
            raw += len(chunk)
            plain += gunzip.feed(chunk) if gunzip else chunk
            if max(raw, len(plain)) >= most:
                break
    except zlib.error:
        return b""
    return bytes(plain[:most])


class _Gunzip:
    """Unpacks gzip, of one or more members, to at most one byte more than ``bound``. Raises ``zlib.error``."""

    def __init__(self, bound: int) -> None:
        self._left = bound + 1
        self._members = 1
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def whole(self) -> bool:
        return self._member.eof

    def feed(self, data: bytes) -> bytes:
        out = bytearray()
        while data and self._left > 0:
            if self._member.eof:
                data = data.lstrip(b"\0")  # some servers pad with zeros
                if not data:
                    break
                self._next_member()
            part = self._member.decompress(data, self._left)
            self._left -= len(part)
            out += part
            data = self._member.unused_data
        return bytes(out)

    def _next_member(self) -> None:
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise zlib.error("too many members")
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
