"""Two runs as they are stored, made ready to be compared (``research.compare``). Nothing is changed or sent."""

from __future__ import annotations

import msgspec

from research.app.records import Home, branches_of, find_run
from research.app.stores import recorded
from research.budget import NANO
from research.compare import Cost, Difference, Side, compare
from research.errors import UsageFault
from research.ledger import Ledger
from research.records import Finding, Question, Source, Task, build
from research.report import Report
from research.settings import Settings
from tools.run_store import RunRow


async def diff(first: str | None, second: str | None, settings: Settings) -> Difference:
    """Compare two runs, finished or not; ``None`` is the last. Raises ``UsageFault`` when one is being worked on."""
    return compare(await _side(first, settings), await _side(second, settings))


async def _side(run: str | None, settings: Settings) -> Side:
    home, row = Home(settings), find_run(settings, run)
    if row.status == "running":
        raise UsageFault(f"the run {row.id} is being worked on; compare it when it has ended")
    stored = home.record(row.id, "report", "report")
    report = build(Report, stored) if stored is not None else None
    sources = [build(Source, one) for one in home.records(row.id, "source")]
    findings = [build(Finding, one) for one in home.records(row.id, "finding")]
    urls = {source.id: source.url for source in reversed(sources)}
    return Side(
        run=row.id,
        question=build(Question, msgspec.json.decode(row.question)).text,
        status=row.status,
        cost=_reported(report) if report else await _recorded(home, row),
        tasks=tuple(_task(task) for task in branches_of(row.id, settings)),
        findings=tuple(sorted(f"“{one.quote}” {urls.get(one.source) or one.source[:12]}" for one in findings)),
        claims=tuple(sentence.text for sentence in report.sentences) if report else (),
        skipped=tuple(f"{one.what}: {one.why}" for one in report.skipped) if report else (),
        disagreements=tuple(one.about for one in report.disagreements) if report else (),
    )


def _task(task: Task) -> str:
    place = f"corpus {task.corpus}" if task.corpus else task.type
    return f"[{place}] {task.objective}"


def _reported(report: Report) -> Cost:
    used = report.usage
    return Cost(calls=used.calls, tokens=used.tokens, usd=used.usd, seconds=used.seconds)


async def _recorded(home: Home, row: RunRow) -> Cost:
    """Return what a run without a report has cost so far."""
    with recorded(home, row.id) as journal:
        used = Ledger(await journal.entries()).usage()
    usd = None if used.nano_usd is None else used.nano_usd / NANO
    return Cost(calls=used.calls, tokens=used.tokens, usd=usd, seconds=round(row.elapsed, 3))
