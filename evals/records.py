"""What flows through an eval: documents and cases in, outcomes out, and what the scorers made of them.

``Case`` (with its ``Gold``) -> ``Question`` -> a system -> ``Outcome`` -> ``Score``. A system sees the question and the
documents of the corpora that the question names; it never sees the gold. Every record converts to and from plain JSON
with ``research.records.plain`` and ``build``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from research.budget import Caps
from research.records import Question, Record, Usage, VerdictName, ident


class Document(Record):
    """One text a system may read. ``suffix`` says what it is (``.txt``, ``.rst``, ``.md``, ``.html``)."""

    id: str
    text: str
    title: str = ""
    suffix: str = ".txt"


Corpora: TypeAlias = Mapping[str, Sequence[Document]]
"""Documents by the name of their corpus. A question names the corpora that may answer it."""


class GoldSpan(Record):
    """A place that states a fact of the answer: ``document.text[start:end]``, in code points.

    Spans with one ``fact`` are alternatives: citing any of them cites that fact.
    """

    document: str
    start: int
    end: int
    fact: str


class Gold(Record):
    """What is known to be right. A field is empty where the suite has no such knowledge.

    ``answers``: every part of the right answer, each with its accepted wordings (all parts are needed, any wording of
    a part will do). ``wrong``: wordings that make an answer wrong when it gives them as the answer (the other side of
    a comparison, an outdated or planted value). ``grades``: relevance by document id, 1 and up. ``label``:
    ``supported`` or ``unsupported``. ``rationale``: ids of the documents (sentences) that decide. ``parts``: the
    sub-questions of a human decomposition; ``pages``: the titles of the pages they are answered from.
    """

    answers: tuple[tuple[str, ...], ...] = ()
    wrong: tuple[str, ...] = ()
    grades: dict[str, int] = msgspec.field(default_factory=dict)
    spans: tuple[GoldSpan, ...] = ()
    answerable: bool | None = None
    label: str = ""
    rationale: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    criteria: dict[str, str] = msgspec.field(default_factory=dict)


class Case(Record):
    """One row of a suite. ``group`` is what results are broken down by (``2hop``, ``comparison``, a data source)."""

    id: str
    question: Question
    gold: Gold
    group: str = ""

    def asked(self) -> str:
        """Return a hash of the question and the gold."""
        return ident("a", self.question, self.gold)


class Citation(Record):
    """A quote that an outcome cites: ``document`` is an id of the case's corpora, or "" when it is none of theirs.

    ``start`` and ``end`` are where the harness itself found the quote in ``document.text``; -1: it is not there. A
    system leaves them alone.
    """

    document: str
    quote: str
    start: int = -1
    end: int = -1


class CitedSentence(Record):
    """A sentence of the outcome's text. ``citations`` are indices into :attr:`Outcome.citations`.

    ``answer`` is true for the sentences of the answer and false for those of the sections below it.
    """

    text: str
    citations: tuple[int, ...] = ()
    answer: bool = True
    verdict: VerdictName = "could not check"


class Score(Record):
    """What one scorer says of one outcome: a ``value``, or ``None`` and ``why`` it could not judge (never 0 for that).

    ``gold`` and ``said`` are for metrics that are not means of values, such as macro-F1 over labels.
    """

    value: float | None
    why: str = ""
    gold: str = ""
    said: str = ""


class Outcome(Record):
    """What a system made of a question. ``None`` means: such a system does not give this, so it is not scored on it.

    ``answer``: the answer's text. ``ranked``: document ids, best first (of a report: those it cites, in reading
    order). ``verdict`` and ``confidence`` (0 to 1, that the claim is supported), ``rationale`` (document ids): of a
    claim. ``parts``: the sub-questions it split the question into; ``queries``: what it would search for them.
    ``report``: the whole report as Markdown. ``resumed``: what stopping the run half-way and resuming it changed,
    "" for nothing. ``usage``: what it spent, where it counts that. ``seconds``: wall time of the case. ``judged``: what
    a language model made of it, by metric (``evals.judging``).
    """

    answer: str | None = None
    abstained: bool | None = None
    ranked: tuple[str, ...] | None = None
    sentences: tuple[CitedSentence, ...] | None = None
    citations: tuple[Citation, ...] = ()
    verdict: VerdictName | None = None
    confidence: float | None = None
    rationale: tuple[str, ...] | None = None
    parts: tuple[str, ...] | None = None
    queries: tuple[str, ...] | None = None
    report: str | None = None
    resumed: str | None = None
    status: str = "done"
    skipped: tuple[str, ...] = ()
    mode: str = ""
    run: str = ""
    usage: Usage | None = None
    caps: Caps | None = None
    seconds: float = 0.0
    judged: dict[str, Score] = msgspec.field(default_factory=dict)


System: TypeAlias = Callable[[Question], Awaitable[Outcome]]
"""A system under test. What it raises (``research.errors.ResearchError``) makes its case a failed one."""


class Scored(Record):
    """One case of a finished eval: its outcome and scores, or the ``error`` that made it a failed one.

    ``scores`` are by metric name; a metric that does not apply to the case has no entry. ``epoch`` counts from 1.
    ``asked`` is a hash of what was asked and what is right, by which two runs know that they have the same case.
    """

    case: str
    group: str
    outcome: Outcome | None
    scores: dict[str, Score]
    error: str = ""
    epoch: int = 1
    asked: str = ""


class Estimate(Record):
    """A figure over cases with its 95 % interval. ``method`` names how the interval was computed.

    ``n`` cases were judged; ``unscored`` could not be. ``low`` and ``high`` are ``None`` with fewer than 2 cases.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    unscored: int = 0
    method: str = ""


class Spec(Record):
    """Everything that shaped a run of a suite. It stands in the log, and ``retry`` starts from it.

    ``options``: what the system was opened with (model, caps, embedder …), never a key. ``digest``: SHA-256 of the
    cases and documents as loaded, so that a retry on other data is refused. ``notes``: what the loader said of them.
    ``versions``: of the program, the interpreter and the libraries that matter.
    """

    suite: str
    system: str
    data: str | None
    seed: int
    limit: int | None = None
    size: int | None = None
    epochs: int = 1
    options: dict[str, str] = msgspec.field(default_factory=dict)
    digest: str = ""
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = msgspec.field(default_factory=dict)
