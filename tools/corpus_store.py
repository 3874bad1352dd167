"""The SQLite database of one corpus: files, passages, vectors, and what the corpus says of itself.

It is the source of truth: the lexical index (``tools.lexical``) is kept in step by triggers, and the Chroma collection
(``tools.vectors``) is built from it. Deciding what to index is in ``tools.indexing``; asking is in ``tools.corpus``.
All methods block and raise ``StoreProblem`` when the disk refuses.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from research.errors import StoreProblem, WrongVersion
from tools import lexical, names
from tools.corpus_rows import Change, Counts, Facts, FileRow, PassageRow
from tools.corpus_schema import PAGE, SCHEMA, guarded
from tools.database import reader
from tools.inside import refuse_link

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 2
"""Raised whenever the tables, the cutting into passages or the text that is embedded change."""
BEFORE_NAMES = 1
"""The version without names and titles; ``tools.corpus_upgrade`` fills them in."""
DATABASE = "corpus.db"
ENTRY_HASH = 16
"""Characters of a vector's hash that stand in the id of its entry in Chroma."""
WAIT = 30.0
"""Seconds a statement waits for another process's transaction."""
CACHE = 16 * 1024
"""KiB of pages that SQLite keeps in memory."""
_MAKE = f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;"


class CorpusStore:
    """One open corpus database. Use it from one thread at a time."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        """Open the database in ``folder`` and make its tables when it has none.

        ``read_only`` makes none and needs no right to write. Raises ``WrongVersion`` when another version of the
        program wrote it.
        """
        self.path = folder / DATABASE
        self._loose: set[str] = set()
        with guarded(self.path):
            refuse_link(self.path)
            # A writer takes its -wal and -shm away again; a reader would leave them where there were none.
            alone = read_only and not os.access(folder, os.W_OK)
            self.connection = reader(self.path) if alone else self._writer()
            with ExitStack() as undo:
                undo.callback(self.connection.close)
                self._prepare(read_only=read_only)
                undo.pop_all()

    def _writer(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=WAIT, isolation_level=None, check_same_thread=False)

    def _prepare(self, *, read_only: bool) -> None:
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.execute(f"PRAGMA cache_size = -{CACHE}")
        version = self.connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and read_only:
            self.connection.close()
            self.connection = sqlite3.connect(":memory:")  # nothing is in it yet, and nothing is written into it
            self.connection.executescript(_MAKE)
        elif version == 0:
            self.connection.execute(f"PRAGMA page_size = {PAGE}")
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.executescript(_MAKE)
        elif version == BEFORE_NAMES:
            name = self.path.parent.name
            (folder,) = self.connection.execute("SELECT folder FROM facts").fetchone() or ("FOLDER",)
            raise WrongVersion(
                f"the corpus “{name}” was indexed by an earlier version of this program; run "
                f"`research index {folder} --corpus {name}`, which brings it up to date and embeds nothing again"
            )
        elif version != VERSION:
            raise WrongVersion(
                f"the corpus “{self.path.parent.name}” was written by another version of this program "
                f"(format {version}, this one reads {VERSION}); delete {self.path.parent} and index the folder again"
            )

    def close(self) -> None:
        """Close the database; closing twice is fine."""
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Make what is written inside one change, all of it or nothing; one inside another is part of it."""
        if self.connection.in_transaction:
            yield self.connection
            return
        with guarded(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            finally:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")

    def _rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        with guarded(self.path):
            return self.connection.execute(sql, values).fetchall()

    def facts(self) -> Facts | None:
        """Return what the corpus says of itself; ``None`` when nothing was ever indexed into it."""
        with guarded(self.path):
            row = self.connection.execute(
                "SELECT embedder, dimensions, label, folder, state, generation, done, total FROM facts"
            ).fetchone()
        return Facts(**dict(zip(Facts.__struct_fields__, row, strict=True))) if row else None

    def write_facts(self, facts: Facts) -> None:
        """Replace what the corpus says of itself."""
        values = [getattr(facts, field) for field in Facts.__struct_fields__]
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO facts VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def clear(self, *, keep_vectors: bool) -> None:
        """Remove everything; vectors may stay for the next index, which drops those it does not use."""
        with self.transaction() as connection:
            for table in ("passages", "files", "facts", *(() if keep_vectors else ("vectors",))):
                connection.execute(f"DELETE FROM {table}")

    def files(self) -> dict[str, FileRow]:
        """Return the row of every file by its name (the path below the folder)."""
        rows = self._rows("SELECT name, size, mtime_ns, sha256, label, source, reason FROM files ORDER BY name")
        made = (FileRow(**dict(zip(FileRow.__struct_fields__, row, strict=True))) for row in rows)  # type: ignore[arg-type]
        return {row.name: row for row in made}

    def counts(self) -> Counts:
        """Return how much the corpus holds."""
        row = self._rows(
            "SELECT (SELECT count(*) FROM files WHERE source != ''), (SELECT count(*) FROM files WHERE source = ''), "
            "(SELECT count(*) FROM passages)"
        )[0]
        return Counts(files=int(str(row[0])), skipped=int(str(row[1])), passages=int(str(row[2])))

    def missing_vectors(self, hashes: Sequence[str]) -> list[str]:
        """Return those of ``hashes`` that have no vector yet, once each, in order."""
        rows = self._rows(
            "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT hash FROM vectors)",
            json.dumps(list(dict.fromkeys(hashes))),
        )
        return [str(row[0]) for row in rows]

    def replace(self, changes: Sequence[Change], vectors: Mapping[str, NDArray[np.float32]], *, done: int) -> None:
        """Store files' rows with their passages and new vectors, in place of what the files had, in one transaction."""
        with self.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO vectors VALUES (?, ?)",
                ((name, vector.astype("<f4").tobytes()) for name, vector in vectors.items()),
            )
            for change in changes:
                self._replace(connection, change)
            connection.execute("UPDATE facts SET done = ?", (done,))

    def _replace(self, connection: sqlite3.Connection, change: Change) -> None:
        file, passages = change.file, change.passages
        before = connection.execute("SELECT source FROM files WHERE name = ?", (file.name,)).fetchone()
        connection.execute(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)",
            [getattr(file, field) for field in FileRow.__struct_fields__],
        )
        if before and before[0] != file.source:
            self._drop_unused(connection, before[0])
        fields = PassageRow.__struct_fields__
        added = connection.executemany(
            "INSERT OR IGNORE INTO passages(source, start, end, title, heading, text, vector, names) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            ([*(getattr(row, field) for field in fields), names.joined(row.title, row.text)] for row in passages),
        )
        if added.rowcount < len(passages):  # another file's passages of the same text stay, under their title
            self._loose.update(row.vector for row in passages)
        if passages:
            opening = "SELECT id FROM passages WHERE source = ? ORDER BY start LIMIT 1"
            (id,) = connection.execute(opening, (passages[0].source,)).fetchone()
            names.entitle(connection, id, passages[0].title)

    def remove(self, gone: Sequence[str]) -> None:
        """Forget files that are no longer in the folder, each in one transaction with its passages."""
        for name in gone:
            with self.transaction() as connection:
                before = connection.execute("SELECT source FROM files WHERE name = ?", (name,)).fetchone()
                connection.execute("DELETE FROM files WHERE name = ?", (name,))
                if before:
                    self._drop_unused(connection, before[0])

    def _drop_unused(self, connection: sqlite3.Connection, source: str) -> None:
        """Remove the passages of a source that no file has any more; two files with one text share a source."""
        if not connection.execute("SELECT 1 FROM files WHERE source = ?", (source,)).fetchone():
            gone = connection.execute("DELETE FROM passages WHERE source = ? RETURNING vector", (source,))
            self._loose.update(str(row[0]) for row in gone.fetchall())

    def drop_orphans(self, *, everywhere: bool) -> None:
        """Remove vectors that no passage uses, so that what a user deleted is gone.

        They are looked for among those that lost a passage since the database was opened, or ``everywhere``.
        """
        with self.transaction() as connection:
            if everywhere:
                connection.execute("DELETE FROM vectors WHERE hash NOT IN (SELECT vector FROM passages)")
            else:
                used = "SELECT 1 FROM passages WHERE vector = hash"
                unused = f"DELETE FROM vectors WHERE hash = ? AND NOT EXISTS ({used})"
                connection.executemany(unused, [(name,) for name in self._loose])
        self._loose.clear()

    def vector_keys(self, *, after: int = 0) -> list[tuple[int, str]]:
        """Return ``(passage id, vector hash)`` of every passage whose id is above ``after``, in order."""
        rows = self._rows("SELECT id, vector FROM passages WHERE id > ? ORDER BY id", after)
        return [(int(str(row[0])), str(row[1])) for row in rows]

    def entries(self, last: int | None = None) -> tuple[int, int, str]:
        """Return how many passages have ids up to ``last``, the highest of these, and a digest of ids and vectors.

        The index on vectors holds all of it: no passage is read (50 ms for 100,000).
        """
        count, highest, keys = self._rows(
            "SELECT count(*), coalesce(max(id), 0), group_concat(id || '-' || vector, ' ') FROM (SELECT id, "
            f"substr(vector, 1, {ENTRY_HASH}) AS vector FROM passages INDEXED BY passages_by_vector "
            "WHERE ?1 IS NULL OR +id <= ?1 ORDER BY passages.vector, id)",
            last,
        )[0]
        return int(str(count)), int(str(highest)), hashlib.sha256(str(keys or "").encode()).hexdigest()

    def vector(self, name: str) -> bytes:
        """Return the stored vector of a hash as little-endian float32."""
        rows = self._rows("SELECT vector FROM vectors WHERE hash = ?", name)
        if not rows or not isinstance(rows[0][0], bytes):
            raise StoreProblem(f"the corpus database {self.path} lacks a vector; index the folder again")
        return rows[0][0]

    def lexical(self, query: str, limit: int) -> dict[int, float]:
        """Return BM25 scores by passage id, best first."""
        with guarded(self.path):
            return lexical.search(self.connection, query, limit)

    def having(self, word: str, most: int) -> int:
        """Return how many passages hold a form of ``word``, at most ``most``."""
        with guarded(self.path):
            return lexical.having(self.connection, word, most)

    def holders(self, name: str, limit: int) -> list[int]:
        """Return at most ``limit`` passages that hold a name."""
        with guarded(self.path):
            return names.holders(self.connection, name, limit)

    def held(self, name: str, most: int) -> int:
        """Return how many passages hold a name, at most ``most``."""
        with guarded(self.path):
            return names.held(self.connection, name, most)

    def openings(self, runs: Collection[str]) -> dict[str, list[int]]:
        """Return the opening passages of the documents that have one of ``runs`` as a title, by the title."""
        with guarded(self.path):
            return names.openings(self.connection, runs)

    def mentions(self, title: str, limit: int) -> list[int]:
        """Return at most ``limit`` passages whose text mentions a title."""
        with guarded(self.path):
            return names.mentions(self.connection, title, limit)

    def evidence(self, ids: Sequence[int]) -> list[tuple[int, str, str, str, list[str], bytes]]:
        """Return ``(id, source, title, text, names, vector)`` of passages, for ranking them."""
        rows = self._rows(
            "SELECT passages.id, source, title, text, names, vectors.vector FROM json_each(?) "
            "CROSS JOIN passages ON passages.id = value JOIN vectors ON hash = passages.vector",
            json.dumps(list(ids)),
        )
        return [(*row[:4], str(row[4]).split(names.SEPARATOR), row[5]) for row in rows]  # type: ignore[misc]

    def names(self, sources: Sequence[str]) -> dict[str, str]:
        """Return the file name of each source; of several files with one text, the first by name."""
        marks = ", ".join("?" * len(sources))
        rows = self._rows(f"SELECT source, min(name) FROM files WHERE source IN ({marks}) GROUP BY source", *sources)
        return {str(source): str(name) for source, name in rows}

    def texts(self, source: str) -> tuple[str, ...]:
        """Return the passages of a source, in order."""
        return tuple(
            str(row[0]) for row in self._rows("SELECT text FROM passages WHERE source = ? ORDER BY start", source)
        )

    def passages(self, ids: Sequence[int]) -> dict[int, PassageRow]:
        """Return passages by id; ids that do not exist are left out."""
        marks = ", ".join("?" * len(ids))
        rows = self._rows(
            f"SELECT id, source, start, end, title, heading, text, vector FROM passages WHERE id IN ({marks})", *ids
        )
        fields = PassageRow.__struct_fields__
        return {int(str(row[0])): PassageRow(**dict(zip(fields, row[1:], strict=True))) for row in rows}  # type: ignore[arg-type]
