"""The tables of a corpus database, and what its errors are called. Part of ``tools.corpus_store``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from research.errors import StoreProblem
from tools import lexical, names

SCHEMA = f"""
CREATE TABLE facts(
  one INTEGER PRIMARY KEY CHECK (one = 1), embedder TEXT NOT NULL, dimensions INTEGER NOT NULL, label TEXT NOT NULL,
  folder TEXT NOT NULL, state TEXT NOT NULL, generation TEXT NOT NULL, done INTEGER NOT NULL, total INTEGER NOT NULL);
CREATE TABLE files(
  name TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL, label TEXT NOT NULL,
  source TEXT NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX files_by_source ON files(source);
CREATE TABLE passages(
  id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
  title TEXT NOT NULL, heading TEXT NOT NULL, text TEXT NOT NULL, vector TEXT NOT NULL,
  {names.COLUMN}, UNIQUE (source, start));
CREATE INDEX passages_by_vector ON passages(vector);
CREATE TABLE vectors(hash TEXT PRIMARY KEY, vector BLOB NOT NULL);
{lexical.SCHEMA}
{names.SCHEMA}
"""
"""In an older database of the same version ``vectors`` is WITHOUT ROWID, which takes more room and time."""

PAGE = 8192
"""Bytes of a database page: three vectors of 512 dimensions fit into one, where half the size would hold one."""


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into one sentence that names the database."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreProblem(f"the corpus database {path} cannot be used: {error}") from error
