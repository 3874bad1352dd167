"""How tasks, findings and lists are shown to a model: between marks that the text from outside cannot forge.

What a step asks for is in ``research.prompts``; who asks is in ``research.analysts.language`` and ``writing``.
"""

from __future__ import annotations

from collections.abc import Sequence

from research.analysts import Notes
from research.analysts.acceptance import tidy
from research.analysts.labels import Labels, labels_of
from research.prompts import block
from research.records import Finding, Source, Task

MOST_FINDINGS = 60
"""Findings shown to the writer, the most relevant first: their prompt stays under some 15,000 tokens."""
LONGEST_QUOTE = 800


def best(findings: Sequence[Finding], most: int = MOST_FINDINGS) -> list[Finding]:
    """The most relevant findings, in their own order."""
    kept = {finding.id for finding in sorted(findings, key=lambda finding: -finding.relevance)[:most]}
    return [finding for finding in findings if finding.id in kept]


def words_of(findings: Sequence[Finding]) -> list[str]:
    """All that strangers may have worded in the findings, for the mark that must not be in it."""
    return [text for finding in findings for text in (finding.statement, finding.quote)]


def task_fields(task: Task, mark: str) -> dict[str, object]:
    return {"mark": mark, "objective": task.objective, "wanted": _wanted(task)}


def _wanted(task: Task) -> str:
    return f"Wanted: {task.wanted}" if task.wanted else ""


def listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {tidy(line)}" for line in lines) or "- (none)"


def shown_findings(
    findings: Sequence[Finding],
    mark: str,
    *,
    quoted: bool = True,
    sources: Sequence[Source] = (),
    labels: Labels | None = None,
) -> str:
    """The findings, each under its label: the one in ``labels``, or that of its place among ``findings``."""
    own = labels_of(findings) if labels is None else labels
    titles = {source.id: f"{source.title[:80]} {source.published[:10]}".strip() for source in sources}
    shown = []
    for finding in findings:
        lines = [f"statement: {finding.statement}"] if not quoted or _says_more(finding) else []
        text = "\n".join([*lines, f"quote: {finding.quote[:LONGEST_QUOTE]}"] if quoted else lines)
        named = {"source": titles[finding.source]} if finding.source in titles else {}
        shown.append(block("finding", mark, text, id=own[finding.id], **named))
    return "\n".join(shown) or "(none)"


def _says_more(finding: Finding) -> bool:
    """Return whether the statement is worded otherwise than the quote, so that both are worth showing."""
    return finding.statement != " ".join(finding.quote.split())


def grouped(notes: Notes, findings: Sequence[Finding], mark: str, *, quoted: bool = True) -> str:
    """The findings under the tasks they were found for; without their quotes, without their sources too."""
    sources, labels = notes.sources if quoted else (), labels_of(findings)

    def shown(own: Sequence[Finding]) -> str:
        return shown_findings(own, mark, quoted=quoted, sources=sources, labels=labels)

    parts = []
    for task in notes.tasks:
        own = [finding for finding in findings if finding.task == task.id]
        if own:
            parts += [block("task", mark, f"{task.objective}\n{_wanted(task)}".strip()), shown(own)]
    known = {task.id for task in notes.tasks}
    loose = [finding for finding in findings if finding.task not in known]
    return "\n\n".join(parts + ([shown(loose)] if loose else []))
