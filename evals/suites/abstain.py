"""``abstain``: says "not found" when the documents do not hold the answer, and answers when they do.

Source: CLAPnq (Rosenthal et al. 2025, Apache-2.0), its answerable and its unanswerable questions; without ``--data``, a
sample of 6 and 6 questions about an invented country, made for this project (CC0-1.0).

Scored: ``abstention_accuracy`` over all cases, ``refused`` over the unanswerable and ``answered`` over the answerable
ones (a system that always refuses has 1 and 0), ``evidence_recall`` of the passages cited for the answerable ones,
``unsupported_rate``, tokens, calls and seconds. The passages of all questions are one corpus, so every question is
asked among hundreds of passages that do not answer it. CLAPnq's judges looked at a question's own passage alone: an
unanswerable question may have its answer in another one, which bounds ``refused`` from above.

Published: CLAPnq reports the overlap of generated answers with human ones and, for the unanswerable, how often a model
said so when handed the one passage; with the passages pooled there is no row to stand beside.

A worked row: "how many trains a day ran on the marrowgate line in its first year" is unanswerable: the passage on
the line tells its length and when it was opened, not its trains. A report that says that nothing was found has
``abstention_accuracy`` 1 and ``refused`` 1; one that answers "67" has 0 and 0. ``answered`` and ``evidence_recall``
do not apply.
"""

from __future__ import annotations

from evals.datasets import clapnq, shapes
from evals.scorers.answers import ABSTENTION_ACCURACY, ANSWERED, REFUSED
from evals.scorers.citations import UNSUPPORTED_RATE
from evals.scorers.costs import CALLS, SECONDS, TOKENS
from evals.scorers.ranking import EVIDENCE_RECALL
from evals.suite import Loaded, Request, Suite

SHAPES = (clapnq.SHAPE,)


def _load(request: Request) -> Loaded:
    return shapes.load(request.data or shapes.sample("abstain"), SHAPES)


SUITE = Suite(
    name="abstain",
    measures="declining to answer when the documents do not hold the answer, and only then",
    needs="nothing for the sample; --data with CLAPnq's two JSONL files for the full set",
    costs="no model with the extractive analyst; with a model its calls for each branch, round and report",
    source="CLAPnq, Apache-2.0; sample CC0-1.0",
    gives=("answer",),
    default_system="extractive",
    load=_load,
    metrics=(ABSTENTION_ACCURACY, REFUSED, ANSWERED, EVIDENCE_RECALL, UNSUPPORTED_RATE, TOKENS, CALLS, SECONDS),
)
