"""What ``research doctor`` says of the signed stores: every row of them is looked at."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from research.app.last_good import undescribed, unindexed
from research.app.records import Home, lost_runs, runs
from research.errors import ResearchError
from research.records import Record, counted
from research.settings import Settings
from tools import answer_cache, library, page_cache, run_store
from tools.row_checks import check_rows, short_runs

SHOWN = 6


class StoreCheck(Record):
    """One store: what was looked at, and what is wrong with it or nothing."""

    name: str
    looked: str
    problem: str = ""


def check_stores(settings: Settings) -> tuple[StoreCheck, ...]:
    """Look through the runs and the library of the home, and its caches where there are some."""
    home = Home(settings)
    files = (("runs", home.runs, run_store), ("library", home.described, library))
    checks = []
    for name, path, store in files:
        looked = f"{path} is not there yet"
        problem = ""
        try:
            if path.exists():
                found = check_rows(path, store.SCHEMA, store.VERSION, store.TABLES, home.seal())
                wrong = [*found.wrong, *(_wrong_runs(settings) if name == "runs" else _wrong_library(home))]
                problem = "; ".join([*wrong[:SHOWN], *([f"and {len(wrong) - SHOWN} more"] if wrong[SHOWN:] else [])])
                looked = f"{counted(found.rows, 'row')} checked{', the latest of more' if found.more else ''}"
            elif name == "library":
                problem = "; ".join(_wrong_library(home))
            elif lost := lost_runs(settings):
                problem = (
                    f"{path} is missing, and runs had recorded calls in it; put it back from a copy, or accept the "
                    f"loss of each run (`research cancel {lost[0]}`)"
                )
        except ResearchError as error:
            problem = str(error)
        checks.append(StoreCheck(name=name, looked=looked, problem=problem))
    caches = (("cache", "answer", home.cache, answer_cache), ("pages", "page", home.pages, page_cache))
    return (*checks, *(_cache(home, *one) for one in caches if one[2].exists()))


def _cache(home: Home, name: str, what: str, path: Path, store: ModuleType) -> StoreCheck:
    """Look through what runs keep for one another: answers of models, or pages."""
    try:
        found = check_rows(path, store.SCHEMA, store.VERSION, store.TABLES, home.seal(), remedy=store.REMEDY)
    except ResearchError as error:
        return StoreCheck(name=name, looked=str(path), problem=str(error))
    looked = f"{counted(found.rows, what)} checked{', of more' if found.more else ''}"
    wrong = "; ".join([*found.wrong, store.REMEDY]) if found.wrong else ""
    return StoreCheck(name=name, looked=looked, problem=wrong)


def _wrong_runs(settings: Settings) -> list[str]:
    home = Home(settings)
    rolled = [row.id for row in runs(settings) if not row.whole]
    return [
        *(
            f"the run {run} is damaged, older than it was, or without its mark in {home.locks}; "
            f"`research resume {run} --from-journal`"
            for run in rolled
        ),
        *short_runs(home.runs, home.seal()),
        *(
            f"the run {run} is lost; `research resume {run} --from-journal` looks for what is left of it, "
            f"`research cancel {run}` accepts the loss where that is nothing"
            for run in lost_runs(settings)
        ),
    ]


def _wrong_library(home: Home) -> list[str]:
    lost = undescribed(home, home.seal()) if home.runs.exists() else []
    told = (
        f"{counted(len(lost), 'text')} that runs read have no row in it; `research resume RUN --from-journal`, for any"
    )
    return [*([f"{told} run, writes them anew"] if lost else []), *unindexed(home)]
