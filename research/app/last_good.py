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
from research.records import Event, Source, counted
from research.settings import Settings
from tools import library, run_store
from tools.corpus_folder import list_corpora, sources_of
from tools.database import Database
from tools.known_sources import known_sources, retrieved_texts
from tools.last_good import give_up as discard
from tools.last_good import mend
from tools.ownership import GARBLED, RunLock, is_owned, marks
from tools.promoted import FOLDER as PAGES
from tools.run_records import read_record
from tools.salvage import salvage, unsound
from tools.seal import Seal

SIGNED = {"runs": run_store, "library": library}


async def go_back(run: str | None, settings: Settings, *, take_over: bool, listen: Listener) -> str:
    """Make a damaged run whole, as far as it goes, and return its id; it can be resumed then.

    Raises ``UsageFault`` when nothing is wrong with a finished run, ``StoreProblem`` when nothing can be saved.
    """
    home = Home(settings)
    seal = home.seal()
    told = [*_salvaged(home, "runs", home.runs), *_salvaged(home, "library", home.described)]
    told += _described(home, seal)
    name = _named(run, settings, told, listen)
    for sentence in (*told, *unindexed(home)):
        listen(Event(run=name, kind="notice", detail=sentence))
    with (
        RunLock(home.locks, name, take_over=take_over, mending=True) as lock,
        closing(Database(home.runs, run_store.SCHEMA, run_store.VERSION, remedy=run_store.REMEDY)) as database,
    ):
        known = None if lock.marked == GARBLED else lock.marked
        work = partial(mend, seal=seal, path=home.runs, run=name, marked=known, readable=partial(_has_text, home))
        try:
            mended = await database.run(work)
        except UsageFault:
            if known is None:  # the run is whole, its mark was not
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
    _refuse_at_work(home, f"{file} is damaged ({wrong})")
    saved = salvage(file, store.SCHEMA, store.VERSION, store.TABLES)
    return [f"{file} was damaged ({wrong}): {saved.rows:,} rows of it were saved; it is kept as {saved.kept}"]


def _refuse_at_work(home: Home, what: str) -> None:
    at_work = next((run for run in marks(home.locks) if is_owned(home.locks, run)), None)
    if at_work:
        raise StoreProblem(f"{what}, and the run {at_work} is being worked on; stop it, then try again")


def _described(home: Home, seal: Seal) -> list[str]:
    """Write anew what the library has lost of the texts that runs read, and say so."""
    lost = undescribed(home, seal)
    if not lost:
        return []
    _refuse_at_work(home, f"{home.described} has lost what it said of {counted(len(lost), 'text')}")
    library.describe(home.described, seal, lost)
    return [
        f"{home.described} had lost where {counted(len(lost), 'text')} came from: written anew from the runs; "
        f"of texts that no run has used, {library.REPAIR}"
    ]


def undescribed(home: Home, seal: Seal) -> list[Source]:
    """Return the sources that the runs know of and that have no row in the library."""
    if not home.runs.exists():
        return []
    known = known_sources(home.runs, seal)  # first: a text is described before a run says that it read it
    there = library.described(home.described)
    return [source for source in known if source.id not in there]


def unindexed(home: Home) -> list[str]:
    """Name the texts of corpora that have no row in the library: what a run finds in them it cannot read."""
    there = library.described(home.described)
    found = _retrieved(home) - there
    told = []
    for corpus in list_corpora(home.corpora):
        if corpus.state in ("whole", "building"):
            held = sources_of(home.corpora / corpus.name)
            found -= held
            texts = counted(len(held - there), "text") + f" of the corpus {corpus.name}"
            again = f"`research index {corpus.folder} --corpus {corpus.name}` writes them anew"
            if corpus.folder == PAGES:
                again = "`research resume RUN --from-journal`, for any run, writes them anew"
            told += [f"{home.described}: {texts} have no row in it; {again}"] if held - there else []
    texts = f"{counted(len(found), 'text')} that unfinished runs found in a corpus, which no corpus holds any more,"
    again = "index the folder as it was then, or cancel these runs"
    return [*told, *([f"{home.described}: {texts} have no row in it; {again}"] if found else [])]


def _retrieved(home: Home) -> set[str]:
    """Return the texts that unfinished runs found in corpora and have not read yet."""
    if not home.runs.exists():
        return set()
    seal = home.seal()
    return retrieved_texts(home.runs, seal) - {source.id for source in known_sources(home.runs, seal)}


async def give_up(run: str | None, settings: Settings) -> tuple[str, str]:
    """Accept the loss of a run that nothing can be saved of: return its id and what was lost, or twice nothing.

    ``run`` is its whole id: what is given up for good is not named by halves. What is left of it is set aside, and
    it is no longer told as lost.
    """
    home = Home(settings)
    rows = stored_runs(home)
    sound = [row.id for row in rows if row.whole]
    known = {*home.recorded(), *(row.id for row in rows)} - set(sound)
    if run is None or run not in known:
        return "", ""
    seal = home.seal()
    with (
        RunLock(home.locks, run, mending=True) as lock,
        closing(Database(home.runs, run_store.SCHEMA, run_store.VERSION, remedy=run_store.REMEDY)) as database,
    ):
        work = partial(discard, seal=seal, path=home.runs, run=run, marked=lock.marked)
        told = await database.run(work)
        if told:
            lock.forget()
    return (run, told) if told else ("", "")


def _named(run: str | None, settings: Settings, told: list[str], listen: Listener) -> str:
    """Return the id of a run as :func:`_found` does; where there is none, first say what was done to the files."""
    try:
        return _found(run, settings)
    except (UnknownName, StoreProblem):
        for sentence in told:
            listen(Event(run="", kind="notice", detail=sentence))
        raise


def _found(run: str | None, settings: Settings) -> str:
    """Return the id of a run that may be damaged or lost, by its id, the beginning of it, or as the last one."""
    home = Home(settings)
    rows = stored_runs(home)
    known = list(dict.fromkeys([*(row.id for row in rows), *sorted(home.recorded(), reverse=True)]))
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
            f"put the file back from a copy, or accept the loss with `research cancel {found[0]}`"
        )
    return found[0]


def _has_text(home: Home, source: str) -> bool:
    try:
        library.read_text(library.text_path(home.library, source))
    except (SourceDamaged, StoreProblem):
        return False
    return True
