"""The sources of a report in Markdown: footnotes, the list of sources, and the pages that tried to instruct. Pure.

The rest of a report is in ``research.render``; whatever is not from this file goes through ``research.sanitize``.
"""

from __future__ import annotations

from collections.abc import Iterator

from research.injection import Attempt, spoken
from research.report import Report, ReportSource
from research.sanitize import markdown_link, markdown_text
from research.source_kinds import SourceKind

KIND_WORDS: dict[SourceKind, str] = {
    "primary": "primary source",
    "news": "news",
    "reference": "reference work",
    "user-generated": "user-generated",
    "unknown": "kind not known",
}
READ_AS_DATA = (
    "These were read as data only: no step can follow what they ask for. Their quotes stand or fall like any others, "
    "and a page that is not listed is not thereby harmless."
)


def attempted(report: Report) -> Iterator[str]:
    """Say which pages tried to instruct whoever reads them, and by what."""
    if report.attempts:
        yield "## Pages that tried to instruct the reader"
        yield READ_AS_DATA
        yield "\n".join(_attempt(attempt) for attempt in report.attempts)


def _attempt(attempt: Attempt) -> str:
    stored = f", sha256 {markdown_text(attempt.source[:12])}" if attempt.source else ", as a search service told of it"
    return (
        f"- {markdown_link(attempt.title or attempt.url, attempt.url)}{stored}: {markdown_text(spoken(attempt.signs))}"
    )


def outside(report: Report) -> Iterator[str]:
    """Name the pages that were fetched and not read, for their date is not one of those asked for."""
    dated = [page for page in report.outside if page.published]
    if dated:
        yield "## Pages outside the dates asked for"
        yield "\n".join(
            f"- {markdown_link(page.title or page.url, page.url)}, {markdown_text(page.published)}" for page in dated
        )


def footnotes(report: Report, numbers: dict[str, int]) -> Iterator[str]:
    """Yield one footnote for each finding in ``numbers``: its quote, its source and its place in the text."""
    findings = {finding.id: finding for finding in report.findings}
    sources = {source.id: source for source in report.sources}
    lines = []
    for id, number in numbers.items():
        finding = findings[id]
        where = _source_line(sources[finding.source])
        quote = markdown_text(finding.quote)
        page = f"p. {finding.page}, " if finding.page else ""
        lines.append(f"[^{number}]: “{quote}” — {where}, {page}characters {finding.start}–{finding.end}")
    if lines:
        yield "\n".join(lines)


def _source_line(source: ReportSource) -> str:
    """Return title, author, date, address and hash of a source, on one line."""
    title = source.title or source.url or source.path
    parts = [markdown_link(title, source.url), markdown_text(source.author), markdown_text(source.published)]
    if source.added:
        parts.append(markdown_text(source.added))
    if not source.url:
        parts.append(f"stored at {markdown_text(source.path)}")
    return ", ".join([*(part for part in parts if part), f"sha256 {markdown_text(source.id[:12])}"])


def listed_sources(report: Report) -> Iterator[str]:
    """Yield the list of sources."""
    if not report.sources:
        return
    yield "## Sources"
    lines = []
    for number, source in enumerate(report.sources, 1):
        quotes = sum(finding.source == source.id for finding in report.findings)
        path = f", stored at {markdown_text(source.path)}" if source.url else ""
        kind = f", {KIND_WORDS[source.kind]}" if source.url.startswith(("http://", "https://")) else ""
        spans = "1 quoted span" if quotes == 1 else f"{quotes} quoted spans"
        undated = report.rules and report.rules.dated and source.url and not source.published
        date = ", without a date" if undated else ""
        lines.append(f"{number}. {_source_line(source)}{date}{kind}{path}, {spans}")
    yield "\n".join(lines)
