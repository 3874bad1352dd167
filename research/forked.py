"""What a forked run begins with: the part of another run that it uses again. Plain values.

They are made by ``research.app.forking``; what becomes of them is the work of the graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from research.injection import Attempt
from research.records import (
    BranchOutcome,
    Clarification,
    Failure,
    Finding,
    Label,
    Mode,
    Origin,
    Plan,
    Record,
    Source,
    Task,
    counted,
    ident,
)
from research.web_rules import Outside

LOST_TASK = "What a lost branch was asked"


class Round(Record):
    """The branches of one round, and by task or part of the question why it was not started, where it was not."""

    plan: Plan
    unstarted: dict[str, str]


class Ended(Record):
    """How a branch ended, and which budget, right or order ended it (empty: none)."""

    outcome: BranchOutcome
    limit: str = ""


class Given(Record):
    """``origin`` is ``None`` for a run that is no fork and was given its plan by a person.

    ``plan`` is that of the first round, ``None`` when it is to be made anew, ``clarification`` what the person had said
    before it was made; the rest is for a fork at compose.

    ``rounds`` and ``ended`` say what the branches were and how each ended, ``findings`` and ``sources`` what they
    found, ``lapses`` which steps of the model the extractive analyst had taken over, ``losses`` what
    else has to be named, ``attempts`` which pages tried to instruct their reader, ``outside``
    which were not read because of their dates or sites.
    """

    origin: Origin | None = None
    plan: Plan | None = None
    clarification: Clarification | None = None
    mode: Mode | None = None
    rounds: tuple[Round, ...] = ()
    ended: tuple[Ended, ...] = ()
    findings: tuple[Finding, ...] = ()
    sources: tuple[Source, ...] = ()
    lapses: tuple[str, ...] = ()
    losses: tuple[Failure, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    outside: tuple[Outside, ...] = ()

    def records(self) -> list[tuple[str, str, object]]:
        """Return the records that a run has which did itself what was given here: kind, id and record."""
        rounds = [("round", round_id(number), round) for number, round in enumerate(self.rounds, 1)]
        ended = [("outcome", ended.outcome.task, ended) for ended in self.ended]
        findings = [("finding", finding.id, finding) for finding in self.findings]
        sources = [("source", source_id(source), source) for source in self.sources]
        lapses = [("lapse", lapse, lapse) for lapse in self.lapses]
        losses = [("loss", ident("l", loss), loss) for loss in self.losses]
        said = [("clarification", "clarification", self.clarification)] if self.clarification else []
        begun = [("plan", "plan", self.plan), ("mode", "mode", self.mode)] if self.rounds else []
        attempts = [("attempt", attempt.id, attempt) for attempt in self.attempts]
        outside = [("outside", page.url, page) for page in self.outside]
        return [*said, *begun, *rounds, *ended, *findings, *sources, *lapses, *losses, *attempts, *outside]


def with_lost_rounds(
    rounds: Sequence[Round], plan: Plan, known: Mapping[str, Ended], findings: Sequence[Finding]
) -> tuple[Round, ...]:
    """Return ``rounds`` with those whose records are lost, as far as the plan, the endings and the findings tell.

    The first round's tasks are in ``plan``; of a later one only the branches with an ending or a finding are known, and
    not what they were asked.
    """
    placed = {task.id for round in rounds for task in round.plan.tasks}
    planned = tuple(task for task in plan.tasks if task.id not in placed)
    placed |= {task.id for task in planned}
    private = {finding.task for finding in findings if finding.label == "private"}

    def unknown(id: str) -> Task:
        label: Label = "private" if id in private else "public"
        return Task(id=id, objective=f"{LOST_TASK} ({id})", queries=(), type="corpus", label=label)

    ids = dict.fromkeys([*sorted(known), *sorted(finding.task for finding in findings)])
    others = tuple(unknown(id) for id in ids if id not in placed)
    first, last = ((Round(plan=Plan(tasks=tasks), unstarted={}),) if tasks else () for tasks in (planned, others))
    return (*first, *rounds, *last)


def without_gaps(given: Given, found: int) -> Given:
    """Return ``given`` with nothing that names a lost record, and each loss among its losses.

    ``found`` is the number of rounds whose records were there.
    """
    sources = {source.id for source in given.sources}
    findings = tuple(finding for finding in given.findings if finding.source in sources)
    whole = {finding.id for finding in findings}
    named = {id for ended in given.ended for id in ended.outcome.findings} | {finding.id for finding in given.findings}
    ended = tuple(
        replace(end, outcome=replace(end.outcome, findings=tuple(id for id in end.outcome.findings if id in whole)))
        for end in given.ended
    )
    what = []
    if len(given.rounds) > found:
        what.append(
            f"the records of {counted(len(given.rounds) - found, 'round')} were lost: what its branches found is used, "
            "and branches that found nothing are not named"
        )
    if named - whole:
        what.append(f"{counted(len(named - whole), 'finding')} or their sources were lost and are not used")
    above = f"the run {given.origin.run}" if given.origin else "the plan"
    losses = (*given.losses, *(Failure(where=above, what=one) for one in what))
    return replace(given, findings=findings, ended=ended, losses=losses)


def round_id(number: int) -> str:
    """Return the name of a round's record, such that names sort as numbers do."""
    return f"{number:03}"


def source_id(source: Source) -> str:
    """Return the name of a source's record: the same text may be found at several addresses."""
    return f"{source.id} {source.url}"
