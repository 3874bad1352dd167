"""Was the triage's choice of a mode right? What it chose, set beside the mode that was best for each case in hindsight.

Pure: scored runs of one suite in, figures and rows out. The best mode of a case has the highest quality; of equals, the
one with the fewest tokens, then the fewest calls, then the simplest. A run that failed has quality 0, because its user
got nothing, and an unknown price; a case whose quality could not be judged in every mode is left out and named. With
several epochs, a mode's quality and price for a case are its means.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from evals.records import Scored
from research.errors import UsageFault
from research.records import Record, counted

ORDER = ("workflow", "hybrid", "agent")
"""From the simplest to the most autonomous."""

QUALITY = ("answer_accuracy", "abstention_accuracy")
"""The score a case goes by: the first of these that applies to it."""


class Spent(Record):
    """Means of one mode, over cases (or for one case over its epochs).

    ``failures`` are runs that ended in an error; the price is that of the others, ``None`` when there are none.
    """

    quality: float
    tokens: float | None = None
    calls: float | None = None
    seconds: float | None = None
    failures: int = 0


class Choice(Record):
    """One case: what the triage chose, what was best, what the choice cost, and why it was good or bad.

    ``quality`` is how much was lost against the best mode (0 to 1), ``tokens`` how many were spent beyond it: negative
    where the choice was cheaper and worse, ``None`` where a price is unknown.
    """

    case: str
    question: str
    chosen: str
    best: str
    quality: float
    tokens: float | None
    good: bool
    reason: str


class Hindsight(Record):
    """Figures by mode, and the triage against the best mode in hindsight.

    ``triage`` is what following the triage gave, ``best`` what the best mode of each case would have given. Regrets are
    means over the cases. ``well`` and ``badly`` are the choices, worst first. ``left_out`` names the cases that could
    not be compared.
    """

    modes: dict[str, Spent]
    triage: Spent | None
    best: Spent | None
    quality_regret: float | None
    token_regret: float | None
    well: tuple[Choice, ...]
    badly: tuple[Choice, ...]
    left_out: tuple[str, ...]

    def rows(self) -> list[tuple[str, str, str, str, str, str]]:
        """Return rows for a table: mode, quality, tokens, calls, seconds, failures; a first row of headings."""
        spent = [*self.modes.items(), ("triage's choice", self.triage), ("best in hindsight", self.best)]
        shown = [_row(name, figures) for name, figures in spent if figures is not None]
        return [("mode", "quality", "tokens", "calls", "seconds", "failures"), *shown]


def look_back(
    runs: Mapping[str, Sequence[Scored]],
    chosen: Mapping[str, str],
    questions: Mapping[str, str],
    *,
    reasons: Mapping[str, str] | None = None,
    quality: Sequence[str] = QUALITY,
) -> Hindsight:
    """Compare the modes of ``runs`` on the same cases with what the triage ``chosen`` for each.

    ``chosen``, ``questions`` and ``reasons`` (the triage's own) are by case. ``quality`` names the scores to go by,
    higher being better; of several, the first that applies to a case. Raises ``UsageFault`` when the modes ran on
    different cases or a choice is of a mode that did not run.
    """
    modes = sorted(runs, key=_simplicity)
    by_case = {mode: _by_case(runs[mode]) for mode in modes}
    _check(by_case, chosen)
    cases = list(by_case[modes[0]])
    spent = {case: _spent_by_mode(case, by_case, quality) for case in cases}
    compared = {case: figures for case in cases if (figures := spent[case]) is not None}
    choices = [
        _choice(case, questions.get(case, case), chosen[case], figures, (reasons or {}).get(case, ""))
        for case, figures in compared.items()
        if case in chosen
    ]
    return Hindsight(
        modes={mode: found for mode in modes if (found := _mean([figures[mode] for figures in compared.values()]))},
        triage=_mean([compared[choice.case][choice.chosen] for choice in choices]),
        best=_mean([compared[choice.case][choice.best] for choice in choices]),
        quality_regret=fmean(choice.quality for choice in choices) if choices else None,
        token_regret=_known(choice.tokens for choice in choices),
        well=tuple(sorted((choice for choice in choices if choice.good), key=_worst)),
        badly=tuple(sorted((choice for choice in choices if not choice.good), key=_worst)),
        left_out=tuple(case for case in cases if case not in compared or case not in chosen),
    )


def _by_case(scored: Sequence[Scored]) -> dict[str, list[Scored]]:
    found: dict[str, list[Scored]] = defaultdict(list)
    for entry in scored:
        found[entry.case].append(entry)
    return dict(found)


def _check(by_case: Mapping[str, Mapping[str, Sequence[Scored]]], chosen: Mapping[str, str]) -> None:
    if not by_case or not any(by_case.values()):
        raise UsageFault("there is no run to look back on; run the suite in at least one mode first")
    first, *others = by_case
    for other in others:
        if odd := sorted(by_case[first].keys() ^ by_case[other].keys()):
            raise UsageFault(f"{first} and {other} ran on different cases ({', '.join(odd[:3])}); run both on the same")
    for case, mode in chosen.items():
        if mode not in by_case:
            raise UsageFault(
                f"the triage chose {mode or 'no mode'} for {case}, which did not run; run that mode as well"
            )


def _spent_by_mode(
    case: str, by_case: Mapping[str, Mapping[str, Sequence[Scored]]], quality: Sequence[str]
) -> dict[str, Spent] | None:
    """Return what each mode gave and cost for a case, or ``None`` when one of them could not be judged."""
    figures: dict[str, Spent] = {}
    for mode, cases in by_case.items():
        runs = [_spent(entry, quality) for entry in cases[case]]
        judged = [run for run in runs if run is not None]
        whole = _mean(judged) if len(judged) == len(runs) else None
        if whole is None:
            return None
        figures[mode] = whole
    return figures


def _spent(entry: Scored, quality: Sequence[str]) -> Spent | None:
    """Return what one run gave and cost, or ``None`` when its quality is not known."""
    if entry.error or entry.outcome is None:
        return Spent(quality=0, failures=1)
    score = next((entry.scores[name] for name in quality if name in entry.scores), None)
    if score is None or score.value is None:
        return None
    used = entry.outcome.usage
    tokens, calls = (None, None) if used is None else (used.tokens, used.calls)
    return Spent(quality=score.value, tokens=tokens, calls=calls, seconds=entry.outcome.seconds)


def _mean(spent: Sequence[Spent]) -> Spent | None:
    if not spent:
        return None
    return Spent(
        quality=fmean(one.quality for one in spent),
        tokens=_known(one.tokens for one in spent),
        calls=_known(one.calls for one in spent),
        seconds=_known(one.seconds for one in spent),
        failures=sum(one.failures for one in spent),
    )


def _known(amounts: Iterable[float | None]) -> float | None:
    """Return the mean of the amounts that are known."""
    known = [amount for amount in amounts if amount is not None]
    return fmean(known) if known else None


def _simplicity(mode: str) -> tuple[int, str]:
    return ORDER.index(mode) if mode in ORDER else len(ORDER), mode


def best_mode(figures: Mapping[str, Spent]) -> str:
    """Return the best mode of a case: quality, then fewest tokens, then fewest calls, then the simplest.

    Of equals in quality, the one with fewer failed runs comes first.
    """

    return min(figures, key=lambda mode: (_merit(figures[mode]), _simplicity(mode)))


def _merit(spent: Spent) -> tuple[float, int, float, float]:
    price = [math.inf if amount is None else amount for amount in (spent.tokens, spent.calls)]
    return -spent.quality, spent.failures, price[0], price[1]


def _choice(case: str, question: str, chosen: str, figures: Mapping[str, Spent], said: str) -> Choice:
    best = best_mode(figures)
    if _merit(figures[chosen]) == _merit(figures[best]):
        best = chosen  # a simpler mode that gave and cost the same is no reason to blame the triage
    lost = figures[best].quality - figures[chosen].quality
    took, top = figures[chosen].tokens, figures[best].tokens
    return Choice(
        case=case,
        question=question,
        chosen=chosen,
        best=best,
        quality=lost,
        tokens=None if took is None or top is None else took - top,
        good=chosen == best,
        reason=_reason(chosen, best, figures) + (f"; the triage's reason: {said}" if said else ""),
    )


def _reason(chosen: str, best: str, figures: Mapping[str, Spent]) -> str:
    took, top = figures[chosen], figures[best]
    if chosen == best:
        rest = [mode for mode in figures if mode != best]
        equal = [mode for mode in rest if figures[mode].quality == took.quality]
        if not rest:
            return "the only mode that ran"
        return f"as good as {' and '.join(equal)}, and not dearer" if equal else f"the only one with {_figure(took)}"
    failed = f"{chosen} failed" if took.failures else f"{chosen} had {_figure(took)}"
    if took.quality < top.quality:
        return f"{failed}, {best} {_figure(top)}"
    return f"{best} was as good and {_cheaper(took, top)}"


def _cheaper(took: Spent, top: Spent) -> str:
    if took.tokens is None or top.tokens is None:
        return "failed less often"
    if took.tokens > top.tokens:
        return f"took {counted(round(took.tokens - top.tokens), 'token')} less"
    return "made fewer calls" if (took.calls or 0) > (top.calls or 0) else "failed less often"


def _figure(spent: Spent) -> str:
    price = "" if spent.tokens is None else f" for {counted(round(spent.tokens), 'token')}"
    return f"quality {spent.quality:.2f}{price}"


def _worst(choice: Choice) -> tuple[float, float, str]:
    return -choice.quality, -(choice.tokens or 0), choice.case


def _row(name: str, spent: Spent) -> tuple[str, str, str, str, str, str]:
    return (
        name,
        f"{spent.quality:.3f}",
        _amount(spent.tokens, 0),
        _amount(spent.calls, 1),
        _amount(spent.seconds, 1),
        str(spent.failures),
    )


def _amount(amount: float | None, digits: int) -> str:
    return "unknown" if amount is None else f"{amount:,.{digits}f}"
