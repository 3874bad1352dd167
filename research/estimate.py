"""What a run will cost, before it is begun: calls, tokens and money, at least and at most. Arithmetic only.

At least: each branch finds something in its first round. At most: every round is used and every answer is as long as it
may be. A call that is tried again, or an answer that is asked for anew because it could not be used, comes on top. How
large single calls are is found in ``research.rehearsal``; what runs like this one did cost is read in
``research.app.estimating``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from research.analysts import Bounds
from research.analysts.acceptance import MOST_MOVES
from research.analysts.acceptance import MOST_QUERIES as MODEL_QUERIES
from research.analysts.extractive import MOST_QUERIES as RULES_QUERIES
from research.analysts.gathering import MOST_ASKED
from research.autonomy import granted
from research.budget import Amount
from research.ports import Price
from research.records import BranchKind, BranchType, Mode, Record, Task
from research.rehearsal import Cost, Size
from research.requests import Role

ASKING: Mapping[str, tuple[Role, ...]] = {
    "clarify": ("planner",),
    "plan": ("planner",),
    "assess": ("planner",),
    "rank": ("reader",),
    "read": ("reader",),
    "judge": ("reader",),
    "step": ("researcher",),
    "write": ("writer",),
    "parts": ("writer",),
    "checks": ("checker", "writer"),
    "again": ("checker", "planner"),
}
"""The roles whose models are asked in calls of each size, by the first word of its name."""


class Wiring(Record):
    """The limits that the graph sets: what is read of one search, an agent's turns for a search round, the reserve.

    ``reserve``: one part in so many is kept for the report; ``branch_calls``: calls without which no branch is started;
    ``wider``: times as many hits are ranked by a model as are read.
    """

    web_hits: int
    corpus_hits: int
    page_passages: int
    agent_turns: int
    reserve: int
    branch_calls: int
    wider: int


class Step(Record):
    """A part of a run, of which there are ``fewest`` to ``most``; the costs are those of one.

    ``reserved`` is what the gate must be able to hold for its dearest call at its smallest; ``beside`` is what is asked
    only where it comes to that, at its least.
    """

    what: str
    kind: str
    fewest: int
    most: int
    least_cost: Cost
    most_cost: Cost
    reserved: Cost = Cost()
    beside: Cost = Cost()


class Work(Record):
    """All steps of a run, and what they come to: ``fewest`` of each at its least, ``most`` of each at its most.

    What several branches may share, and one of them pays for, is counted in the first of them. ``plan`` is the part of
    the planning that comes before the branches, at its least.
    """

    steps: tuple[Step, ...]
    plan: Cost = Cost()

    @property
    def least(self) -> Cost:
        """The run at its least."""
        return Cost().plus(*(step.least_cost.times(step.fewest) for step in self.steps))

    @property
    def most(self) -> Cost:
        """The run at its most."""
        return Cost().plus(*(step.most_cost.times(step.most) for step in self.steps))


class Run(Record):
    """What is known of a run before it begins. ``places`` are the types of its sources.

    ``sizes`` holds those of its model calls, by name, and is empty without a model. With ``reranks`` a model scores the
    hits of a search round where more were found than are read; with ``clarifies`` it is asked what is unclear; with
    ``escalates`` the planner's model puts right what the writer's could not.
    """

    mode: Mode
    tasks: tuple[Task, ...]
    places: tuple[BranchType, ...]
    bounds: Bounds
    wiring: Wiring
    providers: int
    sizes: dict[str, Size]
    reranks: bool = False
    clarifies: bool = False
    escalates: bool = False


def work_of(run: Run) -> Work:
    """Return the steps of a run: its planning, its branches, those that may follow, and its report."""
    return _by_model(run) if run.sizes else _by_rules(run)


def _by_rules(run: Run) -> Work:
    """Without a model the plan is known, and only searches, pages and retrievals are calls."""
    asked: set[tuple[BranchType, str | None, str]] = set()
    steps = [Step(what="planning", kind="planning", fewest=1, most=1, least_cost=Cost(), most_cost=Cost())]
    for task in run.tasks:
        own = {(task.type, task.corpus, query) for query in task.queries} - asked
        found = task.type == "web" and run.wiring.web_hits > 0 and all(type != "web" for type, _, _ in asked)
        asked |= own
        least = _searches(run, task.type, len(own)).plus(Cost(calls=int(found)))
        rounds, later = run.bounds.rounds_of(task), MOST_ASKED if task.rounds else RULES_QUERIES
        most = _workflow(run, task.type, len(set(task.queries)), later, rounds)
        steps.append(Step(what=task.objective, kind="branch", fewest=1, most=1, least_cost=least, most_cost=most))
    steps += _following(run, Cost(calls=1), RULES_QUERIES)
    steps.append(Step(what="report", kind="report", fewest=1, most=1, least_cost=Cost(), most_cost=Cost()))
    return Work(steps=tuple(steps))


def _by_model(run: Run) -> Work:
    """With a model the plan is the model's: from one branch to as many as there may be."""
    sizes, bounds = run.sizes, run.bounds
    more = max(0, bounds.rounds - 1)
    plan = [sizes[name] for name in (("clarify", "plan") if run.clarifies else ("plan",))]
    least = Cost().plus(*(size.least for size in plan))
    planning = Step(
        what="planning",
        kind="planning",
        fewest=1,
        most=1,
        least_cost=least,
        most_cost=sizes["assess"].most.times(more).plus(*(size.most for size in plan)),
        reserved=sizes["plan"].reserved,
        beside=sizes["assess"].least.times(min(1, more)),
    )
    shared = min((_least_branch(run, type, _kind(run, 1), shared=True) for type in run.places), key=_volume)
    first = Step(
        what="the first branch" if bounds.branches > 1 else "the branch",
        kind="branch",
        fewest=1,
        most=1,
        least_cost=min((_least_branch(run, type, _kind(run, 1), shared=False) for type in run.places), key=_volume),
        most_cost=max((_most_branch(run, type, _kind(run, 1)) for type in run.places), key=_volume),
        reserved=min((_reserved(run, type, _kind(run, 1)) for type in run.places), key=_volume),
    )
    further = Step(
        what="each further branch",
        kind="branch",
        fewest=0,
        most=bounds.branches - 1,
        least_cost=shared,
        most_cost=first.most_cost,
    )
    checks = [sizes[name].most for name in (("checks", "again") if run.escalates else ("checks",))]
    report = Step(
        what="report",
        kind="report",
        fewest=1,
        most=1,
        least_cost=sizes["write"].least,
        most_cost=max(sizes["write"].most, sizes["parts"].most, key=_volume).plus(*checks),
        reserved=sizes["write"].reserved,
    )
    steps = [planning, first, *([further] if further.most else []), *_following(run, shared, MODEL_QUERIES), report]
    return Work(steps=tuple(steps), plan=least)


def _following(run: Run, least: Cost, queries: int) -> list[Step]:
    """Return the branches that may follow the first round, or nothing."""
    number = max(0, run.bounds.rounds - 1) * run.bounds.new_branches
    if not number or not run.places:
        return []
    rounds = run.bounds.branch_rounds
    costs = [
        _most_branch(run, type, _kind(run, 2)) if run.sizes else _workflow(run, type, queries, queries, rounds)
        for type in run.places
    ]
    most = max(costs, key=_volume)
    return [Step(what="each follow-up", kind="branch", fewest=0, most=number, least_cost=least, most_cost=most)]


def _volume(cost: Cost) -> tuple[int, int]:
    return cost.prompt + cost.completion, cost.calls


def _kind(run: Run, round: int) -> BranchKind:
    return granted(run.mode, Task.make("", (), "web", round=round))


def _searches(run: Run, type: BranchType, queries: int) -> Cost:
    """Return the calls of so many queries: one each, on the web one for each provider."""
    return Cost(calls=queries * (run.providers if type == "web" else 1))


def _workflow(run: Run, type: BranchType, first: int, later: int, rounds: int) -> Cost:
    """Return the most that fixed steps without a model cost: searches, and on the web the pages of every round."""
    pages = Cost(calls=run.wiring.web_hits * rounds if type == "web" else 0)
    return _searches(run, type, first + later * (rounds - 1)).plus(pages)


def _most_branch(run: Run, type: BranchType, kind: BranchKind) -> Cost:
    rounds, read, wiring = run.bounds.deepest, run.sizes[f"read {type}"].most, run.wiring
    if kind == "workflow":
        readings = rounds * (wiring.web_hits if type == "web" else 1)
        judging = run.sizes[f"judge {type}"].most.times(rounds)
        asked = (read.times(readings), judging, _ranking(run, type, rounds))
        return _workflow(run, type, MODEL_QUERIES, MODEL_QUERIES, rounds).plus(*asked)
    turns = wiring.agent_turns * rounds
    pages = turns * MOST_MOVES if type == "web" else 0
    steps = run.sizes[f"step {type}"].most.times(turns + 1).plus(_ranking(run, type, turns))
    return _searches(run, type, MODEL_QUERIES * turns).plus(Cost(calls=pages), read.times(pages or turns), steps)


def _ranking(run: Run, type: BranchType, rounds: int) -> Cost:
    """Return the most that ordering the hits of so many search rounds costs."""
    return run.sizes[f"rank {type}"].most.times(rounds) if run.reranks else Cost()


def _least_branch(run: Run, type: BranchType, kind: BranchKind, *, shared: bool) -> Cost:
    """Return what a branch costs that finds one text at once; a search and a page that others share may be theirs."""
    read, world = run.sizes[f"read {type}"].least, Cost()
    if not shared:
        world = _searches(run, type, 1).plus(Cost(calls=int(type == "web")))
    if kind == "workflow":
        return world.plus(read, run.sizes[f"judge {type}"].least)
    return world.plus(read, run.sizes[f"step {type}"].least.times(3 if type == "web" else 2))


def _reserved(run: Run, type: BranchType, kind: BranchKind) -> Cost:
    asked = (f"read {type}", f"judge {type}") if kind == "workflow" else (f"step {type}", f"read {type}")
    return max((run.sizes[name].reserved for name in asked), key=_volume)


def amount(cost: Cost, price: Price | None) -> Amount:
    """Return a cost in the currencies of budgets, money rounded up; without a price it is the cost's own."""
    exact = cost.money if price is None else cost.prompt * price.prompt + cost.completion * price.completion
    money = -int(-exact // 1)
    return Amount(tokens=cost.prompt + cost.completion, nano_usd=money, calls=cost.calls)


def sizes_priced(sizes: Mapping[str, Size], prices: Mapping[Role, Price]) -> dict[str, Size]:
    """Return the sizes with what they cost, each at the price of the role that asks; what is repaired, at the dearest.

    ``prices`` has every role.
    """

    def priced(cost: Cost, roles: Sequence[Role]) -> Cost:
        money = max(cost.prompt * prices[role].prompt + cost.completion * prices[role].completion for role in roles)
        return msgspec.structs.replace(cost, money=money)

    return {
        name: Size(**{part: priced(getattr(size, part), asking(name)) for part in ("least", "most", "reserved")})
        for name, size in sizes.items()
    }


def asking(size: str) -> tuple[Role, ...]:
    """Return the roles that make the calls of a size, by its name."""
    return ASKING[size.split()[0]]


def median(values: Sequence[float]) -> float:
    """Return the middle of at least one value; of an even number, the mean of the two in the middle."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
