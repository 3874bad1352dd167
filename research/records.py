"""Every value that flows through a run, frozen and addressed by its content.

``Question -> Plan of Tasks -> Hit -> Source -> Passage -> Finding -> Sentence -> Report``, and beside that chain
``Failure``, ``Gap``, ``BranchOutcome``, ``Usage`` and ``Event``. What is asked of the world and what it answers is in
``research.requests``; money and caps are in ``research.budget``; behaviour is elsewhere. Every record converts to and
from plain JSON with :func:`plain` and :func:`build`, and an id is a hash of content, so making a record twice makes
the same record.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal, TypeVar, dataclass_transform

import msgspec

Label = Literal["public", "private"]
"""PUBLIC may leave the machine; PRIVATE (the user's documents, and whatever is computed from them) may not."""

ModeName = Literal["workflow", "hybrid", "agent"]
BranchType = Literal["web", "corpus"]
BranchKind = Literal["workflow", "agent"]
Effort = Literal["normal", "quick", "deep"]
"""How much a task is worth; what that comes to is in ``research.effort``."""

OutcomeName = Literal["done", "partial", "failed", "refused", "out of budget", "cancelled"]
"""``cancelled``: it was ended before it was done, by the user or because its run was forked; its findings are used."""

ForkPoint = Literal["plan", "branch", "compose"]
VerdictName = Literal["supported", "unsupported", "could not check"]
Length = Literal["short", "normal", "long"]
RunStatus = Literal["running", "interrupted", "waiting", "cancelled", "done", "partial", "failed"]

R = TypeVar("R")


@dataclass_transform(frozen_default=True, kw_only_default=True)
class _RecordMeta(msgspec.StructMeta):
    """Makes every subclass of Record frozen with keyword-only fields, and tells type checkers so."""

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        return super().__new__(mcls, name, bases, namespace, frozen=True, kw_only=True)


class Record(msgspec.Struct, metaclass=_RecordMeta):
    """A frozen value with keyword-only fields."""


def plain(record: Any) -> Any:
    """Return ``record`` as plain JSON values (dict, list, str, int, float, bool, None)."""
    return msgspec.to_builtins(record)


def build(kind: type[R], value: Any) -> R:
    """Build a record of type ``kind`` from plain JSON; raises ``msgspec.ValidationError`` when it does not fit."""
    return msgspec.convert(value, kind)


def encode(record: Any) -> str:
    """Return the canonical JSON text of ``record``: keys sorted, no spaces, so equal records give equal bytes."""
    return msgspec.json.encode(record, order="deterministic").decode()


def ident(prefix: str, *parts: Any) -> str:
    """Return ``prefix-`` and 16 hex digits of the SHA-256 of ``parts`` as canonical JSON."""
    return f"{prefix}-{hashlib.sha256(encode(parts).encode()).hexdigest()[:16]}"


def counted(number: int, noun: str) -> str:
    """Return ``1 finding``, ``2 findings`` or ``12,000 findings``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


class Question(Record):
    """What the user asked, and which kinds of source may answer it."""

    text: str
    corpora: tuple[str, ...] = ()
    web: bool = False


NO_TERMINAL = "there is no terminal to ask at"
LONGEST_ANSWER = 1_000
"""Characters of a person's answer."""


class Clarification(Record):
    """What the person was asked before planning and what they said; ``skipped``: why there is no answer."""

    asked: str = ""
    answered: str = ""
    skipped: str = ""

    @property
    def spoken(self) -> str:
        """The clarification in words, for people."""
        if not self.asked:
            return f"Nothing was asked before planning: {self.skipped}"
        answer = f"and answered: “{self.answered}”" if self.answered else f"and not answered: {self.skipped}"
        return f"Asked before planning: “{self.asked}”, {answer}"

    def added_to(self, question: Question) -> Question:
        """Return the question with the answer behind it, as it is planned, read for and written about."""
        if not self.answered:
            return question
        said = f"{question.text}\n(Asked back: “{self.asked}” Answered: “{self.answered}”)"
        return Question(text=said, corpora=question.corpora, web=question.web)


class Score(Record):
    """One dimension of the triage: ``value`` from 1 (points to a workflow) to 5 (points to an agent)."""

    dimension: str
    value: int
    reason: str


class Mode(Record):
    """The decision of the triage and why it was taken."""

    name: ModeName
    scores: tuple[Score, ...]
    reasons: tuple[str, ...]


class Task(Record):
    """One branch's work. ``label`` is PRIVATE when the wording was computed from the user's documents.

    ``asks`` are single questions that lead to the objective, to be read for now; none: the objective is read for.
    ``rounds`` is how many search rounds the branch may take, if more than the run's bounds and its ``effort`` say;
    ``wanted`` is what a good answer contains.
    """

    id: str
    objective: str
    queries: tuple[str, ...]
    type: BranchType
    kind: BranchKind = "workflow"
    corpus: str | None = None
    wanted: str = ""
    label: Label = "public"
    round: int = 1
    asks: tuple[str, ...] = ()
    rounds: int = 0
    effort: Effort = "normal"

    @staticmethod
    def make(objective: str, queries: tuple[str, ...], type: BranchType, **rest: Any) -> Task:
        """Return a task whose id is the hash of what it asks for, and where."""
        key = ident("t", objective, queries, type, rest.get("corpus"), rest.get("round", 1))
        return Task(id=key, objective=objective, queries=queries, type=type, **rest)


class Plan(Record):
    """The tasks of the first round; ``dropped`` and ``misplaced`` name what was asked for and has no task.

    The former for want of branches, the latter because they were to be looked for in a source that the run has not.
    """

    tasks: tuple[Task, ...]
    rationale: str = ""
    dropped: tuple[str, ...] = ()
    misplaced: tuple[str, ...] = ()


class Hit(Record):
    """One search or retrieval result. ``handle`` is made by code; ``why`` says what put the hit in the list.

    A web hit has a ``url`` and a snippet; a corpus hit has its file's ``url`` and ``source``, ``start`` and ``end``
    (code points). ``added`` says how a page of the web came into the corpus.
    """

    handle: str
    title: str
    score: float
    url: str = ""
    snippet: str = ""
    source: str = ""
    start: int = 0
    end: int = 0
    why: tuple[str, ...] = ()
    added: str = ""


class Source(Record):
    """A stored text. ``id`` is the SHA-256 (hex) of the text in UTF-8; dates are ISO 8601 or empty when unknown.

    ``pages`` are the offsets at which the pages of a PDF begin, empty for what has none.
    ``added``: of a page that was found in a corpus, from which run it was added, by whom and when.
    """

    id: str
    url: str
    title: str
    label: Label
    media: str = "text/plain"
    published: str = ""
    retrieved: str = ""
    author: str = ""
    pages: tuple[int, ...] = ()
    added: str = ""


class Passage(Record):
    """A span of a source: ``text == source_text[start:end]``, in code points."""

    source: str
    start: int
    end: int
    text: str
    title: str = ""


class Quote(Record):
    """What an analyst claims to have read: a quote, the source it is from, and what it shows. Not yet located.

    ``ask`` is the single question that it was read for, if that is not the task's objective; ``title`` the source's.
    """

    source: str
    quote: str
    statement: str
    relevance: float = 1.0
    ask: str = ""
    title: str = ""


class Finding(Record):
    """A located quote: ``source_text[start:end] == quote`` holds, or the record was never made.

    ``ask`` and ``title`` are the quote's; ``dated`` is when the source says it was written (ISO 8601), or empty.
    """

    id: str
    task: str
    statement: str
    quote: str
    source: str
    start: int
    end: int
    label: Label
    relevance: float = 1.0
    verdict: VerdictName = "could not check"
    ask: str = ""
    title: str = ""
    dated: str = ""


class Gap(Record):
    """What a branch or a run still lacks, and the queries that might fill it.

    ``asks`` are the single questions that what they find is read for, if not for the task's objective.
    """

    task: str
    missing: str
    queries: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()


class Disagreement(Record):
    """Two or more findings that cannot all hold, and about what; ``newer`` is that of the newest source, if known."""

    about: str
    findings: tuple[str, ...]
    newer: str = ""


class Failure(Record):
    """Something that went wrong, as data: it is listed in the report and never becomes its content."""

    where: str
    what: str
    retryable: bool = False


class Usage(Record):
    """What was spent: tokens, nano-dollars (``None`` when a price is unknown), calls sent, seconds of wall time.

    Of the tokens, ``cached`` were read from the providers' own caches, and ``reasoning`` are of answers and not shown.
    """

    tokens: int = 0
    nano_usd: int | None = 0
    calls: int = 0
    seconds: float = 0.0
    cached: int = 0
    reasoning: int = 0


class BranchOutcome(Record):
    """How a branch ended. ``findings`` are ids; the records are in the library. ``asked`` are the queries it sent."""

    task: str
    outcome: OutcomeName
    findings: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    gaps: tuple[Gap, ...] = ()
    rounds: int = 0
    asked: tuple[str, ...] = ()


class Origin(Record):
    """Which run a run was forked from, at which step, and what of it was used again without being paid again.

    ``usd`` is in dollars, ``None`` when a price is unknown. ``known`` is false when more was used again than the
    figures say: ``run`` is a fork itself, and what it had used of a run that is lost or damaged cannot be counted.
    """

    run: str
    at: ForkPoint
    calls: int = 0
    tokens: int = 0
    usd: float | None = 0.0
    known: bool = True

    @property
    def spoken(self) -> str:
        """The origin in words, for people."""
        reused = f"{counted(self.calls, 'call')} and {counted(self.tokens, 'token')} of it are used again, unpaid"
        if not self.known:
            reused = "how much is used again, unpaid, is not known: a run above it is lost or damaged"
        elif not self.calls:
            reused = "nothing that it paid for is used again"
        return f"from {self.run} at {self.at}: {reused}"


class Sentence(Record):
    """A sentence of the report, with the findings it rests on.

    ``origins`` is how many independent sources say it, where that is more than one. ``concludes`` is the question that
    a rule answered with this sentence from what it cites; empty for what is quoted, or worded by a model.
    """

    text: str
    findings: tuple[str, ...] = ()
    verdict: VerdictName = "could not check"
    origins: int = 0
    concludes: str = ""


class Section(Record):
    """A heading and its sentences."""

    heading: str
    sentences: tuple[Sentence, ...]


class Draft(Record):
    """What an analyst composed: the answer first, then the sections. Not yet checked."""

    answer: tuple[Sentence, ...]
    sections: tuple[Section, ...]
    disagreements: tuple[Disagreement, ...] = ()


class CheckFacts(Record):
    """How the sentences of a report were checked: counts of them.

    ``asked`` were given to a model, ``rewritten`` failed and were put right, ``removed`` failed and are not printed.
    """

    asked: int = 0
    rewritten: int = 0
    removed: int = 0


class Event(Record):
    """One line of live progress: ``kind`` is a dotted name such as ``branch.ended``; ``detail`` is for people.

    ``usage`` is what was spent so far, in events of the kind ``spent``: by the run, or by the step ``branch``.
    """

    run: str
    kind: str
    branch: str = ""
    detail: str = ""
    usage: Usage | None = None
