"""The records in a corpus database: what it says of itself, its files and its passages.

``tools.corpus_store`` keeps them.
"""

from __future__ import annotations

from typing import Literal

from research.records import Label, Record


class Facts(Record):
    """What a corpus says of itself. ``done`` of ``total`` files were looked at when its state is ``building``."""

    embedder: str
    dimensions: int
    label: Label
    folder: str
    state: Literal["building", "whole"] = "building"
    generation: str = ""
    done: int = 0
    total: int = 0


class FileRow(Record):
    """A file of the folder: indexed when it has a ``source``, else skipped for ``reason``.

    ``mtime_ns`` is when its content or its status changed last, for programs that copy files set the first one back.
    """

    name: str
    size: int
    mtime_ns: int
    sha256: str
    label: Label
    source: str = ""
    reason: str = ""


class PassageRow(Record):
    """A passage: ``text == source_text[start:end]``; ``vector`` is the hash of the text that was embedded for it."""

    source: str
    start: int
    end: int
    title: str
    heading: str
    text: str
    vector: str


class Change(Record):
    """A file's row and its passages, which take the place of what the file had; none when it cannot be read."""

    file: FileRow
    passages: tuple[PassageRow, ...] = ()


class Counts(Record):
    """How much a corpus holds."""

    files: int
    skipped: int
    passages: int
