"""``research resume --from-journal``: making a damaged run whole before it is gone on with, and checking all rows.

What is salvaged, set aside and counted is the work of ``tools.salvage`` and ``tools.last_good``; here it is decided
which files and which run, and that nobody else is at work on them.
"""

from __future__ import annotations

import contextlib
from contextlib import closing
from functools import partial
from pathlib import Path

from research.app.records import Home, find_run, stored_runs
from research.errors import SourceDamaged, StoreProblem, UnknownName, UsageFault
from research.ports import Listener
from research.records import Event
from research.settings import Settings
from tools import library, run_store
from tools.database import Database
from tools.last_good import mend
from tools.ownership import GARBLED, RunLock, is_owned, marks
from tools.run_records import read_record
from tools.salvage import salvage, unsound

SIGNED = {"runs": run_store, "library": library}


async def go_back(run: str | None, settings: Settings, *, take_over: bool, listen: Listener) -> str:
    """Make a damaged run whole, as far as it goes, and return its id; it can be resumed then.

    Raises ``UsageFault`` when nothing is wrong with a finished run, ``StoreProblem`` when nothing can be saved.
    """
    home = Home(settings)
    seal = home.seal()
    told = [*_salvaged(home, "runs", home.runs), *_salvaged(home, "library", home.library / "library.db")]
    name = _named(run, settings)
    for sentence in told:
        listen(Event(run=name, kind="notice", detail=sentence))
    with (
        RunLock(home.locks, name, take_over=take_over, mending=True) as lock,
        closing(Database(home.runs, run_store.SCHEMA, run_store.VERSION, remedy=run_store.REMEDY)) as database,
    ):
        known = max(lock.marked, 0)
        work = partial(mend, seal=seal, path=home.runs, run=name, marked=known, readable=partial(_has_text, home))
        try:
            mended = await database.run(work)
        except UsageFault:
            if lock.marked == GARBLED:  # the run is whole, its mark was not
                lock.mark(next(row.calls for row in stored_runs(home) if row.id == name))
            elif not told:
                raise
            return name
        lock.mark(mended.calls)
    for loss in mended.losses:
        listen(Event(run=name, kind="notice", detail=f"{loss.where}: {loss.what}"))
    return name


def _salvaged(home: Home, name: str, file: Path) -> list[str]:
    """Salvage one file where SQLite cannot read it as a whole, and say so."""
    store = SIGNED[name]
    wrong = unsound(file, store.SCHEMA, store.VERSION)
    if not wrong:
        return []
    at_work = next((run for run in marks(home.locks) if is_owned(home.locks, run)), None)
    if at_work:
        raise StoreProblem(
            f"{file} is damaged ({wrong}), and the run {at_work} is being worked on; stop it, then try again"
        )
    saved = salvage(file, store.SCHEMA, store.VERSION, store.TABLES)
    return [f"{file} was damaged ({wrong}): {saved.rows:,} rows of it were saved; it is kept as {saved.kept}"]


def _named(run: str | None, settings: Settings) -> str:
    """Return the id of a run that may be damaged or lost, by its id, the beginning of it, or as the last one."""
    home = Home(settings)
    rows, marked = stored_runs(home), marks(home.locks)
    known = list(dict.fromkeys([*(row.id for row in rows), *sorted(marked, reverse=True)]))
    found = (
        known[:1] if run is None else [id for id in known if id == run] or [id for id in known if id.startswith(run)]
    )
    if len(found) != 1:
        with contextlib.suppress(StoreProblem):
            find_run(settings, run)  # says what is wrong with the name
        raise UnknownName(f"there is no run {str(run)[:60]}; `research runs` lists them")
    there = any(row.id == found[0] for row in rows)
    if not there and read_record(home.runs, home.seal(), found[0], *run_store.WORDS_AT) is None:
        raise StoreProblem(
            f"{home.runs} has lost the run {found[0]}, and nothing of it can be saved; "
            "put the file back from a copy, or begin with another --home"
        )
    return found[0]


def _has_text(home: Home, source: str) -> bool:
    try:
        library.read_text(library.text_path(home.library, source))
    except (SourceDamaged, StoreProblem):
        return False
    return True
