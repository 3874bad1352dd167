"""The judgement behind each step, twice behind one protocol: ``extractive`` needs no model, ``language`` uses one.

An analyst never touches the world but through the ``Access`` it is handed, and never sees a store: passages come in,
records go out. What it says it read is only a :class:`~research.records.Quote`; ``research.citations`` decides whether
the quote is in the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from research.access import Access
from research.effort import rounds_for
from research.records import (
    BranchOutcome,
    CheckFacts,
    Draft,
    Finding,
    Gap,
    Hit,
    Label,
    Length,
    Passage,
    Plan,
    Question,
    Quote,
    Record,
    Source,
    Task,
)


class Bounds(Record):
    """How far a run may go: branches in the first round, rounds of branches, search rounds within a branch.

    A branch takes ``branch_rounds`` at a normal effort, one fewer or more at another; a task that leads over several
    hops may take as many search rounds as it has hops, ``chain_rounds`` at most. Whatever the analyst wishes, a round
    asks ``queries`` queries at most, and a turn of an agent opens ``handles`` pages at most.
    """

    branches: int = 4
    rounds: int = 2
    branch_rounds: int = 2
    new_branches: int = 2
    chain_rounds: int = 6
    queries: int = 20
    handles: int = 12

    def search_rounds(self, task: Task) -> int:
        """Return how many search rounds the task's branch may take for its effort."""
        return rounds_for(task.effort, self.branch_rounds)

    def rounds_of(self, task: Task) -> int:
        """Return how many search rounds the task's branch may take, those of its hops among them."""
        return max(self.search_rounds(task), min(task.rounds, self.chain_rounds))

    @property
    def deepest(self) -> int:
        """The most search rounds that a branch takes for its effort."""
        return rounds_for("deep", self.branch_rounds)


class Style(Record):
    """How the report is wished for. ``language`` is a name or a code; empty: that of the question."""

    length: Length = "normal"
    language: str = ""


class Notes(Record):
    """What a run has so far, for the steps that look at all of it. ``sources`` are those that findings cite.

    ``style`` is how the report is wished for.
    """

    question: Question
    tasks: tuple[Task, ...]
    findings: tuple[Finding, ...]
    sources: tuple[Source, ...]
    outcomes: tuple[BranchOutcome, ...]
    style: Style = Style()


class Turn(Record):
    """One turn of an agent branch: queries to ask and handles of known hits to open; both empty when it is done."""

    queries: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()


class Review(Record):
    """A draft whose sentences carry their verdicts, how they came by them, and what of the check was lost."""

    draft: Draft
    checks: CheckFacts = CheckFacts()
    losses: tuple[str, ...] = ()


class Analyst(Protocol):
    """The judgement behind each step of the graph. All steps may raise ``OutOfBudget`` and ``EffectFailed``."""

    name: str
    agentic: bool

    async def plan(self, question: Question, bounds: Bounds, access: Access) -> Plan:
        """Return at most ``bounds.branches`` tasks, each with at least one query. Sees no outside text."""
        ...

    async def rank(self, task: Task, question: Question, hits: Sequence[Hit], access: Access) -> tuple[str, ...]:
        """Return the handles of ``hits``, the most relevant to the task first; a snippet is all that is seen of one."""
        ...

    async def read(
        self, task: Task, question: Question, passages: Sequence[Passage], access: Access
    ) -> tuple[Quote, ...]:
        """Return verbatim quotes that serve the task, best first; none when the passages do not."""
        ...

    async def judge(self, task: Task, findings: Sequence[Finding], asked: Sequence[str], access: Access) -> Gap | None:
        """Return what is missing and new queries for it, or ``None`` when the branch has enough."""
        ...

    async def step(
        self,
        task: Task,
        question: Question,
        findings: Sequence[Finding],
        hits: Sequence[Hit],
        asked: Sequence[str],
        access: Access,
    ) -> Turn:
        """Return the next move of an agent branch, given all it has: findings, hits not yet read, queries ``asked``.

        Only where ``agentic`` is true.
        """
        ...

    async def assess(self, notes: Notes, bounds: Bounds, label: Label, access: Access) -> tuple[Task, ...]:
        """Return at most ``bounds.new_branches`` further tasks; tasks worded from private text carry ``label``."""
        ...

    async def compose(self, notes: Notes, access: Access) -> Draft:
        """Return the report's answer and sections; every claim carries finding ids."""
        ...

    async def check(self, draft: Draft, notes: Notes, access: Access) -> Review:
        """Return the draft with the verdict on each sentence that cites findings, and how the check went."""
        ...
