"""The one transport for pages: it connects only to addresses that the policy allows, and hands out answers in pieces.

Every connection is judged twice here: the addresses its name resolves to, and the socket's own peer. The URL's text is
judged before, in ``tools.addresses``. No proxy, cookie, credential or referrer is ever sent. Redirects are for callers.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpcore
import httpx

from research.errors import EffectFailed
from tools.addresses import Target, judge, read_target, shown
from tools.tls import web_tls

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Opening = frozenset[tuple[str, int]]

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_ADDRESSES = 4
CONNECT_SECONDS = 6.0
"""Seconds for one address of a name, so that a dead one leaves time for the next."""


class Answer(NamedTuple):
    """What a host said: ``chunks`` is the body as it is sent, not yet decoded, to be read once or not at all."""

    status: int
    headers: httpx.Headers
    chunks: AsyncIterable[bytes]


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


class JudgedNetwork:
    """Connections under the policy; ``allowed`` are hosts and ports that the user opened whatever their address."""

    def __init__(self, allowed: Opening, *, resolve: Resolve = resolve_name, tls: ssl.SSLContext | None = None) -> None:
        self.allowed = allowed
        self._resolve = resolve
        self._tls = tls
        self._pool: httpcore.AsyncConnectionPool | None = None

    def target(self, url: str) -> Target:
        """Return where a URL leads. Raises ``EffectFailed`` when nothing may be sent there."""
        return read_target(url, self.allowed)

    def prepare(self) -> None:
        """Make the connection pool now; its TLS context takes some hundredths of a second."""
        self._connections()

    async def aclose(self) -> None:
        """Close the connections that are kept open."""
        if self._pool is not None:
            await self._pool.aclose()

    @asynccontextmanager
    async def get(self, url: str, headers: Sequence[tuple[str, str]]) -> AsyncIterator[Answer]:
        """Ask for ``url`` once, following nothing. Raises ``EffectFailed``, also while the body is read."""
        target = self.target(url)
        place = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=_below(url))
        sent = [("Host", target.authority), *headers]
        try:
            async with self._connections().stream(
                "GET", place, headers=sent, extensions={"timeout": {"connect": CONNECT_SECONDS}}
            ) as response:
                yield Answer(response.status, httpx.Headers(response.headers), response.aiter_stream())
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            untrusted = isinstance(error.__cause__, ssl.SSLCertVerificationError)
            raise EffectFailed(f"{shown(url)} cannot be reached: {error}", retryable=not untrusted) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise EffectFailed(f"{shown(url)} broke off: {error or type(error).__name__}", retryable=True) from None

    def _connections(self) -> httpcore.AsyncConnectionPool:
        if self._pool is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=self._tls or web_tls(),
                max_connections=32,
                max_keepalive_connections=8,
                keepalive_expiry=5.0,
                network_backend=_JudgedBackend(self.allowed, self._resolve),
            )
        return self._pool


def _below(url: str) -> bytes:
    """Return path and query as they are sent. The host is read once, by ``tools.addresses``, and not here again."""
    parts = urlsplit(url)
    try:
        return httpx.URL(urlunsplit(("http", "host", parts.path or "/", parts.query, ""))).raw_path
    except (httpx.InvalidURL, ValueError) as error:
        raise EffectFailed(f"{shown(url)} is refused: {error}") from None


def redirected(url: str, status: int, headers: Mapping[str, str]) -> str | None:
    """Return where an answer points, ``None`` when it does not; names of ``headers`` are in lower case.

    Raises ``EffectFailed`` when that cannot be read.
    """
    if status not in REDIRECTS or "location" not in headers:
        return None
    location = str(headers["location"])
    try:
        return urljoin(url, location.strip().replace(" ", "%20"))
    except ValueError:
        raise EffectFailed(f"{shown(url)} redirects to {shown(location)}, which is not an address") from None
