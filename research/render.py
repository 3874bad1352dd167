"""A report as people and programs read it: Markdown with footnotes, and JSON. Pure.

Everything that did not come from this file goes through ``research.sanitize``. Sources are in
``research.render_sources``; what a report holds is said in ``research.report``; where it is printed is up to the
command line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec

from research.analysts.telling import NEAREST
from research.money import dollars
from research.records import CheckFacts, Disagreement, counted
from research.render_sources import attempted, footnotes, listed_sources, outside
from research.report import BranchFacts, CapFacts, Report, ReportSentence, UsageFacts
from research.sanitize import json_text, markdown_text, one_line

TITLE_LENGTH = 200
NO_ANSWER = "No answer was found in what was read."
NOTHING_NEAR = "No answer was found in what was read, and nothing that comes near one."
NOTHING_READ = "No answer: every search or reading failed, see below."
NOTHING_BEGUN = "No answer: nothing was searched or read, see below."
NOT_AN_ANSWER = "*None of this answers the question; it is the closest that was read.*"
BESIDES = "*The answer may lack some of what was asked; this is what else came closest.*"
CONCLUDED = "*(concluded by rule from the cited lines)*"
_HEAD_LINE = re.compile(r"[A-Z][\w-]*: \S")
LINES = " · "
"""What stands between the lines of a document's head that are quoted together."""
ENDINGS = {
    "done": "done: every part of the plan was carried out",
    "partial": "partial: part of the work was skipped, see above",
    "failed": "failed: no part of the work succeeded",
    "interrupted": "interrupted",
    "cancelled": "cancelled",
    "waiting": "waiting for approval",
    "running": "still running",
}


def to_json(report: Report) -> str:
    """Return the report as JSON: two spaces of indent, and no raw control or format character."""
    return json_text(msgspec.json.format(msgspec.json.encode(report), indent=2).decode()) + "\n"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of what :func:`to_json` prints."""
    schema = msgspec.json.schema(Report)
    about = "What `research ask|resume|show --json` prints. For every finding, source_text[start:end] == quote."
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Report",
        "description": about,
        **schema,
    }


def to_markdown(report: Report) -> str:
    """Return the report as Markdown: answer first, evidence as footnotes, the run's facts last."""
    numbers = _numbers(report)
    blocks = [
        *_head(report),
        *_sections(report, numbers, _titles(report)),
        *_list("What could not be found", [markdown_text(entry) for entry in report.not_found]),
        *_list(
            "What was skipped and why",
            [f"{markdown_text(entry.what)}: {markdown_text(entry.why)}" for entry in report.skipped],
        ),
        *attempted(report),
        *outside(report),
        *_list(
            "Where sources disagree",
            [_disagreement(report, entry, numbers) for entry in report.disagreements],
        ),
        *footnotes(report, numbers),
        *listed_sources(report),
        *_facts(report),
    ]
    return "\n\n".join(blocks) + "\n"


def _numbers(report: Report) -> dict[str, int]:
    """Number the findings in the order in which they are first cited."""
    known = {finding.id for finding in report.findings}
    cited: dict[str, None] = {}
    for sentence in report.sentences:
        cited.update(dict.fromkeys(sentence.findings))
    for disagreement in report.disagreements:
        cited.update(dict.fromkeys(disagreement.findings))
    return {id: number for number, id in enumerate((id for id in cited if id in known), 1)}


def _marks(findings: Iterable[str], numbers: dict[str, int]) -> str:
    return "".join(f"[^{numbers[id]}]" for id in dict.fromkeys(findings) if id in numbers)


def _head(report: Report) -> Iterator[str]:
    title = one_line(report.question, TITLE_LENGTH)
    yield f"# {markdown_text(title)}"
    if title.endswith("…"):
        yield markdown_text(report.question)


def _titles(report: Report) -> dict[str, str]:
    """Return the title of each finding's source."""
    named = {source.id: source.title for source in report.sources}
    return {finding.id: named[finding.source] for finding in report.findings}


def _sections(report: Report, numbers: dict[str, int], titles: dict[str, str]) -> Iterator[str]:
    answer = [sentence for sentence in report.sentences if not sentence.section]
    yield "## Answer"
    missing = NO_ANSWER if len(answer) < len(report.sentences) else NOTHING_NEAR
    if report.branches and not report.sources and all(branch.outcome == "failed" for branch in report.branches):
        missing = NOTHING_READ
    elif not report.branches and not report.sources:
        missing = NOTHING_BEGUN
    yield _paragraph(answer, numbers, titles) if answer else markdown_text(report.answer) or missing
    rest = (sentence for sentence in report.sentences if sentence.section)
    for heading, sentences in groupby(rest, key=lambda sentence: sentence.section):
        yield f"## {markdown_text(heading)}"
        if heading == NEAREST:
            yield BESIDES if answer else NOT_AN_ANSWER
        yield _paragraph(list(sentences), numbers, titles)


def _paragraph(sentences: Sequence[ReportSentence], numbers: dict[str, int], titles: dict[str, str]) -> str:
    """Return the sentences as running text; lines of several documents' heads, one after another, as a list."""
    parts: list[str] = []
    for heads, group in groupby(sentences, key=lambda sentence: LINES in sentence.text):
        spoken = [_spoken(sentence, numbers, titles) for sentence in group]
        several = heads and len(spoken) > 1
        parts.append("\n".join(f"- {line}" for line in spoken) if several else " ".join(spoken))
    return "\n\n".join(parts)


def _spoken(sentence: ReportSentence, numbers: dict[str, int], titles: dict[str, str]) -> str:
    """Return the sentence with its footnotes, and what has to be said of it; a line of a head with its document."""
    one_line_of_head = _HEAD_LINE.match(sentence.text) and LINES not in sentence.text and len(sentence.findings) == 1
    title = titles.get(sentence.findings[0], "") if one_line_of_head else ""
    unsupported = sentence.findings and sentence.verdict == "unsupported"
    notes = [
        f"*({markdown_text(title)})*" if title else "",
        f"({sentence.origins} independent sources)" if sentence.origins > 1 else "",
        CONCLUDED if sentence.concluded else "",
        "*(not supported by its quotes)*" if unsupported else "",
    ]
    return " ".join([markdown_text(sentence.text) + _marks(sentence.findings, numbers), *filter(None, notes)])


def _disagreement(report: Report, entry: Disagreement, numbers: dict[str, int]) -> str:
    """Return both quotes, each with its source and date, the newer one marked."""
    findings = {finding.id: finding for finding in report.findings}
    sources = {source.id: source for source in report.sources}
    sides = [markdown_text(entry.about)]
    for finding in (findings[id] for id in entry.findings):
        source = sources[finding.source]
        title = markdown_text(source.title or source.url or source.path)
        dated = markdown_text(finding.dated or source.published) or "not dated"
        newer = ", the newer" if finding.id == entry.newer else ""
        quote = f"“{markdown_text(' '.join(finding.quote.split()))}”{_marks([finding.id], numbers)}"
        sides.append(f"  - {quote} — {title}, {dated}{newer}")
    return "\n".join(sides)


def _list(heading: str, entries: Sequence[str]) -> Iterator[str]:
    if entries:
        yield f"## {heading}"
        yield "\n".join(f"- {entry}" for entry in entries)


def _facts(report: Report) -> Iterator[str]:
    yield "## How this was made"
    if report.notice:
        yield markdown_text(report.notice)
    why = " ".join(markdown_text(reason) for reason in report.mode.reasons)
    usage = report.usage
    yield "\n".join(
        [
            f"- Run: {markdown_text(report.run)}, {ENDINGS[report.status]} (exit code {report.exit_code})",
            f"- Analyst: {markdown_text(report.analyst)}",
            f"- Mode: {report.mode.name}. {why}",
            f"- Calls: {_of(usage.calls, usage.caps.calls)}",
            f"- Tokens: {_of(usage.tokens, usage.caps.tokens)}{_of_which(usage)}",
            f"- Money: {_money(usage)}",
            f"- Time: {_of(round(usage.seconds, 1), usage.caps.seconds)} seconds",
            f"- Checks: {_verdicts(report)}",
            *_ruled(report),
            *_cached(report),
            *(f"- Models: {markdown_text(sentence)}" for sentence in report.routing),
            *([f"- {markdown_text(report.clarification.spoken)}"] if report.clarification else []),
            *_forked(report),
        ]
    )
    scores = [(score.dimension, f"{score.value} of 5", score.reason) for score in report.mode.scores]
    yield from _table(("Dimension", "Score", "Why"), scores)
    branches = [
        (_task(branch), f"{branch.type}, {branch.kind}", branch.outcome, *_spent(branch.usage))
        for branch in report.branches
    ]
    yield from _table(("Branch", "Type", "Outcome", "Calls", "Tokens", "Money", "Seconds"), branches)
    yield from _roles(report)


def _roles(report: Report) -> Iterator[str]:
    """Show what each role used of each model; without a model the calls are in the table of branches."""
    if any(used.model for used in report.roles):
        rows = [
            (used.role, used.model, f"{used.calls:,}", f"{used.tokens:,}", dollars(used.usd) if used.model else "")
            for used in report.roles
        ]
        yield from _table(("Role", "Model", "Calls", "Tokens", "Money"), rows)


def _task(branch: BranchFacts) -> str:
    """Return the task of a branch; of a later round, with its number, for two rounds may share a task."""
    return f"{branch.task} (round {branch.round})" if branch.round > 1 else branch.task


def _cached(report: Report) -> Iterator[str]:
    """Say how many calls earlier runs had paid for."""
    if report.cache is not None:
        calls = "1 call" if report.cache.asked == 1 else f"{report.cache.asked:,} calls"
        yield f"- Cache: {report.cache.answered:,} of {calls} answered from the cache of earlier runs, for nothing"


def _forked(report: Report) -> Iterator[str]:
    """Say which run this one was forked from, and what that spares."""
    if report.origin is not None:
        worth = f" (worth {dollars(report.origin.usd)})" if report.origin.usd else ""
        yield f"- Forked {markdown_text(report.origin.spoken)}{worth}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if rows:
        lines = [head, ["---"] * len(head), *([markdown_text(cell) for cell in row] for row in rows)]
        yield "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _spent(usage: UsageFacts) -> tuple[str, str, str, str]:
    money = _money(msgspec.structs.replace(usage, caps=CapFacts()))
    return f"{usage.calls:,}", f"{usage.tokens:,}", money, f"{usage.seconds:.1f}"


def _of(used: float, cap: float | None) -> str:
    return f"{used:,}" if cap is None else f"{used:,} of at most {cap:,}"


def _of_which(usage: UsageFacts) -> str:
    """Say how many tokens were cheaper than others, and how many were of no answer that can be seen."""
    parts = [(usage.cached, "read from the provider's cache"), (usage.reasoning, "of reasoning")]
    told = ", ".join(f"{number:,} {what}" for number, what in parts if number)
    return f", among them {told}" if told else ""


def _money(usage: UsageFacts) -> str:
    spent = "cost unknown" if usage.usd is None else dollars(usage.usd)
    return spent if usage.caps.usd is None else f"{spent} of at most {dollars(usage.caps.usd)}"


def _ruled(report: Report) -> list[str]:
    """Say which pages counted, and how many search results did not for their site."""
    if report.rules is None:
        return []
    elsewhere = sum(not page.published for page in report.outside)
    left = f"; {counted(elsewhere, 'search result')} of other sites left out" if elsewhere else ""
    return [f"- Pages: {markdown_text(report.rules.spoken)}{left}"]


def _verdicts(report: Report) -> str:
    """Say how many of the sentences that cite something were found to be supported."""
    cited = [sentence.verdict for sentence in report.sentences if sentence.findings]
    counted = [(cited.count(verdict), verdict) for verdict in ("supported", "unsupported", "could not check")]
    words = ", ".join(f"{count} {verdict}" for count, verdict in counted if count)
    return f"{len(cited)} cited sentences" + (f": {words}" if words else "") + _checked(report.checks)


def _checked(checks: CheckFacts) -> str:
    """Say how many sentences a model was asked about, and what became of those that failed."""
    told = [
        (checks.asked, "put to the checker"),
        (checks.rewritten, "rewritten after it"),
        (checks.removed, "removed"),
    ]
    words = ", ".join(f"{count:,} {what}" for count, what in told if count)
    return f"; {words}" if words else ""
