"""Finding the documents that a question may be answered from."""

from __future__ import annotations

from collections.abc import Sequence

from evals.records import Corpora, Document
from research.errors import UsageFault


def documents_of(corpora: Corpora, names: Sequence[str]) -> list[Document]:
    """Return the documents of the corpora of these names, in order.

    Raises ``UsageFault`` when there is no name, or one that the suite has no documents for.
    """
    if not names:
        raise UsageFault("the question names no corpus, so there is nothing to answer it from")
    for name in names:
        if not corpora.get(name):
            raise UsageFault(f"a question names the corpus “{name[:80]}”, and the suite has no documents of that name")
    return [document for name in names for document in corpora[name]]
