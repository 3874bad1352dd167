"""What every node is handed beside its state: one run's gate, world, analyst and bounds. Never checkpointed."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from graphs.border import Trouble, settle
from research.access import Access, Holder, World
from research.analysts import Analyst, Bounds
from research.budget import Budget, Caps
from research.forked import Given, source_id
from research.gate import Gate
from research.injection import Attempt
from research.options import RunOptions
from research.records import Failure, Finding, Source, build
from research.web_rules import Outside

T = TypeVar("T")
RESERVE = 5
"""One part in five of every cap is kept back from planning and branches: the least that the report gets."""


@dataclass(frozen=True)
class RunContext:
    """One run in one process.

    ``notice`` is what the report says about its analyst, ``losses`` what was lost before the run began (a corpus that
    is not whole), ``lapses`` grows while the model's steps are taken over by the extractive analyst.
    """

    gate: Gate
    world: World
    analyst: Analyst
    options: RunOptions
    bounds: Bounds
    notice: str = ""
    losses: tuple[Failure, ...] = ()
    lapses: Sequence[str] = ()
    _read: dict[str, Finding] = field(default_factory=dict)

    def access(self, holder: Holder, name: str, budget: Budget) -> Access:
        """Return the one way to the world for a step: rights by holder, spending by budget."""
        return Access(holder, name=name, gate=self.gate, budget=budget, world=self.world)

    def trunk(self, holder: Holder, name: str) -> Access:
        """Return access for a step of the orchestrator itself, on the run's own budget."""
        self.reserve()
        return self.access(holder, name, self.gate.root)

    def reserve(self) -> Budget:
        """Return the budget kept back for the report; carved once, before anything else is spent."""
        caps = self.options.caps
        kept = Caps(
            tokens=None if caps.tokens is None else caps.tokens // RESERVE,
            nano_usd=None if caps.nano_usd is None else caps.nano_usd // RESERVE,
            calls=None if caps.calls is None else caps.calls // RESERVE,
        )
        return self.gate.open("report", kept, opened=0.0)

    def rest(self) -> Budget:
        """Return the budget of composing and checking, once every branch has ended: all that is left of the run.

        Nothing else will spend any more, so what was kept back is given back to the run's own budget.
        """
        self.gate.close("report")
        return self.gate.root

    def branch_caps(self, parts: int, weight: int) -> Caps:
        """Return the caps of a branch that gets ``weight`` of ``parts``; its time ends before the report's does."""
        share = self.gate.root.share(parts, self.options.branch_caps, weight=weight)
        total = self.options.caps.seconds
        if total is None:
            return share
        left = max(0.0, total * (1 - 1 / RESERVE) - self.gate.elapsed())
        own = self.options.branch_caps.seconds
        return Caps(
            tokens=share.tokens,
            nano_usd=share.nano_usd,
            calls=share.calls,
            seconds=round(left if own is None else min(left, own), 3),
        )

    async def settle(self, where: str, jobs: Sequence[Awaitable[T]]) -> tuple[list[T], Trouble]:
        """Run an analyst's ``jobs`` at the node border, and keep what it could not do itself for the report."""
        ended = await settle(where, jobs)
        await self.keep_lapses()
        return ended

    async def keep_lapses(self) -> None:
        """Store the steps that the extractive analyst took over, so that a resumed run still names them."""
        await self.world.records.put([("lapse", lapse, lapse) for lapse in self.lapses])

    async def all_lapses(self) -> tuple[str, ...]:
        """Return every lapse of the run, over all its lives."""
        return tuple(str(lapse) for lapse in await self.world.records.every("lapse"))

    async def attempts(self) -> tuple[Attempt, ...]:
        """Return every page and search result of the run that tried to instruct its reader."""
        return tuple(build(Attempt, attempt) for attempt in await self.world.records.every("attempt"))

    async def outside(self) -> tuple[Outside, ...]:
        """Return every page of the run that was not read because of its date or its site."""
        return tuple(build(Outside, page) for page in await self.world.records.every("outside"))

    async def given(self) -> Given | None:
        """Return what the run was forked with, ``None`` when it was not forked."""
        return next((build(Given, given) for given in await self.world.records.every("given")), None)

    async def findings(self, ids: Sequence[str]) -> tuple[Finding, ...]:
        """Return records of findings by id, in that order; each is read once a process, for an id is its content's."""
        for id in ids:
            if id not in self._read:
                self._read[id] = build(Finding, await self.world.records.get("finding", id))
        return tuple(self._read[id] for id in ids)

    async def keep(self, findings: Sequence[Finding], sources: Sequence[Source]) -> None:
        """Store findings with their sources, so that each is a record before its id is in a state."""
        records: list[tuple[str, str, object]] = [("finding", finding.id, finding) for finding in findings]
        await self.world.records.put([*records, *(("source", source_id(source), source) for source in sources)])
        self._read.update({finding.id: finding for finding in findings})

    async def sources(self, findings: Sequence[Finding]) -> tuple[Source, ...]:
        """Return the sources of ``findings``, in order of first use; of a text found at several places, the first.

        First by URL, so that it does not hang on which branch was quicker.
        """
        stored = [build(Source, source) for source in await self.world.records.every("source")]
        known = {source.id: source for source in reversed(stored)}
        return tuple(known[id] for id in dict.fromkeys(finding.source for finding in findings))
