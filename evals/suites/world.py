"""``world``: questions with exact answers, made from documents or from nothing but a seed.

Sources, by ``--data``:

- A folder or ``.tar.gz`` of Python Enhancement Proposals (``pep-0008.rst`` …, https://github.com/python/peps): in the
  public domain or under CC0-1.0.
- One of Ethereum Improvement Proposals (``eip-1559.md`` …, https://github.com/ethereum/EIPs): CC0-1.0.
- Without it, an invented world (``evals.worlds.synthetic``): people, companies, towns, instruments and institutions
  on encyclopaedia pages, news items, registry entries and interviews, some of them contradicted by newer pages,
  mirrored, poisoned or gone. ``size`` is then its number of pages, else the number of questions.

The headers of the proposals (or the invented facts) are the ground truth. Questions take 1 to 4 hops, compare, list,
ask for times and counts, or cannot be answered from any of the documents; of the invented world also some where
pages disagree and some where a page plants a false answer. Groups are of equal size as far as the documents allow.

Scored, with no judge: ``answer_accuracy`` (every part of the answer, no wrong side), ``citation_precision`` and
``citation_recall`` against the spans that state each fact, ``unsupported_rate``, ``quotes_verbatim``, abstention (both
ways: ``refused`` of the unanswerable, ``answered`` of the others), ``recall@2``, ``recall@5`` and ``evidence_recall``
of the documents on the chain, tokens, calls, dollars, seconds, and whether the budget was kept.

Published: none; the questions are made here. Two systems, or two versions, are compared on one seed.

A worked row, of the PEPs: "Who wrote the PEP that superseded PEP 102?" (2 hops). Its facts are ``PEP 102:
Superseded-By``, stated by the header ``Superseded-By: 101`` of PEP 102 and by ``Replaces: 102`` of PEP 101 (and by
sentences, where a proposal says so in its text); and ``PEP 101: Author``, stated by that header. The answer "Barry
Warsaw and Guido van Rossum", citing both headers, scores ``answer_accuracy`` 1, ``citation_precision`` 1 and
``citation_recall`` 1. "Barry Warsaw", citing the author header and the title of PEP 8, scores 0, 0.5 and 0.5.
"""

from __future__ import annotations

import re

from evals.scorers.answers import ABSTENTION_ACCURACY, ANSWER_ACCURACY, ANSWERED, REFUSED
from evals.scorers.citations import CITATION_PRECISION, CITATION_RECALL, QUOTES_VERBATIM, UNSUPPORTED_RATE
from evals.scorers.costs import CALLS, SECONDS, TOKENS, USD, WITHIN_BUDGET
from evals.scorers.ranking import EVIDENCE_RECALL, recall
from evals.suite import Loaded, Request, Suite
from research.errors import UsageFault

CORPUS = "world"


def _load(request: Request) -> Loaded:
    """Return the world of ``--data``, or the invented one."""
    from evals.worlds import archives, eips, peps, questions, synthetic

    if request.data is None:
        return synthetic.world(request.size, request.seed, CORPUS)
    path = request.data
    either = re.compile(f"{peps.FILES.pattern}|{eips.FILES.pattern}")
    files = archives.texts(path, either)
    kinds = [kind for kind in (peps, eips) if any(kind.FILES.fullmatch(name) for name, _ in files)]
    if not kinds:
        raise UsageFault(
            f"{path} holds no PEPs (pep-0008.rst) and no EIPs (eip-1559.md): name a folder or archive of one"
        )
    if len(kinds) > 1:
        raise UsageFault(f"{path} holds PEPs and EIPs: name a folder or archive of one kind")
    return questions.world(kinds[0].load(files), request.size, request.seed, CORPUS)


SUITE = Suite(
    name="world",
    measures="plan, search, answer and citations end to end, on questions of 1 to 4 hops with exact answers",
    needs="nothing for the invented world; --data with a folder or .tar.gz of PEPs or EIPs for real documents",
    costs="no model with the extractive analyst; with a model its calls for each branch, round and report",
    source="invented; PEPs public domain or CC0-1.0; EIPs CC0-1.0",
    gives=("answer", "ranking"),
    default_system="extractive",
    load=_load,
    metrics=(
        ANSWER_ACCURACY,
        CITATION_PRECISION,
        CITATION_RECALL,
        UNSUPPORTED_RATE,
        QUOTES_VERBATIM,
        ABSTENTION_ACCURACY,
        REFUSED,
        ANSWERED,
        recall(2),
        recall(5),
        EVIDENCE_RECALL,
        WITHIN_BUDGET,
        TOKENS,
        CALLS,
        USD,
        SECONDS,
    ),
)
