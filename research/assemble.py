"""Everything a run has become, put together as one :class:`~research.report.Report`. Pure.

The text is the analyst's draft; this file decides what is cited, which sentences were checked and failed, what was not
found, and which losses have to be named. Rendering is in ``research.render``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from research.analysts.support import support
from research.budget import NANO, Caps
from research.citations import page_at
from research.injection import Attempt, attempts_in
from research.options import RunOptions
from research.records import (
    BranchOutcome,
    CheckFacts,
    Clarification,
    Draft,
    Failure,
    Finding,
    Mode,
    Origin,
    Question,
    Record,
    RunStatus,
    Section,
    Source,
    Task,
    Usage,
)
from research.report import (
    BranchFacts,
    CacheFacts,
    CapFacts,
    Report,
    ReportFinding,
    ReportSentence,
    ReportSource,
    RoleFacts,
    Skipped,
    UsageFacts,
    checked,
)
from research.routing import RoleUsage
from research.source_kinds import source_kind
from research.web_rules import EVERY_PAGE, Outside


class Facts(Record):
    """What a run's state and gate know at its end. ``limits`` says by task id which budget or right ran out."""

    run: str
    question: Question
    mode: Mode
    analyst: str
    notice: str
    options: RunOptions
    tasks: tuple[Task, ...]
    outcomes: tuple[BranchOutcome, ...]
    limits: dict[str, str]
    unstarted: dict[str, str]
    failures: tuple[Failure, ...]
    lapses: tuple[str, ...]
    usage: Usage
    branch_usage: dict[str, Usage]
    origin: Origin | None = None
    checks: CheckFacts = CheckFacts()
    roles: tuple[RoleUsage, ...] = ()
    routing: tuple[str, ...] = ()
    cache: CacheFacts | None = None
    clarification: Clarification | None = None
    attempts: tuple[Attempt, ...] = ()
    outside: tuple[Outside, ...] = ()


def assemble(
    facts: Facts,
    draft: Draft,
    findings: Sequence[Finding],
    sources: Sequence[Source],
    path: Callable[[str], str],
) -> Report:
    """Return the whole report; raises ``CitationBroken`` when the draft cites what does not exist."""
    kept, removed = _kept(draft)
    cited = dict.fromkeys(id for sentence in kept for id in sentence.findings)
    cited.update(dict.fromkeys(id for entry in draft.disagreements for id in entry.findings))
    known = {finding.id: finding for finding in findings}
    shown = [known[id] for id in cited if id in known]
    used = dict.fromkeys(finding.source for finding in shown)
    pages = {source.id: source.pages for source in sources}
    skipped = (*_skipped(facts), *removed)
    failed = bool(facts.outcomes) and all(outcome.outcome == "failed" for outcome in facts.outcomes)
    status: RunStatus = "failed" if failed else "partial" if skipped else "done"
    return checked(
        Report(
            run=facts.run,
            status=status,
            exit_code={"failed": 1, "partial": 3}.get(status, 0),
            question=facts.question.text,
            mode=facts.mode,
            analyst=facts.analyst,
            notice=facts.notice,
            answer=" ".join(sentence.text for sentence in kept if not sentence.section),
            sentences=tuple(kept),
            findings=tuple(_finding(finding, pages.get(finding.source, ())) for finding in shown),
            sources=tuple(_source(source, path, facts.options.source_kinds) for source in sources if source.id in used),
            branches=tuple(_branch(facts, outcome) for outcome in facts.outcomes),
            not_found=_not_found(facts, answered=any(not sentence.section for sentence in kept)),
            skipped=skipped,
            disagreements=draft.disagreements,
            usage=_usage(facts.usage, facts.options.caps),
            origin=facts.origin,
            checks=msgspec.structs.replace(facts.checks, removed=len(removed)),
            roles=tuple(_role(used) for used in facts.roles),
            routing=facts.routing,
            cache=facts.cache,
            clarification=facts.clarification,
            attempts=attempts_in(facts.attempts),
            rules=facts.options.rules if facts.options.rules != EVERY_PAGE else None,
            outside=tuple(sorted(facts.outside, key=lambda page: page.url)),
        )
    )


def _kept(draft: Draft) -> tuple[list[ReportSentence], list[Skipped]]:
    """Split the draft's sentences into those that stand and those whose quotes do not support them."""
    kept: list[ReportSentence] = []
    removed: list[Skipped] = []
    for section in (Section(heading="", sentences=draft.answer), *draft.sections):
        for sentence in section.sentences:
            if sentence.findings and sentence.verdict == "unsupported":
                removed.append(Skipped(what=f"the sentence “{sentence.text}”", why="its quotes do not support it"))
                continue
            kept.append(
                ReportSentence(
                    text=sentence.text,
                    findings=sentence.findings,
                    section=section.heading,
                    verdict=sentence.verdict,
                    origins=sentence.origins,
                    concluded=bool(sentence.concludes),
                )
            )
    return kept, removed


def _finding(finding: Finding, pages: Sequence[int]) -> ReportFinding:
    """Return the finding with the verdict on itself: whether its quote supports its statement."""
    return ReportFinding(
        id=finding.id,
        statement=finding.statement,
        quote=finding.quote,
        source=finding.source,
        start=finding.start,
        end=finding.end,
        verdict=support(finding.statement, [finding.quote]),
        dated=finding.dated,
        page=page_at(pages, finding.start),
    )


def _source(source: Source, path: Callable[[str], str], kinds: Mapping[str, str]) -> ReportSource:
    return ReportSource(
        id=source.id,
        url=source.url,
        title=source.title,
        path=path(source.id),
        label=source.label,
        published=source.published,
        retrieved=source.retrieved,
        kind=source_kind(source.url, kinds),
        author=source.author,
        added=source.added,
    )


def _branch(facts: Facts, outcome: BranchOutcome) -> BranchFacts:
    task = next(task for task in facts.tasks if task.id == outcome.task)
    used = facts.branch_usage.get(task.id, Usage())
    return BranchFacts(
        task=task.objective,
        type=task.type,
        kind=task.kind,
        outcome=outcome.outcome,
        usage=_usage(used, facts.options.branch_caps),
        round=task.round,
    )


def _role(used: RoleUsage) -> RoleFacts:
    usage = used.usage
    usd = None if usage.nano_usd is None else usage.nano_usd / NANO
    return RoleFacts(role=used.role, model=used.model, tokens=usage.tokens, usd=usd, calls=usage.calls)


def _usage(usage: Usage, caps: Caps) -> UsageFacts:
    return UsageFacts(
        tokens=usage.tokens,
        usd=None if usage.nano_usd is None else usage.nano_usd / NANO,
        calls=usage.calls,
        seconds=usage.seconds,
        caps=CapFacts(
            tokens=caps.tokens,
            usd=None if caps.nano_usd is None else caps.nano_usd / NANO,
            calls=caps.calls,
            seconds=caps.seconds,
        ),
        cached=usage.cached,
        reasoning=usage.reasoning,
    )


def _skipped(facts: Facts) -> tuple[Skipped, ...]:
    """Name every loss: what was not started, what stopped short, what failed, what another hand had to do."""
    titles = {task.id: task.objective for task in facts.tasks}
    losses = [Skipped(what=titles.get(task, task), why=why) for task, why in facts.unstarted.items()]
    for outcome in facts.outcomes:
        limit = facts.limits.get(outcome.task)
        if limit:
            losses.append(Skipped(what=titles[outcome.task], why=limit))
        losses += [
            Skipped(what=f"{titles[outcome.task]} ({failure.where})", why=failure.what) for failure in outcome.failures
        ]
    losses += [Skipped(what=failure.where, why=failure.what) for failure in facts.failures]
    losses += [Skipped(what=f"the model's {lapse}", why="done by the extractive analyst") for lapse in facts.lapses]
    return tuple(dict.fromkeys(losses))


def _not_found(facts: Facts, *, answered: bool) -> tuple[str, ...]:
    """Say what no branch found, and how it was looked for: the last word on each gap is that of the last round.

    Where there is no answer at all, every part of the question was not found.
    """
    tasks = {task.id: task for task in facts.tasks}
    missing: dict[str, list[BranchOutcome]] = {}
    for outcome in facts.outcomes:
        lacks = not outcome.gaps and (not outcome.findings or (not answered and outcome.asked))
        empty = [tasks[outcome.task].objective] if lacks else []
        for what in (*(gap.missing for gap in outcome.gaps), *empty):
            missing.setdefault(what, []).append(outcome)
    return tuple(f"{what}{_looked(outcomes, tasks)}" for what, outcomes in missing.items())


def _looked(outcomes: Sequence[BranchOutcome], tasks: Mapping[str, Task]) -> str:
    """Return how many queries were sent, and where, as `` (looked for with 3 queries in papers and on the web)``."""
    queries = dict.fromkeys(query for outcome in outcomes for query in outcome.asked)
    own = [tasks[outcome.task] for outcome in outcomes if outcome.asked]
    places = list(dict.fromkeys(f"in {task.corpus}" if task.corpus else "on the web" for task in own))
    if not queries:
        return ""
    sent = "1 query" if len(queries) == 1 else f"{len(queries):,} queries"
    return f" (looked for with {sent} {' and '.join(places)})"
