"""``retrieval``: one list of documents for one query, with graded relevance.

Source: any data set in BEIR's shape (Thakur et al. 2021), such as SciFact (Wadden et al. 2020; annotations CC BY 4.0,
abstracts ODC-BY) and Cranfield (a free research collection); without ``--data``, a sample of 10 queries over 30 notes
of an invented research station, made for this project (CC0-1.0).

Scored: ``ndcg@10`` and ``recall@5``, ``@10`` and ``@100``, as trec_eval computes them. As with BEIR, queries to which
no document is relevant are left out; a note says how many.

Published, to stand beside: nDCG@10 on Cranfield's 225 queries, measured elsewhere on a rebuilt sample.

================  =====
system            value
================  =====
BM25              0.385
all-MiniLM-L6-v2  0.402
both, fused       0.438
================  =====

A worked row: the query "why does sourdough rise less in a cold kitchen" has a note of grade 2 (fermentation measured at
four temperatures) and one of grade 1 (keeping a starter in winter). A ranking with the second at place 1 and the first
at place 3 has ``recall@5`` 1 and ``ndcg@10`` (1/log2 2 + 2/log2 4) / (2/log2 2 + 1/log2 3) = 0.76.
"""

from __future__ import annotations

from evals.datasets import beir, shapes
from evals.scorers.costs import SECONDS
from evals.scorers.ranking import ndcg, recall
from evals.suite import Loaded, Request, Suite

SHAPES = (beir.shape("leave out"),)

_CRANFIELD = "measured elsewhere, 225 queries (rebuilt sample)"


def _load(request: Request) -> Loaded:
    return shapes.load(request.data or shapes.sample("retrieval"), SHAPES)


SUITE = Suite(
    name="retrieval",
    measures="ranking the relevant documents of a corpus first",
    needs="nothing for the sample; --data with a BEIR folder for a full set",
    costs="no model; indexing the corpus",
    source="BEIR-shaped sets, each with its own licence; sample CC0-1.0",
    gives=("ranking",),
    default_system="fused",
    load=_load,
    metrics=(ndcg(10), recall(5), recall(10), recall(100), SECONDS),
    published=(
        ("BM25", "ndcg@10, Cranfield", "0.385", _CRANFIELD),
        ("all-MiniLM-L6-v2", "ndcg@10, Cranfield", "0.402", _CRANFIELD),
        ("BM25 and MiniLM, fused", "ndcg@10, Cranfield", "0.438", _CRANFIELD),
    ),
)
