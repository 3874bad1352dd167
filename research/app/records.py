"""Reading what runs left behind: lists, reports, plans, and the check of every quote. SQLite and files alone."""

from __future__ import annotations

import difflib
import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from research import citations
from research.errors import (
    CitationBroken,
    NotTheOwner,
    ResearchError,
    SourceDamaged,
    StoreProblem,
    UnknownName,
    UsageFault,
)
from research.records import Plan, Record, build
from research.report import Report, checked
from research.settings import Settings
from tools.corpus_folder import CorpusFacts, list_corpora
from tools.library import read_text, text_path
from tools.ownership import RunLock
from tools.run_records import read_record
from tools.run_store import RunRow, list_runs
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
        self.corpora = self.root / "corpora"
        self.locks = self.root / "locks"

    def seal(self, *, create: bool = False) -> Seal:
        """Return the seal of the stored rows; with ``create`` its key is made in a home that has none yet."""
        return open_seal(self.key, (self.runs, self.library / "library.db"), create=create)

    def record(self, run: str, kind: str, id: str) -> object | None:
        """Return plain JSON of one record of a run, or ``None``."""
        return read_record(self.runs, self.seal(), run, kind, id) if self.runs.exists() else None


def new_run_id(now: str) -> str:
    """Return the id of a run that begins ``now`` (ISO 8601): it sorts by that second, and its end is random."""
    return f"{now[:19].replace('-', '').replace(':', '').replace('T', '-')}-{secrets.token_hex(3)}"


def runs(settings: Settings) -> list[RunRow]:
    """Return every run, newest first; one whose process is gone is shown as interrupted."""
    home = Home(settings)
    return [_alive(home, row) for row in stored_runs(home)]


def stored_runs(home: Home) -> list[RunRow]:
    """Return every run as it is stored, newest first."""
    return list_runs(home.runs, home.seal()) if home.runs.exists() else []


def _alive(home: Home, row: RunRow) -> RunRow:
    if row.status != "running":
        return row
    try:
        with RunLock(home.locks, row.id):
            return msgspec.structs.replace(row, status="interrupted")
    except (NotTheOwner, StoreProblem):  # a home that cannot be written cannot be locked either
        return row


def find_run(settings: Settings, name: str | None) -> RunRow:
    """Return the run with this id or unique beginning of an id, or with ``None`` the last one."""
    rows = runs(settings)
    if not rows:
        raise UsageFault("there are no runs yet; `research ask` begins one")
    if name is None:
        return rows[0]
    found = [row for row in rows if row.id == name] or [row for row in rows if name and row.id.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageFault(f"{name} is the beginning of {len(found)} runs; give more of the id")
    near = difflib.get_close_matches(name, [row.id for row in rows], n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else "`research runs` lists them"
    raise UnknownName(f"there is no run {name[:60]}; {hint}")


def show(run: str | None, settings: Settings) -> Report:
    """Return the report of a run. Raises ``UsageFault`` when it has none yet."""
    row = find_run(settings, run)
    stored = Home(settings).record(row.id, "report", "report")
    if stored is None:
        raise UsageFault(f"the run {row.id} is {row.status} and has no report yet; {_onward(row)}")
    return checked(build(Report, stored))


def show_plan(run: str | None, settings: Settings) -> Plan:
    """Return the plan of a run. Raises ``UsageFault`` when it has none yet."""
    row = find_run(settings, run)
    stored = Home(settings).record(row.id, "plan", "plan")
    if stored is None:
        raise UsageFault(f"the run {row.id} is {row.status} and has no plan yet; {_onward(row)}")
    return build(Plan, stored)


def _onward(row: RunRow) -> str:
    if row.status == "running":
        return "another process is working on it"
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


def store_problems(settings: Settings) -> list[tuple[str, str]]:
    """Return each store of the home and what is wrong with it, or nothing."""
    home = Home(settings)
    looks: dict[str, Callable[[], object]] = {
        "runs": partial(stored_runs, home),
    }
    found = []
    for name, look in looks.items():
        try:
            look()
        except ResearchError as error:
            found.append((name, str(error)))
        else:
            found.append((name, ""))
    return found


def corpora(settings: Settings) -> tuple[CorpusFacts, ...]:
    """Return every corpus, by name."""
    return list_corpora(Home(settings).corpora)
