"""``plans``: is a question that fans out split into the sub-questions that a person splits it into?

Source: FanOutQA (Zhu et al. 2024; code MIT, questions CC BY-SA); without ``--data``, a sample of 5 questions about an
invented country, made for this project (CC0-1.0).

Scored: ``part_recall`` (the human sub-questions, at every depth, that the plan asks too), ``page_recall`` (the evidence
pages whose title stands in a query or part), ``plan_width`` (sub-questions a plan, neither good nor bad), tokens, calls
and seconds. Nothing is searched, so a sub-question that names what an earlier one finds out ("the batting hand of *Pat
Burrell*") can only be matched by a planner that knows it: neither recall can be expected to come near 1. Cases are
grouped by how many steps must be taken one after another.

Published: FanOutQA reports answers, not plans; there is no row to stand beside.

A worked row: "What are the populations of the three cities on the river Ilvane?" was decomposed into "Which cities lie
on the river Ilvane?" (page *Ilvane*) and "What is the population of Dunmarrow?" (of Hesk, of Castry; their pages): two
levels. A plan with the parts "Which cities are on the river Ilvane?" and "What is the population of Dunmarrow?" has
``part_recall`` 2/4, ``page_recall`` 2/4 (*Ilvane*, *Dunmarrow*) and ``plan_width`` 2.
"""

from __future__ import annotations

from evals.datasets import fanoutqa, shapes
from evals.scorers.costs import CALLS, SECONDS, TOKENS
from evals.scorers.plans import PAGE_RECALL, PART_RECALL, PLAN_WIDTH
from evals.suite import Loaded, Request, Suite

SHAPES = (fanoutqa.SHAPE,)


def _load(request: Request) -> Loaded:
    return shapes.load(request.data or shapes.sample("plans"), SHAPES)


SUITE = Suite(
    name="plans",
    measures="splitting a question into the parts and pages that a person splits it into",
    needs="nothing for the sample; --data with FanOutQA's JSON for the full set",
    costs="no model with the built-in planner; one call of a model a case with one",
    source="FanOutQA, code MIT, questions CC BY-SA; sample CC0-1.0",
    gives=("plan",),
    default_system="planner",
    load=_load,
    metrics=(PART_RECALL, PAGE_RECALL, PLAN_WIDTH, TOKENS, CALLS, SECONDS),
)
