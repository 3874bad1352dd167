"""``claims``: does the cited passage support the sentence?

Source: AttributionBench (Li et al. 2024; no licence file: for research, not to be passed on), WiCE (Kamoi et al. 2023;
annotations ODC-BY, texts CC BY-SA), SciFact (Wadden et al. 2020; annotations CC BY 4.0, abstracts ODC-BY); without
``--data``, a sample of 18 claims about an invented country, most of them with one thing changed, made for this project
(CC0-1.0).

Scored: ``macro_f1`` with a choice forced, ``auroc`` of the confidence, ``checked_rate`` and ``checked_accuracy`` (how
often a verdict is given, and how often it is then right), and ``rationale_recall`` where the deciding sentences are
known. A claim's texts are a corpus of their own, named by the case.

Every label is made one of two. AttributionBench: attributable or not. WiCE: partially supported counts as unsupported,
because a sentence of which a part is not in its source may not stand; the rationale is the first of the alternative
sets of sentences. SciFact: a case is a claim with one abstract that it cites; contradicted counts as unsupported, and
so does an abstract that decides nothing; the rationale is every marked sentence.

Published, to stand beside: AttributionBench reports around 80 macro-F1 for a fine-tuned GPT-3.5 (Li et al. 2024, arXiv
2402.15089, abstract), and not on the claims of dev. What this project's systems reach on dev is in ``docs/evals.md``.
WiCE's and SciFact's own figures are for three labels or for whole pipelines and are not comparable.

A worked row: the claim "The Ilvane Bridge was opened in 1847." with the reference "… the bridge … opened in 1874 …" is
unsupported. The verdict ``unsupported`` with confidence 0.1 is right: it counts for both labels' F1 in ``macro_f1``, as
1 in ``checked_rate`` and ``checked_accuracy``, and below every supported claim with more confidence in ``auroc``.
``could not check`` with confidence 0.6 would be forced to ``supported``, wrong in ``macro_f1``, 0 in ``checked_rate``
and not counted in ``checked_accuracy``.
"""

from __future__ import annotations

from evals.datasets import attributionbench, scifact, shapes, wice
from evals.scorers.claims import AUROC, CHECKED_ACCURACY, CHECKED_RATE, MACRO_F1, RATIONALE_RECALL
from evals.scorers.costs import SECONDS, TOKENS
from evals.suite import Loaded, Request, Suite

SHAPES = (attributionbench.SHAPE, wice.SHAPE, scifact.SHAPE)


def _load(request: Request) -> Loaded:
    return shapes.load(request.data or shapes.sample("claims"), SHAPES)


SUITE = Suite(
    name="claims",
    measures="telling whether a passage supports the sentence that cites it",
    needs="nothing for the sample; --data with AttributionBench, WiCE or SciFact files for the full sets",
    costs="no model with the built-in support check; one call of a model a claim with one",
    source="AttributionBench (no licence), WiCE ODC-BY and CC BY-SA, SciFact CC BY 4.0 and ODC-BY; sample CC0-1.0",
    gives=("verdict",),
    default_system="support",
    load=_load,
    metrics=(MACRO_F1, AUROC, CHECKED_RATE, CHECKED_ACCURACY, RATIONALE_RECALL, TOKENS, SECONDS),
    published=(("GPT-3.5, fine-tuned", "macro_f1, AttributionBench", "around 80", "arXiv 2402.15089, abstract"),),
)
