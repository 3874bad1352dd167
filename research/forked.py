"""What a forked run begins with: the part of another run that it uses again. Plain values.

They are made by ``research.app.forking``; what becomes of them is the work of the graph.
"""

from __future__ import annotations

from research.records import BranchOutcome, Failure, Finding, Mode, Origin, Plan, Record, Source, ident


class Round(Record):
    """The branches of one round, and by task or part of the question why it was not started, where it was not."""

    plan: Plan
    unstarted: dict[str, str]


class Ended(Record):
    """How a branch ended, and which budget, right or order ended it (empty: none)."""

    outcome: BranchOutcome
    limit: str = ""


class Given(Record):
    """``plan`` is that of the first round, ``None`` when it is to be made anew; the rest is for a fork at compose.

    ``rounds`` and ``ended`` say what the branches were and how each ended, ``findings`` and ``sources`` what they
    found, ``lapses`` which steps of the model the extractive analyst had taken over, ``losses`` what
    else has to be named.
    """

    origin: Origin
    plan: Plan | None = None
    mode: Mode | None = None
    rounds: tuple[Round, ...] = ()
    ended: tuple[Ended, ...] = ()
    findings: tuple[Finding, ...] = ()
    sources: tuple[Source, ...] = ()
    lapses: tuple[str, ...] = ()
    losses: tuple[Failure, ...] = ()

    def records(self) -> list[tuple[str, str, object]]:
        """Return the records that a run has which did itself what was given here: kind, id and record."""
        rounds = [("round", round_id(number), round) for number, round in enumerate(self.rounds, 1)]
        ended = [("outcome", ended.outcome.task, ended) for ended in self.ended]
        findings = [("finding", finding.id, finding) for finding in self.findings]
        sources = [("source", source_id(source), source) for source in self.sources]
        lapses = [("lapse", lapse, lapse) for lapse in self.lapses]
        losses = [("loss", ident("l", loss), loss) for loss in self.losses]
        begun = [("plan", "plan", self.plan), ("mode", "mode", self.mode)] if self.rounds else []
        return [*begun, *rounds, *ended, *findings, *sources, *lapses, *losses]


def round_id(number: int) -> str:
    """Return the name of a round's record, such that names sort as numbers do."""
    return f"{number:03}"


def source_id(source: Source) -> str:
    """Return the name of a source's record: the same text may be found at several addresses."""
    return f"{source.id} {source.url}"
