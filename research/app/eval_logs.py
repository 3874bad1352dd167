"""The logs of evals: where they are, what a result makes of one, and how one compares with another.

Logs and the systems' own state are below ``HOME/evals``: ``logs`` holds one file for each run of a suite, ``home`` is a
data directory like any other, so ``research --home HOME/evals/home show RUN`` shows what a case's system did. Running
evals is in ``research.app.evaluating``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from evals.regression import Floors, breaches
from evals.results import Comparison, Result, compare, summarise
from evals.suites import suite as find_suite
from research.errors import UnknownName, UsageFault
from research.records import Record, counted
from research.settings import Settings

if TYPE_CHECKING:
    from evals.inspect_logs import Log

SHOWN = 3
"""Failed cases that a result tells of; the log has them all."""


def folders(settings: Settings) -> tuple[Path, Path]:
    """Return the eval home and the folder of logs."""
    return settings.home / "evals" / "home", settings.home / "evals" / "logs"


def result_of(path: Path) -> Result:
    """Read a log and summarise it."""
    from evals.inspect_logs import read_log

    return _result(read_log(path), path)


def _result(log: Log, path: Path) -> Result:
    failures = [f"{row.case} failed: {row.error}" for row in log.scored if row.error]
    more = [f"and {len(failures) - SHOWN} more failed"] if len(failures) > SHOWN else []
    more += ["what a failed case spent is in no figure here; the runs of the eval home have it"] if failures else []
    from research.app.judge import warning_of

    warning = warning_of(log.spec) if log.spec.options.get("judge") else None
    notes = (*log.spec.notes, *([warning] if warning else []), *_unrun(log), *failures[:SHOWN], *more)
    result = summarise(find_suite(log.spec.suite), log.spec, log.scored, str(path), notes)
    return replace(result, missing=len(log.missing))


def _unrun(log: Log) -> list[str]:
    """Return the sentence that a stopped eval's log needs."""
    return [f"{counted(len(log.missing), 'case')} not run yet: the eval was stopped"] if log.missing else []


def known_logs(settings: Settings) -> list[Path]:
    """Return the logs there are, the one written last first."""
    from evals.inspect_present import log_paths

    _, folder = folders(settings)
    return log_paths(folder) if folder.is_dir() else []


def find_log(name: str | None, settings: Settings) -> Path:
    """Return a log by its path, its file name or the beginning of one; ``None`` is the newest."""
    if name and _is_file(name):
        return Path(name)
    known = known_logs(settings)
    if name is None and known:
        return known[0]
    if name is None:
        raise UsageFault("there are no eval logs yet; `research eval run SUITE` makes one")
    found = [path for path in known if path.name == name] or [path for path in known if path.name.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageFault(f"{name[:80]} is the beginning of {len(found)} logs; give more of the name")
    raise UnknownName(f"there is no eval log {name[:80]}; give a path, or the name of a file in {folders(settings)[1]}")


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:  # such as a name that is too long
        return False


class Held(Record):
    """A result, how it differs from one before it, and which floors it does not keep."""

    comparison: Comparison | None
    result: Result
    breaches: list[str]


def hold(path: Path, before: Path | None, floors: Floors, seed: int) -> Held:
    """Read a log, compare it with the one ``before``, of the same suite, and hold it to ``floors``."""
    from evals.inspect_logs import read_log

    log = read_log(path)
    suite, result = find_suite(log.spec.suite), _result(log, path)
    comparison, measured = None, frozenset[str]()
    if before is not None:
        first = read_log(before)
        if first.spec.suite != suite.name:
            raise UsageFault(
                f"{before.name} is of the suite {first.spec.suite} and {path.name} of {suite.name}; "
                "compare two logs of one suite"
            )
        comparison = compare(suite, first.scored, log.scored, seed)
        measured = frozenset(_result(first, before).metrics)
    said = [*breaches(suite, result, comparison, floors, measured), *_unrun(log)]
    return Held(comparison=comparison, result=result, breaches=said)
