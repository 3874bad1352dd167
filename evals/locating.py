"""Where the quotes of an outcome stand: the harness looks for itself and believes no offsets it is given.

A quote is found by the rule of ``research.citations.locate`` (verbatim, or under its one normalisation) or it is not in
the document. An ellipsis at either end is a part of the quote like any other character. Judging what is cited is in
``evals.scorers.citations``.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from evals.records import Citation, Corpora, Document, Outcome
from evals.suite import documents_by_id
from research.citations import locate
from research.records import Question


def located(outcome: Outcome, corpora: Corpora, question: Question) -> Outcome:
    """Return ``outcome`` with every citation's ``start`` and ``end`` set anew, -1 where the quote is not found.

    Only documents of the corpora that ``question`` names are looked at; a citation of any other loses its document.
    """
    documents = documents_by_id(corpora, question.corpora)
    return replace(outcome, citations=tuple(_placed(citation, documents) for citation in outcome.citations))


def _placed(citation: Citation, documents: Mapping[str, Document]) -> Citation:
    document = documents.get(citation.document)
    if document is None:
        return replace(citation, document="", start=-1, end=-1)
    start, end = locate(citation.quote, document.text) or (-1, -1)
    return replace(citation, start=start, end=end)
