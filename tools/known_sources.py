"""Which sources the runs of a file know of: those of their records and of the pages that they fetched.

By them a library that lost its rows is noticed, and these rows are written anew.
"""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

import msgspec

from research.records import Source
from research.requests import FetchReply
from tools.database import NothingYet, connect, spoken
from tools.run_store import REMEDY, SCHEMA, TABLES, VERSION
from tools.seal import Seal

RECORDS = f"SELECT {', '.join(TABLES['records'])}, digest FROM records WHERE kind = 'source'"
PAGES = f"SELECT {', '.join(f'o.{name}' for name in TABLES['outcomes'])}, o.digest FROM outcomes o " + (
    "JOIN intents i USING (seq) WHERE i.kind = 'fetch' AND o.status = 'answered'"
)


def known_sources(path: Path, seal: Seal) -> list[Source]:
    """Return every source once, by id, address and label; rows that are not as written are left to others to name."""
    try:
        connection = connect(path, SCHEMA, VERSION, read_only=True, remedy=REMEDY)
    except NothingYet:
        return []
    with closing(connection), spoken(path, REMEDY):
        records = [row for row in connection.execute(RECORDS) if seal.holds(row[-1], "records", *row[:-1])]
        pages = [row for row in connection.execute(PAGES) if seal.holds(row[-1], "outcomes", *row[:-1])]
    sources = []
    for row in records:
        with suppress(msgspec.DecodeError, RecursionError):
            sources.append(msgspec.json.decode(row[3], type=Source))
    for row in pages:
        with suppress(msgspec.DecodeError, RecursionError):
            sources.append(msgspec.json.decode(row[3], type=FetchReply).source)
    return list({(one.id, one.url, one.label): one for one in sources}.values())
