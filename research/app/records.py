"""Reading what runs left behind: lists, reports, plans, and the check of every quote. SQLite and files alone."""

from __future__ import annotations

import difflib
import secrets
from pathlib import Path

import msgspec

from research import citations
from research.errors import (
    CitationBroken,
    SourceDamaged,
    StoreProblem,
    UnknownName,
    UsageFault,
)
from research.forked import Round
from research.records import Plan, Record, Task, build, counted
from research.report import Report, checked
from research.settings import Settings
from tools.corpus_folder import CorpusFacts, list_corpora
from tools.known_sources import known_sources
from tools.library import is_blank, read_text, text_path
from tools.ownership import GARBLED, garbled, is_owned, marks
from tools.run_list import list_runs
from tools.run_records import read_record, read_records
from tools.run_store import RunRow, damaged
from tools.seal import Seal, open_seal


class BrokenQuote(Record):
    """A quote of a report that is not in the stored copy of its source at its offsets, and why."""

    finding: str
    source: str
    why: str


class VerifyResult(Record):
    """What a check of all quotes of a report found."""

    run: str
    checked: int
    broken: tuple[BrokenQuote, ...]


class Home:
    """Where things are in the data directory."""

    def __init__(self, settings: Settings) -> None:
        self.root = Path(settings.home)
        self.key = self.root / "key"
        self.runs = self.root / "runs.db"
        self.library = self.root / "library"
        self.described = self.library / "library.db"
        self.cache = self.root / "cache.db"
        self.pages = self.root / "pages.db"
        self.corpora = self.root / "corpora"
        self.locks = self.root / "locks"
        self._scanner = settings.scanner()

    def seal(self, *, create: bool = False) -> Seal:
        """Return the seal of the stored rows; with ``create``, for who will write, its key is made in a new home.

        Who will write is refused where ``runs.db`` was emptied: it has nothing, and a lock knows of recorded calls;
        and where ``library.db`` was emptied or taken away, and the runs know of texts that it described.
        """
        if create and self.runs.exists() and not self.runs.stat().st_size and (known := self.recorded()):
            raise StoreProblem(
                f"{self.runs} is empty, and had recorded calls (of the run {known[0]}); put it back from a copy, "
                f"begin with another --home, or accept the loss of each run (`research cancel {known[0]}`)"
            )
        seal = open_seal(self.key, (self.runs, self.described), create=create, scanner=self._scanner)
        if create and self.runs.exists() and is_blank(self.described) and (sources := known_sources(self.runs, seal)):
            raise StoreProblem(
                f"{self.described} is empty or missing, and described {counted(len(sources), 'text')} that runs read; "
                "put it back from a copy, or `research resume RUN --from-journal`, for any run, writes it anew"
            )
        return seal

    def recorded(self) -> list[str]:
        """Return the runs that have recorded calls by the marks of their locks."""
        return [run for run, marked in marks(self.locks).items() if marked]

    def record(self, run: str, kind: str, id: str) -> object | None:
        """Return plain JSON of one record of a run, or ``None``."""
        return read_record(self.runs, self.seal(), run, kind, id) if self.runs.exists() else None

    def records(self, run: str, kind: str) -> list[object]:
        """Return plain JSON of all records of a kind of a run, ordered by id."""
        return read_records(self.runs, self.seal(), run, kind) if self.runs.exists() else []


ENDED = ("done", "partial", "cancelled")
"""How a run is that makes no more calls."""


def new_run_id(now: str) -> str:
    """Return the id of a run that begins ``now`` (ISO 8601): it sorts by that second, and its end is random."""
    return f"{now[:19].replace('-', '').replace(':', '').replace('T', '-')}-{secrets.token_hex(3)}"


def runs(settings: Settings) -> list[RunRow]:
    """Return every run, newest first; one whose process is gone is shown as interrupted."""
    home = Home(settings)
    marked = marks(home.locks)  # read before the rows, which may grow meanwhile
    rows = stored_runs(home)
    marked = {**dict.fromkeys(marks(home.locks), 0), **marked}  # and a run may have begun
    return [_alive(home, _unrolled(row, marked.get(row.id))) for row in rows]


def lost_runs(settings: Settings) -> list[str]:
    """Return the runs that have recorded calls, by the marks of their locks, and are not in ``runs.db``."""
    home = Home(settings)
    recorded = home.recorded()
    return sorted(set(recorded) - {row.id for row in stored_runs(home)})


def _unrolled(row: RunRow, marked: int | None) -> RunRow:
    """Return a row that is older than the mark of its run, or whose mark is damaged or missing, as a damaged one.

    A run that has ended makes no more calls, so without a mark it is as it was.
    """
    known = row.status in ENDED if marked is None else marked != GARBLED and row.calls >= marked
    return row if known else msgspec.structs.replace(row, whole=False)


def stored_runs(home: Home) -> list[RunRow]:
    """Return every run as it is stored, newest first."""
    return list_runs(home.runs, home.seal()) if home.runs.exists() else []


def stored_run(home: Home, run: str) -> RunRow:
    """Return the run with this id as it is stored. Raises ``UnknownName``."""
    for row in stored_runs(home):
        if row.id == run:
            return row
    raise UnknownName(f"there is no run {run}; `research runs` lists them")


def _alive(home: Home, row: RunRow) -> RunRow:
    if row.status != "running" or is_owned(home.locks, row.id):
        return row
    return msgspec.structs.replace(row, status="interrupted")


def find_run(settings: Settings, name: str | None) -> RunRow:
    """Return the run with this id or unique beginning of an id, or with ``None`` the last one."""
    rows, lost = runs(settings), lost_runs(settings)
    if name is None and rows:
        return _sound(rows[0], settings)
    _refuse_lost([run for run in lost if name is None or run.startswith(name)], rows, name, settings)
    if not rows or name is None:
        raise UsageFault("there are no runs yet; `research ask` begins one")
    found = [row for row in rows if row.id == name] or [row for row in rows if name and row.id.startswith(name)]
    if len(found) == 1:
        return _sound(found[0], settings)
    if found:
        raise UsageFault(f"{name} is the beginning of {len(found)} runs; give more of the id")
    near = difflib.get_close_matches(name, [row.id for row in rows], n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else "`research runs` lists them"
    raise UnknownName(f"there is no run {name[:60]}; {hint}")


def _sound(row: RunRow, settings: Settings) -> RunRow:
    """Return a row that is whole. Raises ``StoreProblem`` with the way out for another."""
    marked = marks(Home(settings).locks).get(row.id)
    if row.whole:
        return row
    if marked is None or marked == GARBLED:
        raise garbled(Home(settings).locks, row.id)
    if 0 < row.calls < marked:
        what = f"its latest rows ({row.calls} rows of calls are there, of at least {marked})"
        raise damaged(Home(settings).runs, what, row.id)
    raise damaged(Home(settings).runs, f"its row in runs (number {row.number})", row.id)


def _refuse_lost(lost: list[str], rows: list[RunRow], name: str | None, settings: Settings) -> None:
    """Raise when what was asked for is a run that ``runs.db`` has lost, and no run that it has."""
    if lost and not any(row.id == name for row in rows) and (name in lost or not _begun(rows, name)):
        raise StoreProblem(
            f"{Home(settings).runs} has lost the run {lost[0]}, which had recorded calls; put it back from a copy, or "
            f"`research resume {lost[0]} --from-journal` looks for what is left of it"
        )


def _begun(rows: list[RunRow], name: str | None) -> bool:
    return any(row.id.startswith(name or "") for row in rows)


def show(run: str | None, settings: Settings) -> Report:
    """Return the report of a run. Raises ``UsageFault`` when it has none yet."""
    row = find_run(settings, run)
    stored = Home(settings).record(row.id, "report", "report")
    if stored is None and row.status in ("done", "partial"):
        raise damaged(Home(settings).runs, "its report", row.id)
    if stored is None:
        raise UsageFault(f"the run {row.id} is {row.status} and has no report yet; {onward(row)}")
    return checked(build(Report, stored))


def show_plan(run: str | None, settings: Settings) -> Plan:
    """Return the plan of a run, with the branches of later rounds. Raises ``UsageFault`` when it has none yet."""
    row = find_run(settings, run)
    stored = Home(settings).record(row.id, "plan", "plan")
    if stored is None:
        raise UsageFault(f"the run {row.id} is {row.status} and has no plan yet; {onward(row)}")
    plan, tasks = build(Plan, stored), branches_of(row.id, settings)
    return msgspec.structs.replace(plan, tasks=tasks) if tasks else plan


def branches_of(run: str, settings: Settings) -> tuple[Task, ...]:
    """Return the branches of a run in the order in which they were planned, which numbers them from 1."""
    rounds = Home(settings).records(run, "round")
    return tuple(task for stored in rounds for task in build(Round, stored).plan.tasks)


def published(run: str, home: Home) -> bool:
    """Return whether the run has its report, so that nothing is left to be done."""
    return home.record(run, "report", "report") is not None


def onward(row: RunRow) -> str:
    if row.status == "running":
        return "another process is working on it"
    if row.status == "cancelled":
        return f"`research fork {row.id} --at compose` writes a report from what was found"
    if row.status in ("done", "partial"):
        return f"`research show {row.id}` prints its report"
    yes = " --yes" if row.status == "waiting" else ""
    return f"`research resume {row.id}{yes}` goes on with it"


def verify(run: str | None, settings: Settings) -> VerifyResult:
    """Check every quote of a run's report against the stored copies, offline."""
    report = show(run, settings)
    folder = Home(settings).library
    broken = []
    for finding in report.findings:
        try:
            text = read_text(text_path(folder, finding.source))
            if citations.verify([finding], {finding.source: text}):
                raise CitationBroken(f"the text at {finding.start}–{finding.end} is not the quote")
        except (SourceDamaged, StoreProblem, CitationBroken) as error:
            broken.append(BrokenQuote(finding=finding.id, source=finding.source, why=str(error)))
    return VerifyResult(run=report.run, checked=len(report.findings), broken=tuple(broken))


def corpora(settings: Settings) -> tuple[CorpusFacts, ...]:
    """Return every corpus, by name."""
    return list_corpora(Home(settings).corpora)
