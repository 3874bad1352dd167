"""Attack strings as stored values: under a valid digest, in every place, they are inert data or a typed error.

Whoever has the key of a home can sign what they like. What is read back is JSON and is converted strictly, so a planted
value can at worst be other data: a witness in each life sees every program, every import and every piece of code that
would be started, and a file that one of the attacks makes must not appear.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import msgspec

from bench.lives import Ended, Work, live, plainly
from bench.reference import RUN, go_on
from bench.watched import Events
from research.records import encode
from tools.run_store import TABLES
from tools.seal import Seal, open_seal

CANARY = "CANARY_DIR"
STARTED = (
    *("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "subprocess.Popen"),
    *("pickle.find_class", "ctypes.dlopen", "webbrowser.open"),
)


class Place(NamedTuple):
    """A column that attacks are planted in, and how: as the whole value, or as text within it."""

    table: str
    column: str
    key: str
    plant: Callable[[str, str], str]


class Planted(NamedTuple):
    """One attack in one place, and what was wrong with what came of it."""

    attack: str
    place: str
    wrong: tuple[str, ...]
    said: str


def whole(attack: str, old: str) -> str:
    """Put the attack in the place of the value."""
    return attack


def within(attack: str, old: str) -> str:
    """Put the attack, as text, in the place of every text of the value."""

    def planted(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: item if key in KEPT else planted(item) for key, item in value.items()}
        if isinstance(value, list):
            return [planted(item) for item in value]
        return attack if isinstance(value, str) else value

    return encode(planted(msgspec.json.decode(old)))


KEPT = {"id", "kind", "ts", "\u0000", "node", "type", "versions_seen", "channel_versions", "stop", "source", "label"}
"""Fields that must be what they are for the value to be read at all."""


def _keyed(attack: str, old: str) -> str:
    """Add the attack as a key and, where it is JSON, its fields."""
    value = msgspec.json.decode(old)
    try:
        fields = msgspec.json.decode(attack)
    except (msgspec.DecodeError, RecursionError):
        fields = {}
    return encode({**value, attack: attack, **fields} if isinstance(fields, dict) else {**value, attack: attack})


VALUES = (
    *(("checkpoints", column, "id") for column in ("value", "metadata")),
    *(("writes", "value", "task"), ("records", "json", "id"), ("intents", "request", "seq")),
    *(("outcomes", "payload", "seq"), ("runs", "question", "number"), ("runs", "options", "number")),
)
PLACES = tuple(Place(*value, plant) for value in VALUES for plant in (whole, within, _keyed))


def plant(home: Path, place: Place, attack: str) -> None:
    """Plant an attack in every row of the reference run in one column, and sign the rows."""
    seal = open_seal(home / "key", ())
    with closing(sqlite3.connect(home / "runs.db")) as database:
        columns = TABLES[place.table]
        owner = {"checkpoints": "thread", "writes": "thread", "runs": "id"}.get(place.table, "run")
        for row in database.execute(f"SELECT {', '.join(columns)} FROM {place.table} WHERE {owner} = ?", (RUN,)):
            _planted(database, seal, place, dict(zip(columns, row, strict=True)), attack)
        database.commit()


def _planted(database: sqlite3.Connection, seal: Seal, place: Place, row: dict[str, Any], attack: str) -> None:
    old = row[place.column]
    text = old.decode() if isinstance(old, bytes) else old
    try:
        new = place.plant(attack, text)
    except (TypeError, msgspec.DecodeError, RecursionError):
        return  # a value that has no fields
    named = {name: value for name, value in row.items() if isinstance(value, str | int) and name != place.column}
    row[place.column] = new.encode() if isinstance(old, bytes) else new
    where = " AND ".join(f"{name} = ?" for name in named)
    digest = seal.sign(place.table, *row.values())
    database.execute(
        f"UPDATE {place.table} SET {place.column} = ?, digest = ? WHERE {where}",
        (row[place.column], digest, *named.values()),
    )


def watched(work: Work, events: Events, *, seen: Path) -> Any:
    """Do ``work`` with a witness: whatever would start a program or code is noted in ``seen``."""
    notes = seen.open("a", buffering=1, encoding="utf-8")

    def witness(event: str, arguments: tuple[Any, ...]) -> None:
        if event in STARTED:
            notes.write(f"{event} {arguments!r}\n"[:400])
        elif event == "exec" and not _from_a_file(arguments[0]):
            notes.write(f"{event} {_words(arguments[0])}\n"[:400])

    sys.addaudithook(witness)
    return plainly(work, events)


def _from_a_file(code: CodeType) -> bool:
    return code.co_filename.startswith("<frozen ") or Path(code.co_filename).is_file()


def _words(code: CodeType) -> str:
    """Return what a piece of code names: the same for the same code in every life."""
    inner = " ".join(_words(item) for item in code.co_consts if isinstance(item, CodeType))
    said = [item for item in code.co_consts if isinstance(item, str | int)]
    return f"{code.co_filename} {code.co_name} {code.co_names} {said!r} {inner}".replace("\n", " ")


def _lives(home: Path, log: Path, ways: Sequence[dict[str, bool]]) -> tuple[list[Ended], set[str]]:
    """Resume the run in each of ``ways`` until there is a report; return the ends and what the witness saw."""
    seen = home.parent / "seen"
    seen.write_text("", encoding="utf-8")
    lives: list[Ended] = []
    for how in ways:
        lives.append(live(partial(_go_on, home, log, how), Events(), 60.0, drive=partial(watched, seen=seen)))
        if lives[-1].said.startswith("{"):
            break
    return lives, witnessed(seen)


def witnessed(seen: Path) -> set[str]:
    """Return what the witness noted."""
    return {line for line in seen.read_text(encoding="utf-8").splitlines() if line} if seen.exists() else set()


def try_attack(home: Path, log: Path, place: Place, attack: str, usual: set[str]) -> Planted:
    """Plant an attack in a home as it is now, resume its run in watched lives, and judge.

    ``usual`` is what the witness sees of a life without an attack: libraries that make classes of their own.
    """
    canary = home.parent / "canary"
    plant(home, place, attack.replace(CANARY, str(canary)))
    lives, seen = _lives(home, log, ({}, {"from_journal": True}))
    noted = sorted(seen - usual)
    wrong = [f"code ran: {line}" for line in noted] + (["code ran: the canary is there"] if canary.exists() else [])
    wrong += [f"ended with {ended.code}: {ended.said[-900:]}" for ended in lives if ended.code < 0 or ended.code == 70]
    name = f"{place.table}.{place.column} ({place.plant.__name__.strip('_')})"
    return Planted(attack[:60], name, tuple(wrong), lives[-1].said[:200])


async def _go_on(home: Path, log: Path, how: dict[str, bool], events: Events) -> Any:
    return await go_on(home, log, events, **how)


def try_attacks(
    attacks: Sequence[str], again: Callable[[], None], home: Path, log: Path, *, each: int = len(PLACES)
) -> list[Planted]:
    """Plant each attack in ``each`` of the places of a home that ``again`` puts back as it was."""
    usual: set[str] = set()
    for ways in ({}, {"from_journal": True}):
        again()
        usual |= _lives(home, log, (ways,))[1]
    tried = []
    for number, attack in enumerate(attacks):
        for place in [PLACES[(number * each + step) % len(PLACES)] for step in range(each)]:
            again()
            tried.append(try_attack(home, log, place, attack, usual))
    return tried
