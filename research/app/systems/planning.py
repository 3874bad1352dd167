"""Plans alone as systems: what a question is split into and what would be searched for, without any search."""

from __future__ import annotations

import msgspec

from evals.records import Outcome, System
from research.analysts import Bounds
from research.app.systems.gated import Gated
from research.records import Question


def planning(gated: Gated) -> System:
    """Return the system ``planner`` or ``model-planner``, as the options of ``gated`` name a model or none.

    The plan is cut to ``branches`` tasks, as a run cuts it. A question that names no corpus is planned for the web,
    because a plan without a place to look in is empty.
    """
    bounds = Bounds(branches=gated.options.branches, rounds=gated.options.rounds)

    async def system(question: Question) -> Outcome:
        placed = question if question.corpora else msgspec.structs.replace(question, web=True)
        async with gated.run(placed, "planner") as work:
            plan = await work.analyst.plan(placed, bounds, work.access)
        tasks = plan.tasks[: bounds.branches]
        queries = dict.fromkeys(query for task in tasks for query in task.queries)
        parts = dict.fromkeys(task.objective for task in tasks)
        return work.noted(Outcome(parts=tuple(parts), queries=tuple(queries)))

    return system
