"""RACE-like grading of a report by weighted criteria, alone or beside a reference report. Pure but for the judge.

After Du et al., "DeepResearch Bench: A Comprehensive Benchmark for Deep Research Agents" (arXiv 2506.11763, 2025), with
a prompt of our own, so figures are comparable among themselves and not with published ones. Each criterion is scored
from 0 to 10 and weighted. Beside a reference the figure is ``report / (report + reference)``, 0.5 being as good as the
reference; without one it is the weighted score divided by 10. Which of two reports is shown first depends on the mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from evals.records import Case, Score
from evals.replies import Ask, Unusable, asked, filled, template
from research.errors import EffectFailed, Refused
from research.prompts import block, mark_of
from research.records import Record

DIMENSIONS = ("comprehensiveness", "insight", "instruction_following", "readability")
REFERENCE = "reference"
"""The key of ``Gold.criteria`` that holds a reference report; the dimensions are the other keys."""

LONGEST_REPORT = 150_000
"""Characters of a report that the judge is shown."""

MAKING = re.compile(r"^#{1,6} +how this was made[ \t]*$.*", re.IGNORECASE | re.MULTILINE | re.DOTALL)
"""How a report ends that says which model made it, in which run and time: a judge grades without knowing that."""

Graded = Mapping[str, tuple[float, float]]
"""By the id of a criterion: the grades of the report and of the reference (0 without one)."""


class Criterion(Record):
    """One criterion; the weights of a dimension's criteria sum to 1."""

    criterion: str
    explanation: str
    weight: float


class Dimension(Record):
    """A dimension: its weight among the dimensions, and its criteria."""

    weight: float
    criteria: tuple[Criterion, ...]


class _Given(Record):
    id: str | int
    A: float
    B: float | None = None


class _Grades(Record):
    scores: tuple[_Given, ...]


def rubric(case: Case) -> dict[str, Dimension]:
    """Return the case's dimensions with their criteria; none when it has no criteria."""
    held = {name: case.gold.criteria[name] for name in DIMENSIONS if name in case.gold.criteria}
    return {name: msgspec.json.decode(text, type=Dimension) for name, text in held.items()}


async def race(case: Case, report: str | None, ask: Ask, seed: int) -> dict[str, Score]:
    """Return ``race`` and ``race_<dimension>``; nothing when the case has no criteria or the outcome no report."""
    dimensions = rubric(case)
    if not dimensions or report is None:
        return {}
    names = ["race", *(f"race_{name}" for name in dimensions)]
    report = MAKING.sub("", report)
    if not report.strip():
        return {name: Score(value=None, why="the report is empty") for name in names}
    reference = case.gold.criteria.get(REFERENCE, "")
    ids = _numbered(dimensions)
    mark = mark_of(str(seed), case.id, case.question.text, report, reference)
    second = bool(reference) and int(mark, 16) % 2 == 1
    shown = [text for text in ((reference, report) if second else (report, reference)) if text]
    prompt = _prompt(case.question.text, ids, shown, mark)
    try:
        given = await asked(ask, prompt, lambda reply: _grades(reply, mark, ids, len(shown)))
    except (Unusable, EffectFailed, Refused) as fault:
        return {name: Score(value=None, why=f"the judge gave no usable scores: {fault}") for name in names}
    graded = {id: (b, a) if second else (a, b) for id, (a, b) in given.items()}
    return _weighed(dimensions, ids, graded, bool(reference))


def _numbered(dimensions: Mapping[str, Dimension]) -> dict[str, tuple[str, Criterion]]:
    """Return dimension and criterion by the id that stands in the prompt: ``1``, ``2`` …"""
    pairs = [(name, criterion) for name, dimension in dimensions.items() for criterion in dimension.criteria]
    return {str(number): pair for number, pair in enumerate(pairs, 1)}


def _prompt(task: str, ids: Mapping[str, tuple[str, Criterion]], reports: Sequence[str], mark: str) -> str:
    criteria = "\n".join(
        f"{id}. ({dimension}) {criterion.criterion}: {criterion.explanation}"
        for id, (dimension, criterion) in ids.items()
    )
    pairs = zip("AB", reports, strict=False)
    shown = [block("report", mark, text[:LONGEST_REPORT], id=letter) for letter, text in pairs]
    shape = '{"id": "1", "A": 0.0, "B": 0.0}' if len(reports) == 2 else '{"id": "1", "A": 0.0}'
    return template("race").substitute(mark=mark, task=task, criteria=criteria, reports="\n\n".join(shown), shape=shape)


def _grades(reply: str, mark: str, ids: Iterable[str], reports: int) -> Graded:
    scores = filled(reply, mark, _Grades).scores
    if sorted(str(given.id) for given in scores) != sorted(ids):
        raise Unusable("it does not score every criterion exactly once")
    grades = {str(given.id): (given.A, given.B if given.B is not None and reports == 2 else 0.0) for given in scores}
    if reports == 2 and any(given.B is None for given in scores):
        raise Unusable("it does not score both reports")
    if not all(0 <= grade <= 10 for pair in grades.values() for grade in pair):
        raise Unusable("a score is not between 0 and 10")
    return grades


def _weighed(
    dimensions: Mapping[str, Dimension], ids: Mapping[str, tuple[str, Criterion]], graded: Graded, compared: bool
) -> dict[str, Score]:
    def total(name: str, side: int) -> float:
        return sum(criterion.weight * graded[id][side] for id, (of, criterion) in ids.items() if of == name)

    def whole(side: int) -> float:
        return sum(dimension.weight * total(name, side) for name, dimension in dimensions.items())

    parts = {f"race_{name}": _figure(total(name, 0), total(name, 1), compared) for name in dimensions}
    return {"race": _figure(whole(0), whole(1), compared), **parts}


def _figure(report: float, reference: float, compared: bool) -> Score:
    if not compared:
        return Score(value=report / 10)
    if report + reference == 0:
        return Score(value=None, why="report and reference were both graded 0")
    return Score(value=report / (report + reference), said="beside a reference")
