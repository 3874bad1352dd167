"""What came of a suite: its figures with intervals, what it cost, and how two runs of it differ.

Figures of quality are fractions from 0 to 1; tokens, calls, dollars, seconds and the width of a plan are in their own
units. Nothing is averaged without an interval, and what failed or could not be judged is counted beside it. Computing
figures is in ``evals.estimating``; printing them is the command line's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from evals.estimating import Difference, amount, estimate, paired, ratio
from evals.records import Estimate, Outcome, Score, Scored, Spec
from evals.suite import Metric, Suite
from research.budget import NANO
from research.records import Record, Usage, counted

ABSENT = "–"
"""Stands in a table where a system has no such figure."""


class PerCorrect(Record):
    """What one right answer cost: all that was spent on the judged answerable cases over the right ones among them.

    ``None`` where nothing was right, and ``usd`` also where a price is unknown.
    """

    tokens: Estimate | None = None
    calls: Estimate | None = None
    usd: Estimate | None = None


class Result(Record):
    """A run of a suite by a system. ``metrics`` lack those that nothing could be judged by; ``notes`` say which.

    ``cases`` are distinct, failed ones among them; ``unscored`` had a score that could not be judged. ``usage`` is the
    total of all outcomes (``seconds``: their wall times added up, of cases that may have run at once; a failed case has
    no outcome). ``amounts`` names the metrics in units of their own.
    """

    suite: str
    system: str
    cases: int
    unscored: int
    failed: int
    metrics: dict[str, Estimate]
    usage: Usage
    log: str
    groups: dict[str, dict[str, Estimate]] = msgspec.field(default_factory=dict)
    per_correct: PerCorrect | None = None
    amounts: tuple[str, ...] = ()
    seed: int = 0
    limit: int | None = None
    epochs: int = 1
    notes: tuple[str, ...] = ()
    missing: int = 0


class Comparison(Record):
    """How ``after`` differs from ``before`` in each metric, on the cases that both have.

    ``only_before`` and ``only_after`` are cases that only one of them ran; ``failed`` are cases that either failed.
    """

    suite: str
    cases: int
    metrics: dict[str, Difference]
    only_before: tuple[str, ...] = ()
    only_after: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()
    seed: int = 0

    def rows(self) -> list[list[str]]:
        """Return a header and a row for each metric, as text: before, after, difference, p, wins and losses."""
        table = [["metric", "before", "after", "difference", "p", "better", "worse", "same", "cases"]]
        for name, found in self.metrics.items():
            unit = 1 if name in self.amounts else 100
            tally = (ABSENT if count is None else str(count) for count in (found.wins, found.losses, found.ties))
            table.append(
                [
                    name,
                    _number(found.before * unit),
                    _number(found.after * unit),
                    _ranged(found.difference, found.low, found.high, unit, sign="+"),
                    ABSENT if found.p is None else f"{found.p:.3f}" if found.p >= 0.001 else "<0.001",
                    *tally,
                    str(found.n),
                ]
            )
        return table


def summarise(suite: Suite, spec: Spec, scored: Sequence[Scored], log: str, notes: Sequence[str] = ()) -> Result:
    """Return the figures of a finished eval; ``scored`` has a row for each case and epoch, ``log`` is its file."""
    finished = [row for row in scored if not row.error]
    grouped: dict[str, list[Scored]] = {}
    for row in finished:
        if row.group:
            grouped.setdefault(row.group, []).append(row)
    metrics, amounts = _figures(suite.metrics, finished, spec.seed), _amounts(suite)
    return Result(
        suite=spec.suite,
        system=spec.system,
        cases=len({row.case for row in scored}),
        unscored=len({row.case for row in finished if _lacks(row, amounts)}),
        failed=len({row.case for row in scored if row.error}),
        metrics=metrics,
        usage=_total([row.outcome for row in finished if row.outcome is not None]),
        log=log,
        groups={name: _figures(suite.metrics, grouped[name], spec.seed) for name in sorted(grouped)},
        per_correct=_per_correct(finished, spec.seed) if "answer_accuracy" in {m.name for m in suite.metrics} else None,
        amounts=amounts,
        seed=spec.seed,
        limit=spec.limit,
        epochs=spec.epochs,
        notes=(*notes, *_missing(suite.metrics, finished, metrics)),
    )


def _figures(metrics: Sequence[Metric], scored: Sequence[Scored], seed: int) -> dict[str, Estimate]:
    figures: dict[str, Estimate] = {}
    for metric in metrics:
        rows = [(row.case, row.scores[metric.name]) for row in scored if metric.name in row.scores]
        found = estimate(metric, [score for _, score in rows], seed=seed, clusters=[case for case, _ in rows])
        if found is not None:
            figures[metric.name] = found
    return figures


def _lacks(row: Scored, amounts: Collection[str]) -> bool:
    """Return whether a score of quality could not be judged; an unknown price is no such."""
    return any(score.value is None for name, score in row.scores.items() if name not in amounts)


def _missing(metrics: Sequence[Metric], scored: Sequence[Scored], known: Collection[str]) -> list[str]:
    """Return a note for each metric with unscored cases, with the first reason, or with scores that make no figure."""
    said = []
    for metric in metrics:
        scores = [(row.case, row.scores[metric.name]) for row in scored if metric.name in row.scores]
        lost = {case: score.why for case, score in scores if score.value is None}
        if lost:
            said.append(f"{metric.name}: {counted(len(lost), 'case')} unscored: {next(iter(lost.values()))}")
        elif scores and metric.name not in known:
            said.append(f"{metric.name}: no figure can be made of the {counted(len(scores), 'score')}")
    return said


def _amounts(suite: Suite) -> tuple[str, ...]:
    return tuple(metric.name for metric in suite.metrics if metric.summary is amount)


def _total(outcomes: Sequence[Outcome]) -> Usage:
    counted_ones = [outcome.usage for outcome in outcomes if outcome.usage is not None]
    known = [used.nano_usd for used in counted_ones if used.nano_usd is not None]
    return Usage(
        tokens=sum(used.tokens for used in counted_ones),
        nano_usd=sum(known) if len(known) == len(counted_ones) else None,
        calls=sum(used.calls for used in counted_ones),
        seconds=sum(outcome.seconds for outcome in outcomes),
    )


def _per_correct(scored: Sequence[Scored], seed: int) -> PerCorrect:
    judged = [(row.outcome, score.value) for row in scored if (score := row.scores.get("answer_accuracy")) is not None]
    rows = [(one, value) for one, value in judged if one is not None and one.usage is not None and value is not None]
    used = [one.usage for one, _ in rows if one.usage is not None]
    right = [value for _, value in rows]
    money = [one.nano_usd / NANO for one in used if one.nano_usd is not None]
    return PerCorrect(
        tokens=ratio([one.tokens for one in used], right, seed=seed),
        calls=ratio([one.calls for one in used], right, seed=seed),
        usd=ratio(money, right, seed=seed) if len(money) == len(used) else None,
    )


def compare(suite: Suite, before: Sequence[Scored], after: Sequence[Scored], seed: int) -> Comparison:
    """Return how two runs of a suite differ, on the cases that both finished. A metric that one side lacks is left out.

    A case of which an epoch failed on either side is in ``failed`` and not compared; one whose question or gold is
    another on the other side is no shared case.
    """
    asked = [{row.case: row.asked for row in side if row.asked} for side in (before, after)]
    other = {case for case in asked[0].keys() & asked[1].keys() if asked[0][case] != asked[1][case]}
    ran = [{row.case for row in side} for side in (before, after)]
    failed = {row.case for row in (*before, *after) if row.error}
    shared = (ran[0] & ran[1]) - failed - other
    found = {
        metric.name: paired(metric, _by_case(metric, before, shared), _by_case(metric, after, shared), seed=seed)
        for metric in suite.metrics
    }
    return Comparison(
        suite=suite.name,
        cases=len(shared),
        metrics={name: difference for name, difference in found.items() if difference is not None},
        only_before=tuple(sorted(ran[0] - ran[1] | other)),
        only_after=tuple(sorted(ran[1] - ran[0] | other)),
        failed=tuple(sorted(failed)),
        amounts=_amounts(suite),
        seed=seed,
    )


def _by_case(metric: Metric, scored: Sequence[Scored], shared: set[str]) -> Mapping[str, Sequence[Score]]:
    cases: dict[str, list[Score]] = {}
    for row in scored:
        if row.case in shared and metric.name in row.scores:
            cases.setdefault(row.case, []).append(row.scores[metric.name])
    return cases


def rows(results: Sequence[Result]) -> list[list[str]]:
    """Return a header and rows of text with the results side by side: ``80.0 [71.1, 86.7]``, fractions as per cent.

    ``of 13`` after a figure: only 13 of the cases were judged by it.
    """
    table = [["", *(result.system for result in results)]]
    for name in dict.fromkeys(name for result in results for name in result.metrics):
        table.append([name, *(_cell(result, name) for result in results)])
    if any(result.per_correct not in (None, PerCorrect()) for result in results):
        for field in ("tokens", "calls", "usd"):
            found = [getattr(result.per_correct, field, None) for result in results]
            cells = [ABSENT if one is None else _ranged(one.mean, one.low, one.high, 1) for one in found]
            table.append([f"{field} per right answer", *cells])
    for field in ("cases", "failed", "unscored"):
        table.append([field, *(str(getattr(result, field)) for result in results)])
    return table


def _cell(result: Result, name: str) -> str:
    found = result.metrics.get(name)
    if found is None:
        return ABSENT
    of = "" if found.n == result.cases - result.failed else f" of {found.n}"
    return _ranged(found.mean, found.low, found.high, 1 if name in result.amounts else 100) + of


def _ranged(middle: float, low: float | None, high: float | None, unit: int, sign: str = "") -> str:
    if low is None or high is None:
        return _number(middle * unit, sign)
    return f"{_number(middle * unit, sign)} [{_number(low * unit, sign)}, {_number(high * unit, sign)}]"


def _number(value: float, sign: str = "") -> str:
    """Return a number with one decimal, or two significant digits where that would hide a small amount."""
    if abs(value) < 1e-9:
        value = 0.0  # what floating point leaves of a difference of nothing
    if 0 < abs(value) < 0.1:
        return f"{value:{sign}.2g}"
    return f"{value:{sign},.1f}"
