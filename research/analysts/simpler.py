"""The easier way to ask for each step: fewer rules, a smaller record, and how it becomes the whole one.

Used by ``research.analysts.structured`` when a model could not fill in the whole record. The prompts are the files
``NAME.simple.md``, filled in with the fields of ``NAME.md``. A step without one here is taken over by rules at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from research.analysts.acceptance import MOST_QUOTES, holding
from research.analysts.schemas import (
    CheckReply,
    ClaimVerdict,
    JudgeReply,
    PlannedTask,
    PlanReply,
    ReadQuote,
    ReadReply,
    SectionReply,
    WriteReply,
    WrittenSection,
    WrittenSentence,
)
from research.analysts.structured import Simpler
from research.prompts import prompt
from research.records import Passage, Record


class BareTask(Record):
    """A task with one query."""

    objective: str
    query: str


class BarePlan(Record):
    """Tasks without sources."""

    tasks: tuple[BareTask, ...]


class BareReading(Record):
    """Quotes from any of the passages, the best first."""

    quotes: tuple[str, ...]


class BareJudgement(Record):
    """Whether a task is settled, else one new query."""

    enough: bool
    query: str = ""


class BareSentence(Record):
    """A sentence and the id of the finding it is made from."""

    text: str
    finding: str


class BareReport(Record):
    """The answer, then what else is told."""

    sentences: tuple[BareSentence, ...]


class BareCheck(Record):
    """A verdict for each claim, in their order."""

    verdicts: tuple[Literal["supported", "unsupported"], ...]


def simpler_plan(sources: Sequence[str], fields: dict[str, object]) -> Simpler[BarePlan, PlanReply]:
    """Return how to ask for tasks only; they look in ``sources`` in turn."""

    def whole(plan: BarePlan) -> PlanReply:
        return PlanReply(
            rationale="",
            tasks=tuple(
                PlannedTask(
                    objective=task.objective,
                    queries=(task.query or task.objective,),
                    source=sources[number % len(sources)],
                    wanted="",
                )
                for number, task in enumerate(plan.tasks)
            ),
        )

    return Simpler(prompt("planner.simple", **fields), BarePlan, whole)


def simpler_reading(passages: Sequence[Passage], fields: dict[str, object]) -> Simpler[BareReading, ReadReply]:
    """Return how to ask for quotes only; one that stands in no passage is left out, unless none of them does."""

    def whole(reading: BareReading) -> ReadReply:
        placed = [(quote, holding(quote, passages)) for quote in reading.quotes[:MOST_QUOTES]]
        if placed and not any(number for _, number in placed):
            raise msgspec.ValidationError("none of the quotes stands in a passage")
        return ReadReply(
            quotes=tuple(
                ReadQuote(passage=number, quote=quote, statement=quote, relevance=1 / place)
                for place, (quote, number) in enumerate(placed, 1)
                if number
            )
        )

    return Simpler(prompt("reader.simple", **fields), BareReading, whole)


def simpler_judgement(fields: dict[str, object]) -> Simpler[BareJudgement, JudgeReply]:
    """Return how to ask for a yes or a query; what is missing is then said in the words of the task."""

    def whole(judged: BareJudgement) -> JudgeReply:
        return JudgeReply(enough=judged.enough, missing="", queries=(judged.query,))

    return Simpler(prompt("judge.simple", **fields), BareJudgement, whole)


def simpler_report(fields: dict[str, object]) -> Simpler[BareReport, WriteReply]:
    """Return how to ask for sentences only: the first is the answer, the others are one section."""

    def whole(report: BareReport) -> WriteReply:
        said = tuple(WrittenSentence(text=entry.text, findings=(entry.finding,)) for entry in report.sentences)
        sections = (WrittenSection(heading="", sentences=said[1:]),) if said[1:] else ()
        return WriteReply(answer=said[:1], sections=sections, disagreements=())

    return Simpler(prompt("writer.simple", **fields), BareReport, whole)


def simpler_section(fields: dict[str, object]) -> Simpler[BareReport, SectionReply]:
    """Return how to ask for a section's sentences, each made from one finding; its heading is the question."""

    def whole(report: BareReport) -> SectionReply:
        said = (WrittenSentence(text=entry.text, findings=(entry.finding,)) for entry in report.sentences)
        return SectionReply(sentences=tuple(said))

    return Simpler(prompt("writer.simple", **fields), BareReport, whole)


def simpler_check(claims: int, fields: dict[str, object]) -> Simpler[BareCheck, CheckReply]:
    """Return how to ask for one word a claim; another number of words than ``claims`` is not used."""

    def whole(check: BareCheck) -> CheckReply:
        if len(check.verdicts) != claims:
            raise msgspec.ValidationError(f"{len(check.verdicts)} verdicts for {claims} claims")
        given = enumerate(check.verdicts, 1)
        return CheckReply(verdicts=tuple(ClaimVerdict(number=n, reason="", verdict=word) for n, word in given))

    return Simpler(prompt("checker.simple", **fields), BareCheck, whole)
