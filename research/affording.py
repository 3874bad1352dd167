"""Whether caps can pay for a run, and what they would cut: pure, on the figures of ``research.estimate``."""

from __future__ import annotations

from research.budget import ADDITIVE, NANO, Amount, Caps
from research.estimate import Step, Wiring, Work, amount
from research.money import dollars
from research.ports import Price
from research.records import Record, counted

FLAGS = {"tokens": "max-tokens-total", "nano_usd": "max-usd", "calls": "max-calls"}


class CapVerdict(Record):
    """One cap: its flag, what it allows, whether it pays for the least, and what it would or may cut, in sentences.

    ``limit`` is in tokens, dollars or calls, as the flag is.
    """

    flag: str
    limit: float
    enough: bool
    cuts: tuple[str, ...]


def verdicts(work: Work, caps: Caps, branch_caps: Caps, price: Price | None, wiring: Wiring) -> tuple[CapVerdict, ...]:
    """Return one verdict for each cap on tokens, money or calls that is set."""
    found = []
    for currency in ADDITIVE:
        limit, branch_limit = getattr(caps, currency), getattr(branch_caps, currency)
        judge = _Judge(currency, work, price, wiring)
        if limit is not None:
            found.append(judge.run(limit))
        if branch_limit is not None:
            found.append(judge.branch(branch_limit))
    return tuple(found)


class _Judge:
    """Judges caps in one currency."""

    def __init__(self, currency: str, work: Work, price: Price | None, wiring: Wiring) -> None:
        self._currency = currency
        self._work = work
        self._price = price
        self._wiring = wiring
        self._steps = {
            kind: [step for step in work.steps if step.kind == kind] for kind in ("planning", "branch", "report")
        }

    def run(self, limit: int) -> CapVerdict:
        """Judge a cap on the whole run: what the least would lack, else what may be cut of a run that takes more."""
        kept = limit // self._wiring.reserve
        cuts = self._planning(limit - kept) or [*self._branches(limit - kept), *self._report(limit)]
        least, most = (self._of(amount(cost, self._price)) for cost in (self._work.least, self._work.most))
        if least > limit:
            cuts.insert(0, f"the least, {self._say(least)}, is more than the cap")
        enough = not cuts
        if enough and most > limit:
            cuts += [
                *self._assessing(limit - kept),
                *self._kept(kept),
                "what does not fit is skipped, and the report names it",
            ]
        return self._verdict(f"--{FLAGS[self._currency]}", limit, enough, cuts)

    def branch(self, limit: int) -> CapVerdict:
        """Judge a cap on each branch."""
        cuts = self._short(limit, "its cap")
        enough = not cuts
        if enough and any(self._most(step) > limit for step in self._steps["branch"]):
            cuts.append("a branch that reaches it ends with what it has found, and the report says so")
        return self._verdict(f"--branch-{FLAGS[self._currency]}", limit, enough, cuts)

    def _verdict(self, flag: str, limit: int, enough: bool, cuts: list[str]) -> CapVerdict:
        value = limit / NANO if self._currency == "nano_usd" else limit
        return CapVerdict(flag=flag, limit=value, enough=enough, cuts=tuple(dict.fromkeys(cuts)))

    def _planning(self, left: int) -> list[str]:
        need = max(max(self._plan, self._of(amount(step.reserved, self._price))) for step in self._steps["planning"])
        if need <= left:
            return []
        return [f"planning needs {self._say(need)} and has {self._say(left)}: no branch would be started"]

    def _branches(self, left: int) -> list[str]:
        steps = [step for step in self._steps["branch"] if step.fewest]
        left = max(0, left - self._plan)
        if self._currency == "calls":
            room = max(1, left // self._wiring.branch_calls)
            if room < len(steps):
                return [f"{room} of {counted(len(steps), 'branch').replace('branchs', 'branches')} would be started"]
        return self._short(left // max(1, len(steps)), "its share")

    def _short(self, share: int, what: str) -> list[str]:
        need = max((self._needed(step) for step in self._steps["branch"] if step.fewest), default=0)
        if need <= share:
            return []
        return [
            f"one round of a branch needs {self._say(need)} and {what} is {self._say(share)}: it would be cut short"
        ]

    def _assessing(self, left: int) -> list[str]:
        """Say when the branches leave nothing to ask for more with, at their least; what is kept is not used for it."""
        left = max(0, left - self._plan - sum(self._least(step) for step in self._steps["branch"]))
        need = sum(self._of(amount(step.beside, self._price)) for step in self._steps["planning"])
        if need <= left:
            return []
        return [
            f"where a branch lacks something, asking whether more is needed takes {self._say(need)} "
            f"and has {self._say(left)}: it would not be asked"
        ]

    def _report(self, limit: int) -> list[str]:
        """Say when all that the rest leaves of the cap is too little for the report."""
        left = max(0, limit - sum(self._least(step) for kind in ("planning", "branch") for step in self._steps[kind]))
        return [
            f"the model's report needs {need} and has {self._say(left)}: {cut}" for need, cut in self._lacking(left)
        ]

    def _kept(self, kept: int) -> list[str]:
        """Say when what is kept for the report in any case is too little for it."""
        return [
            f"the model's report needs {need}, and {self._say(kept)} at least is kept for it: "
            f"unless the branches leave more, {cut}"
            for need, cut in self._lacking(kept)
        ]

    def _lacking(self, left: int) -> list[tuple[str, str]]:
        """Return what the report needs and what becomes of it, when ``left`` is not enough; else nothing."""
        need = max(self._needed(step) for step in self._steps["report"])
        if need <= left:
            return []
        written = left >= max(self._of(amount(step.reserved, self._price)) for step in self._steps["report"])
        cut = "not every sentence would be checked" if written else "it would be put together by rules"
        return [(self._say(need), cut)]

    @property
    def _plan(self) -> int:
        return self._of(amount(self._work.plan, self._price))

    def _least(self, step: Step) -> int:
        return self._of(amount(step.least_cost.times(step.fewest), self._price))

    def _needed(self, step: Step) -> int:
        """What must be left for the step to do its least: it may hold more for a call than it spends in the end."""
        least = self._of(amount(step.least_cost, self._price))
        return max(least, self._of(amount(step.reserved, self._price)))

    def _most(self, step: Step) -> int:
        return self._of(amount(step.most_cost, self._price))

    def _of(self, value: Amount) -> int:
        return int(getattr(value, self._currency))

    def _say(self, value: int) -> str:
        if self._currency == "nano_usd":
            return dollars(value / NANO)
        return counted(value, "token" if self._currency == "tokens" else "call")
