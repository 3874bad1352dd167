"""Whether caps can pay for a run, and what they would cut: pure, on the figures of ``research.estimate``."""

from __future__ import annotations

from research.budget import ADDITIVE, NANO, Amount, Caps
from research.estimate import Step, Wiring, Work, amount
from research.ports import Price
from research.records import Record, counted
from research.spending import dollars

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
        """Judge a cap on the whole run."""
        least, most = (self._of(amount(cost, self._price)) for cost in (self._work.least, self._work.most))
        kept = limit // self._wiring.reserve
        cuts = [*self._planning(limit - kept), *self._branches(limit - kept), *self._report(kept)]
        if least > limit:
            cuts.insert(0, f"the least, {self._say(least)}, is more than the cap")
        enough = not cuts
        if enough and most > limit:
            cuts.append("what does not fit is skipped, and the report names it")
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
        need = max(self._needed(step) for step in self._steps["planning"])
        if need <= left:
            return []
        return [f"planning needs {self._say(need)} and has {self._say(left)}: no branch would be started"]

    def _branches(self, left: int) -> list[str]:
        steps = [step for step in self._steps["branch"] if step.fewest]
        spent = sum(self._of(amount(step.least_cost, self._price)) for step in self._steps["planning"])
        number = max(1, len(steps))
        if self._currency == "calls":
            room = max(1, max(0, left - spent) // self._wiring.branch_calls)
            if room < len(steps):
                return [f"{room} of {counted(len(steps), 'branch').replace('branchs', 'branches')} would be started"]
        return self._short(max(0, left - spent) // number, "its share")

    def _short(self, share: int, what: str) -> list[str]:
        need = max((self._needed(step) for step in self._steps["branch"] if step.fewest), default=0)
        if need <= share:
            return []
        return [
            f"one round of a branch needs {self._say(need)} and {what} is {self._say(share)}: it would be cut short"
        ]

    def _report(self, kept: int) -> list[str]:
        need = max(self._needed(step) for step in self._steps["report"])
        if need <= kept:
            return []
        return [
            f"the model's report needs {self._say(need)} and at least {self._say(kept)} is kept for it: unless the "
            "branches leave more, it would be put together by rules"
        ]

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
