"""``modes``: is autonomy worth its price? Workflow, hybrid and agent on the same cases.

Source: the cases of the suite ``world``, generated from a seed or from ``--data`` as there; see its docstring for the
sources and licences.

Scored, for each mode: ``answer_accuracy`` (``abstention_accuracy`` where there is no answer), ``evidence_recall`` and
``unsupported_rate`` (quality), ``tokens``, ``calls``, ``usd`` and ``seconds`` (price), ``within_budget``.
``evals.hindsight`` then sets what the triage chose for each case beside the mode that was best for it in hindsight. It
needs a model: without one there is no agent.

Published, to stand beside: none on these cases.

A worked row: a case that the workflow answers wrong with 4,000 tokens, the hybrid right with 9,000 and the agent right
with 30,000 has the hybrid as its best mode. Had the triage chosen the workflow, its regret is 1 in quality and -5,000
in tokens; had it chosen the agent, 0 and 21,000.
"""

from __future__ import annotations

from evals.scorers.answers import ABSTENTION_ACCURACY, ANSWER_ACCURACY
from evals.scorers.citations import UNSUPPORTED_RATE
from evals.scorers.costs import CALLS, SECONDS, TOKENS, USD, WITHIN_BUDGET
from evals.scorers.ranking import EVIDENCE_RECALL
from evals.suite import Loaded, Request, Suite


def _load(request: Request) -> Loaded:
    from evals.suites.world import SUITE as WORLD  # the generator is only needed when cases are

    return WORLD.load(request)


SUITE = Suite(
    name="modes",
    measures="workflow, hybrid and agent on the same cases: quality, price, and where the triage chose well",
    needs="a model; --data as for world, or nothing for the synthetic world",
    costs="the calls of a model for each branch, round and report, four times a case",
    source="the cases of the suite world",
    gives=("answer",),
    default_system="auto",
    compared=("workflow", "hybrid", "agent", "auto"),
    load=_load,
    metrics=(
        ANSWER_ACCURACY,
        ABSTENTION_ACCURACY,
        EVIDENCE_RECALL,
        UNSUPPORTED_RATE,
        TOKENS,
        CALLS,
        USD,
        SECONDS,
        WITHIN_BUDGET,
    ),
)
