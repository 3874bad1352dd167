"""How much of a prompt a report touches at all: a floor, found by words alone, and no sign of quality.

The parts of a prompt are its numbers, its names, its quoted phrases, its questions and the items of its enumerations. A
number or phrase is touched when it stands in the report, a name when all its words do, a question or item when at least
half of its content words do (of its pairs of characters, in Chinese). What a report says about a part is not judged.
Only sentences count: a title, or a sentence that repeats the prompt, touches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from evals.markdown import own_words
from evals.marks import cut
from evals.records import Case, Outcome, Score
from evals.suite import Metric
from research.words import entities, terms

LONGEST_PROMPT = 20_000
MOST_PARTS = 200
ENOUGH = 0.5
FEWEST_ITEMS = 3

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_ENUMERATOR = re.compile(r"(?m)^\s*[(（]?\d{1,2}[.)）、．]\s*|(?:[(（]|(?<=\s))\d{1,2}[)）]")
_QUOTED = re.compile(r"“([^“”\n]{2,80})”|\"([^\"\n]{2,80})\"|《([^《》\n]{1,80})》|「([^「」\n]{1,80})」")
_CLAUSE = re.compile(r"[.!?;:()。！？；：，（）\n]+")
_BETWEEN = re.compile(r"、|以及|,\s+(?:and |or )?")
_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_SPACE = re.compile(r"\s+")


def parts(prompt: str) -> list[tuple[str, str]]:
    """Return ``(kind, words)`` of every part of a prompt: ``number``, ``name``, ``phrase`` or ``asked``; each once."""
    prompt = prompt[:LONGEST_PROMPT]
    found = [
        *(("phrase", next(filter(None, match.groups()))) for match in _QUOTED.finditer(prompt)),
        *(("number", match.group()) for match in _NUMBER.finditer(_ENUMERATOR.sub(" ", prompt))),
        *(("name", name) for name in entities(_CHINESE.sub(" ", prompt))),
        *(("asked", words) for words in _asked(prompt)),
    ]
    kept: dict[str, tuple[str, str]] = {}
    for kind, words in found:
        kept.setdefault(_flat(words), (kind, words.strip()))
    return list(kept.values())[:MOST_PARTS]


def _asked(prompt: str) -> Iterator[str]:
    for line in prompt.splitlines():
        if (mark := _ENUMERATOR.match(line)) is not None:
            yield line[mark.end() :]
        else:
            yield from (words for words, _ in cut(line) if words.endswith(("?", "？")))
    for clause in _CLAUSE.split(prompt):
        items = [item.strip() for item in _BETWEEN.split(clause)]
        if len(items) >= FEWEST_ITEMS:
            yield from (item for item in items if _pieces(item))


class _Said:
    """A report's words, ready to be looked up."""

    def __init__(self, report: str) -> None:
        self.flat = _flat(report)
        self.pieces = _pieces(report)
        self.numbers = {match.group().replace(",", "") for match in _NUMBER.finditer(report)}

    def touches(self, kind: str, words: str) -> bool:
        if kind == "number":
            return words.replace(",", "") in self.numbers
        if _flat(words) in self.flat:
            return True
        wanted = _pieces(words)
        share = len(wanted & self.pieces) / len(wanted) if wanted else 0.0
        return (kind == "name" and share == 1.0) or (kind == "asked" and share >= ENOUGH)


def _flat(text: str) -> str:
    return _SPACE.sub(" ", text.casefold()).strip()


def _pieces(text: str) -> set[str]:
    """Return the content terms of a text: stems, and in Chinese pairs of characters."""
    pairs = {run[at : at + 2] for run in _CHINESE.findall(text) for at in range(len(run) - 1)}
    return pairs | set(terms(_CHINESE.sub(" ", text)))


def _coverage(case: Case, outcome: Outcome) -> Score | None:
    if outcome.report is None:
        return None
    wanted = parts(case.question.text)
    if not wanted:
        return Score(value=None, why="the prompt names nothing that could be looked for")
    body = own_words(outcome.report, case.question.text).sentences
    said = _Said("\n".join(sentence.text for sentence in body))
    return Score(value=sum(said.touches(kind, words) for kind, words in wanted) / len(wanted))


CLAIM_COVERAGE = Metric(
    "claim_coverage",
    _coverage,
    "share of the prompt's numbers, names, phrases and questions that the report mentions at all (a floor)",
)
