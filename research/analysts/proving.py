"""Does a concluded sentence follow from what it cites? Worked out anew, from the cited findings alone. Pure.

A sentence such as ``No.`` or ``PEP 3124.`` stands in no quote, so comparing words says nothing about it. It is the
answer of a fixed rule (``concluding``, ``comparing``) to a question; the rule is applied again to what the sentence
cites, and must give the same words. What is quoted is checked in ``research.analysts.support``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from research.analysts.comparing import listed, sided
from research.analysts.concluding import Conclusion, conclude
from research.analysts.decompose import decompose
from research.records import Finding, Sentence


def follows(sentence: Sentence, findings: Sequence[Finding]) -> bool:
    """Return whether a rule answers ``sentence.concludes`` with the sentence, given its ``findings`` and no other."""
    return any(told.text == sentence.text for told in _told(sentence.concludes, findings))


def _told(question: str, findings: Sequence[Finding]) -> Iterator[Conclusion]:
    titles = {finding.source: finding.title for finding in findings}
    sides = [part.objective for part in decompose(question) if not part.contrast]
    yield from filter(None, [conclude(question, findings, titles)])
    if findings:
        yield from filter(None, [listed(question, findings, titles)])
    if len(sides) == len(findings):
        yield from filter(None, [sided(question, [(side, [one]) for side, one in zip(sides, findings, strict=True)])])
