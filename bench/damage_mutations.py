"""Ways to damage a home: seeded, one at a time, each with a name that says what was done.

Nothing here knows what must become of a damaged home; that is judged in ``bench.damage_judging``.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

PAGE = 4096
FRAME = PAGE + 24
KEYS = {
    "runs": ("number",),
    "intents": ("seq",),
    "outcomes": ("seq",),
    "records": ("run", "kind", "id"),
    "checkpoints": ("thread", "ns", "id"),
    "writes": ("thread", "ns", "checkpoint", "task", "place"),
}
FOREIGN = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 64


def _chosen(rng: random.Random, home: Path) -> Path:
    """Return a file of the home: most often the store of runs, of texts any."""
    texts = sorted((home / "library" / "texts").rglob("*.txt"))
    files = [home / "runs.db"] * 6 + [home / "runs.db-wal"] * 4 + [home / "library" / "library.db"] * 2
    files += [home / "library" / "library.db-wal", home / "locks" / "reference.lock", home / "key", rng.choice(texts)]
    return rng.choice([file for file in files if file.exists() and file.stat().st_size])


def _named(home: Path, file: Path) -> str:
    return file.relative_to(home).as_posix()


def flip(rng: random.Random, home: Path, older: Path) -> str:
    """Flip one to eight bits of a file."""
    file = _chosen(rng, home)
    data = bytearray(file.read_bytes())
    places = [rng.randrange(8 * len(data)) for _ in range(rng.choice((1, 1, 2, 8)))]
    for place in places:
        data[place // 8] ^= 1 << place % 8
    file.write_bytes(data)
    return f"{len(places)} bits of {_named(home, file)} flipped, the first in byte {places[0] // 8}"


def zero(rng: random.Random, home: Path, older: Path) -> str:
    """Write zeros over one to three pages."""
    file = _chosen(rng, home)
    data = bytearray(file.read_bytes())
    pages = [rng.randrange(-(-len(data) // PAGE)) for _ in range(rng.choice((1, 1, 3)))]
    for page in pages:
        end = min(len(data), (page + 1) * PAGE)
        data[page * PAGE : end] = bytes(end - page * PAGE)
    file.write_bytes(data)
    return f"pages {pages} of {_named(home, file)} zeroed"


def truncate(rng: random.Random, home: Path, older: Path) -> str:
    """Cut a file off at a page (of a -wal: at a frame), or anywhere."""
    file = _chosen(rng, home)
    size = file.stat().st_size
    step = FRAME if file.name.endswith("-wal") else PAGE
    length = rng.randrange(0, size, step) if size > step and rng.random() < 0.8 else rng.randrange(size)
    with file.open("r+b") as opened:
        opened.truncate(length)
    return f"{_named(home, file)} cut off at {length} of {size}"


def remove(rng: random.Random, home: Path, older: Path) -> str:
    """Take a file away."""
    file = _chosen(rng, home)
    file.unlink()
    return f"{_named(home, file)} is missing"


def older_copy(rng: random.Random, home: Path, older: Path) -> str:
    """Put an older copy of a store, of its -wal or of both in its place."""
    names = rng.choice(
        (("runs.db",), ("runs.db-wal",), ("runs.db", "runs.db-wal"), ("library/library.db", "library/library.db-wal"))
    )
    for name in names:
        (home / name).unlink(missing_ok=True)
        if (older / name).exists():
            shutil.copy2(older / name, home / name)
    return f"{' and '.join(names)} put back from an older copy"


def replace(rng: random.Random, home: Path, older: Path) -> str:
    """Put a foreign file, another program's database, or nothing in the place of a file."""
    file = _chosen(rng, home)
    what = rng.choice(("a foreign file", "another program's database", "an empty file"))
    if what == "a foreign file":
        file.write_bytes(FOREIGN)
    elif what == "an empty file":
        file.write_bytes(b"")
    else:
        file.unlink()
        with closing(sqlite3.connect(file)) as database:
            database.execute("CREATE TABLE runs (id, digest)")
            database.execute("INSERT INTO runs VALUES ('reference', x'00')")
            database.commit()
    return f"{_named(home, file)} replaced by {what}"


def newer(rng: random.Random, home: Path, older: Path) -> str:
    """Give a store the layout number of a program to come."""
    file = rng.choice((home / "runs.db", home / "library" / "library.db"))
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA user_version=99")
        database.commit()
    return f"{_named(home, file)} has layout 99"


def _rows(database: sqlite3.Connection, table: str, rng: random.Random, count: int) -> list[tuple[object, ...]]:
    rows = database.execute(f"SELECT * FROM {table}").fetchall()
    return rng.sample(rows, min(count, len(rows)))


def _columns(database: sqlite3.Connection, table: str) -> list[str]:
    return [str(row[1]) for row in database.execute(f"PRAGMA table_info({table})")]


def _table(database: sqlite3.Connection, rng: random.Random) -> str:
    return rng.choice([t for t in KEYS if database.execute(f"SELECT count(*) FROM {t}").fetchone()[0] > 1])


def swap(rng: random.Random, home: Path, older: Path) -> str:
    """Exchange what two rows of a table hold beside their keys, or one column of it."""
    with closing(sqlite3.connect(home / "runs.db")) as database:
        table = _table(database, rng)
        columns = _columns(database, table)
        one, two = (dict(zip(columns, row, strict=True)) for row in _rows(database, table, rng, 2))
        free = [name for name in columns if name not in KEYS[table] and name != "id"]
        names = free if rng.random() < 0.6 else [rng.choice(free)]
        for to, values in ((one, two), (two, one)):
            sets, where = ", ".join(f"{n} = ?" for n in names), " AND ".join(f"{k} = ?" for k in KEYS[table])
            taken = (*(values[n] for n in names), *(to[k] for k in KEYS[table]))
            database.execute(f"UPDATE {table} SET {sets} WHERE {where}", taken)
        database.commit()
    return f"two rows of {table} exchanged {', '.join(names)}"


def delete(rng: random.Random, home: Path, older: Path) -> str:
    """Delete one to three rows of a table."""
    with closing(sqlite3.connect(home / "runs.db")) as database:
        table = _table(database, rng)
        columns = _columns(database, table)
        rows = _rows(database, table, rng, rng.choice((1, 1, 3)))
        for row in rows:
            values = dict(zip(columns, row, strict=True))
            where = " AND ".join(f"{k} = ?" for k in KEYS[table])
            database.execute(f"DELETE FROM {table} WHERE {where}", tuple(values[k] for k in KEYS[table]))
        database.commit()
    return f"{len(rows)} rows of {table} deleted"


def duplicate(rng: random.Random, home: Path, older: Path) -> str:
    """Put a copy of a row beside it, under another key, or of the other run."""
    with closing(sqlite3.connect(home / "runs.db")) as database:
        table = _table(database, rng)
        columns = _columns(database, table)
        values = dict(zip(columns, _rows(database, table, rng, 1)[0], strict=True))
        key = KEYS[table][-1]
        old = values[key]
        values[key] = old + 1_000 if isinstance(old, int) else f"{old}0"
        if table == "runs":
            values["id"] = f"{values['id']}-copy"
        if table == "outcomes":
            database.execute("PRAGMA foreign_keys=OFF")
        places = ", ".join("?" * len(columns))
        database.execute(f"INSERT INTO {table} VALUES ({places})", tuple(values.values()))
        database.commit()
    return f"a row of {table} copied to {values[key]}"


Mutation = Callable[[random.Random, Path, Path], str]
MUTATIONS: Sequence[Mutation] = (
    flip,
    flip,
    zero,
    truncate,
    remove,
    older_copy,
    replace,
    newer,
    swap,
    delete,
    duplicate,
)
