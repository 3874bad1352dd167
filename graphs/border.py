"""The node border: here, and nowhere else in the graph, an exception becomes data.

``Fatal`` passes (the run cannot go on in this process), and so does whatever comes of a want of memory or handles;
``OutOfBudget``, ``Forbidden`` and ``BranchCancelled`` become the reason a branch ended; anything else becomes a
``Failure``. Failures are listed in the report and are never its content.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from research.errors import BranchCancelled, EffectFailed, Fatal, Forbidden, OutOfBudget, ResearchError
from research.exhaustion import exhausted
from research.records import Failure, Record

T = TypeVar("T")


class Trouble(Record):
    """What went wrong in one step: failures, the budget that ran out, the right that was missing, who cancelled."""

    failures: tuple[Failure, ...] = ()
    limit: str = ""
    refused: str = ""
    cancelled: str = ""

    def plus(self, later: Trouble) -> Trouble:
        """Return both troubles of one step; of two reasons that ended the branch, the first."""
        return Trouble(
            failures=(*self.failures, *later.failures),
            limit=self.limit or later.limit,
            refused=self.refused or later.refused,
            cancelled=self.cancelled or later.cancelled,
        )


async def settle(where: str, jobs: Sequence[Awaitable[T]]) -> tuple[list[T], Trouble]:
    """Run ``jobs`` at once; return the results of those that succeeded, in order, and what became of the others."""
    ended = await asyncio.gather(*(_one(where, job) for job in jobs))
    results = [result for result, _ in ended if result is not None]
    return results, together([trouble for _, trouble in ended if trouble is not None])


def together(troubles: Sequence[Trouble]) -> Trouble:
    """Return all of it as one: every failure once, and the first of each other reason."""
    return Trouble(
        failures=tuple(dict.fromkeys(failure for trouble in troubles for failure in trouble.failures)),
        limit=next((trouble.limit for trouble in troubles if trouble.limit), ""),
        refused=next((trouble.refused for trouble in troubles if trouble.refused), ""),
        cancelled=next((trouble.cancelled for trouble in troubles if trouble.cancelled), ""),
    )


async def _one(where: str, job: Awaitable[T]) -> tuple[T | None, Trouble | None]:
    try:
        return await job, None
    except Fatal:
        raise
    except OutOfBudget as refusal:
        return None, Trouble(limit=str(refusal))
    except Forbidden as refusal:
        return None, Trouble(refused=str(refusal))
    except BranchCancelled as order:
        return None, Trouble(cancelled=str(order))
    except EffectFailed as failure:
        return None, Trouble(failures=(Failure(where=where, what=str(failure), retryable=failure.retryable),))
    except ResearchError as error:
        return None, Trouble(failures=(Failure(where=where, what=str(error)),))
    except Exception as error:  # the node border: a defect must not take the siblings with it
        shortage = exhausted(error)
        if shortage is not None:
            raise shortage from error
        what = f"{type(error).__name__}: {error}"
        return None, Trouble(failures=(Failure(where=where, what=what),))
