"""What ``research doctor`` says of the signed stores: every row of them is looked at."""

from __future__ import annotations

from research.app.records import Home, lost_runs, runs
from research.errors import ResearchError
from research.records import Record, counted
from research.settings import Settings
from tools import library, run_store
from tools.row_checks import check_rows, short_runs

SHOWN = 6


class StoreCheck(Record):
    """One store: what was looked at, and what is wrong with it or nothing."""

    name: str
    looked: str
    problem: str = ""


def check_stores(settings: Settings) -> tuple[StoreCheck, ...]:
    """Look through the runs and the library of the home."""
    home = Home(settings)
    files = (("runs", home.runs, run_store), ("library", home.library / "library.db", library))
    checks = []
    for name, path, store in files:
        looked = f"{path} is not there yet"
        problem = ""
        if path.exists():
            try:
                found = check_rows(path, store.SCHEMA, store.VERSION, store.TABLES, home.seal())
                wrong = [*found.wrong, *(_wrong_runs(settings) if name == "runs" else [])]
                problem = "; ".join([*wrong[:SHOWN], *([f"and {len(wrong) - SHOWN} more"] if wrong[SHOWN:] else [])])
                looked = f"{counted(found.rows, 'row')} checked{', the latest of more' if found.more else ''}"
            except ResearchError as error:
                problem = str(error)
        elif name == "runs" and lost_runs(settings):
            problem = f"{path} is missing, and runs had recorded calls in it; put it back from a copy"
        checks.append(StoreCheck(name=name, looked=looked, problem=problem))
    return tuple(checks)


def _wrong_runs(settings: Settings) -> list[str]:
    home = Home(settings)
    rolled = [row.id for row in runs(settings) if not row.whole]
    return [
        *(f"the run {run} is damaged or older than it was; `research resume {run} --from-journal`" for run in rolled),
        *short_runs(home.runs, home.seal()),
        *(f"the run {run} is lost" for run in lost_runs(settings)),
    ]
