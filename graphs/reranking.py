"""The second opinion of a model on a round's hits: more are found than are read, and the best by its scores are kept.

The scores are the analyst's (``Analyst.rank``). Here the passages are brought, and whatever goes wrong leaves the order
that was there and is named. What a cross-encoder does to a corpus's list is in ``tools.corpus``.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from graphs.border import Trouble
from graphs.context import RunContext
from research.access import Access
from research.errors import EffectFailed, OutOfBudget, SourceDamaged
from research.records import Failure, Hit, Question, Record, Task

RANKING = "rerank"
"""Where a ranking's failures are said to be."""
WIDER = 2
"""Times as many hits are scored as are read."""


class Ranked(Record):
    """The handles of hits in their new order, or why there is none."""

    handles: tuple[str, ...] = ()
    lost: str = ""


def candidates(context: RunContext, read: int) -> int:
    """Return how many hits are to be found where ``read`` are to be read."""
    return WIDER * read if context.options.rerank == "model" else read


async def reranked(
    context: RunContext, task: Task, question: Question, access: Access, hits: Sequence[Hit], most: int
) -> tuple[list[Hit], Trouble]:
    """Return the ``most`` best of ``hits`` by the model's scores, each as it was, and what went wrong.

    Where all of them are read anyway, nobody is asked: the order would change nothing.
    """
    if context.options.rerank != "model" or len(hits) <= most:
        return list(hits[:most]), Trouble()
    ended, trouble = await context.settle(RANKING, [_ranked(context, task, question, access, hits)])
    ranked = ended[0] if ended else Ranked()
    if ranked.lost:
        trouble = msgspec.structs.replace(trouble, failures=(Failure(where=RANKING, what=ranked.lost),))
    places = {handle: place for place, handle in enumerate(ranked.handles)}
    return sorted(hits, key=lambda hit: places.get(hit.handle, len(places)))[:most], trouble


async def _ranked(context: RunContext, task: Task, question: Question, access: Access, hits: Sequence[Hit]) -> Ranked:
    shown = [msgspec.structs.replace(hit, snippet=await _text(context, hit)) for hit in hits]
    try:
        return Ranked(handles=await context.analyst.rank(task, question, shown, access))
    except (OutOfBudget, EffectFailed) as loss:  # not the branch's end: reading asks for itself
        return Ranked(lost=f"the hits were left in the order in which they were found: {loss}")


async def _text(context: RunContext, hit: Hit) -> str:
    """Return a passage of a corpus as it is stored, and of a page, or of a text that is lost, what the search said."""
    if not hit.source:
        return hit.snippet
    try:
        return (await context.world.library.text(hit.source))[hit.start : hit.end]
    except SourceDamaged:  # reading the hit says so
        return hit.snippet
