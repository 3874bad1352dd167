"""What the search providers share: one configured host, JSON or XML over HTTP, no retries, no proxy, no cookies.

The host may be a private one, because the user's setting names it; a redirect to any other host is refused. What each
provider is asked is in a file of its own, such as ``tools.searxng``; what a result becomes is in ``research.urls``.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx
import msgspec

from research import __version__
from research.errors import EffectFailed, UsageFault
from research.reply_json import cleaned
from research.secret import Secret
from research.urls import DEFAULT_PORTS, Result
from tools.http_status import status_failure
from tools.tls import web_tls

LONGEST_ANSWER = 5_000_000
MOST_REDIRECTS = 3
TRUNCATED = "Input data was truncated"
"""What msgspec says of JSON that is right as far as it goes."""
HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""The escape of half a character."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
KEEPS_METHOD = frozenset({307, 308})

Headers = Callable[[], Mapping[str, str]]


def no_headers() -> Mapping[str, str]:
    """Return no extra headers."""
    return {}


def key_header(header: str, key: Secret, *, name: str, before: str = "") -> Headers:
    """Return the headers that hold a key, which stays in their closure. Raises ``UsageFault`` for what can be no key.

    ``name`` is the service's, for the message; ``before`` stands before the key, as ``Bearer`` does.
    """
    if not all(33 <= ord(c) < 127 for c in key.reveal()):
        raise UsageFault(f"the key of {name} holds white space or characters that no key has")
    return lambda: {header: f"{before}{key.reveal()}"}


class SearchEndpoint:
    """One provider's host. ``headers`` is called for every request, so a key stays in the caller's closure.

    ``path`` is what is asked for below the base address; an address that ends with it may be given as well. ``accept``
    is the media type of the answers.
    """

    def __init__(
        self,
        base: str,
        *,
        name: str,
        seconds: float,
        hints: Mapping[int, str],
        headers: Headers = no_headers,
        path: str = "/search",
        accept: str = "application/json",
    ) -> None:
        self.base = _base(base, name, path)
        self._path = path
        self._accept = accept
        self._name = name
        self._seconds = seconds
        self._hints = hints
        self._headers = headers
        self._client: httpx.AsyncClient | None = None

    async def ask(
        self, *, params: Mapping[str, str] | None = None, body: object = None, timeout: float | None
    ) -> dict[str, Any]:
        """Send one request as :meth:`read` does and return the JSON object that comes back. Raises ``EffectFailed``."""
        data = await self.read(params=params, body=body, timeout=timeout)
        try:
            return _object(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if str(error) == TRUNCATED and data.lstrip().startswith(b"{"):
                raise EffectFailed(f"{self._name}'s answer breaks off in the middle", retryable=True) from None
            raise EffectFailed(f"{self._name} answered with something that is not a JSON object") from None

    async def read(
        self, *, params: Mapping[str, str] | None = None, body: object = None, timeout: float | None
    ) -> bytes:
        """Send one request to the base and path (POST when there is a body) and return the bytes that come back.

        Raises ``EffectFailed`` with the status, or with what went wrong on the way.
        """
        seconds = self._seconds if timeout is None else min(timeout, self._seconds)
        url = str(httpx.URL(f"{self.base}{self._path}", params=params))
        try:
            async with asyncio.timeout(seconds):
                return await self._follow(url, None if body is None else msgspec.json.encode(body))
        except (TimeoutError, httpx.TimeoutException):
            raise EffectFailed(f"{self._name} gave no answer within {seconds:g} s", retryable=True) from None
        except httpx.ConnectError as error:
            raise EffectFailed(f"{self._name} cannot be reached at {self.base}: {error}", retryable=True) from None
        except httpx.TransportError as error:
            raise EffectFailed(f"{self._name} broke off: {error or type(error).__name__}", retryable=True) from None

    def prepare(self) -> None:
        """Make the client now; its TLS context takes some hundredths of a second, which need not wait for a query."""
        self._connections()

    async def aclose(self) -> None:
        """Close the connections that are kept open."""
        if self._client is not None:
            await self._client.aclose()

    async def _follow(self, url: str, body: bytes | None) -> bytes:
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._send(url, body)
            if isinstance(answer, bytes):
                return answer
            url = answer
        raise EffectFailed(f"{self._name} redirects without end")

    async def _send(self, url: str, body: bytes | None) -> bytes | str:
        """Return the body of a success, or the address on the same host to ask next."""
        headers = {"User-Agent": f"research/{__version__}", "Accept": self._accept, "Accept-Encoding": "identity"}
        headers |= self._headers()
        if body is not None:
            headers["Content-Type"] = "application/json"
        method = "GET" if body is None else "POST"
        async with self._connections().stream(method, url, content=body, headers=headers) as response:
            status = response.status_code
            if status in REDIRECTS and (body is None or status in KEEPS_METHOD):
                return self._same_host(url, response.headers.get("location", ""))
            if status != 200:
                failure, hint = status_failure(status, response.headers, self._name), self._hints.get(status)
                if hint:
                    failure.args = (f"{failure}: {hint}",)
                raise failure
            return await self._read(response)

    async def _read(self, response: httpx.Response) -> bytes:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise EffectFailed(f"{self._name} sent an encoding that was not asked for")
        data = bytearray()
        async for chunk in response.aiter_raw():
            data += chunk
            if len(data) > LONGEST_ANSWER:
                raise EffectFailed(f"{self._name} sent more than {LONGEST_ANSWER:,} bytes")
        return bytes(data)

    def _connections(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                trust_env=False, follow_redirects=False, timeout=self._seconds, verify=web_tls()
            )
        self._client.cookies.clear()
        return self._client

    def _same_host(self, url: str, location: str) -> str:
        """Return where a redirect leads if that is the configured host. Raises ``EffectFailed``."""
        try:
            here, there = urlsplit(url), urlsplit(urljoin(url, location.strip()))
            same = _place(here) == _place(there) or _upgraded(here, there)
        except ValueError:
            same = False
        if not location or not same:
            raise EffectFailed(f"{self._name} redirects away from {self.base}, which is not followed")
        return there.geturl()


class EndpointSearch:
    """What is the same in every search service behind a :class:`SearchEndpoint`: its connections."""

    def __init__(self, endpoint: SearchEndpoint) -> None:
        self._endpoint = endpoint

    def prepare(self) -> None:
        """Make the client now, so that the first query does not wait for it."""
        self._endpoint.prepare()

    async def aclose(self) -> None:
        """Close the connections that are kept open."""
        await self._endpoint.aclose()


def _base(base: str, name: str, path: str) -> str:
    """Return the base address without ``path``. Raises ``UsageFault`` when it cannot be one."""
    try:
        parts = urlsplit(base.strip())
        odd = any(ord(c) <= 32 or c == "\\" for c in base.strip())
        usable = parts.scheme in DEFAULT_PORTS and httpx.URL(base.strip()).host and parts.port != 0 and not odd
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable:
        raise UsageFault(f"{base[:200]!r} is not the address of a {name}, for example http://localhost:8888")
    if "@" in parts.netloc:
        raise UsageFault(f"the address of {name} may not hold a user name or password")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix(path)}"


def _place(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)


def _upgraded(here: SplitResult, there: SplitResult) -> bool:
    return _place(here)[::2] == ("http", 80) and _place(there) == ("https", here.hostname, 443)


def read_result(row: object) -> Result:
    """Return one row (``url``, ``title``, ``content``, ``score``) as a result; what does not fit is left empty."""
    fields = row if isinstance(row, dict) else {}
    score = fields.get("score")
    number = isinstance(score, int | float) and not isinstance(score, bool) and math.isfinite(score)
    return Result(
        url=_text(fields, "url"),
        title=_text(fields, "title"),
        snippet=_text(fields, "content"),
        score=float(score) if number else None,  # type: ignore[arg-type]
    )


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _object(data: bytes) -> dict[str, Any]:
    """Return an answer's JSON; half a character, which msgspec refuses, costs no more than itself."""
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.DecodeError:
        try:
            found = cleaned(json.loads(data)) if HALF.search(data) else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise
        return found
