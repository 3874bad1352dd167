"""Going back to the last good point of a run whose rows are damaged: what is whole stays, what is not is set aside.

Rows that are not the ones that were written go, as they are, to the table ``damaged``. An intent that lost its outcome
stays, so its call is charged at its bound; an outcome that lost its intent leaves its cost behind. Unless the report is
whole, the records that the graph made and its checkpoints go, too: the graph is worked again from its start, over the
journal. What SQLite cannot read is the work of ``tools.salvage``; working the run again, of the application.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from research.errors import StoreProblem, UsageFault
from research.records import Failure, Record, counted, encode, ident
from research.requests import FetchReply
from tools.journal import read_payload
from tools.orders import all_orders, concerns, last_order, missing_orders
from tools.run_list import fits
from tools.run_store import COLUMNS, SELECT, TABLES, WORDS, WORDS_AT, RunRow, built, insert_row
from tools.seal import Seal

KEPT = ("run", "corpus", "loss", "given", "clarification")
"""Kinds of records that are not made again by working the graph again."""
FAR = 1_000_000
"""How far above what can be read of a damaged row its fencing number goes on: above that of any earlier owner."""
LOST_MARK = Failure(
    where="lost mark",
    what="how many rows of calls the run had was lost: if it made calls after the last that is recorded, they were "
    "made and paid again, and their cost is in no figure here",
)
Row = tuple[object, ...]
Readable = Callable[[str], bool]


class Mended(Record):
    """What a run has now: rows of calls for the mark, what was lost, and whether its report was whole."""

    calls: int
    losses: tuple[Failure, ...]
    published: bool


@dataclass
class _Seen:
    """What was found while one run was looked through."""

    connection: sqlite3.Connection
    seal: Seal
    run: str
    aside: dict[str, int] = field(default_factory=dict)

    def all(self, table: str, where: str, *values: object) -> list[Row]:
        """Return rows with their digests, not by way of an index, which may be damaged itself."""
        query = f"SELECT {', '.join(TABLES[table])}, digest FROM {table} NOT INDEXED WHERE {where}"
        return self.connection.execute(query, values).fetchall()

    def holds(self, table: str, row: Row) -> bool:
        return self.seal.holds(row[-1], table, *row[:-1])

    def set_aside(self, table: str, row: Row, key: int) -> None:
        """Move a row, whose first ``key`` columns name it, to the damaged ones, as it is."""
        self.keep_aside(table, repr(row))
        names = " AND ".join(f"{name} IS ?" for name in TABLES[table][:key])
        self.connection.execute(f"DELETE FROM {table} WHERE {names}", row[:key])

    def keep_aside(self, table: str, text: str) -> None:
        """Keep what is known of a row of ``table`` that is damaged or missing."""
        number = int(self.connection.execute("SELECT coalesce(max(number), 0) + 1 FROM damaged").fetchone()[0])
        insert_row(self.connection, self.seal, "damaged", (number, self.run, table, text))
        self.aside[table] = self.aside.get(table, 0) + 1


def mend(
    connection: sqlite3.Connection, seal: Seal, path: Path, run: str, marked: int | None, readable: Readable
) -> Mended:
    """Make the rows of ``run`` whole in one transaction of ``connection``'s, and say what was lost.

    ``marked`` is the mark of the run's lock (``None``: it is lost), ``readable`` whether a stored text can be read.
    Raises ``UsageFault`` when nothing is wrong with a finished run, ``StoreProblem`` when what it was asked is lost.
    """
    if not fits(connection, seal):
        raise StoreProblem(f"no row of {path} is signed with the key beside it; put the key back from a copy")
    found = _Seen(connection, seal, run)
    before, words = _words(found, path)
    expected = max(marked or 0, before.calls if before else 0)
    calls, elapsed, lost = _calls(found, expected, readable)
    _orders(found)
    cancelled = _cancelled(found) or (before is not None and before.status == "cancelled")
    published = _records(found, before.records if before else None, keep=cancelled)
    whole = before is not None and not found.aside and not lost
    over = bool(published) or cancelled
    if over and whole and _checkpoints(found, published=True) == 0:
        how = "finished" if published else "cancelled"
        raise UsageFault(f"the run {run} is {how} and whole; `research fork {run} --at plan` makes a new run from it")
    _checkpoints(found, published=over)
    unmarked = () if published or marked is not None else (LOST_MARK,)
    losses = (*_told(found, before, path), *unmarked, *lost)
    for loss in losses:
        values = (run, "loss", ident("l", loss), encode(loss))
        connection.execute("DELETE FROM records WHERE run = ? AND kind = ? AND id = ?", values[:3])
        insert_row(connection, seal, "records", values)
    status, exit_code = _ended(published) if published else ("cancelled" if cancelled else "interrupted", 130)
    fence = before.fence + 1 if before else FAR
    records = connection.execute("SELECT count(*) FROM records WHERE run = ?", (run,)).fetchone()[0]
    said = {**words, "id": run, "status": status, "exit_code": exit_code, "fence": fence, "calls": calls}
    said |= {"elapsed": max(elapsed, before.elapsed if before else 0.0), "records": records}
    connection.execute("DELETE FROM runs WHERE id = ?", (run,))
    insert_row(connection, seal, "runs", tuple(said[name] for name in COLUMNS))
    return Mended(calls=calls, losses=losses, published=bool(published))


KEYS = {"runs": 1, "intents": 1, "outcomes": 1, "records": 3, "checkpoints": 3, "writes": 7}
"""How many of its first columns name a row of each table."""


def give_up(connection: sqlite3.Connection, seal: Seal, path: Path, run: str, marked: int) -> str:
    """Set aside whatever is left of a run of which nobody knows what it was asked, and say what was lost with it.

    ``marked`` is the mark of its lock. Empty, and nothing is changed, where the run can be made whole by :func:`mend`.
    """
    found = _Seen(connection, seal, run)
    with suppress(StoreProblem):
        _words(found, path)
        return ""
    for table, key in KEYS.items():
        owner = {"runs": "id", "checkpoints": "thread", "writes": "thread"}.get(table, "run")
        for row in found.all(table, f"{owner} = ?", run):
            found.set_aside(table, row, key)
    calls = counted(marked, "row") if marked > 0 else "an unknown number of rows"
    left = ", ".join(f"{number} of {table}" for table, number in found.aside.items())
    told = f"{calls} of calls of the run {run} were known of, and what it was asked is lost; left were {left or 'none'}"
    found.keep_aside("runs", told)
    return told


def _words(found: _Seen, path: Path) -> tuple[RunRow | None, dict[str, object]]:
    """Return the run's row where it is whole, and what the run was asked, from there or from its copy."""
    for row in found.connection.execute(f"{SELECT} NOT INDEXED WHERE id = ?", (found.run,)).fetchall():
        known = built(row, found.seal)
        if known.whole:
            return known, {name: getattr(known, name) for name in WORDS}
    copies = found.all("records", "run = ? AND kind = ? AND id = ?", found.run, *WORDS_AT)
    if not copies or not found.holds("records", copies[0]):
        raise StoreProblem(
            f"{path} is damaged: what the run {found.run} was asked is lost, in its row and in the copy of it; "
            f"put the file back from a copy, or accept the loss with `research cancel {found.run}` and ask again"
        )
    words: dict[str, object] = msgspec.json.decode(str(copies[0][3]))
    for row in found.all("runs", "id = ? OR number = ?", found.run, words["number"]):
        if not found.holds("runs", row):
            found.set_aside("runs", row, 1)
    taken = found.connection.execute("SELECT 1 FROM runs WHERE number = ?", (words["number"],)).fetchone()
    if taken:
        words["number"] = found.connection.execute("SELECT max(number) + 1 FROM runs").fetchone()[0]
    return None, words


def _calls(found: _Seen, expected: int, readable: Readable) -> tuple[int, float, tuple[Failure, ...]]:
    """Look through the rows of calls; return how many are left, the last second of the run and what was lost."""
    strays = "run NOT IN (SELECT id FROM runs)"
    answered = "seq IN (SELECT seq FROM outcomes NOT INDEXED WHERE run = ?)"
    for row in found.all("intents", f"run = ? OR {answered} OR {strays}", found.run, found.run):
        if not found.holds("intents", row):
            found.set_aside("intents", row, 1)
    begun = {row[0]: row for row in found.all("intents", "run = ?", found.run)}
    at_bound = 0  # calls whose intent is whole and whose outcome is not: charged at their bound
    of_run = "seq IN (SELECT seq FROM intents NOT INDEXED WHERE run = ?)"
    for row in found.all("outcomes", f"run = ? OR {of_run} OR {strays}", found.run, found.run):
        if not found.holds("outcomes", row):
            found.set_aside("outcomes", row, 1)
            at_bound += row[0] in begun
    ended = {row[0]: row for row in found.all("outcomes", "run = ?", found.run)}
    missing = max(0, expected - len(begun) - len(ended))
    texts = _texts(found, begun, ended, readable)
    stubs = _stubs(found, begun, ended)
    left = len(begun) + len(ended)
    seconds = [float(str(row[10])) for row in begun.values()] + [float(str(row[7])) for row in ended.values()]
    losses = _lost_calls(missing, max(0, missing - at_bound - stubs), texts)
    return left, max(seconds, default=0.0), tuple(losses)


def _lost_calls(missing: int, unknown: int, texts: int) -> list[Failure]:
    losses = []
    if missing:
        what = f"{counted(missing, 'row')} of calls were damaged or missing, so these calls were made and paid again"
        cost = f"; what up to {unknown} of them said of the cost is lost and in no figure here" if unknown else ""
        losses.append(Failure(where="damaged journal", what=what + cost))
    if texts:
        what = f"{counted(texts, 'stored text')} could not be read, so the pages were fetched again"
        losses.append(Failure(where="damaged texts", what=what))
    return losses


def _texts(found: _Seen, begun: dict[object, Row], ended: dict[object, Row], readable: Readable) -> int:
    """Set aside the answers whose stored text cannot be read: the page is fetched again."""
    gone = 0
    for seq, row in [(seq, row) for seq, row in ended.items() if seq in begun]:
        try:
            reply = read_payload(str(begun[seq][3]), str(row[2]), str(row[3]))
        except (msgspec.DecodeError, RecursionError):  # signed, and yet not by this program
            found.set_aside("outcomes", ended.pop(seq), 1)
            continue
        if isinstance(reply, FetchReply) and not readable(reply.source.id):
            found.set_aside("outcomes", ended.pop(seq), 1)
            gone += 1
    return gone


def _stubs(found: _Seen, begun: dict[object, Row], ended: dict[object, Row]) -> int:
    """Put the cost of each outcome whose intent is lost into an intent of its own, which answers nothing."""
    orphans = [seq for seq in ended if seq not in begun]
    for seq in orphans:
        outcome = ended.pop(seq)
        found.set_aside("outcomes", outcome, 1)
        spent = outcome[4:8]
        stub: Row = (seq, found.run, "damaged", "damaged", f"damaged-{seq}", 0, 1, *spent, "{}")
        insert_row(found.connection, found.seal, "intents", stub)
        begun[seq] = stub
    return len(orphans)


def _cancelled(found: _Seen) -> bool:
    """Return whether the run was told to end for good: then the graph makes nothing of it again."""
    told = found.all("orders", "run = ? AND branch = '' AND what = 'cancel'", found.run)
    return any(found.holds("orders", row) for row in told)


def _records(found: _Seen, expected: int | None, *, keep: bool) -> Row | None:
    """Look through the records; return the report's where it is whole, else drop what the graph makes again."""
    report = None
    rows = found.all("records", "run = ?", found.run)
    for row in rows:
        if not found.holds("records", row):
            found.set_aside("records", row, 3)
        elif row[1] == "report":
            report = row
    if expected is not None and len(rows) != expected:
        found.aside["missing records"] = abs(expected - len(rows))
    if report is None and not keep:
        kinds = ", ".join("?" * len(KEPT))
        found.connection.execute(f"DELETE FROM records WHERE run = ? AND kind NOT IN ({kinds})", (found.run, *KEPT))
    return report


def _checkpoints(found: _Seen, *, published: bool) -> int:
    """Set aside the damaged checkpoints and writes of the run; drop the whole ones unless it has published."""
    count = 0
    for table, names in (("checkpoints", 3), ("writes", 7)):
        for row in found.all(table, "thread = ?", found.run):
            if not found.holds(table, row):
                found.set_aside(table, row, names)
                count += 1
        if not published:
            found.connection.execute(f"DELETE FROM {table} WHERE thread = ?", (found.run,))
    return count


def _orders(found: _Seen) -> None:
    """Put an order that is void (the pause of an earlier life) in the place of each of the run's that is damaged.

    One that was moved from or to the run and is whole otherwise is put back. The orders to other runs are left to
    them; of one that is missing nobody knows whose it was, so each run gives it up for itself.
    """
    runs = [row[0] for row in found.connection.execute("SELECT id FROM runs NOT INDEXED").fetchall()]
    for row in all_orders(found.connection):
        if found.holds("orders", row) or not concerns(row, found.run, found.seal):
            continue
        owner = next((run for run in (found.run, *runs) if concerns((row[0], None, *row[2:]), run, found.seal)), None)
        found.set_aside("orders", row, 1)
        if owner is not None:
            insert_row(found.connection, found.seal, "orders", (row[0], owner, *row[2:-1]))
        elif int(str(row[0])) <= last_order(found.connection, found.seal):
            insert_row(found.connection, found.seal, "orders", (row[0], found.run, "", "pause"))
    for seq in missing_orders(found.connection, found.seal, found.run):
        found.keep_aside("orders", str(seq))


def _told(found: _Seen, before: RunRow | None, path: Path) -> list[Failure]:
    """Say what else was damaged. Nothing of it is lost to the report."""
    losses = []
    if before is None:
        what = "the row of the run was damaged or missing and was made again from the copy of its question and options"
        losses.append(Failure(where="damaged run", what=what))
    if found.aside:
        tables = ", ".join(f"{number} of {table}" for table, number in found.aside.items())
        what = f"damaged or missing rows of {path.name}: {tables}; what can be read of them is in its table damaged"
        losses.append(Failure(where="damaged rows", what=what))
    return losses


def _ended(report: Row) -> tuple[str, int]:
    value = msgspec.json.decode(str(report[3]))
    return str(value["status"]), int(value["exit_code"])
