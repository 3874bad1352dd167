"""``multihop``: questions whose answer needs passages that only lead to one another.

Source: HotpotQA (Yang et al. 2018, CC BY-SA 4.0), MuSiQue (Trivedi et al. 2022, CC BY 4.0), 2WikiMultihopQA (Ho et al.
2020, Apache-2.0), in their own shapes, in BEIR's or in HippoRAG's; without ``--data``, a sample of 12 questions over 51
passages of an invented country, made for this project (CC0-1.0).

Scored: of a ranking, ``recall@2``, ``recall@5``, ``all_recall@5`` and ``ndcg@10`` over the gold passages; of a report,
``evidence_recall`` (the gold passages that it cites), the answer by ``exact_match`` and ``answer_f1`` as SQuAD and
HotpotQA compute them and by ``answer_accuracy``, and ``unsupported_rate``; tokens, calls and seconds. Cases without an
answer are scored on passages alone.

Published, to stand beside: passage recall@5 on rebuilt samples, which were calibrated to within half a point of
published BM25. HippoRAG is by Gutiérrez et al. 2024, HippoRAG 2 by Gutiérrez et al. 2025.

=========================================================  =======  =====  ========
system                                                     MuSiQue  2Wiki  HotpotQA
=========================================================  =======  =====  ========
BM25                                                       41–44    62–65  72–75
ColBERTv2                                                  49.2     68.2   79.3
HippoRAG (a model builds its graph)                        51.9     89.1   77.7
IRCoT + HippoRAG (a model reads between hops)              57.6     93.9   83.0
BM25 + MiniLM, entity graph, title-link slots, no model    54       96     84–89
NV-Embed-v2 (7 B embedder)                                 69.7     76.5   94.5
HippoRAG 2                                                 74.7     90.4   96.3
=========================================================  =======  =====  ========

On the 500 HotpotQA questions of Ning-Guo/hotpotqa-agent (cf23f2a) that project reports recall@5 of its context as 74.8
(MiniLM alone), 80.4 (its agent) and 94.9 (its agent with a 32 B model).

A worked row: "In which village was the designer of the Ilvane Bridge born?" has the gold passages *Ilvane Bridge*
(names Edda Varnholt as the designer) and *Edda Varnholt* (born in Skerrow). A ranking with the first at place 1 and the
second at place 4 has ``recall@2`` 0.5, ``recall@5`` 1, ``all_recall@5`` 1, and ``ndcg@10`` (1 + 1/log2 5) /
(1 + 1/log2 3) = 0.88. The answer "She was born in Skerrow." has ``answer_accuracy`` 1, ``exact_match`` 0 and
``answer_f1`` 2·1/(5+1) = 0.33.
"""

from __future__ import annotations

from evals.datasets import beir, hipporag, hotpotqa, musique, nq, shapes
from evals.scorers.answers import ANSWER_ACCURACY, ANSWER_F1, EXACT_MATCH
from evals.scorers.citations import UNSUPPORTED_RATE
from evals.scorers.costs import CALLS, SECONDS, TOKENS
from evals.scorers.ranking import EVIDENCE_RECALL, all_recall, ndcg, recall
from evals.suite import Loaded, Request, Suite

SHAPES = (beir.shape("refuse"), hipporag.SHAPE, musique.SHAPE, hotpotqa.SHAPE, nq.SHAPE)

_REBUILT = "rebuilt samples, calibrated to within half a point of published BM25"
_AGENT = "Ning-Guo/hotpotqa-agent cf23f2a, 500 HotpotQA questions"
_SETS = ("MuSiQue", "2Wiki", "HotpotQA")
_RECALL = (
    ("BM25", ("41–44", "62–65", "72–75")),
    ("ColBERTv2", ("49.2", "68.2", "79.3")),
    ("HippoRAG", ("51.9", "89.1", "77.7")),
    ("IRCoT + HippoRAG", ("57.6", "93.9", "83.0")),
    ("BM25 + MiniLM + entity graph + title links, no model", ("54", "96", "84–89")),
    ("NV-Embed-v2", ("69.7", "76.5", "94.5")),
    ("HippoRAG 2", ("74.7", "90.4", "96.3")),
)


def _load(request: Request) -> Loaded:
    return shapes.load(request.data or shapes.sample("multihop"), SHAPES)


SUITE = Suite(
    name="multihop",
    measures="finding all passages that a question of several hops needs, and answering it",
    needs="nothing for the sample; --data with HotpotQA, MuSiQue, 2Wiki, HippoRAG's or BEIR files for the full sets",
    costs="no model for rankings and the extractive analyst; with a model its calls for each branch, round and report",
    source="HotpotQA CC BY-SA 4.0, MuSiQue CC BY 4.0, 2WikiMultihopQA Apache-2.0; sample CC0-1.0",
    gives=("ranking", "answer"),
    default_system="fused",
    load=_load,
    metrics=(
        recall(2),
        recall(5),
        all_recall(5),
        ndcg(10),
        EVIDENCE_RECALL,
        EXACT_MATCH,
        ANSWER_F1,
        ANSWER_ACCURACY,
        UNSUPPORTED_RATE,
        TOKENS,
        CALLS,
        SECONDS,
    ),
    published=(
        *(
            (system, f"recall@5, {name}", figure, _REBUILT)
            for system, figures in _RECALL
            for name, figure in zip(_SETS, figures, strict=True)
        ),
        ("MiniLM alone", "recall@5 of the context", "74.8", _AGENT),
        ("a LangGraph agent", "recall@5 of the context", "80.4", _AGENT),
        ("a LangGraph agent, 32 B model", "recall@5 of the context", "94.9", _AGENT),
    ),
)
