"""Which systems can be measured: their names, what each gives and what it needs. Opening one is in ``opening``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from evals.suite import Gives
from research.errors import UnknownName, UsageFault
from research.records import Record
from research.spelling import nearest


class SystemKind(Record):
    """A system by name: what it ``gives``, what it is in one line, and what it ``needs`` (nothing, or a model)."""

    name: str
    gives: tuple[Gives, ...]
    says: str
    needs: Literal["", "a model"] = ""


MODEL: Literal["a model"] = "a model"
REPORTING: tuple[Gives, ...] = ("answer", "ranking", "report")
RESUMED = "-resumed"
"""Ends the name of a system that also stops each run half-way, resumes it and says whether anything changed."""

_KINDS = (
    SystemKind(name="lexical", gives=("ranking",), says="the corpus's own lexical list alone"),
    SystemKind(name="dense", gives=("ranking",), says="the corpus's own dense list alone"),
    SystemKind(name="fused", gives=("ranking",), says="the corpus as it is asked: both lists, fused"),
    SystemKind(name="bm25", gives=("ranking",), says="plain BM25 over whole documents, title and text as one field"),
    SystemKind(name="extractive", gives=REPORTING, says="the whole pipeline without a model"),
    SystemKind(name="workflow", gives=REPORTING, says="the mode workflow: every branch a fixed sequence", needs=MODEL),
    SystemKind(
        name="hybrid", gives=REPORTING, says="the mode hybrid: agents where the plan asks for them", needs=MODEL
    ),
    SystemKind(name="agent", gives=REPORTING, says="the mode agent: every branch an agent", needs=MODEL),
    SystemKind(name="auto", gives=REPORTING, says="the mode that the triage chooses for each question", needs=MODEL),
    SystemKind(name="single-agent", gives=REPORTING, says="one agent branch and one round, for all of it", needs=MODEL),
    SystemKind(
        name=f"extractive{RESUMED}",
        gives=REPORTING,
        says="extractive, and each run is done again, stopped half-way, resumed and compared",
    ),
    SystemKind(
        name=f"workflow{RESUMED}",
        gives=REPORTING,
        says="workflow, and each run is done again from its answers, stopped half-way, resumed and compared",
        needs=MODEL,
    ),
    SystemKind(name="support", gives=("verdict",), says="this project's own check of a sentence without a model"),
    SystemKind(name="coverage", gives=("verdict",), says="the share of the claim's words that the passages hold"),
    SystemKind(name="model-check", gives=("verdict",), says="this project's own check by a model", needs=MODEL),
    SystemKind(name="planner", gives=("plan",), says="the plan that is made without a model"),
    SystemKind(name="model-planner", gives=("plan",), says="the plan that a model makes", needs=MODEL),
)
SYSTEMS: Mapping[str, SystemKind] = MappingProxyType({kind.name: kind for kind in _KINDS})
"""Every system with a fixed name. ``command:CMD`` and ``file:PATH`` are systems, too."""

EVERYTHING: tuple[Gives, ...] = ("ranking", "answer", "verdict", "plan", "report")


def system_kind(name: str) -> SystemKind:
    """Return what ``name`` is: one of :data:`SYSTEMS`, ``command:CMD ARGS`` or ``file:PATH``.

    Raises ``UnknownName`` with the nearest names, ``UsageFault`` when the command or the path is missing.
    """
    scheme, colon, rest = name.partition(":")
    if colon and scheme in ("command", "file"):
        if not rest.strip():
            raise UsageFault(f"{name[:80]} names nothing: write command:CMD ARGS or file:PATH")
        says = "another tool's command" if scheme == "command" else "answers that stand in a file"
        return SystemKind(name=name, gives=EVERYTHING if scheme == "command" else ("answer", "report"), says=says)
    if name not in SYSTEMS:
        hint = nearest(name, SYSTEMS) or f"; known: {', '.join(SYSTEMS)}, command:CMD and file:PATH"
        raise UnknownName(f"there is no system {name[:80]}{hint}")
    return SYSTEMS[name]
