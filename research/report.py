"""The report as one value: what ``--json`` prints and what Markdown is rendered from.

``Report`` is the public interface named in ``docs/report.schema.json``. Building one checks that every sentence cites
known findings and every finding a known source, so a report with a dangling citation cannot exist. Rendering is in
``research.render``; composing the text is the analyst's.
"""

from __future__ import annotations

from collections.abc import Sequence

from research.errors import CitationBroken
from research.injection import Attempt
from research.records import (
    BranchKind,
    BranchType,
    CheckFacts,
    Clarification,
    Disagreement,
    Label,
    Mode,
    Origin,
    OutcomeName,
    Record,
    RunStatus,
    VerdictName,
)
from research.source_kinds import SourceKind
from research.web_rules import Outside, WebRules


class ReportSentence(Record):
    """A sentence and the findings it rests on. ``section`` is empty for the answer.

    ``origins`` is how many independent sources say it, where that is more than one; copies count once. ``concluded``:
    no quote says it in these words; it follows from the cited ones by a fixed rule.
    """

    text: str
    findings: tuple[str, ...] = ()
    section: str = ""
    verdict: VerdictName = "could not check"
    origins: int = 0
    concluded: bool = False


class ReportFinding(Record):
    """A quote at ``source_text[start:end]``, in code points of the stored text.

    ``dated`` is when the source says it was written (ISO 8601), or empty; ``page`` is the page of a PDF that the quote
    begins on, 0 where there is none.
    """

    id: str
    statement: str
    quote: str
    source: str
    start: int
    end: int
    verdict: VerdictName
    dated: str = ""
    page: int = 0


class ReportSource(Record):
    """A stored source. ``id`` is the SHA-256 of the file at ``path``; ``kind`` is by ``research.source_kinds``.

    ``added``: of a page of the web that was found in a corpus, from which run it was added, by whom and when.
    """

    id: str
    url: str
    title: str
    path: str
    label: Label
    published: str = ""
    retrieved: str = ""
    author: str = ""
    added: str = ""
    kind: SourceKind = "unknown"


class CapFacts(Record):
    """Caps as the user gave them; ``None`` is no cap. ``usd`` is in dollars."""

    tokens: int | None = None
    usd: float | None = None
    calls: int | None = None
    seconds: float | None = None


class UsageFacts(Record):
    """What was used, and the caps it was held to. ``usd`` is ``None`` when a price is unknown.

    Of the tokens, ``cached`` were read from the providers' own caches, and ``reasoning`` are of answers and not shown.
    """

    tokens: int
    usd: float | None
    calls: int
    seconds: float
    caps: CapFacts = CapFacts()
    cached: int = 0
    reasoning: int = 0


class BranchFacts(Record):
    """One branch: its task in words, its type and kind, how it ended, what it used, and in which round it began."""

    task: str
    type: BranchType
    kind: BranchKind
    outcome: OutcomeName
    usage: UsageFacts
    round: int = 1


class RoleFacts(Record):
    """What one role used of one model, or with no ``model`` what all calls of one kind used. ``usd`` as in usage."""

    role: str
    model: str
    tokens: int
    usd: float | None
    calls: int


class CacheFacts(Record):
    """``answered`` of the ``asked`` calls of models were answered by what earlier runs had kept, and cost nothing."""

    answered: int
    asked: int


class Skipped(Record):
    """Something that was not done, read or answered, and why. Every loss is one of these."""

    what: str
    why: str


class Report(Record):
    """A whole report. ``sentences`` are in reading order: those of the answer first (``section`` empty).

    ``origin`` says which run it was forked from, and what of that was used again; it is in none of ``usage``.
    ``roles`` add up to ``usage``; ``routing`` says in sentences which calls went to another model than their role's.
    ``cache`` is there where the run was to use answers of earlier runs.
    ``checks`` counts the sentences that a model was asked about, and what became of those that failed.
    ``clarification`` is what the person was asked before planning, where that was wished for.
    ``attempts`` are the pages and search results that tried to instruct their reader; they were read as data only.
    ``rules`` say which pages counted, where not all did; ``outside`` are those not read because of their date and,
    without a date, the search results of sites that were not asked for.
    """

    run: str
    status: RunStatus
    exit_code: int
    question: str
    mode: Mode
    analyst: str
    notice: str
    answer: str
    sentences: tuple[ReportSentence, ...]
    findings: tuple[ReportFinding, ...]
    sources: tuple[ReportSource, ...]
    branches: tuple[BranchFacts, ...]
    not_found: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    disagreements: tuple[Disagreement, ...]
    usage: UsageFacts
    origin: Origin | None = None
    checks: CheckFacts = CheckFacts()
    roles: tuple[RoleFacts, ...] = ()
    routing: tuple[str, ...] = ()
    cache: CacheFacts | None = None
    clarification: Clarification | None = None
    attempts: tuple[Attempt, ...] = ()
    rules: WebRules | None = None
    outside: tuple[Outside, ...] = ()


def checked(report: Report) -> Report:
    """Return ``report``; raises ``CitationBroken`` when a sentence, disagreement or finding points to nothing."""
    findings = {finding.id for finding in report.findings}
    sources = {source.id for source in report.sources}
    cited: Sequence[tuple[str, Sequence[str]]] = [
        *((sentence.text, sentence.findings) for sentence in report.sentences),
        *((entry.about, (*entry.findings, *filter(None, [entry.newer]))) for entry in report.disagreements),
    ]
    for text, ids in cited:
        for id in ids:
            if id not in findings:
                raise CitationBroken(f"“{text[:60]}” cites {id}, which is not a finding of this run")
    for finding in report.findings:
        if finding.source not in sources:
            raise CitationBroken(
                f"the finding {finding.id} is from {finding.source[:12]}, which is not a listed source"
            )
    return report
