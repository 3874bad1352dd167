"""Which sources the runs of a file know of: those of their records, of the pages that they fetched, of their hits.

By them a library that lost its rows is noticed. The rows of the first two are written anew from the runs; a hit does
not say enough for that.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from research.records import Source
from research.requests import FetchReply, HitsReply
from tools.database import NothingYet, connect, spoken
from tools.run_store import REMEDY, SCHEMA, TABLES, VERSION
from tools.seal import Seal

R = TypeVar("R", FetchReply, HitsReply)

RECORDS = f"SELECT {', '.join(TABLES['records'])}, digest FROM records WHERE kind = 'source'"
ANSWERS = f"SELECT {', '.join(f'o.{name}' for name in TABLES['outcomes'])}, o.digest FROM outcomes o " + (
    "JOIN intents i USING (seq) WHERE i.kind = ? AND o.status = 'answered'"
)
UNENDED = "AND o.run IN (SELECT id FROM runs WHERE status NOT IN ('done', 'partial', 'cancelled'))"


def known_sources(path: Path, seal: Seal) -> list[Source]:
    """Return every source once, by id, address and label; rows that are not as written are left to others to name."""
    sources = []
    with _reading(path) as connection:
        if connection is None:
            return []
        for row in connection.execute(RECORDS):
            with suppress(msgspec.DecodeError, RecursionError):
                if seal.holds(row[-1], "records", *row[:-1]):
                    sources.append(msgspec.json.decode(row[3], type=Source))
        for reply in _answers(connection, seal, ANSWERS, "fetch", FetchReply):
            sources.append(reply.source)
    return list({(one.id, one.url, one.label): one for one in sources}.values())


def retrieved_texts(path: Path, seal: Seal) -> set[str]:
    """Return the ids of the texts that runs which have not ended found in corpora, and will read when they go on."""
    with _reading(path) as connection:
        if connection is None:
            return set()
        replies = list(_answers(connection, seal, f"{ANSWERS} {UNENDED}", "retrieve", HitsReply))
    return {hit.source for reply in replies for hit in reply.hits if hit.source}


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection | None]:
    try:
        connection = connect(path, SCHEMA, VERSION, read_only=True, remedy=REMEDY)
    except NothingYet:
        yield None
        return
    with closing(connection), spoken(path, REMEDY):
        yield connection


def _answers(connection: sqlite3.Connection, seal: Seal, query: str, kind: str, reply: type[R]) -> Iterator[R]:
    for row in connection.execute(query, (kind,)):
        with suppress(msgspec.DecodeError, RecursionError):
            if seal.holds(row[-1], "outcomes", *row[:-1]):
                yield msgspec.json.decode(row[3], type=reply)
