"""Keyed digests of stored rows: a row that was changed, moved or written by anybody else is noticed when it is read.

BLAKE2b in its keyed mode (RFC 7693), 16 bytes. The key is ``HOME/key``: 32 random bytes that never leave the machine,
and a digest of them, so that a damaged key is told from damaged rows. A digest covers the name of the row (table, run,
position) and each of its values, so two whole rows that changed places do not pass. What is sealed is the business of
the stores.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from research.errors import StoreProblem
from research.scanner import NO_SECRETS, Scanner
from tools.inside import read_inside

BYTES = 32
DIGEST = 16


class Seal:
    """Signs and checks rows. It shows its key nowhere; what a ``scanner`` finds a secret in it does not sign."""

    def __init__(self, key: bytes, scanner: Scanner = NO_SECRETS) -> None:
        self._key = key
        self.scanner = scanner

    def __repr__(self) -> str:
        return "Seal(…)"

    def sign(self, *values: object) -> bytes:
        """Return the digest of ``values`` (str, bytes, int, float or None); types and borders are a part of it.

        Raises ``StoreProblem`` for a row that holds a secret: no row is written unsigned, so none is written with one.
        """
        for value in values if self.scanner else ():
            if isinstance(value, str | bytes) and (name := self.scanner.found(value)):
                raise StoreProblem(f"a row of {values[0]!r} was not written: it holds the value of {name}")
        return self._digest(values)

    def _digest(self, values: Sequence[object]) -> bytes:
        digest = hashlib.blake2b(key=self._key, digest_size=DIGEST)
        for value in values:
            data = value if isinstance(value, bytes) else repr(value).encode("utf-8", "surrogatepass")
            digest.update(f"{type(value).__name__}:{len(data)}:".encode())
            digest.update(data)
        return digest.digest()

    def holds(self, digest: object, *values: object) -> bool:
        """Return whether ``digest`` is that of ``values``."""
        return isinstance(digest, bytes) and secrets.compare_digest(digest, self._digest(values))


def open_seal(path: Path, signed: Sequence[Path], *, create: bool = False, scanner: Scanner = NO_SECRETS) -> Seal:
    """Return the seal whose key is at ``path``; with ``create`` it is made where nothing is ``signed`` yet.

    ``signed`` are the files with signed rows. Raises ``StoreProblem`` when the key is gone or is not one.
    """
    try:
        if create and not path.exists() and not any(file.exists() for file in signed):
            _make(path)
        key = read_inside(path.parent, path.name)
    except OSError as error:
        raise StoreProblem(
            f"{path}, the key that every stored row is signed with, cannot be read ({error.strerror}); "
            "put it back from a copy, or begin with another --home"
        ) from None
    if not secrets.compare_digest(key, _checked(key[:BYTES])):
        raise StoreProblem(
            f"{path}, the key that every stored row is signed with, is damaged; "
            "put it back from a copy, or begin with another --home"
        )
    return Seal(key[:BYTES], scanner)


def _checked(key: bytes) -> bytes:
    """Return what the file holds: the key and a digest of it."""
    return key + hashlib.blake2b(key, digest_size=DIGEST).digest()


def _make(path: Path) -> None:
    """Write a new key whole; where two processes make one at once, the first stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_checked(secrets.token_bytes(BYTES)))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        draft.unlink(missing_ok=True)
