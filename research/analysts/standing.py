"""Which of several answers of the web stands first: one that independent origins confirm, before one that is alone.

Pure. A page can be written so that it is nearer to a question than any honest one; that ten pages of one site say a
thing does not make it likelier. So where the best sentence gives a value that only one origin gives, and a value that
several origins give was read nearly as near, the second one answers. Nothing is lost: the report lists both where they
disagree. Where several origins give each, nearness decides as before: who owns many sites is not outvoted, nor helped.
What an origin is, is decided in ``research.origins``; documents of the user's own are taken as they come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from research.analysts import Notes
from research.analysts.answers import answers_in
from research.analysts.asking import single
from research.analysts.wording import bare
from research.origins import independent, origins, read_of
from research.records import Finding, Source

CONFIRMED = 2
"""Independent origins from which a value is more than one party's word."""
NEARLY = 0.7
"""The share of the best sentence's relevance that a confirmed one needs to come before it."""
LEAST = 0.4
"""The relevance from which a sentence counts as an origin's word on the question."""


def standing(question: str, found: Sequence[Finding], notes: Notes) -> list[Finding]:
    """Return the findings, best first, with one whose value is confirmed before a best one whose value is not."""
    web = {source.id for source in notes.sources if _of_the_web(source)}
    if len(found) < 2 or found[0].source not in web or not single(question):
        return list(found)
    groups = origins(notes.sources, read_of(notes.findings))
    spoken = [finding for finding in found if finding.source in web and finding.relevance >= LEAST]
    best = _value(question, found[0])
    if not best or _backing(best, spoken, groups) >= CONFIRMED:
        return list(found)
    for finding in spoken:
        value = _value(question, finding)
        near = finding.relevance >= NEARLY * found[0].relevance
        if near and value and not _holds(found[0], value) and _backing(value, spoken, groups) >= CONFIRMED:
            return [finding, *(other for other in found if other.id != finding.id)]
    return list(found)


def _of_the_web(source: Source) -> bool:
    return source.url.startswith(("http://", "https://"))


def _value(question: str, finding: Finding) -> str:
    """Return the short answer that a finding gives, in one form; empty where it gives none."""
    answers = answers_in(question, [finding], most=1)
    return bare(answers[0].text) if answers else ""


def _holds(finding: Finding, value: str) -> bool:
    return f" {value} " in f" {bare(finding.statement)} "


def _backing(value: str, spoken: Sequence[Finding], groups: Mapping[str, int]) -> int:
    return independent((finding for finding in spoken if _holds(finding, value)), groups)
