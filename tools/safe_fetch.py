"""The one way to a page: fetched under limits, from public addresses only, and parsed in another process.

Every hop is judged three times: the URL's text, the addresses its name resolves to, and the socket's own peer. Which
addresses are open is in ``tools.addresses``; reading the bytes is the injected parser's work; retries are the gate's.
No proxy, cookie, credential or referrer is ever sent.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import zlib
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urldefrag, urljoin

import httpcore
import httpx

from research import __version__
from research.errors import EffectFailed
from research.ports import Page, Parser
from research.records import Record
from research.requests import FetchRequest
from tools.addresses import Target, judge, read_allowed, read_target, shown
from tools.http_status import status_failure
from tools.tls import web_tls

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Opening = frozenset[tuple[str, int]]

MEDIA = ("text/html", "application/xhtml+xml", "text/plain", "text/markdown", "application/pdf", "application/json")
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_ADDRESSES = 4
CONNECT_SECONDS = 6.0
"""Seconds for one address of a name, so that a dead one leaves time for the next."""


class FetchLimits(Record):
    """The most that one fetch may take: bytes as sent and as decoded, seconds in all, redirects followed."""

    raw_bytes: int = 10_000_000
    decoded_bytes: int = 20_000_000
    seconds: float = 30.0
    redirects: int = 5


async def resolve_name(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses of a name, in the system's order. Raises ``OSError``."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class _JudgedBackend(httpcore.AsyncNetworkBackend):
    """Connects only to addresses that the policy allows, whatever the name resolves to at this moment."""

    def __init__(self, allowed: Opening, resolve: Resolve) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        problem: Exception = httpcore.ConnectError("the name has no address")
        for address in await self._open_addresses(host, port):
            try:
                stream = await self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
                continue
            return await self._checked(stream, address, host, port)
        raise problem

    async def _open_addresses(self, host: str, port: int) -> list[str]:
        try:
            addresses = await self._resolve(host, port)
        except socket.gaierror as error:
            again = error.errno == socket.EAI_AGAIN
            raise EffectFailed(f"the name {host} does not resolve: {error.strerror}", retryable=again) from None
        except (OSError, UnicodeError) as error:
            raise EffectFailed(f"the name {host} does not resolve: {error}") from None
        refusal: EffectFailed | None = None
        usable = []
        for address in addresses[: 4 * MOST_ADDRESSES]:
            try:
                judge(address, host, port, self._allowed)
                usable.append(address)
            except EffectFailed as failure:
                refusal = failure
        if not usable and refusal:
            raise refusal
        return usable[:MOST_ADDRESSES]

    async def _checked(
        self, stream: httpcore.AsyncNetworkStream, address: str, host: str, port: int
    ) -> httpcore.AsyncNetworkStream:
        """Return the stream if its socket really ends where it was meant to."""
        try:
            peer = str(stream.get_extra_info("socket").getpeername()[0])
            judge(peer, host, port, self._allowed)
            if ip_address(peer) != ip_address(address):
                raise EffectFailed(f"{host}:{port} is refused: connected to {peer} instead of {address}")
        except OSError as error:
            await stream.aclose()
            raise httpcore.ConnectError(str(error)) from None
        except EffectFailed:
            await stream.aclose()
            raise
        return stream

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SafeFetch:
    """Implements ``research.ports.Fetch``. ``allow_hosts`` are ``HOST:PORT`` strings that open one host and port."""

    def __init__(
        self,
        parser: Parser,
        *,
        allow_hosts: Iterable[str] = (),
        limits: FetchLimits | None = None,
        user_agent: str = f"research/{__version__}",
        resolve: Resolve = resolve_name,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._parser = parser
        self._allowed = read_allowed(allow_hosts)
        self._limits = limits or FetchLimits()
        self._user_agent = user_agent
        self._resolve = resolve
        self._tls = tls
        self._pool: httpcore.AsyncConnectionPool | None = None

    async def fetch(self, request: FetchRequest, *, timeout: float | None) -> Page:
        """Return the page behind a handle. Raises ``EffectFailed``, which says whether asking again may help."""
        seconds = self._limits.seconds if timeout is None else min(timeout, self._limits.seconds)
        try:
            async with asyncio.timeout(seconds):
                url, media, body = await self._follow(request.url)
        except TimeoutError:
            raise EffectFailed(f"{shown(request.url)} gave no page within {seconds:g} s", retryable=True) from None
        found = await self._parser.parse(body, media, name=shown(url))
        if not found.text.strip():
            raise EffectFailed(f"{shown(url)} has no readable text")
        return Page(url=url, title=found.title, text=found.text, media=_bare(media), published=found.published)

    def prepare(self) -> None:
        """Make the connection pool now; its TLS context takes some hundredths of a second."""
        self._connections()

    async def aclose(self) -> None:
        """Close the connections that are kept open."""
        if self._pool is not None:
            await self._pool.aclose()

    async def _follow(self, url: str) -> tuple[str, str, bytes]:
        """Return final URL, media type and decoded body, following redirects one judged hop at a time."""
        for _ in range(self._limits.redirects + 1):
            url = urldefrag(url).url
            answer = await self._hop(url, read_target(url, self._allowed))
            if not isinstance(answer, str):
                return url, *answer
            url = answer
        raise EffectFailed(f"{shown(url)} is refused: more than {self._limits.redirects} redirects")

    async def _hop(self, url: str, target: Target) -> str | tuple[str, bytes]:
        """Ask one host once: the address it redirects to, or media type and body."""
        place = httpcore.URL(
            scheme=target.scheme, host=target.host, port=target.port, target=httpx.URL(url).raw_path or b"/"
        )
        try:
            async with self._connections().stream(
                "GET", place, headers=self._headers(target), extensions={"timeout": {"connect": CONNECT_SECONDS}}
            ) as response:
                headers = httpx.Headers(response.headers)
                if response.status in REDIRECTS and "location" in headers:
                    return _joined(url, str(headers["location"]))
                media = self._acceptable(url, response.status, headers)
                return media, await self._body(response.aiter_stream(), headers, url)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            untrusted = isinstance(error.__cause__, ssl.SSLCertVerificationError)
            raise EffectFailed(f"{shown(url)} cannot be reached: {error}", retryable=not untrusted) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise EffectFailed(f"{shown(url)} broke off: {error or type(error).__name__}", retryable=True) from None

    def _headers(self, target: Target) -> list[tuple[str, str]]:
        return [
            ("Host", target.authority),
            ("User-Agent", self._user_agent),
            ("Accept", ", ".join(MEDIA)),
            ("Accept-Encoding", "gzip, identity"),
        ]

    def _connections(self) -> httpcore.AsyncConnectionPool:
        if self._pool is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=self._tls or web_tls(),
                max_connections=32,
                max_keepalive_connections=8,
                keepalive_expiry=5.0,
                network_backend=_JudgedBackend(self._allowed, self._resolve),
            )
        return self._pool

    def _acceptable(self, url: str, status: int, headers: httpx.Headers) -> str:
        """Return the media type, with parameters, of an answer worth reading. Raises ``EffectFailed``."""
        if status != 200:
            raise status_failure(status, headers, shown(url))
        media = str(headers.get("content-type", "text/html"))
        if _bare(media) not in MEDIA:
            raise EffectFailed(f"{shown(url)} is {_bare(media)[:80] or 'of no known type'}, which is not read")
        if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity", "gzip", "x-gzip"):
            raise EffectFailed(f"{shown(url)} is encoded in a way that was not asked for")
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > self._limits.raw_bytes:
            raise EffectFailed(f"{shown(url)} is too large: {int(length):,} bytes, {self._limits.raw_bytes:,} at most")
        return media

    async def _body(self, stream: AsyncIterable[bytes], headers: httpx.Headers, url: str) -> bytes:
        """Read and decode with a bound on both; nothing larger than the bounds is ever held."""
        packed = "gzip" in headers.get("content-encoding", "").lower()
        gunzip = _Gunzip(self._limits.decoded_bytes) if packed else None
        raw, plain = 0, bytearray()
        try:
            async for chunk in stream:
                raw += len(chunk)
                if raw > self._limits.raw_bytes:
                    raise EffectFailed(f"{shown(url)} is too large: over {self._limits.raw_bytes:,} bytes")
                plain += gunzip.feed(chunk) if gunzip else chunk
                if len(plain) > self._limits.decoded_bytes:
                    raise EffectFailed(f"{shown(url)} is too large: over {self._limits.decoded_bytes:,} bytes unpacked")
        except zlib.error:
            raise EffectFailed(f"{shown(url)} is a damaged gzip body") from None
        if gunzip and not gunzip.whole:
            raise EffectFailed(f"{shown(url)} is a gzip body that was cut short", retryable=True)
        return bytes(plain)


class _Gunzip:
    """Unpacks gzip, of one or more members, to at most one byte more than ``bound``."""

    def __init__(self, bound: int) -> None:
        self._left = bound + 1
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def whole(self) -> bool:
        return self._member.eof

    def feed(self, data: bytes) -> bytes:
        out = bytearray()
        while data and self._left > 0:
            if self._member.eof:
                self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
            part = self._member.decompress(data, self._left)
            self._left -= len(part)
            out += part
            data = self._member.unused_data.lstrip(b"\0")  # some servers pad with zeros
        return bytes(out)


def _joined(url: str, location: str) -> str:
    """Return where a redirect leads. Raises ``EffectFailed`` when that cannot be read."""
    try:
        return urljoin(url, location.strip().replace(" ", "%20"))
    except ValueError:
        raise EffectFailed(f"{shown(url)} redirects to {shown(location)}, which is not an address") from None


def _bare(media: str) -> str:
    return media.partition(";")[0].strip().lower()
