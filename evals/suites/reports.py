"""``reports``: long reports, by what can be counted without a judge and, with ``--judge``, by a language model.

Source: DeepResearch Bench (Du et al. 2025, arXiv 2506.11763; Apache-2.0), 100 prompts in English and Chinese with
weighted criteria; without ``--data``, a sample of 3 prompts over 8 documents about an invented island, made for this
project (CC0-1.0). The prompts of the full set are asked of the web, those of the sample of its documents.

Scored without a judge, always: ``citations_resolve`` (marks that name an entry of the list, or a URL),
``quotes_verbatim`` and ``unsupported_rate`` (systems that give their quotes), ``uncited_rate`` (factual sentences
without a mark), ``duplicate_sources``, ``sources``, ``citations_per_claim``, ``words``, and ``claim_coverage`` (the
parts of the prompt that are mentioned at all: a floor, no quality). Scored by a judge: ``race`` and its four
dimensions, ``fact_accuracy``, ``fact_effective``; ``evals.race`` and ``evals.fact`` say how. A score that the judge did
not give in a usable form is unscored.

Published, to stand beside: the benchmark's own RACE and FACT figures come from other prompts and other judges, and are
not comparable. Two published sets of reports on its 100 prompts were measured with the judge-free metrics here; neither
holds its sources, so ``quotes_verbatim`` does not apply to them.

A worked row: a report of two factual sentences, "The dam was built in 1931 [1]." and "It holds 40 million cubic metres
[3].", with a list of two references, ``[1]`` and ``[2]``, both of the same URL: ``citations_resolve`` 0.5 (3 is not in
the list), ``uncited_rate`` 0, ``duplicate_sources`` 0.5, ``sources`` 1, ``citations_per_claim`` 1.
"""

from __future__ import annotations

from collections.abc import Callable

from evals.datasets import deepresearch, shapes
from evals.race import DIMENSIONS
from evals.records import Case, Outcome, Score
from evals.scorers.citations import QUOTES_VERBATIM, UNSUPPORTED_RATE
from evals.scorers.costs import CALLS, SECONDS, TOKENS, USD, WITHIN_BUDGET, amount
from evals.scorers.coverage import CLAIM_COVERAGE
from evals.scorers.reports import (
    CITATIONS_PER_CLAIM,
    CITATIONS_RESOLVE,
    DUPLICATE_SOURCES,
    SOURCES,
    UNCITED_RATE,
    WORDS,
)
from evals.suite import Loaded, Metric, Request, Suite

SHAPES = (deepresearch.SHAPE,)


def _load(request: Request) -> Loaded:
    return shapes.load(request.data or shapes.sample("reports"), SHAPES)


def _judged(name: str) -> Callable[[Case, Outcome], Score | None]:
    return lambda case, outcome: outcome.judged.get(name)


JUDGED = (
    Metric("race", _judged("race"), "weighted score by the prompt's criteria, by the judge (0.5: as the reference)"),
    *(Metric(f"race_{name}", _judged(f"race_{name}"), f"the same for {name} alone") for name in DIMENSIONS),
    Metric(
        "fact_accuracy", _judged("fact_accuracy"), "share of cited statements that their sources support, by the judge"
    ),
    Metric("fact_effective", _judged("fact_effective"), "cited statements a report that their sources support", amount),
)

SUITE = Suite(
    name="reports",
    measures="long reports: citations, sources and coverage without a judge; quality and support with one",
    needs="nothing for the sample; --data with DeepResearch Bench's folder, and a web search, for the full set",
    costs="no model with the extractive analyst; with one, its calls for each branch, round and report, and the judge",
    source="DeepResearch Bench, Apache-2.0; sample CC0-1.0",
    gives=("report", "answer"),
    default_system="extractive",
    load=_load,
    metrics=(
        CITATIONS_RESOLVE,
        QUOTES_VERBATIM,
        UNSUPPORTED_RATE,
        UNCITED_RATE,
        DUPLICATE_SOURCES,
        SOURCES,
        CITATIONS_PER_CLAIM,
        CLAIM_COVERAGE,
        WORDS,
        *JUDGED,
        TOKENS,
        CALLS,
        USD,
        SECONDS,
        WITHIN_BUDGET,
    ),
)
