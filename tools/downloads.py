"""Fetching one file of a model to the disk: bounded in size, and accepted only with the SHA-256 that is expected.

What the files are, and what is done when one cannot be had, is decided in ``tools.minilm_setup`` and
``tools.cross_encoder_setup``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx

from research.records import Record

MOST_BYTES = 300_000_000
WHOLE = {"Accept-Encoding": "identity"}
"""The bytes as they lie on the server, because it is their hash that is known."""


class Download(Record):
    """A file that is accepted only with this SHA-256. ``where`` is a URL, or a requirement for pip."""

    where: str
    sha256: str


class WayFailed(Exception):
    """One way of bringing a model did not work; the text says why."""


async def fetch_file(wanted: Download, path: Path) -> None:
    """Write the file behind a URL to ``path``. Raises ``WayFailed`` when it cannot be had or is another one."""
    digest, size = hashlib.sha256(), 0
    try:
        async with (
            httpx.AsyncClient(timeout=httpx.Timeout(60.0, connect=10.0), follow_redirects=True) as client,
            client.stream("GET", wanted.where, headers=WHOLE) as answer,
        ):
            if answer.status_code != 200:
                raise WayFailed(f"HTTP {answer.status_code}")
            with path.open("wb") as file:
                async for piece in answer.aiter_raw():
                    digest.update(piece)
                    size += len(piece)
                    if size > MOST_BYTES:
                        raise WayFailed("larger than expected")
                    file.write(piece)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise WayFailed(f"no answer ({type(error).__name__})") from error
    check_digest(digest.hexdigest(), wanted)


def check_digest(digest: str, wanted: Download) -> None:
    """Raise ``WayFailed`` when a file's SHA-256 is not the one that is wanted."""
    if digest != wanted.sha256:
        raise WayFailed(f"its SHA-256 is {digest[:16]}…, not {wanted.sha256[:16]}…, so it was not opened")
