"""The texts of a folder or a tar.gz that somebody else made: regular files only, none too large, nothing unpacked.

Archives are read as a stream into memory; names that lead out of the archive are refused, links are passed over.
"""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import IO

from research.errors import UsageFault
from research.records import counted

FILE_BYTES = 8_000_000
ALL_BYTES = 400_000_000
FILES = 50_000


def texts(path: Path, wanted: re.Pattern[str]) -> list[tuple[str, str]]:
    """Return (base name, text) of every file whose base name ``wanted`` matches fully, sorted by base name.

    Raises ``UsageFault``, naming the file, when something cannot be read, is too large, is no UTF-8 text, or when two
    files have one name.
    """
    if path.is_dir():
        found = list(_folder(path, wanted))
    elif path.is_file():
        found = list(_archive(path, wanted))
    else:
        raise UsageFault(f"{path} is not there: name a folder or a .tar.gz archive")
    found.sort()
    for (name, _), (following, _) in pairwise(found):
        if name == following:
            raise UsageFault(f"{path} holds two files named {name}: keep one of them")
    return [(name, _decoded(path, name, data)) for name, data in found]


def _folder(path: Path, wanted: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the wanted regular files below a folder; links are passed over."""
    read = 0
    for file in sorted(path.rglob("*")):
        if not wanted.fullmatch(file.name) or file.is_symlink() or not file.is_file():
            continue
        try:
            size = file.stat().st_size
            read += size
            _bounded(path, file.name, size, read)
            yield file.name, file.read_bytes()
        except OSError as error:
            raise UsageFault(f"{file} cannot be read: {error.strerror}") from error


def _archive(path: Path, wanted: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the wanted regular files of a tar.gz, in the archive's order."""
    try:
        with gzip.open(path) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as archive:
            yield from _members(path, archive, wanted)
    except (tarfile.TarError, EOFError, OSError, zlib.error, OverflowError) as error:
        raise UsageFault(f"{path} is not a whole .tar.gz archive ({error}): fetch it again, or unpack it") from error


def _members(path: Path, archive: tarfile.TarFile, wanted: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the wanted members; every member's size counts, for a stream must be unpacked to be passed over."""
    read = 0
    for count, member in enumerate(archive, start=1):
        name = PurePosixPath(member.name)
        if name.is_absolute() or ".." in name.parts:
            raise UsageFault(f"{path}: the member {member.name!r} leads out of the archive: it is not read")
        if count > FILES:
            raise UsageFault(f"{path} holds more than {counted(FILES, 'file')}: take a smaller archive")
        read += member.size
        _bounded(path, name.name, member.size if wanted.fullmatch(name.name) else 0, read)
        if member.isreg() and wanted.fullmatch(name.name):
            handle: IO[bytes] | None = archive.extractfile(member)
            if handle is not None:
                yield name.name, handle.read()


def _bounded(path: Path, name: str, size: int, read: int) -> None:
    """Refuse a file, or a whole, that is larger than a collection of proposals could be."""
    if size > FILE_BYTES:
        raise UsageFault(f"{path}: {name} has {size:,} bytes, more than {FILE_BYTES:,}: it is no proposal, remove it")
    if read > ALL_BYTES:
        raise UsageFault(f"{path} unpacks to more than {ALL_BYTES:,} bytes: take a smaller archive")


def _decoded(path: Path, name: str, data: bytes) -> str:
    """Return the text with line ends as they are."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageFault(f"{path}: {name} is not UTF-8 text (byte {error.start}): remove or convert it") from error
    if "\0" in text:
        raise UsageFault(f"{path}: {name} is a binary file: remove it")
    return text
