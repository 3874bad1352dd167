"""What is checkpointed: plain JSON, ids instead of texts, a version. Reducers merge by id, so a step that runs twice
changes nothing.

Texts are in the library, findings, hits and drafts among the run's records; a state holds their ids. Tasks, outcomes
and failures are small and bounded by the run's bounds.
"""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from research.forked import Ended
from research.records import plain

VERSION = 2
Json = dict[str, Any]


def merge(old: Json | None, new: Json | None) -> Json:
    """Union of two dicts by key; the newer value wins."""
    return {**(old or {}), **(new or {})}


def recalled(ended: Ended) -> Json:
    """Return a branch's ending as the state keeps it."""
    return {**plain(ended.outcome), "limit": ended.limit}


class RunState(TypedDict, total=False):
    """The orchestrator's state. ``tasks``, ``outcomes`` and ``failures`` are keyed by task id or step name.

    ``caps`` are those of the branches of this round, by task id.
    """

    version: int
    question: Json
    clarification: Json
    mode: Json
    tasks: Annotated[dict[str, Json], merge]
    pending: list[str]
    caps: dict[str, Json]
    opened: float
    unstarted: Annotated[dict[str, str], merge]
    outcomes: Annotated[dict[str, Json], merge]
    failures: Annotated[dict[str, Json], merge]
    round: int
    approved: bool
    draft: str
    checks: Json
    report: str


class BranchState(TypedDict, total=False):
    """One branch's state. Lists are bounded: rounds x queries x hits. ``limit`` names the budget that ran out.

    ``abreast``: so many branches of its round were started with it, itself among them.
    """

    task: Json
    caps: Json
    opened: float
    question: str
    abreast: int
    round: int
    turn: int
    queries: list[str]
    asked: list[str]
    offered: list[str]
    hits: list[str]
    seen: list[str]
    findings: list[str]
    failures: list[Json]
    gap: Json | None
    limit: str
    refused: str
    cancelled: str
    outcomes: Annotated[dict[str, Json], merge]


class BranchInput(TypedDict):
    """What ``Send`` hands to a branch; ``queries`` are the task's, to be asked first."""

    task: Json
    caps: Json
    opened: float
    question: str
    queries: list[str]
    abreast: int


class BranchOutput(TypedDict):
    """All that a branch gives back to the run."""

    outcomes: Annotated[dict[str, Json], merge]
